/**
 * Results of `deno task tune`: the fastest kernel of each product on an adapter, stored in the cache folder.
 * Results of another version of Deno or of the shaders are ignored.
 * @module
 */
import { basename, dirname } from "node:path";
import { sha256 } from "../data/catalogue.ts";
import { InputError, quote } from "../errors.ts";
import { printError } from "../terminal.ts";
import { assembleShader, shaderParts } from "../gpu/assemble.ts";
import { formatKernel, type ProductKernel } from "../gpu/product_kernel.ts";
import { kernelNamed, PRODUCT_SHADERS } from "../graph/products.ts";
import { ioError } from "../files/io_error.ts";
import { readText } from "../files/read_file.ts";
import { cachePath } from "../files/project.ts";
import { isRecord } from "../files/json.ts";
import { AtomicFile, writeFileAtomic } from "../files/write_file.ts";

/** Path of the file, which git ignores. */
export const KERNEL_MEMORY: string = cachePath("kernels.json");

const FORMAT = "bottleneck-kernels-1";

/** Kernels by the product's name. */
export type Kernels = ReadonlyMap<string, ProductKernel>;

/** Versions and results of a measurement on one adapter. */
interface Entry {
  readonly deno: string;
  readonly shaders: string;
  readonly kernels: Readonly<Record<string, string>>;
}

/** Entries by the adapter's name. */
type Memory = Readonly<Record<string, Entry>>;

/** Versions on which a measurement depends; WebGPU does not expose the driver's version. */
function versions(): Pick<Entry, "deno" | "shaders"> {
  const encoder = new TextEncoder();
  const texts = PRODUCT_SHADERS.map((shader) => encoder.encode(assembleShader(shaderParts(shader)).code));
  return { deno: Deno.version.deno, shaders: sha256(...texts) };
}

/**
 * Returns the stored kernels of an adapter; undefined, with a warning, if the file is damaged or stale, and
 * without a warning if it does not exist, has no entry for this adapter, or may not be read.
 *
 * @param adapter name of the adapter
 * @param path path of the file
 */
export function recallKernels(adapter: string, path: string = KERNEL_MEMORY): Kernels | undefined {
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return undefined;
  try {
    const memory = readMemory(path);
    const kernels = memory && Object.hasOwn(memory, adapter) ? kernelsOf(memory[adapter]) : undefined;
    return kernels && kernels.size > 0 ? kernels : undefined; // 0: an interrupted tune of an older version
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    printError(`warning: ignoring "${path}", which ${error.message}; run deno task tune again`);
    return undefined;
  }
}

/**
 * Refuses a path to which {@link rememberKernels} could not write, before minutes of measuring. Leaves no file.
 *
 * @param path path of the file; its folder is created if missing
 * @throws InputError if it cannot be written, or NotCapable if it may not be read
 */
export function refuseUnwritable(path: string = KERNEL_MEMORY): void {
  unlessDamaged(() => readMemory(path));
  makeFolderOf(path);
  const isFolder = [...Deno.readDirSync(dirname(path))].some(({ name, isDirectory }) =>
    isDirectory && name === basename(path)
  );
  if (isFolder) throw new InputError(`Cannot write "${path}": expected a file but found a folder; remove it`);
  using _removed = new AtomicFile(path);
}

/**
 * Stores kernels of an adapter, and keeps those of its other products and of other adapters.
 *
 * @param adapter name of the adapter
 * @param kernels kernels by name of the product
 * @param path path of the file; its folder is created if missing
 * @throws InputError if it cannot be written, or NotCapable if it may not be read
 */
export function rememberKernels(adapter: string, kernels: Kernels, path: string = KERNEL_MEMORY): void {
  const memory = unlessDamaged(() => readMemory(path)) ?? {};
  const known = unlessDamaged(() => Object.hasOwn(memory, adapter) ? kernelsOf(memory[adapter]) : undefined);
  const named = [...known ?? [], ...kernels].map(([product, kernel]) => [product, formatKernel(kernel)]);
  const entry: Entry = { ...versions(), kernels: Object.fromEntries(named) };
  const text = JSON.stringify({ format: FORMAT, adapters: { ...memory, [adapter]: entry } }, null, 2);
  makeFolderOf(path);
  writeFileAtomic(path, text + "\n");
}

function makeFolderOf(path: string): void {
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw ioError(`Cannot write "${path}"`, error);
  }
}

/** Returns the result of `read`; undefined if the file is damaged or stale and will be replaced. */
function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/**
 * Returns the kernels of an entry.
 *
 * @throws InputError with the reason why they are invalid, as a clause after "which"
 */
function kernelsOf({ deno, shaders, kernels }: Entry): Kernels {
  const now = versions();
  if (deno !== now.deno) throw new InputError(`was measured with Deno ${quote(deno, 20)}`);
  if (shaders !== now.shaders) throw new InputError("was measured with other shaders");
  const found = new Map<string, ProductKernel>();
  for (const [product, name] of Object.entries(kernels)) {
    const kernel = kernelNamed(product, name);
    if (!kernel) throw new InputError("is damaged");
    found.set(product, kernel);
  }
  return found;
}

/**
 * Returns the entries of the file; undefined if it does not exist.
 *
 * @throws InputError with the reason why the file is invalid, as a clause after "which"
 */
function readMemory(path: string): Memory | undefined {
  try {
    Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotCapable) throw error; // its message names the missing permission
  }
  const damaged = () => new InputError("is damaged");
  let stored: unknown;
  try {
    stored = JSON.parse(readText(path));
  } catch (error) {
    if (error instanceof InputError) throw new InputError("cannot be read");
    throw damaged();
  }
  if (!isRecord(stored) || stored.format !== FORMAT || !isRecord(stored.adapters)) throw damaged();
  if (!Object.values(stored.adapters).every(isEntry)) throw damaged();
  return stored.adapters as Memory;
}

function isEntry(value: unknown): value is Entry {
  return isRecord(value) && typeof value.deno === "string" && typeof value.shaders === "string" &&
    isRecord(value.kernels) && Object.values(value.kernels).every((kernel) => typeof kernel === "string");
}

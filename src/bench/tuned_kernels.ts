/**
 * What `deno task tune` found: the fastest kernel of each product on an adapter, kept in a file of the cache folder. What
 * was measured by another version of Deno, or of the shaders, is not used.
 * @module
 */
import { dirname } from "node:path";
import { sha256 } from "../data/catalogue.ts";
import { InputError, quote } from "../errors.ts";
import { assembleShader, shaderParts } from "../gpu/assemble.ts";
import { formatKernel, type ProductKernel } from "../gpu/product_kernel.ts";
import { kernelNamed, PRODUCT_SHADERS } from "../graph/products.ts";
import { ioError } from "../files/io_error.ts";
import { readText } from "../files/read_file.ts";
import { cachePath } from "../files/project.ts";
import { isRecord } from "../files/json.ts";
import { writeFileAtomic } from "../files/write_file.ts";

/** Where it is kept; git ignores it. */
export const KERNEL_MEMORY: string = cachePath("kernels.json");

const FORMAT = "bottleneck-kernels-1";

/** Kernels by the product's name. */
export type Kernels = ReadonlyMap<string, ProductKernel>;

/** What one adapter was measured with, and what was found. */
interface Entry {
  readonly deno: string;
  readonly shaders: string;
  readonly kernels: Readonly<Record<string, string>>;
}

/** Entries by the adapter's name. */
type Memory = Readonly<Record<string, Entry>>;

/** What decides whether a measurement still holds; WebGPU does not tell the driver's version. */
function versions(): Pick<Entry, "deno" | "shaders"> {
  const encoder = new TextEncoder();
  const texts = PRODUCT_SHADERS.map((shader) => encoder.encode(assembleShader(shaderParts(shader)).code));
  return { deno: Deno.version.deno, shaders: sha256(...texts) };
}

/**
 * The kernels that were found for an adapter; undefined, with a warning, if the file is damaged or stale, and without a
 * word if there is none, it has nothing of this adapter, or the process may not read it.
 *
 * @param adapter the adapter's name
 * @param path the file
 */
export function recallKernels(adapter: string, path: string = KERNEL_MEMORY): Kernels | undefined {
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return undefined;
  try {
    const memory = readMemory(path);
    return memory && Object.hasOwn(memory, adapter) ? kernelsOf(memory[adapter]) : undefined;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.error(`warning: ignoring "${path}", which ${error.message}; deno task tune measures anew`);
    return undefined;
  }
}

/**
 * Keeps the kernels that were found for an adapter, beside what is known of its other products and of other adapters.
 *
 * @param adapter the adapter's name
 * @param kernels by the product's name
 * @param path the file; its folder is made if it is not there
 * @throws InputError if it cannot be written, or NotCapable if it may not be read
 */
export function rememberKernels(adapter: string, kernels: Kernels, path: string = KERNEL_MEMORY): void {
  const memory = unlessDamaged(() => readMemory(path)) ?? {};
  const known = unlessDamaged(() => Object.hasOwn(memory, adapter) ? kernelsOf(memory[adapter]) : undefined);
  const named = [...known ?? [], ...kernels].map(([product, kernel]) => [product, formatKernel(kernel)]);
  const entry: Entry = { ...versions(), kernels: Object.fromEntries(named) };
  const text = JSON.stringify({ format: FORMAT, adapters: { ...memory, [adapter]: entry } }, null, 2);
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw ioError(`Cannot write "${path}"`, error);
  }
  writeFileAtomic(path, text + "\n");
}

/** What is read, or nothing where it is damaged or stale: that is replaced. */
function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/**
 * The kernels of an entry.
 *
 * @throws InputError saying why they do not hold, as it reads after "which"
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
 * The file's entries; undefined if there is no file.
 *
 * @throws InputError saying what is wrong with it, as it reads after "which"
 */
function readMemory(path: string): Memory | undefined {
  try {
    Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotCapable) throw error; // which says what to add
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

/**
 * What `deno task tune` found: the fastest kernel of each product on an adapter, kept in a file of the cache folder. What
 * was measured by another version of Deno, or of the shaders, is not used.
 * @module
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "../data/catalogue.ts";
import { InputError } from "../errors.ts";
import { formatKernel, type ProductKernel } from "../gpu/product_kernel.ts";
import { kernelNamed, PRODUCT_SHADERS } from "../graph/products.ts";
import { ioError } from "./io_error.ts";
import { readText } from "./read_file.ts";
import { writeFileAtomic } from "./run_folder.ts";

/** Where it is kept; git ignores it. */
export const KERNEL_MEMORY: string = fileURLToPath(new URL("../../.cache/kernels.json", import.meta.url));

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
  const texts = PRODUCT_SHADERS.map(({ code }) => encoder.encode(code));
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
  const ignore = (why: string) => {
    console.error(`warning: ignoring "${path}", which ${why}; deno task tune measures anew`);
    return undefined;
  };
  let memory: Memory | undefined;
  try {
    memory = readMemory(path);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return ignore(error.message);
  }
  if (!memory || !Object.hasOwn(memory, adapter)) return undefined;
  const { deno, shaders, kernels } = memory[adapter];
  const now = versions();
  if (deno !== now.deno) return ignore(`was measured with Deno ${deno}`);
  if (shaders !== now.shaders) return ignore("was measured with other shaders");
  const found = new Map<string, ProductKernel>();
  for (const [product, name] of Object.entries(kernels)) {
    const kernel = kernelNamed(product, name);
    if (!kernel) return ignore("is damaged");
    found.set(product, kernel);
  }
  return found;
}

/**
 * Keeps the kernels that were found for an adapter, beside what is known of its other products and of other adapters.
 *
 * @param adapter the adapter's name
 * @param kernels by the product's name
 * @param path the file; its folder is made if it is not there
 * @throws InputError if it cannot be written
 */
export function rememberKernels(adapter: string, kernels: Kernels, path: string = KERNEL_MEMORY): void {
  let memory: Memory = {};
  try {
    memory = readMemory(path) ?? {};
  } catch (error) {
    if (!(error instanceof InputError)) throw error; // a damaged file is replaced
  }
  const now = versions();
  const before = Object.hasOwn(memory, adapter) ? memory[adapter] : undefined;
  const holds = before?.deno === now.deno && before.shaders === now.shaders;
  const found = Object.fromEntries([...kernels].map(([product, kernel]) => [product, formatKernel(kernel)]));
  const entry: Entry = { ...now, kernels: { ...(holds ? before.kernels : {}), ...found } };
  const text = JSON.stringify({ format: FORMAT, adapters: { ...memory, [adapter]: entry } }, null, 2);
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw ioError(`Cannot write "${path}"`, error);
  }
  writeFileAtomic(path, text + "\n");
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

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

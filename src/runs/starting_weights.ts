/**
 * Weights of another model to start training from: a run's, or those of any safetensors file.
 * @module
 */
import { join } from "node:path";
import { InputError, quote, toOneLine } from "../errors.ts";
import { type NamedTensor, readSafetensors } from "../files/safetensors.ts";
import type { Parameters } from "../graph/parameters.ts";
import { readRun } from "./run_config.ts";

/** Number of names that a line lists. */
const MOST_NAMES = 4;

/**
 * Reads a model to start from.
 *
 * @param path a run folder, or a safetensors file such as PyTorch writes
 * @throws InputError if it is neither, or damaged
 */
export function readStartingWeights(path: string): readonly NamedTensor[] {
  if (path.endsWith(".safetensors")) return readSafetensors(path).tensors;
  if (isFile(path)) {
    throw new InputError(
      `Cannot start from ${
        quote(path)
      }: expected a run folder or a file named *.safetensors but received another file`,
    );
  }
  readRun(path, ["model.safetensors"]);
  return readSafetensors(join(path, "model.safetensors")).tensors;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // readRun() says what is wrong
  }
}

/**
 * Sets the parameters that the tensors have a value for, by name and shape; the others keep their initial values.
 *
 * @param parameters of a recorded network
 * @param tensors in PyTorch's layout
 * @param path where they were read
 * @returns a line that says what was taken, what stays new, and what was not used
 * @throws InputError if no tensor fits
 */
export function startFrom(parameters: Parameters, tensors: readonly NamedTensor[], path: string): string {
  const found = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const fits = ({ name, shape }: { readonly name: string; readonly shape: readonly number[] }) =>
    found.get(name)?.shape.join() === shape.join();
  const taken = parameters.all.filter(fits), names = new Set(taken.map(({ name }) => name));
  if (taken.length === 0) {
    const wanted = parameters.all.slice(0, MOST_NAMES).map(described);
    throw new InputError(
      `Cannot start from ${quote(path)}: expected tensors of this network, such as ${
        wanted.join(", ")
      }, but found ` +
        `${listed(tensors.map(described))}; train with the same --sizes, or rename the tensors`,
    );
  }
  for (const { name } of taken) parameters.write(name, found.get(name)!.data);
  const fresh = parameters.all.filter(({ name }) => !names.has(name));
  const unused = tensors.filter(({ name }) => !names.has(name));
  return [
    `weights   ${taken.length} of ${parameters.all.length} tensors from ${quote(path)}`,
    ...(fresh.length > 0 ? [`initialized: ${listed(fresh.map(described))}`] : []),
    ...(unused.length > 0 ? [`not used: ${listed(unused.map(described))}`] : []),
  ].join("; ");
}

const described = ({ name, shape }: { readonly name: string; readonly shape: readonly number[] }) =>
  `${toOneLine(name)} [${shape.join(", ")}]`;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return names.length === 0
    ? "none"
    : names.slice(0, MOST_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

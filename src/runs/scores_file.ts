/**
 * `scores.safetensors`: the errors of a run's test rows, with which the errors of new rows are compared.
 * @module
 */
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { readSafetensors, writeSafetensors } from "../files/safetensors.ts";
import type { Run } from "./run_config.ts";

const FILE = "scores.safetensors", TENSOR = "scores";

/**
 * Saves the errors in a run folder.
 *
 * @param scores [test rows], in the order of `codes.csv`
 */
export function writeScores(folder: string, scores: Float32Array): void {
  writeSafetensors(join(folder, FILE), [{ name: TENSOR, shape: [scores.length], data: scores }]);
}

/**
 * Reads the errors of a run's test rows; undefined for a run from before they were saved.
 *
 * @throws InputError if the file is damaged
 */
export function readScores({ path }: Run): Float32Array | undefined {
  if (![...Deno.readDirSync(path)].some(({ name }) => name === FILE)) return undefined;
  const [tensor, ...others] = readSafetensors(join(path, FILE)).tensors;
  if (tensor?.name === TENSOR && tensor.data.length > 0 && others.length === 0) return tensor.data;
  throw new InputError(`Cannot read "${path}": expected ${FILE} to hold "${TENSOR}" alone; train again`);
}

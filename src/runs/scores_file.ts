/**
 * `scores.safetensors`: the errors of a run's test rows, with which the errors of new rows are compared.
 * @module
 */
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { readSafetensors, writeSafetensors } from "../files/safetensors.ts";
import type { TestErrors } from "../report/run_data.ts";
import type { Run } from "./run_config.ts";

/** Name of the file. */
export const SCORES_FILE = "scores.safetensors";
const SCORES = "scores", ANOMALIES = "anomalies";

/**
 * Saves the errors in a run folder.
 *
 * @param errors of test rows, in the order of `codes.csv`
 */
export function writeScores(folder: string, { scores, anomalies }: TestErrors): void {
  writeSafetensors(join(folder, SCORES_FILE), [
    { name: SCORES, shape: [scores.length], data: scores },
    ...(anomalies ? [{ name: ANOMALIES, shape: [anomalies.length], data: anomalies }] : []),
  ]);
}

/**
 * Reads the errors of a run's test rows; undefined for a run from before they were saved.
 *
 * @throws InputError if the file is damaged
 */
export function readTestErrors({ path }: Pick<Run, "path">): TestErrors | undefined {
  if (![...Deno.readDirSync(path)].some(({ name }) => name === SCORES_FILE)) return undefined;
  const { tensors } = readSafetensors(join(path, SCORES_FILE));
  const [scores, anomalies] = [SCORES, ANOMALIES].map((name) =>
    tensors.find((tensor) => tensor.name === name)?.data
  );
  const isKnown = tensors.every(({ name }) => name === SCORES || name === ANOMALIES);
  if (isKnown && scores && scores.length > 0) return { scores, ...(anomalies ? { anomalies } : {}) };
  throw new InputError(
    `Cannot read "${path}": expected ${SCORES_FILE} to hold "${SCORES}" and at most "${ANOMALIES}"; train again`,
  );
}

/** Reads {@link TestErrors.scores}, as {@link readTestErrors}. */
export function readScores(run: Run): Float32Array | undefined {
  return readTestErrors(run)?.scores;
}

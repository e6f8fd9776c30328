/**
 * What training ended at, from the lines that it filed.
 * @module
 */
import { InputError } from "../errors.ts";
import type { MetricsRecord } from "../report/run_data.ts";

/** What a report has besides losses. */
const NO_TERMS: ReadonlySet<string> = new Set([
  "epoch",
  "step",
  "stage",
  "seconds",
  "gradientNorm",
  "tensors",
]);

/**
 * Mean losses over the latest epoch: the mean over its reports, each counting for the steps since the one before. A
 * report belongs to the epoch in which it was made.
 *
 * @param metrics the run's lines, in order
 * @param stage the stage to look at; all of the run if absent
 * @returns the means by the terms' labels, without weights
 * @throws InputError if there is no report
 */
export function lastEpoch(
  metrics: readonly MetricsRecord[],
  stage?: number,
): Readonly<Record<string, number>> {
  const reports = metrics.filter((line) => "step" in line && !("testError" in line));
  const last = reports.findLast((line) => stage === undefined || line.stage === stage);
  if (!last) throw new InputError("Cannot tell what training ended at: expected a report in metrics.jsonl");
  const terms = Object.entries(last).filter(([key]) => !NO_TERMS.has(key));
  const means = Object.fromEntries(terms.map(([label]) => [label, 0]));
  let steps = 0;
  for (const [k, line] of reports.entries()) {
    if (line.epoch !== last.epoch) continue;
    const weight = Number(line.step) - Number(reports[k - 1]?.step ?? 0);
    steps += weight;
    for (const label of Object.keys(means)) means[label] += weight * Number(line[label]);
  }
  for (const label of Object.keys(means)) means[label] /= steps;
  return means;
}

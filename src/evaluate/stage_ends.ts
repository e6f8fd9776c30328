/**
 * Final training losses, computed from the metrics.
 * @module
 */
import { InputError } from "../errors.ts";
import type { MetricsRecord } from "../report/run_data.ts";

/** Keys of a report that are not losses. */
const NO_TERMS: ReadonlySet<string> = new Set([
  "epoch",
  "step",
  "stage",
  "seconds",
  "gradientNorm",
  "tensors",
]);

/**
 * Mean losses of the last epoch: the mean over its reports, weighted by the steps since the previous report.
 * A report belongs to the epoch of its last step.
 *
 * ```ts
 * import { lastEpoch } from "@bottleneck/bottleneck";
 *
 * const metrics = [{ epoch: 1, step: 100, loss: 0.3 }, { epoch: 1, step: 200, loss: 0.1 }];
 * console.log(lastEpoch(metrics).loss); // 0.2
 * ```
 *
 * @param metrics lines of the run's metrics, in order
 * @param stage number of the stage; the whole run if absent
 * @returns unweighted means by label of the term
 * @throws InputError if there is no report
 */
export function lastEpoch(
  metrics: readonly MetricsRecord[],
  stage?: number,
): Readonly<Record<string, number>> {
  const reports = metrics.filter((line) => "step" in line && !("testError" in line));
  const last = reports.findLast((line) => stage === undefined || line.stage === stage);
  if (!last) throw new InputError("Cannot compute final losses: expected a report in metrics.jsonl");
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

/** Name and number of a stage. */
export interface StageName {
  /** Name of the stage, for tables. */
  readonly label: string;
  /** Index of its innermost layer, from 0; absent if all layers are trained at once. */
  readonly stage?: number;
}

/** Returns the name of a stage, or of training all layers at once. */
export function stageName(stage: number | undefined): StageName {
  return stage === undefined ? { label: "end to end" } : { label: `stage ${stage}`, stage };
}

/** Final losses of a stage. */
export interface StageEnd extends StageName {
  /** Unweighted mean losses of its last epoch, by label of the term. */
  readonly losses: Readonly<Record<string, number>>;
}

/** Returns the final losses of each trained stage, from the metrics. */
export function stageEnds(metrics: readonly MetricsRecord[]): StageEnd[] {
  const reported = metrics.filter((line) => "step" in line);
  const stages = new Set(reported.map(({ stage }) => stage === undefined ? undefined : Number(stage)));
  return [...stages].map((stage) => ({ ...stageName(stage), losses: lastEpoch(metrics, stage) }));
}

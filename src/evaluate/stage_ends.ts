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
 * ```ts
 * import { lastEpoch } from "@bottleneck/bottleneck";
 *
 * const metrics = [{ epoch: 1, step: 100, loss: 0.3 }, { epoch: 1, step: 200, loss: 0.1 }];
 * console.log(lastEpoch(metrics).loss); // 0.2
 * ```
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

/** A stage, as it is called. */
export interface StageName {
  /** Its name. */
  readonly label: string;
  /** The innermost layer that it uses, from 0; absent for all layers at once. */
  readonly stage?: number;
}

/** A stage by its number, or all layers at once. */
export function stageName(stage: number | undefined): StageName {
  return stage === undefined ? { label: "end to end" } : { label: `stage ${stage}`, stage };
}

/** What a stage ended at. */
export interface StageEnd extends StageName {
  /** Mean losses over its last epoch, by the terms' labels, without weights. */
  readonly losses: Readonly<Record<string, number>>;
}

/** What the stages of a run ended at, as far as they were trained, from the lines that training filed. */
export function stageEnds(metrics: readonly MetricsRecord[]): StageEnd[] {
  const reported = metrics.filter((line) => "step" in line);
  const stages = new Set(reported.map(({ stage }) => stage === undefined ? undefined : Number(stage)));
  return [...stages].map((stage) => ({ ...stageName(stage), losses: lastEpoch(metrics, stage) }));
}

/**
 * The final results of a run.
 * @module
 */
import type { TableRow } from "../report/results_table.ts";
import type { Baseline, RunStatus } from "../report/run_data.ts";

/** Content of `results.json`. */
export interface Results {
  /** Rows of the results table. */
  readonly rows: readonly TableRow[];
  /** Baselines to compare metrics with. */
  readonly baselines: readonly Baseline[];
  /** Training time per step in milliseconds, without measurements; absent if there was no step. */
  readonly stepMilliseconds?: number;
  /** `finished`, or `interrupted` by the user. */
  readonly status: Extract<RunStatus, "finished" | "interrupted">;
}

/**
 * What a run ends with.
 * @module
 */
import type { TableRow } from "../report/results_table.ts";
import type { Baseline, RunStatus } from "../report/run_data.ts";

/** What `results.json` holds. */
export interface Results {
  /** The results table. */
  readonly rows: readonly TableRow[];
  /** What metrics are to be compared with. */
  readonly baselines: readonly Baseline[];
  /** Milliseconds of training per step, without measuring and pictures; absent if there was no step. */
  readonly stepMilliseconds?: number;
  /** Whether training came to its end. */
  readonly status: Extract<RunStatus, "finished" | "interrupted">;
}

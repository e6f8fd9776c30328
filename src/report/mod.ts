/**
 * Reports: the page of a run, its pictures and tables.
 *
 * @module
 */
export { type ReportOptions, reportPage } from "./page/report_page.ts";
export type {
  ActivationHistogram,
  Baseline,
  CodeCloud,
  EpochPicture,
  LevelState,
  MetricsRecord,
  RunData,
  RunStatus,
  Snapshot,
  TensorRecord,
  TestErrors,
  WeightImages,
  WorstColumn,
  WorstRow,
  WorstRows,
} from "./run_data.ts";
export { resultsTable, type TableRow } from "./results_table.ts";
export type { ImageShape } from "./image_shape.ts";
export { type GridOptions, imageGrid, reconstructionGrid } from "./picture.ts";
export { lossPerImage } from "./loss_per_image.ts";

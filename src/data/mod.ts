/**
 * Data sets: those of the catalogue, and the user's own files.
 *
 * @module
 */
export {
  type Dataset,
  type DatasetSplit,
  type LabeledDataset,
  type LabeledSplit,
  loadDataset,
  loadEntry,
  type LoadOptions,
} from "./dataset.ts";
export { loadOwnData, type OwnDataOptions, type OwnDataset } from "./own_data.ts";
export { MISSING_CHOICES, type MissingOptions } from "./missing_values.ts";
export { type FileTable, type ReadOptions, readTable } from "./read_table.ts";
export { type Remark, type Table, type TableValues } from "./table.ts";
export {
  applyScaling,
  clampToUnit,
  countOutside,
  decideScaling,
  parseScaling,
  type Rows,
  SCALES,
  type Scaling,
  type ScalingDecision,
  unscale,
} from "./scaling.ts";
export { holdOutClasses } from "./hold_out_classes.ts";
export { batches, permutation } from "./shuffle.ts";
export {
  CATALOGUE,
  type CatalogueEntry,
  DEFAULT_DATASET,
  FILE_NAMES,
  FILE_ROLES,
  type FileRole,
  findDataset,
  sha256,
} from "./catalogue.ts";
export { downloadFile, type DownloadOptions, type DownloadProgress, progressBar } from "./download.ts";
export { type CsvOptions, readCsv } from "./csv.ts";
export {
  expandGzip,
  expandIdx,
  type Idx,
  type IdxHeader,
  MAX_DECOMPRESSED_BYTES,
  readAnyIdx,
  readIdx,
  readIdxHeader,
  writeIdx,
} from "./idx.ts";
export { NUMBER_TYPES, type NumberType } from "./numbers.ts";
export { HEADER_BYTES, isNpy, type Npy, type NpyHeader, readNpy, readNpyHeader } from "./npy.ts";
export { meanImage } from "./mean_image.ts";

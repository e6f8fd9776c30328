/**
 * Data sets: those of the catalogue, and the user's own files in IDX, NPY and CSV.
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
export { loadOwnData, type OwnDataOptions } from "./own_data.ts";
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
export { type Csv, readCsv } from "./csv.ts";
export { expandIdx, type Idx, MAX_DECOMPRESSED_BYTES, readIdx, readIdxHeader, writeIdx } from "./idx.ts";
export { HEADER_BYTES, isNpy, type Npy, type NpyHeader, readNpy, readNpyHeader } from "./npy.ts";
export { meanImage } from "./mean_image.ts";

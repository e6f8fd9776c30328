/**
 * The npm packages hyparquet and hyparquet-compressors: Parquet files. Imported only when such a file is given.
 * @module
 */
export { parquetMetadata, parquetReadObjects, parquetSchema } from "npm:hyparquet@1.33.0";
export { compressors } from "npm:hyparquet-compressors@1.1.2";

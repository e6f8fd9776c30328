/**
 * The npm package csv-parse: CSV files.
 * @module
 */
export { CsvError, parse } from "npm:csv-parse@7.0.3";

/**
 * The npm package fflate: zip files.
 * @module
 */
export { type UnzipFileInfo, unzipSync, Zip, ZipPassThrough } from "npm:fflate@0.8.3";

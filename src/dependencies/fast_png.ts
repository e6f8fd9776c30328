/**
 * The npm package fast-png: PNG files.
 * @module
 */
export { decode, type DecodedPng, encode } from "npm:fast-png@8.0.0";

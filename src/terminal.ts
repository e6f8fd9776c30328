/**
 * Everything that commands print, except for progress lines. Names of files, folders and classes may hold control
 * characters, which could recolor or overwrite what a terminal shows: they are printed as `\x1b`.
 * @module
 */
import { visible } from "./errors.ts";

/** Prints lines on stdout. */
export function print(...lines: readonly string[]): void {
  console.log(lines.map((line) => visible(line)).join("\n"));
}

/** Prints a text of several lines on stdout, such as a table; names in its cells are made visible beforehand. */
export function printText(text: string): void {
  print(...text.split("\n"));
}

/** Prints lines on stderr. */
export function printError(...lines: readonly string[]): void {
  console.error(lines.map((line) => visible(line)).join("\n"));
}

/**
 * Prints a value as JSON on stdout.
 *
 * @param indent spaces per level; 0 for one line
 */
export function printJson(value: unknown, indent: number = 2): void {
  const text = JSON.stringify(value, null, indent).replace(
    /[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  console.log(text);
}

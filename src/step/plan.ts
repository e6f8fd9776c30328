/**
 * Prints the plan of a step.
 * @module
 */
import type { Step } from "./step.ts";
import type { Tensor } from "../graph/tensor.ts";

/**
 * Formats a step's dispatches as a table: index, label, entry point, reads, writes, workgroups. Each copy
 * into a texture has a row of its own, without an index and with its size in place of an entry point.
 *
 * @param width maximum characters per line; long cells are wrapped
 */
export function formatPlan(step: Step, width: number = 110): string {
  const names = (tensors: readonly (Tensor | undefined)[]) =>
    tensors.filter((tensor) => tensor !== undefined).map(({ name }) => name).join(", ");
  const rows = [
    ["#", "label", "entry point", "reads", "writes", "workgroups"],
    ...step.dispatches.flatMap(({ label, entryPoint, reads, writes, workgroups, copies }, at) => [
      ...copies.map(({ tensor, from, texture }) => {
        const [label, what] = copyWords(tensor.name, from.size);
        return ["", label, what, tensor.name, texture.label, ""];
      }),
      [String(at), label, entryPoint, names(reads), names(writes), String(workgroups)],
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const total = () => widths.reduce((sum, width) => sum + width, 2 * (widths.length - 1));
  while (total() > width) { // wraps the widest column further
    const widest = WRAPPED.reduce((a, b) => widths[b] > widths[a] ? b : a);
    if (widths[widest] <= MIN_WIDTH) break;
    widths[widest]--;
  }
  return rows.flatMap((row) => {
    const cells = row.map((cell, column) => WRAPPED.includes(column) ? wrap(cell, widths[column]) : [cell]);
    const height = Math.max(...cells.map(({ length }) => length));
    return Array.from(
      { length: height },
      (_, k) => cells.map((lines, column) => (lines[k] ?? "").padEnd(widths[column])).join("  ").trimEnd(),
    );
  }).join("\n");
}

/** Columns that may be wrapped (labels, reads and writes), and their minimum width. */
const WRAPPED: readonly number[] = [1, 3, 4], MIN_WIDTH = 12;

/** Wraps text to lines of at most `width` characters, except for longer words. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

/** Label and entry point of a copy in tables: `pixels into a texture`, `copy of 200,704 bytes`. */
export function copyWords(name: string, bytes: number): readonly [string, string] {
  return [`${name} into a texture`, `copy of ${bytes.toLocaleString("en-US")} bytes`];
}

/**
 * A step that prints itself.
 * @module
 */
import type { Step } from "./step.ts";
import type { Tensor } from "./tensor.ts";

/**
 * A table of a step's dispatches: index, label, entry point, what it reads, what it writes, workgroups. Copies into textures
 * have a line each where they are made, without an index and with their bytes in the entry point's place.
 */
export function formatPlan(step: Step): string {
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
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd()).join(
    "\n",
  );
}

/** A copy into a texture as tables name it: `pixels into a texture`, and `copy of 200,704 bytes` for an entry point. */
export function copyWords(name: string, bytes: number): readonly [string, string] {
  return [`${name} into a texture`, `copy of ${bytes.toLocaleString("en-US")} bytes`];
}

/**
 * A step that prints itself.
 * @module
 */
import type { Step } from "./step.ts";
import type { Tensor } from "./tensor.ts";

/** A table of a step's dispatches: index, label, entry point, what it reads, what it writes, workgroups. */
export function formatPlan(step: Step): string {
  const names = (tensors: readonly (Tensor | undefined)[]) =>
    tensors.filter((tensor) => tensor !== undefined).map(({ name }) => name).join(", ");
  const rows = [
    ["#", "label", "entry point", "reads", "writes", "workgroups"],
    ...step.dispatches.map(({ label, entryPoint, reads, writes, workgroups }, at) => [
      String(at),
      label,
      entryPoint,
      names(reads),
      names(writes),
      String(workgroups),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd()).join(
    "\n",
  );
}

/**
 * Formats the cost of a step, for `--profile` and `deno task bench`.
 * @module
 */
import { copyWords } from "../step/plan.ts";
import { floorOf, isTimed, type StepCost, type TimedDispatch } from "./time_step.ts";

/** Formats a line per dispatch, then the time of the step, the time outside its kernels, and the floor. */
export function formatCost(cost: StepCost): string {
  return [formatDispatches(cost), ...formatStep(cost)].join("\n");
}

/**
 * Formats a table of dispatches: label, entry point (with the kernel of a product), shape, workgroups and, if
 * timed, microseconds, share of the step, rate (GFLOP/s of products, GB/s of others) and floor in
 * microseconds. Each copy into a texture has a line before its dispatch, with its bytes instead of an entry
 * point, and no floor.
 */
export function formatDispatches(
  { step, dispatches, copy, kernels }: Pick<StepCost, "step" | "dispatches" | "copy" | "kernels">,
): string {
  const rates = kernels && { product: kernels.product, copy };
  const timeOf = (microseconds: number) => [
    microseconds.toFixed(0),
    `${(microseconds / 10 / step.median).toFixed(1)} %`,
  ];
  const rows = dispatches.flatMap((dispatch) => [
    ...dispatch.copies.map(({ label, shape, bytes, microseconds }) => [
      ...copyWords(label, bytes),
      shape.join("×"),
      "",
      ...(microseconds === undefined
        ? []
        : [...timeOf(microseconds), rateOf({ flop: 0, bytes: 2 * bytes, microseconds }), ""]),
    ]),
    [
      dispatch.label,
      dispatch.kernel === undefined ? dispatch.entryPoint : `${dispatch.entryPoint} (${dispatch.kernel})`,
      dispatch.shape.join("×"),
      String(dispatch.workgroups),
      ...(rates && isTimed(dispatch)
        ? [
          ...timeOf(dispatch.microseconds),
          rateOf(dispatch),
          (1e6 * floorOf([dispatch], rates)).toFixed(0),
        ]
        : []),
    ],
  ]);
  const timed = ["µs", "share", "rate", "floor µs"];
  const table = [["label", "entry point", "shape", "workgroups", ...(rates ? timed : [])], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return table.map((row) =>
    row.map((cell, column) => column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))
      .join("  ").trimEnd()
  ).join("\n");
}

function rateOf(
  { flop, bytes, microseconds }: Pick<TimedDispatch, "flop" | "bytes" | "microseconds">,
): string {
  if (microseconds < 0.5) return ""; // shown as 0 µs
  const perSecond = (amount: number) => (amount / microseconds / 1e3).toFixed(1);
  return flop > 0 ? `${perSecond(flop)} GFLOP/s` : `${perSecond(bytes)} GB/s   `;
}

/** Formats the lines below the table. */
function formatStep({ rows, step, rounds, javascript, dispatches, copy, kernels }: StepCost): string[] {
  const share = (ms: number) => `${ms.toFixed(2)} ms (${(100 * ms / step.median).toFixed(1)} %)`;
  const whole = `a step of ${rows} images takes ${step.median.toFixed(2)} ms (${step.least.toFixed(2)} to ` +
    `${step.most.toFixed(2)} in ${rounds} rounds), ${Math.round(1000 * rows / step.median)} images/s`;
  const encoding = `JavaScript needs ${share(javascript)} to encode and submit it`;
  if (!kernels) {
    const flop = dispatches.reduce((sum, { flop }) => sum + flop, 0);
    const bytes = dispatches.reduce((sum, { flop, bytes }) => sum + (flop > 0 ? 0 : bytes), 0);
    return [
      "this device has no timestamp queries: whole steps can be timed, single kernels cannot",
      whole,
      encoding,
      `its products do ${(flop / 1e9).toFixed(3)} GFLOP, ${
        (flop / step.median / 1e6).toFixed(1)
      } GFLOP/s over ` +
      `the whole step; the rest reads and writes ${(bytes / 1e6).toFixed(2)} MB, ` +
      `${(1000 * bytes / copy).toFixed(2)} ms at the ${(copy / 1e9).toFixed(1)} GB/s of a copy`,
    ];
  }
  const copied = dispatches.flatMap(({ copies }) => copies);
  const bytes = copied.reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    whole,
    `kernels take ${share(kernels.milliseconds)}, ` +
    (copied.length > 0
      ? `${copied.length} copies of ${(bytes / 1e6).toFixed(2)} MB into textures ${share(kernels.copies)}, `
      : "") +
    `the rest of the step ${share(Math.max(0, step.median - kernels.milliseconds - kernels.copies))}`,
    encoding,
    `floor ${share(kernels.floor)}: products at the best one's ${(kernels.product / 1e9).toFixed(1)} ` +
    `GFLOP/s, the rest at the ${(copy / 1e9).toFixed(1)} GB/s of a copy`,
  ];
}

/**
 * Faults of shaders in small networks that gradcheck must notice: `deno task test` plants a few, `deno task test:slow` the
 * others.
 * @module
 */
import assert from "node:assert/strict";
import { checkEveryOp } from "../../src/check/every_op.ts";
import { formatGradcheck } from "../../src/check/format_gradcheck.ts";
import { type EVIDENCE, gradcheck, type GradcheckReport } from "../../src/check/gradcheck.ts";
import type { KernelKind } from "../../src/gpu/product_kernel.ts";
import type { BuildModel } from "../../src/graph/model.ts";
import { dense } from "../../src/layers/dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { faultNamed } from "../gradients/faults.ts";
import { withFault } from "./faults.ts";
import { relabel, retile } from "./gpu.ts";

/**
 * A model that exercises every path of every shader: each activation before a layer and before a loss, a
 * value with several readers, a weight and a bias used twice, widths that are not multiples of four.
 */
export const everyPath: BuildModel = (graph, parameters, pixels) => {
  const layer = { initializer: "pytorch-linear" } as const;
  const plain = { ...layer, bias: false };
  const h = dense(graph, parameters, pixels, { ...layer, label: "h", outputs: 5, activation: "tanh" });
  const target = dense(graph, parameters, pixels, { ...plain, label: "to", outputs: 5, activation: "relu" });
  const early = squaredError(graph, h, target, { label: "early", reduction: "sum", weight: 0.2 });
  const shared = { ...layer, label: "shared", outputs: 5 };
  const left = dense(graph, parameters, h, { ...shared, activation: "tanh" });
  const right = dense(relabel(graph, " again"), parameters, left, { ...shared, activation: "sigmoid" });
  const code = dense(graph, parameters, right, { ...plain, label: "code", outputs: 6, activation: "relu" });
  const output = dense(graph, parameters, code, {
    ...plain,
    label: "output",
    outputs: 18,
    activation: "sigmoid",
  });
  const other = dense(graph, parameters, h, { ...plain, label: "other", outputs: 18, activation: "tanh" });
  const losses = [
    early,
    squaredError(graph, output, pixels, { label: "loss", reduction: "mean", weight: 3 }),
    squaredError(graph, output, other, { label: "between", reduction: "sum", weight: 0.3 }),
    squaredError(graph, other, pixels, { label: "more", reduction: "mean" }),
  ];
  retile(graph, 3, 2); // small tiles compile fast, and each fault needs a compilation
  return { code, output, losses };
};

/** How it is checked in little time. */
export const SMALL_CHECK = {
  widths: [18],
  rows: [4],
  seed: 7,
  steps: 0,
  optimizer: adam({ learningRate: 1e-2 }),
};

/** Names of the failed parts of a gradient check. */
export function failures({ rows, loss, repeats }: GradcheckReport): string[] {
  const failed = (...kinds: (typeof EVIDENCE)[number][]) =>
    rows.some((row) => kinds.some((kind) => row[kind]!.verdict !== "ok"));
  return [
    ...failed("reference") ? ["f64"] : [],
    ...failed("alongGradient", "alongRandom") ? ["differences"] : [],
    ...failed("referenceDifference") ? ["f64 differences"] : [],
    ...loss.verdict === "ok" ? [] : ["loss"],
    ...repeats ? [] : ["repeat"],
  ];
}

/** Faults with the parts of the check that they fail. */
export const GRADCHECK_FAULTS: readonly (readonly [fault: string, killers: string])[] = [
  ["layers/dense_forward.wgsl, bias_of: dropped bias", "f64, loss"],
  ["layers/dense_forward.wgsl, add_product: transposed index", "f64, loss"],
  ["layers/dense_forward.wgsl, activate: wrong sign in the sigmoid", "f64, loss"],
  ["layers/dense_forward.wgsl, activate: ReLU as the magnitude", "f64, loss"],
  ["layers/dense_forward.wgsl, activated: padding not zeroed", "loss"],
  [
    "layers/dense_backward_input.wgsl, derivative: wrong derivative of the sigmoid: y·(1+y)",
    "f64, differences",
  ],
  ["layers/dense_backward_input.wgsl, derivative: wrong derivative of tanh: 1-y", "f64, differences"],
  [
    "layers/dense_backward_input.wgsl, derivative: wrong derivative of ReLU: 1 everywhere",
    "f64, differences",
  ],
  ["layers/dense_backward_input.wgsl, store_gradient: activation left out", "f64, differences"],
  ["layers/dense_backward_input.wgsl, begin_with_earlier: = for +=", "f64, differences"],
  ["layers/dense_backward_input.wgsl, begin_with_earlier: += for =", "f64, differences"],
  ["layers/dense_backward_input.wgsl, add_transposed_product: transposed index", "f64, differences"],
  ["layers/dense_backward_input.wgsl, add_transposed_product: wrong sign", "f64, differences"],
  ["layers/dense_backward_weight.wgsl, add_row: wrong sign", "f64, differences"],
  ["layers/dense_backward_weight.wgsl, add_row: transposed index", "f64, differences"],
  ["layers/dense_backward_weight.wgsl, add_row: missing factor", "f64, differences"],
  ["layers/dense_backward_weight.wgsl, store_gradients: dropped bias", "f64, differences"],
  ["layers/dense_backward_weight.wgsl, add_row: bias of the last row only", "f64, differences"],
  ["layers/dense_backward_weight.wgsl, begin_with_earlier: = for +=", "f64, differences"],
  ["layers/dense_backward_weight.wgsl, begin_with_earlier: bias: = for +=", "f64, differences"],
  ["layers/dense_backward_weight.wgsl, begin_with_earlier: += for =", "f64, differences"],
  ["layers/dense_backward_weight.wgsl, begin_with_earlier: bias: += for =", "f64, differences"],
  ["layers/dense_backward_weight.wgsl, add_rows: one row too many", "f64, differences"],
  ["layers/dense_backward_weight.wgsl, add_rows: one row short", "f64, differences"],
  ["losses/squared_error.wgsl, squared_error: missing factor 2", "f64, differences"],
  ["losses/squared_error.wgsl, squared_error: missing weight", "f64, differences"],
  ["losses/squared_error.wgsl, squared_error: wrong sign", "f64, differences"],
  ["losses/squared_error.wgsl, squared_error: = for +=", "f64, differences"],
  ["losses/squared_error.wgsl, squared_error: += for =", "f64, differences"],
  ["losses/squared_error.wgsl, squared_error: activation left out", "f64, differences"],
  ["losses/squared_error.wgsl, derivative: wrong derivative of the sigmoid: y", "f64, differences"],
  ["losses/squared_error.wgsl, derivative: wrong derivative of tanh: 1+y²", "f64, differences"],
  ["losses/squared_error.wgsl, derivative: wrong derivative of ReLU: 1 everywhere", "f64, differences"],
  ["losses/squared_error.wgsl, reduction_scale: mean over rows only", "f64, loss"],
  ["losses/squared_error.wgsl, reduction_scale: padding counted in the mean", "f64, loss"],
  ["losses/squared_error.wgsl, squared_error: value: magnitude instead of square", "loss"],
  ["losses/total.wgsl, loss_total: one row too many", "loss"],
  ["losses/total.wgsl, workgroup_sum: one level of the tree left out", "loss"],
  ["losses/total.wgsl, loss_total: another in each step", "repeat"],
  ["losses/total.wgsl, loss_total: stored under another step", "loss"],
];

/** Of {@link GRADCHECK_FAULTS}, the first of each shader and the first that fails each part. */
export const FEW_GRADCHECK_FAULTS: typeof GRADCHECK_FAULTS = [
  ...new Set(
    [
      Map.groupBy(GRADCHECK_FAULTS, ([fault]) => fault.split(",")[0]),
      Map.groupBy(GRADCHECK_FAULTS, ([, killers]) => killers),
    ].flatMap((groups) => [...groups.values()].map(([first]) => first)),
  ),
];

/** Plants one of {@link GRADCHECK_FAULTS}; fails if gradcheck passes, or if one of the parts does. */
export async function assertGradcheckFails(fault: string, killers: string): Promise<void> {
  const report = await withFault(faultNamed(fault), (gpu) => gradcheck(gpu, () => everyPath, SMALL_CHECK));
  assert.equal(report.passed, false, `survived\n${formatGradcheck(report)}`);
  assert.match(formatGradcheck(report), /\ngradients FAILED$/);
  const failed = failures(report);
  for (const check of killers.split(", ")) {
    assert.ok(failed.includes(check), `${check} is not among ${failed}`);
  }
}

const ROWS = [5, 1, 6, 7];

/** Faults that drop the third row after a multiple of four in dW. */
const DROPPED_ROW: Readonly<Record<KernelKind, string>> = {
  naive: "dense_naive.wgsl, dense_backward_weight_naive",
  register: "dense_backward_weight.wgsl, add_rows",
  workgroup: "dense_backward_weight_workgroup.wgsl, dense_backward_weight_workgroup",
  texture: "dense_backward_weight_texture.wgsl, dense_backward_weight_texture",
  fused: "dense_chain_weight.wgsl, add_rows",
};

/** Faults by which a layer writes f(0) to its padding. */
const NOT_PADDED: Readonly<Record<KernelKind, string>> = {
  naive: "dense_naive.wgsl, dense_forward_naive",
  register: "dense_forward.wgsl, activated",
  workgroup: "dense_forward_workgroup.wgsl, activated",
  texture: "dense_forward.wgsl, texture, activated",
  fused: "dense_chain_forward.wgsl, activated",
};

/** Fails unless gradcheck notices a dropped row of a kind of kernels. */
export async function assertDroppedRowFails(kind: KernelKind): Promise<void> {
  const report = await withFault(
    faultNamed(`layers/${DROPPED_ROW[kind]}: the third of the last rows left out`),
    (gpu) => checkEveryOp(gpu, { rows: ROWS, seed: 0 }),
  );
  assert.equal(report.passed, false);
  const failed = report.rows.filter(({ verdict }) => verdict === "FAILED");
  const of = kind === "fused" ? "sigmoid below.weight" : "h.weight"; // h stands alone
  assert.ok(failed.some(({ parameter }) => parameter === of), formatGradcheck(report));
  for (const { reason, reference } of failed) {
    assert.equal(reference.rows, 7);
    assert.match(
      reason,
      /^its gradient is \d\.\de-\d off the reference at \[.*, bound \d\.\de-5 \(with 7 rows\)$/,
    );
  }
  const { loss, padding, repeats } = report;
  assert.deepEqual([loss.verdict, padding, repeats], ["ok", [], true], "nothing else is wrong");
}

/** Fails unless gradcheck notices padding that a kind of kernels does not zero. */
export async function assertPaddingFails(kind: KernelKind): Promise<void> {
  const report = await withFault(
    faultNamed(`layers/${NOT_PADDED[kind]}: padding not zeroed`),
    (gpu) => checkEveryOp(gpu, { rows: ROWS, seed: 0 }),
  );
  assert.equal(report.passed, false);
  assert.ok(report.padding.includes("sigmoid below"), `${report.padding}`);
  assert.ok(!report.padding.some((label) => /^(tanh|relu) below$/.test(label)), "f(0) = 0 is harmless");
  assert.match(
    formatGradcheck(report),
    /\npadding FAILED: columns past the width of .*sigmoid below.* are not zero/,
  );
}

import assert from "node:assert/strict";
import { type Reduction, REDUCTIONS } from "../../src/graph/graph.ts";
import { type AdamFigures, adamUpdate } from "../../src/reference/adam.ts";
import {
  binaryCrossEntropyGradients,
  binaryCrossEntropyValue,
} from "../../src/reference/binary_cross_entropy.ts";
import { binaryCrossEntropyWithLogitsValue } from "../../src/reference/binary_cross_entropy_with_logits.ts";
import { clipFactor, globalNorm } from "../../src/reference/clip.ts";
import { activate, type Activation, activationDerivative, denseForward } from "../../src/reference/dense.ts";
import { gaussianKlValue } from "../../src/reference/gaussian_kl.ts";
import { noiseForward } from "../../src/reference/noise.ts";
import { type SgdFigures, sgdUpdate } from "../../src/reference/sgd.ts";
import { meanActivation, sparsityKlGradient, sparsityKlValue } from "../../src/reference/sparsity_kl.ts";
import { squaredErrorValue } from "../../src/reference/squared_error.ts";
import { transposed } from "../../src/reference/tied_dense.ts";
import { LOSS_KINDS, lossReference, RHO } from "../gradients/kernel_checks.ts";

// Figures worked out by hand hold the values of the reference; tests/gradients/finite_differences_test.ts holds its
// gradients to its values.

const ACTIVATIONS: readonly Activation[] = ["identity", "sigmoid", "tanh", "relu"];
Deno.test("denseForward() multiplies by PyTorch's [outputs, inputs] weight and adds the bias", () => {
  // [1 2; 3 4] · [10 20; 30 40; 50 60]ᵀ + [1, 2, 3], worked out by hand
  const y = denseForward(
    Float64Array.of(1, 2, 3, 4),
    Float64Array.of(10, 20, 30, 40, 50, 60),
    Float64Array.of(1, 2, 3),
    "identity",
    2,
    2,
    3,
  );
  assert.deepEqual([...y], [51, 112, 173, 111, 252, 393]);
});

Deno.test("activationDerivative() of ReLU is 0 at the kink, 1 above, 0 below", () => {
  assert.equal(activationDerivative("relu", activate("relu", 0)), 0);
  assert.equal(activationDerivative("relu", activate("relu", 1e-300)), 1);
  assert.equal(activationDerivative("relu", activate("relu", -1e-300)), 0);
});

Deno.test.each(
  [
    ["identity", [-100, -30, 30, 100]],
    ["sigmoid", [Math.exp(-100), Math.exp(-30), 1, 1]],
    ["tanh", [-1, -1, 1, 1]],
    ["relu", [0, 0, 30, 100]],
  ] as [Activation, number[]][],
)("activate() saturates without overflow: %s", (activation, expected) => {
  [-100, -30, 30, 100].forEach((z, k) => {
    const y = activate(activation, z);
    assert.ok(
      Math.abs(y - expected[k]) <= 1e-12 * Math.abs(expected[k]),
      `f(${z}) = ${y}, not ${expected[k]}`,
    );
    assert.ok(Number.isFinite(activationDerivative(activation, y)));
  });
});

Deno.test("activate() passes NaN on, in every activation", () => {
  for (const activation of ACTIVATIONS) assert.ok(Number.isNaN(activate(activation, NaN)), activation);
});

Deno.test("squaredErrorValue() is the sum of the squares, by elements, by rows or as it is", () => {
  const y = Float64Array.of(1, 0, 3, -1), t = Float64Array.of(0, 0, 1, 1);
  assert.equal(squaredErrorValue(y, t, "sum", 2), 9);
  assert.equal(squaredErrorValue(y, t, "mean", 2), 9 / 4);
  assert.equal(squaredErrorValue(y, t, "sample", 2), 9 / 2);
});

const FIGURES: AdamFigures = {
  learningRate: 0.1,
  betas: [0.5, 0.75],
  epsilon: 1,
  weightDecay: 0,
  decay: "l2",
};

Deno.test("adamUpdate() gives three steps worked out by hand", () => {
  const p = Float64Array.of(1), m = Float64Array.of(0), v = Float64Array.of(0);
  // g = 2: m = 1, v = 1, corrected 2 and √4
  adamUpdate(p, Float64Array.of(2), m, v, 1, FIGURES);
  assert.deepEqual([m[0], v[0]], [1, 1]);
  assert.ok(Math.abs(p[0] - (1 - 0.2 / 3)) < 1e-15);
  // g = -1: m = 0, v = 1: no move
  adamUpdate(p, Float64Array.of(-1), m, v, 2, FIGURES);
  assert.deepEqual([m[0], v[0]], [0, 1]);
  assert.ok(Math.abs(p[0] - (1 - 0.2 / 3)) < 1e-15);
  // g = 3: m = 1.5, v = 3, corrected by 7/8 and 37/64
  adamUpdate(p, Float64Array.of(3), m, v, 3, FIGURES);
  assert.deepEqual([m[0], v[0]], [1.5, 3]);
  assert.ok(Math.abs(p[0] - (1 - 0.2 / 3 - 0.1 * (12 / 7) / (Math.sqrt(192 / 37) + 1))) < 1e-15);
});

Deno.test("adamUpdate() adds L2 decay to the gradient", () => {
  const p = Float64Array.of(2), m = Float64Array.of(0), v = Float64Array.of(0);
  adamUpdate(p, Float64Array.of(1), m, v, 1, { ...FIGURES, weightDecay: 0.5 }); // g = 1 + 0.5·2
  assert.deepEqual([m[0], v[0]], [1, 1]);
  assert.ok(Math.abs(p[0] - (2 - 0.2 / 3)) < 1e-15);
});

Deno.test("adamUpdate() shrinks the parameter itself with decoupled decay", () => {
  const p = Float64Array.of(2), m = Float64Array.of(0), v = Float64Array.of(0);
  // 2 - 0.1·0.5·2 = 1.9, and then a step with g = 1
  adamUpdate(p, Float64Array.of(1), m, v, 1, { ...FIGURES, weightDecay: 0.5, decay: "decoupled" });
  assert.deepEqual([m[0], v[0]], [0.5, 0.25]);
  assert.ok(Math.abs(p[0] - 1.85) < 1e-15);
});

const REDUCTION_NAMES = Object.keys(REDUCTIONS) as Reduction[];

function assertNear(actual: number, expected: number, relative = 1e-14): void {
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual} is not ${expected}`);
}

Deno.test("the references give figures worked out by hand, and each reduction divides by its own count", () => {
  const [rows, log2, log3] = [2, Math.log(2), Math.log(3)];
  const divisors = { sum: 1, mean: 6, sample: 2 }; // [2, 3]
  for (const reduction of REDUCTION_NAMES) {
    const divisor = divisors[reduction];
    // σ(0) = 1/2 costs log 2 whatever the target; σ(log 3) = 3/4 costs log 4/3 or log 4
    const z = Float64Array.of(0, 0, 0, log3, log3, -log3), t = Float64Array.of(0, 1, 0.3, 1, 0, 0);
    const crossEntropy = 3 * log2 + 2 * Math.log(4 / 3) + Math.log(4);
    assertNear(binaryCrossEntropyWithLogitsValue(z, t, reduction, rows), crossEntropy / divisor);
    const p = z.map((logit) => 1 / (1 + Math.exp(-logit)));
    assertNear(binaryCrossEntropyValue(p, t, reduction, rows), crossEntropy / divisor, 1e-14);
    // N(0, 1): 0; N(3, 1): 9/2; N(0, 4): ½(4 - 1 - log 4)
    const m = Float64Array.of(0, 3, 0, 0, 0, 0), v = Float64Array.of(0, 0, Math.log(4), 0, 0, 0);
    assertNear(gaussianKlValue(m, v, reduction, rows), (4.5 + 0.5 * (3 - Math.log(4))) / divisor);
  }
  // means 1/2 and ρ: KL(1/16 ‖ 1/2) = log 2 - H(1/16), and 0
  const h = Float64Array.of(0.25, RHO, 0.75, RHO);
  const expected = RHO * Math.log(RHO / 0.5) + (1 - RHO) * Math.log((1 - RHO) / 0.5);
  assertNear(sparsityKlValue(h, RHO, 2, 2), expected);
  assert.deepEqual([...meanActivation(h, 2, 2)], [0.5, RHO]);
});

Deno.test("the references are finite at the extremes, clamp where they say, and pass NaN on", () => {
  const value = (p: number, t: number) =>
    binaryCrossEntropyValue(Float64Array.of(p), Float64Array.of(t), "sum", 1);
  assert.deepEqual([value(0, 1), value(1, 0), value(0, 0) + 0, value(1, 1) + 0], [100, 100, 0, 0]);
  const { dP, dT } = binaryCrossEntropyGradients(
    Float64Array.of(0, 1, 0, 1),
    Float64Array.of(1, 0, 0, 1),
    "sum",
    1,
  );
  assert.deepEqual([...dP], [-1e12, 1e12, 0, 0]);
  assert.deepEqual([...dT], [100, -100, 100, -100]);
  const held = Float64Array.of(0, 1, 0.5e-6, 1 - 0.5e-6);
  assert.deepEqual([...sparsityKlGradient(held, RHO, 1, 4)], [0, 0, 0, 0]);
  const atZero = RHO * Math.log(RHO / 1e-6) + (1 - RHO) * Math.log((1 - RHO) / (1 - 1e-6));
  assertNear(sparsityKlValue(held.slice(0, 1), RHO, 1, 1), atZero);
  assertNear(sparsityKlValue(held.slice(2, 3), RHO, 1, 1), atZero);
  const one = Float64Array.of(1e4), nothing = Float64Array.of(0);
  assert.equal(binaryCrossEntropyWithLogitsValue(one, nothing, "sum", 1), 1e4);
  const nan = Float64Array.of(NaN);
  for (const kind of LOSS_KINDS) {
    const { value, gradients } = lossReference(kind, "sum", 1, 1);
    assert.ok(Number.isNaN(value(nan, Float64Array.of(0.5))), kind);
    assert.ok(Number.isNaN(gradients(nan, Float64Array.of(0.5))[0][0]), kind);
  }
});

Deno.test("sgdUpdate() follows PyTorch's definition by hand", () => {
  const run = (figures: Partial<SgdFigures>) => {
    const [p, v] = [Float64Array.of(1), Float64Array.of(0)];
    const all = { learningRate: 0.5, momentum: 0, nesterov: false, weightDecay: 0, ...figures };
    for (const g of [2, 4]) sgdUpdate(p, Float64Array.of(g), v, all);
    return p[0];
  };
  assert.equal(run({}), 1 - 0.5 * 2 - 0.5 * 4);
  assert.equal(run({ momentum: 0.5 }), 1 - 0.5 * 2 - 0.5 * (0.5 * 2 + 4)); // the first velocity is the gradient
  assert.equal(
    run({ momentum: 0.5, nesterov: true }),
    1 - 0.5 * (2 + 0.5 * 2) - 0.5 * (4 + 0.5 * (0.5 * 2 + 4)),
  );
  assert.equal(run({ weightDecay: 0.5 }), -0.25 - 0.5 * (4 + 0.5 * -0.25)); // 1 - 0.5·(2 + 0.5·1) is -0.25
});

Deno.test("clipFactor() is that of clip_grad_norm_", () => {
  assert.equal(globalNorm([Float64Array.of(3, 0), Float64Array.of(-4)]), 5);
  assert.equal(globalNorm([]), 0);
  assert.equal(clipFactor(5, 1), 1 / 5.000001);
  assert.equal(clipFactor(1, 1), 1 / 1.000001, "also at the norm itself");
  assert.equal(clipFactor(0.9, 1), 1);
  assert.equal(clipFactor(0, 1e-9), 1e-9 / 1e-6, "times gradients of 0");
  assert.equal(clipFactor(Infinity, 1), 0);
  assert.ok(Number.isNaN(clipFactor(NaN, 1)));
});

Deno.test("transposed() and a mask's noise by hand", () => {
  assert.deepEqual([...transposed(Float64Array.of(1, 2, 3, 4, 5, 6), 2, 3)], [1, 4, 2, 5, 3, 6]);
  assert.deepEqual([...noiseForward(Float64Array.of(2, 3), Float64Array.of(0, 1), "mask")], [0, 3]);
});

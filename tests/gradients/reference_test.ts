import assert from "node:assert/strict";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { RandomStream } from "../../src/random.ts";
import { type AdamFigures, adamUpdate } from "../../src/reference/adam.ts";
import {
  activate,
  type Activation,
  activationDerivative,
  denseBackward,
  denseForward,
} from "../../src/reference/dense.ts";
import { squaredErrorGradient, squaredErrorValue } from "../../src/reference/squared_error.ts";

// The reference is the specification, so nothing in the project can check it but its own formulas: central
// differences hold its gradients to its values, and figures worked out by hand hold its values.

const STEP = 1e-4;
const ACTIVATIONS: readonly Activation[] = ["identity", "sigmoid", "tanh", "relu"];
const SHAPES = [[1, 1, 1], [2, 3, 1], [1, 7, 2], [3, 1, 5], [7, 13, 5], [5, 2, 11], [4, 4, 4], [
  2,
  17,
  16,
]] as const;

function randoms(random: RandomStream, count: number): Float64Array {
  return Float64Array.from({ length: count }, () => 2 * random.nextUnit() - 1);
}

/** Holds a gradient to central differences of the loss, for every element of `at`. */
function assertGradient(label: string, gradient: Float64Array, at: Float64Array, loss: () => number): void {
  assert.equal(gradient.length, at.length, label);
  const scale = Math.max(1e-3, ...gradient.map(Math.abs));
  for (let k = 0; k < at.length; k++) {
    const kept = at[k];
    at[k] = kept + STEP;
    const above = loss();
    at[k] = kept - STEP;
    const below = loss();
    at[k] = kept;
    const difference = (above - below) / (2 * STEP);
    const error = Math.abs(gradient[k] - difference) / scale;
    assert.ok(
      error <= TOLERANCES.referenceDifference,
      `${label}[${k}]: gradient ${gradient[k]}, difference ${difference}, error ${error} of the largest`,
    );
  }
}

for (const activation of ACTIVATIONS) {
  for (const hasBias of [true, false]) {
    Deno.test(`denseBackward() agrees with differences: ${activation}, ${hasBias ? "with" : "without"} bias`, () => {
      for (const [rows, inputs, outputs] of SHAPES) {
        const of = `${rows}×${inputs}×${outputs}`;
        const draw = (attempt: number) => {
          const random = new RandomStream(attempt, `${of} ${activation}`);
          const x = randoms(random, rows * inputs);
          const weight = randoms(random, outputs * inputs);
          const bias = hasBias ? randoms(random, outputs) : undefined;
          const upstream = randoms(random, rows * outputs);
          return { x, weight, bias, upstream };
        };
        // ReLU has no derivative at 0: draw again until every sum is far from it
        let attempt = 1;
        const isNearKink = () => {
          const { x, weight, bias } = draw(attempt);
          const z = denseForward(x, weight, bias, "identity", rows, inputs, outputs);
          return z.some((sum) => Math.abs(sum) < 10 * STEP);
        };
        while (isNearKink()) attempt++;
        const { x, weight, bias, upstream } = draw(attempt);
        const forward = () => denseForward(x, weight, bias, activation, rows, inputs, outputs);
        const loss = () => forward().reduce((sum, y, k) => sum + y * upstream[k], 0);
        const { dX, dWeight, dBias } = denseBackward(
          x,
          weight,
          forward(),
          upstream,
          activation,
          rows,
          inputs,
          outputs,
        );
        assertGradient(`dX of ${of}`, dX, x, loss);
        assertGradient(`dWeight of ${of}`, dWeight, weight, loss);
        if (bias) assertGradient(`dBias of ${of}`, dBias, bias, loss);
      }
    });
  }
}

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

for (const reduction of ["sum", "mean", "sample"] as const) {
  Deno.test(`squaredErrorGradient() agrees with differences on both kinkSides: ${reduction}`, () => {
    for (const count of [1, 2, 7, 35]) {
      const random = new RandomStream(count, "squared error");
      const y = randoms(random, count), t = randoms(random, count);
      const loss = () => squaredErrorValue(y, t, reduction, 7);
      const dY = squaredErrorGradient(y, t, reduction, 7);
      assertGradient(`dY of ${count}`, dY, y, loss);
      assertGradient(`dT of ${count}`, dY.map((d) => -d), t, loss);
    }
  });
}

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

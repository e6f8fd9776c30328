// Every gradient of the f64 reference against finite differences of its values. The reference is the
// specification, so only its own values can check its gradients; tests/reference/ compares the values with
// results computed by hand and with PyTorch's.
import assert from "node:assert/strict";
import { elu } from "../../src/elementwise/elu.ts";
import { gelu, geluTanh } from "../../src/elementwise/gelu.ts";
import { huber } from "../../src/elementwise/huber.ts";
import { leakyRelu } from "../../src/elementwise/leaky_relu.ts";
import { silu } from "../../src/elementwise/silu.ts";
import { softplus } from "../../src/elementwise/softplus.ts";
import { Graph, type Reduction, REDUCTIONS } from "../../src/graph/graph.ts";
import { type Activation, ACTIVATIONS } from "../../src/graph/tensor.ts";
import { noiseFor, type NoiseSpec, parseNoise } from "../../src/layers/noise.ts";
import { RandomStream } from "../../src/random.ts";
import { activate, activationDerivative, denseBackward, denseForward } from "../../src/reference/dense.ts";
import { elementwiseLossGradient, elementwiseLossValue } from "../../src/reference/elementwise_loss.ts";
import { noiseBackward, noiseForward } from "../../src/reference/noise.ts";
import { reparameterizeBackward, reparameterizeForward } from "../../src/reference/reparameterize.ts";
import { transposed } from "../../src/reference/tied_dense.ts";
import { derivative, gradientError, REACH } from "../helpers/differences.ts";
import { LOSS_KINDS, type LossKind, lossReference } from "./kernel_checks.ts";

/** Shapes [rows, columns] of the first input: one, primes, and sizes below, at and above four. */
const SHAPES = [[1, 1], [2, 3], [3, 1], [1, 4], [4, 5], [7, 13]] as const;
/** Outputs of the dense layers. */
const OUTPUTS = 5;

/** An op, or a loss, whose gradients are checked. */
interface Row {
  /** Inputs: name, range of the numbers, and number of elements if not rows · width. */
  readonly inputs: readonly (readonly [
    name: string,
    low: number,
    high: number,
    shape?: (rows: number, width: number) => number,
  ])[];
  /** The op's output, or the loss as an array of one. */
  readonly value: (inputs: Float64Array[], rows: number, width: number) => Float64Array;
  /** Gradients of Σ value · upstream, in the inputs' order. */
  readonly gradients: (
    inputs: Float64Array[],
    upstream: Float64Array,
    rows: number,
    width: number,
  ) => readonly Float64Array[];
  /** Distance of the inputs from the nearest kink; infinite if absent. */
  readonly toKink?: (inputs: Float64Array[], rows: number, width: number) => number;
}

const nearest = (values: Iterable<number>, kinks: readonly number[]) => {
  let distance = Infinity;
  for (const value of values) for (const kink of kinks) distance = Math.min(distance, Math.abs(value - kink));
  return distance;
};

/** Dense layer with an activation; `isTied` transposes the weight. */
function denseRow(activation: Activation, hasBias: boolean, isTied: boolean): Row {
  const weightOf = (weight: Float64Array, width: number) =>
    isTied ? transposed(weight, width, OUTPUTS) : weight;
  const forward = ([x, weight, bias]: Float64Array[], f: Activation, rows: number, width: number) =>
    denseForward(x, weightOf(weight, width), bias, f, rows, width, OUTPUTS);
  return {
    inputs: [
      ["x", -1, 1],
      ["weight", -1, 1, (_rows, width) => OUTPUTS * width],
      ...hasBias ? [["bias", -1, 1, () => OUTPUTS] as const] : [],
    ],
    value: (inputs, rows, width) => forward(inputs, activation, rows, width),
    gradients(inputs, upstream, rows, width) {
      const [x, weight] = inputs, y = forward(inputs, activation, rows, width);
      const own = weightOf(weight, width);
      const { dX, dWeight, dBias } = denseBackward(x, own, y, upstream, activation, rows, width, OUTPUTS);
      return [dX, isTied ? transposed(dWeight, OUTPUTS, width) : dWeight, ...hasBias ? [dBias] : []];
    },
    ...activation === "relu"
      ? { toKink: (inputs, rows, width) => nearest(forward(inputs, "identity", rows, width), [0]) }
      : {},
  };
}

/** Elementwise function. */
function curveRow(
  f: (x: number) => number,
  derivative: (x: number) => number,
  kinks: readonly number[],
): Row {
  return {
    inputs: [["x", -12, 12]],
    value: ([x]) => x.map(f),
    gradients: ([x], upstream) => [x.map((number, k) => derivative(number) * upstream[k])],
    toKink: ([x]) => nearest(x, kinks),
  };
}

function noiseRow(noise: NoiseSpec): Row {
  const drawn = (rows: number, width: number) =>
    noiseFor({ kind: noise.kind, amount: 0.5 }, { seed: 0, stream: "n" }, 1, rows, width);
  return {
    inputs: [["x", -1, 1]],
    value: ([x], rows, width) => noiseForward(x, drawn(rows, width), noise.kind),
    gradients: (_inputs, upstream, rows, width) => [noiseBackward(upstream, drawn(rows, width), noise.kind)],
  };
}

/** Ranges of the inputs of a loss. */
const DOMAINS: Readonly<Record<LossKind, readonly [low: number, high: number]>> = {
  logits: [-3, 3],
  probabilities: [0.2, 0.8],
  Gaussian: [-3, 3],
  sparsity: [0.2, 0.8],
  squared: [-1, 1],
};

function lossRow(kind: LossKind, reduction: Reduction): Row {
  const [low, high] = DOMAINS[kind];
  const names = kind === "sparsity" ? ["h"] : ["prediction", "target"];
  return {
    inputs: names.map((name) => [name, low, high]),
    value: ([a, b], rows, width) => Float64Array.of(lossReference(kind, reduction, rows, width).value(a, b)),
    gradients: ([a, b], [dLoss], rows, width) =>
      lossReference(kind, reduction, rows, width).gradients(a, b).map((side) => side.map((d) => d * dLoss)),
  };
}

/** Huber loss, from the reference in its declaration. */
function huberRow(delta: number, reduction: Reduction): Row {
  const graph = new Graph(1);
  const [y, t] = [graph.input("y", 1), graph.input("t", 1)];
  huber(graph, y, t, { label: "loss", reduction, delta });
  const loss = graph.nodes.at(-1)!.elementwiseLoss!;
  return {
    inputs: [["prediction", -1, 1], ["target", -1, 1]],
    value: ([a, b], rows) => Float64Array.of(elementwiseLossValue(loss.value, a, b, reduction, rows)),
    gradients: ([a, b], [dLoss], rows) =>
      [loss.byPrediction, loss.byTarget!].map((by) =>
        elementwiseLossGradient(by, a, b, reduction, rows).map((d) => d * dLoss)
      ),
    toKink: ([a, b]) => nearest(a.map((number, k) => number - b[k]), [-delta, delta]) / 2, // both inputs move
  };
}

const NAMES = Object.keys(ACTIVATIONS) as Activation[];
const ALL = Object.keys(REDUCTIONS) as Reduction[];
const ELEMENTWISE = {
  "leaky ReLU": leakyRelu(),
  "leaky ReLU 0.25": leakyRelu({ slope: 0.25 }),
  "ELU": elu(),
  "ELU 0.5": elu({ alpha: 0.5 }),
  "softplus": softplus(),
  "softplus 2": softplus({ beta: 2 }),
  "SiLU": silu,
  "GELU": gelu,
  "GELU tanh": geluTanh,
};

const TABLE: Readonly<Record<string, Row>> = Object.fromEntries([
  ...NAMES.flatMap((f) =>
    [true, false].flatMap((bias) =>
      [false, true].map((
        tied,
      ) => [`${tied ? "tied " : ""}dense, ${f}, ${bias ? "with" : "without"} bias`, denseRow(f, bias, tied)])
    )
  ),
  ...NAMES.map((f) => [
    `activation ${f}`,
    curveRow(
      (x) => activate(f, x),
      (x) => activationDerivative(f, activate(f, x)),
      f === "relu" ? [0] : [],
    ),
  ]),
  ...Object.entries(ELEMENTWISE).map((
    [name, { reference: { forward, derivative, kinks } }],
  ) => [`activation ${name}`, curveRow(forward, derivative, kinks)]),
  ...["uniform:1", "gaussian:0.3", "mask:0.25"].map((text) => [`noise ${text}`, noiseRow(parseNoise(text))]),
  [
    "reparameterize",
    {
      inputs: [["mean", -1, 1], ["log-variance", -1, 1], ["epsilon", -2, 2]],
      value: ([mean, logVariance, epsilon]) => reparameterizeForward(mean, logVariance, epsilon),
      gradients([, logVariance, epsilon], upstream) {
        const { dMean, dLogVariance, dEpsilon } = reparameterizeBackward(logVariance, epsilon, upstream);
        return [dMean, dLogVariance, dEpsilon];
      },
    } satisfies Row,
  ],
  ...LOSS_KINDS.flatMap((kind) =>
    (kind === "sparsity" ? ["sum" as const] : ALL).map((
      reduction,
    ) => [`loss ${kind}, ${reduction}`, lossRow(kind, reduction)])
  ),
  ...ALL.flatMap((reduction) =>
    [1, 0.25].map((delta) => [`loss Huber ${delta}, ${reduction}`, huberRow(delta, reduction)])
  ),
]);

/** Draws inputs away from the op's kinks, and a random upstream gradient. */
function draw(name: string, row: Row, rows: number, width: number) {
  for (let attempt = 0;; attempt++) {
    const random = new RandomStream(attempt, `${name} of ${rows} × ${width}`);
    const numbers = (low: number, high: number, count: number) =>
      Float64Array.from({ length: count }, () => low + (high - low) * random.nextUnit());
    const inputs = row.inputs.map(([, low, high, count]) =>
      numbers(low, high, count?.(rows, width) ?? rows * width)
    );
    const upstream = numbers(-1, 1, row.value(inputs, rows, width).length);
    // an input moves by at most REACH, and a sum by REACH times a factor of at most 1
    if ((row.toKink?.(inputs, rows, width) ?? Infinity) > 1.5 * REACH) return { inputs, upstream };
  }
}

/** Checks a row of the table at a shape; returns the first wrong gradient. */
function check(name: string, row: Row, rows: number, width: number): string | undefined {
  const { inputs, upstream } = draw(name, row, rows, width);
  const gradients = row.gradients(inputs, upstream, rows, width);
  assert.equal(gradients.length, inputs.length);
  const value = () => row.value(inputs, rows, width).reduce((sum, y, k) => sum + y * upstream[k], 0);
  for (const [k, at] of inputs.entries()) {
    const of = `${name} [${rows}, ${width}], gradient by ${row.inputs[k][0]}`;
    const wrong = gradientError(of, gradients[k], at, value);
    if (wrong) return wrong;
  }
  return undefined;
}

for (const [name, row] of Object.entries(TABLE)) {
  Deno.test(`finite differences agree with the reference: ${name}`, () => {
    for (const [rows, width] of SHAPES) {
      const wrong = check(name, row, rows, width);
      if (wrong) assert.fail(wrong);
    }
  });
}

Deno.test.each(Object.entries(ELEMENTWISE))(
  "finite differences agree with %s everywhere",
  (_name, { reference }) => {
    for (let x = -12.03; x < 12; x += 0.07) {
      if (nearest([x], reference.kinks) < REACH) continue;
      const difference = derivative((step) => reference.forward(x + step));
      const off = Math.abs(difference - reference.derivative(x));
      assert.ok(off <= 1e-10, `f'(${x}) is ${reference.derivative(x)}, by differences ${difference}`);
    }
  },
);

Deno.test("a gradient with a wrong sign, a missing factor or NaN in one element fails the check", () => {
  for (const [name, row] of Object.entries(TABLE)) {
    for (const wrong of [(d: number) => -d, (d: number) => 1.001 * d, () => NaN]) {
      const gradients: Row["gradients"] = (...of) => {
        const right = row.gradients(...of).map((gradient) => gradient.slice());
        const side = right.find((gradient) => gradient.some((d) => d !== 0));
        if (!side) return [right[0].map(() => 1)];
        const most = side.reduce((at, d, k) => Math.abs(d) > Math.abs(side[at]) ? k : at, 0);
        side[most] = wrong(side[most]);
        return right;
      };
      assert.notEqual(check(name, { ...row, gradients }, 4, 5), undefined, name);
    }
  }
});

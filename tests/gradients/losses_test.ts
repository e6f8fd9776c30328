import assert from "node:assert/strict";
import { formatGradcheck } from "../../src/check/format_gradcheck.ts";
import { gradcheck } from "../../src/check/gradcheck.ts";
import { runReference } from "../../src/check/reference_graph.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { InputError } from "../../src/errors.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/graph/compile.ts";
import { Graph, type LossTerm, type Reduction, REDUCTIONS } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Step } from "../../src/graph/step.ts";
import { type Activation, ACTIVATIONS, padded, type Value } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { adam } from "../../src/optim/adam.ts";
import { binaryCrossEntropy } from "../../src/losses/binary_cross_entropy.ts";
import { binaryCrossEntropyWithLogits } from "../../src/losses/binary_cross_entropy_with_logits.ts";
import { gaussianKl } from "../../src/losses/gaussian_kl.ts";
import { sparsityKl } from "../../src/losses/sparsity_kl.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { RandomStream } from "../../src/random.ts";
import {
  binaryCrossEntropyGradients,
  binaryCrossEntropyValue,
} from "../../src/reference/binary_cross_entropy.ts";
import {
  binaryCrossEntropyWithLogitsGradients,
  binaryCrossEntropyWithLogitsValue,
} from "../../src/reference/binary_cross_entropy_with_logits.ts";
import { gaussianKlGradients, gaussianKlValue } from "../../src/reference/gaussian_kl.ts";
import { meanActivation, sparsityKlGradient, sparsityKlValue } from "../../src/reference/sparsity_kl.ts";
import { withFault } from "../helpers/faults.ts";
import { assertAllClose, bitsOf, gpuTest, largest, randomFloats, withGpu } from "../helpers/gpu.ts";

const REDUCTION_NAMES = Object.keys(REDUCTIONS) as Reduction[];
const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as Activation[];

/** The losses of this file, and squared error for its reductions. */
type Kind = "logits" | "probabilities" | "Gaussian" | "sparsity" | "squared";

const KINDS: readonly Kind[] = ["logits", "probabilities", "Gaussian", "sparsity", "squared"];

const RHO = 0.0625; // exact in float32, as what is checked near it is a difference

interface Figures {
  readonly label: string;
  readonly reduction: Reduction;
  readonly weight?: number;
}

/** Records a loss between two values; the sparsity penalty is about the first. */
function record(kind: Kind, graph: Graph, a: Value, b: Value, figures: Figures): LossTerm {
  switch (kind) {
    case "logits":
      return binaryCrossEntropyWithLogits(graph, a, b, figures);
    case "probabilities":
      return binaryCrossEntropy(graph, a, b, figures);
    case "Gaussian":
      return gaussianKl(graph, a, b, figures);
    case "sparsity": {
      const { label, weight = 1 } = figures;
      return sparsityKl(graph, a, { label, weight, sparsity: RHO });
    }
    case "squared":
      return squaredError(graph, a, b, figures);
  }
}

// ---- the references: differences hold gradients to values, figures worked out by hand hold values ----

/** A reference's value and gradients as functions of its two arrays. */
interface Reference {
  readonly value: (a: Float64Array, b: Float64Array) => number;
  readonly gradients: (a: Float64Array, b: Float64Array) => readonly Float64Array[];
}

function reference(kind: Kind, reduction: Reduction, rows: number, width: number): Reference {
  switch (kind) {
    case "logits":
      return {
        value: (z, t) => binaryCrossEntropyWithLogitsValue(z, t, reduction, rows),
        gradients: (z, t) => {
          const { dZ, dT } = binaryCrossEntropyWithLogitsGradients(z, t, reduction, rows);
          return [dZ, dT];
        },
      };
    case "probabilities":
      return {
        value: (p, t) => binaryCrossEntropyValue(p, t, reduction, rows),
        gradients: (p, t) => {
          const { dP, dT } = binaryCrossEntropyGradients(p, t, reduction, rows);
          return [dP, dT];
        },
      };
    case "Gaussian":
      return {
        value: (m, v) => gaussianKlValue(m, v, reduction, rows),
        gradients: (m, v) => {
          const { dMean, dLogVariance } = gaussianKlGradients(m, v, reduction, rows);
          return [dMean, dLogVariance];
        },
      };
    case "sparsity":
      return {
        value: (h) => sparsityKlValue(h, RHO, rows, width),
        gradients: (h) => [sparsityKlGradient(h, RHO, rows, width)],
      };
    case "squared":
      throw new Error("squared error is in reference_test.ts");
  }
}

const DIFFERENCE_STEP = 1e-4;

for (const kind of KINDS.filter((kind) => kind !== "squared")) {
  Deno.test(`the gradients of the reference agree with differences: ${kind}`, () => {
    for (const reduction of kind === "sparsity" ? ["sum" as const] : REDUCTION_NAMES) {
      for (const [rows, width] of [[1, 1], [3, 1], [1, 4], [7, 5]]) {
        const of = `${reduction} of ${rows} × ${width}`;
        const random = new RandomStream(rows * 10 + width, `${kind} ${of}`);
        const isProbability = kind === "probabilities" || kind === "sparsity";
        const draw = () =>
          Float64Array.from(
            { length: rows * width },
            () => isProbability ? 0.2 + 0.6 * random.nextUnit() : 6 * random.nextUnit() - 3,
          );
        const [a, b] = [draw(), draw()];
        const { value, gradients } = reference(kind, reduction, rows, width);
        gradients(a, b).forEach((gradient, side) => {
          const at = [a, b][side];
          const scale = Math.max(1e-3, largest(gradient));
          gradient.forEach((d, k) => {
            const kept = at[k];
            at[k] = kept + DIFFERENCE_STEP;
            const above = value(a, b);
            at[k] = kept - DIFFERENCE_STEP;
            const below = value(a, b);
            at[k] = kept;
            const difference = (above - below) / (2 * DIFFERENCE_STEP);
            assert.ok(
              Math.abs(d - difference) <= TOLERANCES.referenceDifference * scale,
              `${of}, side ${side}, element ${k}: gradient ${d}, difference ${difference}`,
            );
          });
        });
      }
    }
  });
}

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
  for (const kind of KINDS.filter((kind) => kind !== "squared")) {
    const { value, gradients } = reference(kind, "sum", 1, 1);
    assert.ok(Number.isNaN(value(nan, Float64Array.of(0.5))), kind);
    assert.ok(Number.isNaN(gradients(nan, Float64Array.of(0.5))[0][0]), kind);
  }
});

// ---- the kernels against the references ----

/** A gradient that is 0 in float64 need not be 0 in float32: 1e-7 is float32's rounding of numbers of about 1. */
const GRADIENT_FLOOR = 1e-7;

function narrow(wide: Float32Array, rows: number, width: number): Float32Array {
  return Float32Array.from({ length: rows * width }, (_, k) => {
    return wide[Math.floor(k / width) * padded(width) + k % width];
  });
}

/** Holds values' gradients, their padding included, and the losses of a step that has run to the reference. */
async function assertStepAgrees(
  step: Step,
  graph: Graph,
  parameters: Parameters,
  losses: readonly LossTerm[],
  inputs: ReadonlyMap<Value, Float32Array>,
  gradients: readonly Value[],
  rows: number,
  of: string,
): Promise<void> {
  const expected = runReference(graph, losses, {
    parameters: new Map(
      [...await parameters.read()].map(([name, floats]) => [name, Float64Array.from(floats)]),
    ),
    inputs: new Map([...inputs].map(([value, given]) => [value.label, Float64Array.from(given)])),
    rows,
  });
  const wide = gradients.map((value) => ({ ...value, width: padded(value.width) }));
  const read = await step.readValueGradients(wide, rows);
  gradients.forEach((value, k) => {
    const gradient = expected.valueGradients.get(value)!;
    assertAllClose(
      `${of}: d_${value.label}`,
      narrow(read[k], rows, value.width),
      gradient,
      [rows, value.width],
      TOLERANCES.gpuAgainstReference * largest(gradient) + GRADIENT_FLOOR,
    );
    read[k].forEach((d, at) => {
      if (at % padded(value.width) >= value.width) {
        assert.equal(Math.abs(d), 0, `${of}: padding of d_${value.label} at ${at}`);
      }
    });
  });
  const { values } = await step.readLosses();
  for (const { label } of losses) {
    const loss = expected.losses.get(label)!;
    const tolerance = TOLERANCES.lossAgainstReference * Math.abs(loss) + GRADIENT_FLOOR;
    assertAllClose(`${of}: ${label}`, values[label].slice(-1), [loss], [1], tolerance);
  }
}

/**
 * A loss in all the roles that a gradient's writer can have: between a and c it is the last of three writers, who
 * goes back through the activation, and with c and a exchanged the first, who overwrites; between d and e it is the
 * only one. In between, squared errors to random targets are what it adds to. All four are layers of one input, with
 * weights that keep them in (0, 1), where every loss and every activation has a value and a slope.
 *
 * The batch before the checked one is full and has NaN in the rows that the checked one does not have.
 */
async function checkRoles(
  gpu: Gpu,
  kind: Kind,
  activation: Activation,
  reduction: Reduction,
  batchSize: number,
  rows: number,
  width: number,
): Promise<void> {
  const of = `${kind}, ${reduction}, ${activation}, ${rows} × ${width}`;
  const graph = new Graph(batchSize);
  using parameters = new Parameters(1);
  const x = graph.input("x", 3), target = graph.input("target", width);
  const layers = ["a", "c", "d", "e"].map((label) => {
    const layer = { label, outputs: width, activation, initializer: "pytorch-linear" } as const;
    const y = dense(graph, parameters, x, layer);
    parameters.write(`${label}.weight`, randomFloats(`${label} weight ${of}`, 3 * width, 0.05, 0.3));
    parameters.write(`${label}.bias`, randomFloats(`${label} bias ${of}`, width, 0.02, 0.08));
    return y;
  });
  const [a, c, d, e] = layers;
  const losses = [
    record(kind, graph, a, c, { label: "last", reduction, weight: 0.7 }),
    squaredError(graph, a, target, { label: "error of a", reduction: "sample", weight: 0.3 }),
    squaredError(graph, c, target, { label: "error of c", reduction: "mean", weight: -2 }),
    record(kind, graph, c, a, { label: "first", reduction, weight: -1.3 }),
    record(kind, graph, d, e, { label: "only", reduction }),
  ];
  const gradients = kind === "sparsity" ? [a, c, d] : layers;
  using step = await compile(gpu, graph, parameters, {
    label: of,
    losses,
    gradients,
    trainable: parameters.all.filter(({ name }) => kind !== "sparsity" || !name.startsWith("e.")),
  });
  const given = new Map<Value, Float32Array>();
  for (const value of [x, target]) {
    const numbers = randomFloats(`${value.label} ${of}`, rows * value.width, 0, 1);
    given.set(value, numbers.map((number, k) => k % 5 === 1 ? 0 : k % 7 === 2 ? 1 : number));
    const batch = new Float32Array(batchSize * value.width).fill(NaN);
    batch.set(given.get(value)!);
    step.upload(value, batch);
  }
  if (rows < batchSize) {
    step.run({ first: 0, rows: batchSize });
    await assert.rejects(
      step.readLosses(),
      InputError,
      `${of}: NaN in a row that exists shows in the losses`,
    );
    await step.readGradients();
  }
  // twice: what the first leaves, overwritten or added to, must not show in the second
  step.run({ first: 0, rows });
  step.run({ first: 0, rows });
  await assertStepAgrees(step, graph, parameters, losses, given, gradients, rows, of);
}

const SHAPES: readonly (readonly [batchSize: number, rows: number, width: number])[] = [
  [1, 1, 1],
  [16, 1, 3],
  [16, 7, 13],
  [16, 16, 4],
  [16, 11, 33],
  [16, 13, 131],
];

for (const kind of KINDS) {
  Deno.test.each(SHAPES)(
    `${kind}: kernel agrees with the reference: batch %d, %d rows, %d wide`,
    (...shape) =>
      withGpu(async (gpu) => {
        for (const [k, activation] of ACTIVATION_NAMES.entries()) {
          // every activation with every reduction, over the shapes
          const reduction = REDUCTION_NAMES[(k + shape[1]) % REDUCTION_NAMES.length];
          await checkRoles(gpu, kind, activation, reduction, ...shape);
        }
      }),
  );
}

/** Rows past the end of a batch keep what an earlier batch left there, in gradients too. */
async function checkRowsPastTheEnd(gpu: Gpu, kind: Kind): Promise<void> {
  const graph = new Graph(16);
  using parameters = new Parameters(2);
  const inputs = ["left", "right"].map((label) => graph.input(label, 5));
  const loss = record(kind, graph, inputs[0], inputs[1], { label: "loss", reduction: "mean" });
  const gradients = kind === "sparsity" ? inputs.slice(0, 1) : inputs;
  using step = await compile(gpu, graph, parameters, { label: kind, losses: [loss], gradients });
  const [before, after] = [3, 2].map((rows) => async () => {
    for (const input of inputs.slice(0, gradients.length)) {
      step.upload(input, randomFloats(`${input.label} ${rows}`, 3 * 5, 0.1, 0.9));
    }
    step.run({ first: 0, rows });
    return (await step.readValueGradients(gradients, 3)).map((gradient) => [...bitsOf(gradient)]);
  });
  const [old, recent] = [await before(), await after()];
  old.forEach((bits, side) => {
    assert.deepEqual(
      recent[side].slice(10),
      bits.slice(10),
      `${kind}, side ${side}: a row that does not exist`,
    );
    assert.notDeepEqual(
      recent[side].slice(0, 10),
      bits.slice(0, 10),
      `${kind}, side ${side}: rows that exist`,
    );
  });
}

/** Runs a loss between inputs, without and with gradients. Both must be the same loss. */
async function run(
  gpu: Gpu,
  kind: Kind,
  a: Float32Array,
  b: Float32Array,
  rows = 1,
): Promise<{ loss: number; gradients: Float32Array<ArrayBuffer>[] }> {
  const graph = new Graph(16);
  using parameters = new Parameters(1);
  const inputs = ["left", "right"].map((label) => graph.input(label, a.length / rows));
  const loss = record(kind, graph, inputs[0], inputs[1], { label: "loss", reduction: "sum" });
  const gradients = kind === "sparsity" ? inputs.slice(0, 1) : inputs;
  using value = await compile(gpu, graph, parameters, { label: kind, losses: [loss] });
  using step = await compile(gpu, graph, parameters, { label: kind, losses: [loss], gradients });
  for (const compiled of [value, step]) {
    compiled.upload(inputs[0], a);
    if (kind !== "sparsity") compiled.upload(inputs[1], b);
    compiled.run({ first: 0, rows });
  }
  const [without, having] = [await value.readLosses(), await step.readLosses()];
  assert.deepEqual(
    bitsOf(without.values.loss as Float32Array<ArrayBuffer>),
    bitsOf(having.values.loss as Float32Array<ArrayBuffer>),
  );
  return { loss: having.values.loss[0], gradients: await step.readValueGradients(gradients, rows) };
}

/** Holds each element alone, its value and its gradients, to the reference: relative, and not of the largest. */
async function assertElements(
  gpu: Gpu,
  kind: Kind,
  a: readonly number[],
  b: readonly number[],
  relative = TOLERANCES.gpuAgainstReference,
): Promise<void> {
  const check = (of: string, actual: number, expected: number) => {
    // what is below float32's normal numbers may be flushed to 0
    const bound = relative * Math.abs(expected) + 2 ** -126;
    assert.ok(Math.abs(actual - expected) <= bound, `${kind}, ${of}: ${actual}, expected ${expected}`);
  };
  const [left, right] = [Float32Array.from(a), Float32Array.from(b)];
  const { loss, gradients } = await run(gpu, kind, left, right);
  const { value, gradients: expectedGradients } = reference(kind, "sum", 1, a.length);
  const [left64, right64] = [Float64Array.from(left), Float64Array.from(right)];
  check("all together", loss, value(left64, right64));
  expectedGradients(left64, right64).forEach((gradient, side) =>
    gradient.forEach((d, k) => check(`gradient of side ${side} at (${a[k]}, ${b[k]})`, gradients[side][k], d))
  );
  const sample = a.length > 8 ? [0, 3, a.length - 1] : a.keys();
  for (const k of sample) {
    const alone = await run(gpu, kind, left.subarray(k, k + 1), right.subarray(k, k + 1));
    const { value: valueAlone } = reference(kind, "sum", 1, 1);
    check(
      `(${a[k]}, ${b[k]}) alone`,
      alone.loss,
      valueAlone(left64.slice(k, k + 1), right64.slice(k, k + 1)),
    );
  }
}

/** Every pair of two lists. */
function pairs(a: readonly number[], b: readonly number[]): [number[], number[]] {
  return [a.flatMap((x) => b.map(() => x)), a.flatMap(() => b)];
}

const EXTREMES: Readonly<
  Record<Exclude<Kind, "squared">, readonly (readonly [readonly number[], readonly number[]])[]>
> = {
  logits: [
    // sure and right: e^-15 and below, which log(1 + e^-15) loses in float32
    [[15, -15, 40], [1, 0, 1]],
    [[80, -80], [1, 0]],
    pairs([-1e4, -100, -30, -1, -0, 0, 1, 30, 100, 1e4], [0, 0.25, 1]),
  ],
  probabilities: [
    [[0, 1, 0, 1], [0, 1, 1, 0]],
    [[1 - 2 ** -24, 2 ** -24, 2 ** -60], [1, 0, 0]],
    pairs([0, 1e-37, 1e-30, 1e-20, 1e-8, 0.3, 0.5, 0.75, 1 - 2 ** -24, 1], [0, 0.25, 1]),
  ],
  Gaussian: [
    [[0, 1e-3, 0], [1e-3, 0, -1e-4]],
    pairs([-100, -1, 0, 1e-3, 3], [-100, -20, -1.01, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 1.01, 20, 80]),
  ],
  sparsity: [
    [[0, 1, RHO + 2 ** -10], [0, 0, 0]],
    [[
      0,
      1,
      1e-7,
      1 - 2 ** -24,
      RHO,
      RHO + 2 ** -14,
      RHO - 2 ** -14,
      1e-5,
      0.25,
      0.5,
      0.75,
      0.9,
      1 - 2 ** -12,
    ], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ],
};

for (const kind of Object.keys(EXTREMES) as (keyof typeof EXTREMES)[]) {
  gpuTest(`${kind}: right in every element at the extremes`, async (gpu) => {
    for (const [a, b] of EXTREMES[kind]) await assertElements(gpu, kind, a, b);
  });

  gpuTest(`${kind}: NaN on either side shows in the loss and in the gradient`, async (gpu) => {
    for (const [k, other] of [[0, 0.5], [1, 0.5], [2, 0], [2, 1]]) {
      for (const side of kind === "sparsity" ? [0] : [0, 1]) {
        const good = new Float32Array(3).fill(other), bad = good.slice();
        bad[k] = NaN;
        const [a, b] = side === 0 ? [bad, good] : [good, bad];
        const graph = new Graph(16);
        using parameters = new Parameters(1);
        const inputs = [graph.input("left", 3), graph.input("right", 3)];
        const loss = record(kind, graph, inputs[0], inputs[1], { label: "loss", reduction: "mean" });
        using step = await compile(gpu, graph, parameters, {
          label: "poisoned",
          losses: [loss],
          gradients: inputs.slice(0, kind === "sparsity" ? 1 : 2),
        });
        step.upload(inputs[0], a);
        if (kind !== "sparsity") step.upload(inputs[1], b);
        step.run({ first: 0, rows: 1 });
        await assert.rejects(
          step.readLosses(),
          (error: unknown) =>
            error instanceof InputError && /loss "loss" is NaN at step 1;/.test(error.message),
          `${kind}, side ${side}, beside ${other}`,
        );
        const [gradient] = await step.readValueGradients([inputs[0]], 1);
        // μ's own gradient knows nothing of log σ²
        const shows = kind === "Gaussian" && side === 1 ? -1 : k;
        assert.deepEqual(
          [...gradient].map(Number.isNaN),
          [0, 1, 2].map((at) => at === shows),
          `${kind}, side ${side}`,
        );
      }
    }
  });

  gpuTest(`${kind}: a second run gives the same bits`, async (gpu) => {
    const [a, b] = [randomFloats("a", 7 * 13, 0.1, 0.9), randomFloats("b", 7 * 13, 0.1, 0.9)];
    const [one, two] = [await run(gpu, kind, a, b, 7), await run(gpu, kind, a, b, 7)];
    assert.equal(one.loss, two.loss);
    one.gradients.forEach((gradient, k) => assert.deepEqual(bitsOf(gradient), bitsOf(two.gradients[k])));
  });
}

gpuTest("a loss between a value and itself gets both of its gradients", async (gpu) => {
  for (const kind of ["logits", "probabilities", "Gaussian"] as const) {
    const graph = new Graph(16);
    using parameters = new Parameters(3);
    const x = graph.input("x", 3);
    const layer = { outputs: 5, activation: "sigmoid", initializer: "pytorch-linear" } as const;
    const y = dense(graph, parameters, x, { ...layer, label: "y" });
    const loss = record(kind, graph, y, y, { label: "loss", reduction: "sample" });
    using step = await compile(gpu, graph, parameters, { label: kind, losses: [loss], gradients: [y] });
    const given = new Map([[x, randomFloats(kind, 7 * 3)]]);
    step.upload(x, given.get(x)!);
    step.run({ first: 0, rows: 7 });
    await assertStepAgrees(step, graph, parameters, [loss], given, [y], 7, kind);
  }
});

gpuTest(
  "behind a sigmoid, cross-entropy from probabilities has the gradient P - T to the last bits",
  async (gpu) => {
    const graph = new Graph(16);
    using parameters = new Parameters(4);
    const x = graph.input("x", 1), target = graph.input("target", 1);
    const layer = { outputs: 1, activation: "sigmoid", initializer: "pytorch-linear", label: "p" } as const;
    const p = dense(graph, parameters, x, layer);
    parameters.write("p.weight", [1]);
    parameters.write("p.bias", [0]);
    const loss = binaryCrossEntropy(graph, p, target, { label: "loss", reduction: "sum" });
    using step = await compile(gpu, graph, parameters, {
      label: "p",
      losses: [loss],
      gradients: [p],
      outputs: [p],
    });
    const z = [-24, -16, -10, -3, 0, 3, 10, 14, 16];
    const targets = z.map((_, k) => k % 2);
    step.upload(x, Float32Array.from(z));
    step.upload(target, Float32Array.from(targets));
    step.run({ first: 0, rows: z.length });
    const [values] = await step.read([p], z.length);
    const [gradient] = await step.readValueGradients([p], z.length);
    z.forEach((logit, k) => {
      const expected = values[k] - targets[k];
      assert.ok(
        Math.abs(gradient[k] - expected) <= 2 ** -22 * Math.abs(expected),
        `at ${logit}: ${gradient[k]}, expected ${expected}`,
      );
    });
  },
);

gpuTest(
  "sparsityKl() shows the mean activations of the rows that exist, with and without gradients",
  async (gpu) => {
    const graph = new Graph(16);
    using parameters = new Parameters(5);
    const h = graph.input("h", 13);
    const term = sparsityKl(graph, h, { label: "sparsity", sparsity: 0.05, weight: 2 });
    assert.equal(term.reduction, "sum");
    assert.deepEqual([term.meanActivation.label, term.meanActivation.width], [
      "sparsity mean activation",
      13,
    ]);
    const given = randomFloats("h", 16 * 13, 0, 1);
    for (const gradients of [[], [h]]) {
      using step = await compile(gpu, graph, parameters, { label: "means", losses: [term], gradients });
      step.upload(h, given);
      for (const rows of [16, 1, 7]) {
        step.run({ first: 0, rows });
        const [means] = await step.read([term.meanActivation], 1);
        const expected = meanActivation(Float64Array.from(given.subarray(0, rows * 13)), rows, 13);
        assertAllClose(`means of ${rows} rows`, means, expected, [13], 1e-6);
      }
    }
  },
);

gpuTest("gradcheck() passes a model with all of the losses, at the start and after 20 steps", async (gpu) => {
  const report = await gradcheck(gpu, () => (graph, parameters, pixels) => {
    const layer = (label: string, x: Value, outputs: number, activation: Activation) =>
      dense(graph, parameters, x, { label, outputs, activation, initializer: "pytorch-linear" });
    const hidden = layer("hidden", pixels, 9, "sigmoid");
    const mean = layer("mean", hidden, 3, "identity"),
      logVariance = layer("log variance", hidden, 3, "identity");
    const mirror = layer("mirror", mean, 9, "sigmoid");
    const logits = layer("logits", mirror, pixels.width, "identity");
    return {
      code: mean,
      output: logits,
      losses: [
        binaryCrossEntropyWithLogits(graph, logits, pixels, { label: "reconstruction", reduction: "sample" }),
        gaussianKl(graph, mean, logVariance, { label: "KL", reduction: "sample", weight: 0.5 }),
        binaryCrossEntropy(graph, mirror, hidden, { label: "match", reduction: "mean", weight: 3 }),
        sparsityKl(graph, hidden, { label: "sparsity", sparsity: 0.05, weight: 0.1 }),
      ],
    };
  }, { widths: [30], rows: [7], seed: 3, steps: 20, optimizer: adam({ learningRate: 0.01 }) });
  assert.ok(report.passed, formatGradcheck(report));
});

Deno.test("losses refuse targets of another width and a sparsity outside (0, 1)", () => {
  const graph = new Graph(4);
  const [three, four] = [graph.input("three", 3), graph.input("four", 4)];
  const figures = { label: "loss", reduction: "mean" } as const;
  const refusal = (message: string) => ({ name: "TypeError", message });
  const crossEntropy = refusal(
    'Cannot apply binary cross-entropy "loss": expected a target [B, 3] but received [B, 4]',
  );
  assert.throws(() => binaryCrossEntropy(graph, three, four, figures), crossEntropy);
  assert.throws(() => binaryCrossEntropyWithLogits(graph, three, four, figures), crossEntropy);
  assert.throws(
    () => gaussianKl(graph, three, four, figures),
    refusal('Cannot apply Gaussian KL "loss": expected log-variances [B, 3] but received [B, 4]'),
  );
  for (const sparsity of [0, 1, -0.1, NaN]) {
    assert.throws(() => sparsityKl(graph, three, { label: "loss", sparsity }), {
      name: "RangeError",
      message: `Cannot apply sparsity KL "loss": sparsity must be in (0, 1), received ${sparsity}`,
    });
  }
  assert.equal(graph.nodes.length, 2, "nothing was recorded");
});

// ---- planted faults: each must be caught by a check above ----

/** What this file checks of a kernel, in short: its roles in a partial batch, and its extremes. */
async function checkKernel(gpu: Gpu, kind: Kind): Promise<void> {
  for (const [k, activation] of (["sigmoid", "tanh", "relu"] as const).entries()) {
    await checkRoles(gpu, kind, activation, REDUCTION_NAMES[k], 16, 7, 37);
  }
  await checkRowsPastTheEnd(gpu, kind);
  if (kind === "squared") return;
  for (const [a, b] of EXTREMES[kind]) await assertElements(gpu, kind, a, b);
  if (kind !== "sparsity") return;
  // a hidden unit that does not fire has ReLU's slope 0
  const graph = new Graph(16);
  using parameters = new Parameters(6);
  const x = graph.input("x", 1);
  const layer = { outputs: 1, activation: "relu", initializer: "pytorch-linear", label: "h" } as const;
  const h = dense(graph, parameters, x, layer);
  parameters.write("h.weight", [1]);
  parameters.write("h.bias", [0]);
  const loss = sparsityKl(graph, h, { label: "loss", sparsity: RHO });
  using step = await compile(gpu, graph, parameters, { label: "kink", losses: [loss], gradients: [h] });
  const given = new Map([[x, Float32Array.of(-1, 0.5, 0)]]);
  step.upload(x, given.get(x)!);
  step.run({ first: 0, rows: 3 });
  await assertStepAgrees(step, graph, parameters, [loss], given, [h], 3, "kink");
}

/** Which of the checks of {@link checkKernel} a message is from. */
function checkThatFailed(message: string): string {
  const checks = {
    padding: /: padding of d_/,
    gradients: /: d_(a|c|d|e|h) \[/,
    losses: /: (last|first|only|loss|error of .) \[/,
    "rows past the end": /a row that does not exist/,
    elements: /(all together|alone|gradient of side \d at .*): /,
  };
  return Object.entries(checks).find(([_check, pattern]) => pattern.test(message))?.[0] ?? "none";
}

const LOGITS = "shaders/losses/binary_cross_entropy_with_logits.wgsl";
const PROBABILITIES = "shaders/losses/binary_cross_entropy.wgsl";
const GAUSSIAN = "shaders/losses/gaussian_kl.wgsl";
const SPARSITY = "shaders/losses/sparsity_kl.wgsl";
const MEAN = "shaders/losses/mean_activation.wgsl";
const SQUARED = "shaders/losses/squared_error.wgsl";

const MEAN_SCALE = "1.0 / (f32(rows) * f32(width))",
  SAMPLE_SCALE = "{ return 1.0 / f32(rows); }";

/** Faults that every loss with reductions can have. */
const ofReductions = (kind: Kind, path: string): [Kind, string, string, string, string, string][] => [
  [kind, "mean over rows only", path, MEAN_SCALE, "1.0 / f32(rows)", "gradients"],
  [
    kind,
    "padding counted in the mean",
    path,
    MEAN_SCALE,
    "1.0 / (f32(rows) * f32((width + 3u) / 4u * 4u))",
    "gradients",
  ],
  [kind, "sample not divided", path, SAMPLE_SCALE, "{ return 1.0; }", "gradients"],
  [kind, "sample divided by columns", path, SAMPLE_SCALE, "{ return 1.0 / f32(width); }", "gradients"],
  [
    kind,
    "sum divided",
    path,
    "case REDUCTION_SUM: { return 1.0; }",
    "case REDUCTION_SUM: { return 0.5; }",
    "gradients",
  ],
  [kind, "missing rows bound", path, "b >= step.rows", "b > step.rows", "rows past the end"],
  [kind, "scale left out of the value", path, "= scale * sum_of_four(", "= sum_of_four(", "losses"],
];

/** Faults in the derivatives of activations. */
const ofActivations = (kind: Kind, path: string): [Kind, string, string, string, string, string][] => [
  [
    kind,
    "wrong derivative of the sigmoid",
    path,
    "return y * (1.0 - y);",
    "return y * (1.0 + y);",
    "gradients",
  ],
  [kind, "wrong derivative of tanh", path, "return 1.0 - y * y;", "return 1.0 - y;", "gradients"],
];

Deno.test.each([
  ...ofReductions("squared", SQUARED),
  ...ofReductions("logits", LOGITS),
  ...ofActivations("logits", LOGITS),
  [
    "logits",
    "wrong sign of the target",
    LOGITS,
    "doubt - truth, (1.0 - truth) - doubt",
    "doubt + truth, (1.0 - truth) - doubt",
    "elements",
  ],
  [
    "logits",
    "wrong sign for sure logits",
    LOGITS,
    "(1.0 - truth) - doubt",
    "doubt - (1.0 - truth)",
    "gradients",
  ],
  [
    "logits",
    "sides exchanged",
    LOGITS,
    "doubt - truth, (1.0 - truth) - doubt",
    "(1.0 - truth) - doubt, doubt - truth",
    "gradients",
  ],
  [
    "logits",
    "cancelling form of σ(Z) - T",
    LOGITS,
    "(1.0 - truth) - doubt, positive",
    "1.0 / (1.0 + e) - truth, positive",
    "elements",
  ],
  ["logits", "missing weight", LOGITS, "loss.weight * scale * select", "scale * select", "gradients"],
  ["logits", "missing scale", LOGITS, "loss.weight * scale * select", "loss.weight * select", "gradients"],
  ["logits", "= for +=", LOGITS, "{ gradient += d_z[at]; }", "{ }", "gradients"],
  ["logits", "+= for =", LOGITS, "loss.accumulate_z != 0u", "true", "gradients"],
  [
    "logits",
    "activation left out",
    LOGITS,
    "gradient * derivative(loss.activation_z, logit)",
    "gradient",
    "gradients",
  ],
  [
    "logits",
    "gradient in the padding",
    LOGITS,
    "gradient * derivative(loss.activation_z, logit), exists",
    "gradient * derivative(loss.activation_z, logit), vec4<bool>(true)",
    "padding",
  ],
  [
    "logits",
    "value of the padding",
    LOGITS,
    "vec4f(0.0), value, exists",
    "vec4f(0.0), value, vec4<bool>(true)",
    "losses",
  ],
  ["logits", "target: wrong sign", LOGITS, "scale * -logit", "scale * logit", "gradients"],
  ["logits", "target: missing weight", LOGITS, "loss.weight * scale * -logit", "scale * -logit", "gradients"],
  ["logits", "target: = for +=", LOGITS, "{ gradient += d_t[at]; }", "{ }", "gradients"],
  ["logits", "target: += for =", LOGITS, "loss.accumulate_t != 0u", "true", "gradients"],
  [
    "logits",
    "target: activation left out",
    LOGITS,
    "gradient * derivative(loss.activation_t, truth)",
    "gradient",
    "gradients",
  ],
  ["logits", "log(1 + e) left out", LOGITS, " + log1p_near(e)", "", "losses"],
  ["logits", "log for log1p", LOGITS, "log1p_near(e);", "log(1.0 + e);", "elements"],
  ["logits", "exp that overflows", LOGITS, "exp(-abs(logit))", "exp(-logit)", "elements"],
  ["logits", "term dropped from the series", LOGITS, "1.0 / 5.0", "0.0", "losses"],
  ...ofReductions("probabilities", PROBABILITIES),
  ...ofActivations("probabilities", PROBABILITIES),
  [
    "probabilities",
    "wrong sign",
    PROBABILITIES,
    "(probability - truth) *",
    "(truth - probability) *",
    "gradients",
  ],
  ["probabilities", "variance left out", PROBABILITIES, "(slope / variance)", "slope", "gradients"],
  [
    "probabilities",
    "variance not clamped",
    PROBABILITIES,
    "max(probability * (1.0 - probability), vec4f(LEAST_VARIANCE))",
    "probability * (1.0 - probability)",
    "elements",
  ],
  [
    "probabilities",
    "missing weight",
    PROBABILITIES,
    "loss.weight * scale * (probability",
    "scale * (probability",
    "gradients",
  ],
  ["probabilities", "= for +=", PROBABILITIES, "{ gradient += d_p[at] * slope; }", "{ }", "gradients"],
  ["probabilities", "+= for =", PROBABILITIES, "loss.accumulate_p != 0u", "true", "gradients"],
  [
    "probabilities",
    "activation left out of what is added to",
    PROBABILITIES,
    "d_p[at] * slope",
    "d_p[at]",
    "gradients",
  ],
  [
    "probabilities",
    "activation left out",
    PROBABILITIES,
    "(slope / variance)",
    "(1.0 / variance)",
    "gradients",
  ],
  [
    "probabilities",
    "target: wrong sign",
    PROBABILITIES,
    "(log_rest - log_p)",
    "(log_p - log_rest)",
    "gradients",
  ],
  ["probabilities", "target: dropped term", PROBABILITIES, "(log_rest - log_p)", "(-log_p)", "gradients"],
  [
    "probabilities",
    "target: missing weight",
    PROBABILITIES,
    "loss.weight * scale * (log_rest",
    "scale * (log_rest",
    "gradients",
  ],
  ["probabilities", "target: = for +=", PROBABILITIES, "{ gradient += d_t[at]; }", "{ }", "gradients"],
  ["probabilities", "target: += for =", PROBABILITIES, "loss.accumulate_t != 0u", "true", "gradients"],
  [
    "probabilities",
    "target: activation left out",
    PROBABILITIES,
    "gradient * derivative(loss.activation_t, truth)",
    "gradient",
    "gradients",
  ],
  [
    "probabilities",
    "target: gradient in the padding",
    PROBABILITIES,
    "gradient * derivative(loss.activation_t, truth), exists",
    "gradient * derivative(loss.activation_t, truth), vec4<bool>(true)",
    "padding",
  ],
  ["probabilities", "dropped term", PROBABILITIES, " + (1.0 - truth) * log_rest", "", "losses"],
  ["probabilities", "another clamp", PROBABILITIES, "LOWEST_LOG = -100.0", "LOWEST_LOG = -90.0", "elements"],
  [
    "probabilities",
    "no clamp",
    PROBABILITIES,
    "select(value, vec4f(LOWEST_LOG), lowest)",
    "value",
    "elements",
  ],
  [
    "probabilities",
    "scaled up and not down",
    PROBABILITIES,
    "LOG_SCALE_UP), small",
    "0.0), small",
    "elements",
  ],
  [
    "probabilities",
    "log for log1p",
    PROBABILITIES,
    "log1p_near(-smaller);",
    "log(1.0 - smaller);",
    "elements",
  ],
  [
    "probabilities",
    "logarithms exchanged",
    PROBABILITIES,
    "select(log_smaller, log_larger, above)",
    "select(log_larger, log_smaller, above)",
    "gradients",
  ],
  ...ofReductions("Gaussian", GAUSSIAN),
  ...ofActivations("Gaussian", GAUSSIAN),
  ["Gaussian", "wrong sign of μ", GAUSSIAN, "scale * m;", "scale * -m;", "gradients"],
  ["Gaussian", "missing weight of μ", GAUSSIAN, "loss.weight * scale * m;", "scale * m;", "gradients"],
  ["Gaussian", "μ: = for +=", GAUSSIAN, "{ gradient += d_mean[at]; }", "{ }", "gradients"],
  ["Gaussian", "μ: += for =", GAUSSIAN, "loss.accumulate_mean != 0u", "true", "gradients"],
  [
    "Gaussian",
    "μ: activation left out",
    GAUSSIAN,
    "gradient * derivative(loss.activation_mean, m)",
    "gradient",
    "gradients",
  ],
  ["Gaussian", "log σ²: missing factor ½", GAUSSIAN, "scale * 0.5 * select", "scale * select", "gradients"],
  ["Gaussian", "log σ²: missing weight", GAUSSIAN, "loss.weight * scale * 0.5", "scale * 0.5", "gradients"],
  ["Gaussian", "log σ²: dropped -1", GAUSSIAN, "select(variance - 1.0, v", "select(variance, v", "elements"],
  [
    "Gaussian",
    "log σ²: wrong sign",
    GAUSSIAN,
    "select(variance - 1.0, v + beyond",
    "select(variance - 1.0, -v - beyond",
    "gradients",
  ],
  ["Gaussian", "log σ²: dropped term", GAUSSIAN, "v + beyond, is_near", "beyond, is_near", "gradients"],
  ["Gaussian", "log σ²: = for +=", GAUSSIAN, "{ gradient += d_log_variance[at]; }", "{ }", "gradients"],
  ["Gaussian", "log σ²: += for =", GAUSSIAN, "loss.accumulate_log_variance != 0u", "true", "gradients"],
  [
    "Gaussian",
    "log σ²: activation left out",
    GAUSSIAN,
    "gradient * derivative(loss.activation_log_variance, v)",
    "gradient",
    "gradients",
  ],
  ["Gaussian", "standard deviation for variance", GAUSSIAN, "exp(v);", "exp(0.5 * v);", "elements"],
  ["Gaussian", "missing factor ½", GAUSSIAN, "sum += 0.5 * (", "sum += (", "losses"],
  ["Gaussian", "μ not squared", GAUSSIAN, "(m * m + ", "(abs(m) + ", "losses"],
  [
    "Gaussian",
    "log σ² dropped",
    GAUSSIAN,
    "variance - 1.0 - v, beyond",
    "variance - 1.0, beyond",
    "elements",
  ],
  ["Gaussian", "no series", GAUSSIAN, "abs(v) <= vec4f(1.0)", "abs(v) < vec4f(0.0)", "elements"],
  ["Gaussian", "term dropped from the series", GAUSSIAN, "v * fifth", "0.0", "gradients"],
  ...ofActivations("sparsity", SPARSITY),
  [
    "sparsity",
    "wrong derivative of ReLU",
    SPARSITY,
    "select(vec4f(0.0), vec4f(1.0), y > vec4f(0.0))",
    "vec4f(1.0)",
    "gradients",
  ],
  ["sparsity", "wrong sign", SPARSITY, "select(excess /", "select(-excess /", "gradients"],
  ["sparsity", "missing factor ρ̂", SPARSITY, "(mean * mean_rest)", "mean_rest", "gradients"],
  ["sparsity", "missing factor 1-ρ̂", SPARSITY, "(mean * mean_rest)", "mean", "gradients"],
  ["sparsity", "missing weight", SPARSITY, "loss.weight * select", "select", "gradients"],
  ["sparsity", "not divided by rows", SPARSITY, " / f32(step.rows);", ";", "gradients"],
  ["sparsity", "= for +=", SPARSITY, "{ gradient += d_h[at]; }", "{ }", "gradients"],
  ["sparsity", "+= for =", SPARSITY, "loss.accumulate != 0u", "true", "gradients"],
  [
    "sparsity",
    "activation left out",
    SPARSITY,
    "gradient * derivative(loss.activation, h[at])",
    "gradient",
    "gradients",
  ],
  [
    "sparsity",
    "gradient where the clamp holds",
    SPARSITY,
    "vec4f(0.0), is_held",
    "vec4f(0.0), vec4<bool>(false)",
    "elements",
  ],
  [
    "sparsity",
    "gradient where the clamp holds near 1",
    SPARSITY,
    " | (1.0 - rho[j] < vec4f(CLAMP))",
    "",
    "elements",
  ],
  ["sparsity", "another clamp", SPARSITY, "CLAMP = 1e-6", "CLAMP = 1e-7", "elements"],
  ["sparsity", "clamp near 1 rounded", SPARSITY, "clamped(1.0 - rho[j])", "1.0 - mean", "elements"],
  ["sparsity", "value in every row", SPARSITY, "b == 0u);", "true);", "losses"],
  [
    "sparsity",
    "value of the padding",
    SPARSITY,
    "vec4f(0.0), value, exists",
    "vec4f(0.0), value, vec4<bool>(true)",
    "losses",
  ],
  ["sparsity", "dropped term", SPARSITY, "loss.rest * beyond_log", "0.0 * beyond_log", "losses"],
  [
    "sparsity",
    "no logarithm, as in the tutorial",
    SPARSITY,
    "x - log(one_plus_x)",
    "x - one_plus_x",
    "losses",
  ],
  ["sparsity", "cancelling near ρ", SPARSITY, "abs(x) <= vec4f(0.5)", "abs(x) < vec4f(0.0)", "elements"],
  ["sparsity", "missing rows bound", SPARSITY, "b >= step.rows", "b > step.rows", "rows past the end"],
  ["sparsity", "mean: not divided", MEAN, "sum / f32(step.rows)", "sum", "gradients"],
  ["sparsity", "mean: one row short", MEAN, "b < step.rows", "b < step.rows - 1u", "gradients"],
  ["sparsity", "mean: missing rows bound", MEAN, "b < step.rows", "b < step.rows + 1u", "gradients"],
  ["sparsity", "mean: last row only", MEAN, "sum += h", "sum = h", "gradients"],
] as [Kind, string, string, string, string, string][])(
  "a planted fault is caught: %s, %s",
  async (kind, _name, path, text, becomes, killer) => {
    await withFault({ path, text, becomes }, async (gpu) => {
      await assert.rejects(checkKernel(gpu, kind), (error: unknown) => {
        assert.ok(error instanceof assert.AssertionError, String(error));
        assert.equal(checkThatFailed(error.message), killer, error.message);
        return true;
      });
      gpu.check("a faulty run");
    });
  },
);

for (const kind of KINDS) {
  gpuTest(`the kernel passes what its planted faults fail: ${kind}`, (gpu) => checkKernel(gpu, kind));
}

/**
 * Checks of kernels against the f64 reference: `kernels_test.ts` runs them on many shapes, and
 * `faults_test.ts` proves that they notice planted faults.
 * @module
 */
import assert from "node:assert/strict";
import { everyOp, KERNEL_ACTIVATIONS, type KernelActivation } from "../../src/check/every_op.ts";
import { type ReferenceResult, runReference } from "../../src/check/reference_graph.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { InputError } from "../../src/errors.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import type { GradientClip, Optimizer } from "../../src/step/update.ts";
import { Graph, type LossTerm, type Reduction } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Step } from "../../src/step/step.ts";
import type { Activation, Value } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { binaryCrossEntropy } from "../../src/losses/binary_cross_entropy.ts";
import { binaryCrossEntropyWithLogits } from "../../src/losses/binary_cross_entropy_with_logits.ts";
import { gaussianKl } from "../../src/losses/gaussian_kl.ts";
import { sparsityKl } from "../../src/losses/sparsity_kl.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { clipByGlobalNorm } from "../../src/optim/clip.ts";
import { sgd } from "../../src/optim/sgd.ts";
import { type AdamFigures, adamUpdate } from "../../src/reference/adam.ts";
import {
  binaryCrossEntropyGradients,
  binaryCrossEntropyValue,
} from "../../src/reference/binary_cross_entropy.ts";
import {
  binaryCrossEntropyWithLogitsGradients,
  binaryCrossEntropyWithLogitsValue,
} from "../../src/reference/binary_cross_entropy_with_logits.ts";
import { clipFactor, globalNorm } from "../../src/reference/clip.ts";
import { gaussianKlGradients, gaussianKlValue } from "../../src/reference/gaussian_kl.ts";
import { type SgdFigures, sgdUpdate } from "../../src/reference/sgd.ts";
import { sparsityKlGradient, sparsityKlValue } from "../../src/reference/sparsity_kl.ts";
import { squaredErrorGradient, squaredErrorValue } from "../../src/reference/squared_error.ts";
import { tensorNorm, updateRatio } from "../../src/reference/watch.ts";
import { type Disagreement, findDisagreement } from "../helpers/agreement.ts";
import { assertAllClose, bitsOf, closeness, largest, randomFloats, retile } from "../helpers/gpu.ts";

/** The first difference found by a check. */
export interface Finding {
  readonly check:
    | Disagreement["check"]
    | "rows past the end"
    | "extremes"
    | "repeats"
    | "updates"
    | "watched";
  readonly message: string;
}

// ---- every op in one network ----

// No multiples of four. The second batch is partial, followed in memory by the first one's last row; kernels
// that read four rows at a time have a remainder of three.
const WIDTH = 18, BATCH = 8, ROWS = 7;
const ORDER = Uint32Array.of(3, 8, 0, 12, 5, 7, 2, 10, 6, 1, 9, 14, 4, 11, 13);
const BYTES = Uint8Array.from(randomFloats("bytes", ORDER.length * WIDTH, 0, 256));
const FLOATS = randomFloats("floats", ORDER.length * WIDTH, 0, 1);

/** Rows of the second batch. */
function secondBatch(images: ArrayLike<number>, scale: number): Float64Array {
  return Float64Array.from({ length: ROWS * WIDTH }, (_, at) => {
    const row = ORDER[BATCH + Math.floor(at / WIDTH)];
    return images[row * WIDTH + at % WIDTH] / scale;
  });
}

/** Creates a repeatable check of two steps of a network with every op against the f64 reference. */
export function everyOpCheck(
  gpu: Gpu,
  owned: DisposableStack,
  activations: readonly KernelActivation[] = KERNEL_ACTIVATIONS,
): () => Promise<Finding | undefined> {
  const graph = new Graph(BATCH);
  const parameters = owned.use(new Parameters(8));
  // rows of 18 pixels are padded to 20: five of the 15 images in a chunk
  const bytes = owned.use(new DeviceImages(gpu, "bytes", BYTES, WIDTH, 5 * 20));
  const floats = owned.use(new DeviceImages(gpu, "floats", FLOATS, WIDTH, 5 * 20 * 4));
  for (const images of [bytes, floats]) images.setOrder(ORDER);
  const [pixels, target] = [gatherBatch(graph, "pixels", bytes), gatherBatch(graph, "target", floats)];
  const losses = everyOp(graph, parameters, pixels, target, activations);
  retile(graph, 3, 2); // small tiles compile fast
  const inputs = new Map([[pixels, secondBatch(BYTES, 255)], [target, secondBatch(FLOATS, 1)]]);
  let known: ReferenceResult | undefined;
  const reference = (start: ReadonlyMap<string, Float64Array>) =>
    known ??= runReference(graph, losses, {
      parameters: start,
      inputs: new Map([...inputs].map(([{ label }, given]) => [label, given])),
      rows: ROWS,
      draw: 2,
    });
  const batches = [{ first: 0, rows: BATCH }, { first: BATCH, rows: ROWS }];
  return () => findDisagreement(gpu, graph, parameters, { losses, inputs }, ROWS, { batches, reference });
}

// ---- losses ----

/** Losses with their own shader. */
export const LOSS_KINDS = ["logits", "probabilities", "Gaussian", "sparsity", "squared"] as const;
export type LossKind = (typeof LOSS_KINDS)[number];

/** Target activation, exact in float32 because values near it cancel. */
export const RHO = 0.0625;

/** Records a loss between two values; the sparsity penalty uses only the first. */
export function recordLoss(
  kind: LossKind,
  graph: Graph,
  a: Value,
  b: Value,
  figures: { readonly label: string; readonly reduction: Reduction; readonly weight?: number },
): LossTerm {
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

/** Value and gradients of a reference as functions of its two arrays. */
export interface LossReference {
  readonly value: (a: Float64Array, b: Float64Array) => number;
  readonly gradients: (a: Float64Array, b: Float64Array) => readonly Float64Array[];
}

/** Returns the reference of a loss. */
export function lossReference(
  kind: LossKind,
  reduction: Reduction,
  rows: number,
  width: number,
): LossReference {
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
      return {
        value: (y, t) => squaredErrorValue(y, t, reduction, rows),
        gradients: (y, t) => {
          const dY = squaredErrorGradient(y, t, reduction, rows);
          return [dY, dY.map((d) => -d)];
        },
      };
  }
}

/** Rows past the end of a batch keep the contents of an earlier batch, also in gradients. */
async function rowsPastTheEnd(gpu: Gpu, kind: LossKind): Promise<string | undefined> {
  const graph = new Graph(16);
  using parameters = new Parameters(2);
  const inputs = ["left", "right"].map((label) => graph.input(label, 5));
  const loss = recordLoss(kind, graph, inputs[0], inputs[1], { label: "loss", reduction: "mean" });
  const gradients = kind === "sparsity" ? inputs.slice(0, 1) : inputs;
  using step = await compile(gpu, graph, parameters, { label: kind, losses: [loss], gradients });
  const run = async (rows: number) => {
    for (const input of inputs.slice(0, gradients.length)) {
      step.upload(input, randomFloats(`${input.label} ${rows}`, 3 * 5, 0.1, 0.9));
    }
    step.run({ first: 0, rows });
    return (await step.readValueGradients(gradients, 3)).map((gradient) => `${bitsOf(gradient).slice(10)}`);
  };
  const [old, recent] = [await run(3), await run(2)];
  const side = old.findIndex((bits, k) => bits !== recent[k]);
  return side < 0
    ? undefined
    : `d_${inputs[side].label} [3, 5]: row 2, past the end of the batch, has changed`;
}

/** Computes a loss between inputs without and with gradients; its value must be the same. */
export async function runLoss(
  gpu: Gpu,
  kind: LossKind,
  a: Float32Array,
  b: Float32Array,
  rows = 1,
): Promise<{ loss: number; gradients: Float32Array<ArrayBuffer>[] }> {
  const graph = new Graph(16);
  using parameters = new Parameters(1);
  const inputs = ["left", "right"].map((label) => graph.input(label, a.length / rows));
  const loss = recordLoss(kind, graph, inputs[0], inputs[1], { label: "loss", reduction: "sum" });
  const gradients = kind === "sparsity" ? inputs.slice(0, 1) : inputs;
  using value = await compile(gpu, graph, parameters, { label: kind, losses: [loss] });
  using step = await compile(gpu, graph, parameters, { label: kind, losses: [loss], gradients });
  for (const compiled of [value, step]) {
    compiled.upload(inputs[0], a);
    if (kind !== "sparsity") compiled.upload(inputs[1], b);
    compiled.run({ first: 0, rows });
  }
  const [without, having, read] = await Promise.all([
    value.readLosses(),
    step.readLosses(),
    step.readValueGradients(gradients, rows),
  ]);
  assert.ok(
    Object.is(without.values.loss[0], having.values.loss[0]),
    `the loss is ${without.values.loss[0]} without gradients, ${having.values.loss[0]} with them`,
  );
  return { loss: having.values.loss[0], gradients: read };
}

function pairs(a: readonly number[], b: readonly number[]): [number[], number[]] {
  return [a.flatMap((x) => b.map(() => x)), a.flatMap(() => b)];
}

/** Numbers at which losses cancel, overflow or are clamped. */
export const EXTREMES: Readonly<
  Record<Exclude<LossKind, "squared">, readonly (readonly [readonly number[], readonly number[]])[]>
> = {
  logits: [
    // confident and correct: losses of e^-15 and below, which log(1 + e^-15) rounds away in float32
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
    pairs(
      [
        ...[0, 1, 1e-7, 1 - 2 ** -24, RHO, RHO + 2 ** -14, RHO - 2 ** -14],
        ...[1e-5, 0.25, 0.5, 0.75, 0.9, 1 - 2 ** -12],
      ],
      [0],
    ),
  ],
};

/** Checks value and gradients of each element separately, with tolerances relative to its own size. */
async function elementsOf(
  gpu: Gpu,
  kind: LossKind,
  a: readonly number[],
  b: readonly number[],
): Promise<string | undefined> {
  const wrong: string[] = [];
  const check = (of: string, actual: number, expected: number) => {
    // subnormal numbers may be flushed to 0
    const bound = TOLERANCES.gpuAgainstReference * Math.abs(expected) + 2 ** -126;
    if (!(Math.abs(actual - expected) <= bound)) wrong.push(`${of}: ${actual}, expected ${expected}`);
  };
  const [left, right] = [Float32Array.from(a), Float32Array.from(b)];
  const sample = a.length > 8 ? [0, 3, a.length - 1] : [...a.keys()];
  const [{ loss, gradients }, ...alone] = await Promise.all([
    runLoss(gpu, kind, left, right),
    ...sample.map((k) => runLoss(gpu, kind, left.subarray(k, k + 1), right.subarray(k, k + 1))),
  ]);
  const { value, gradients: expectedGradients } = lossReference(kind, "sum", 1, a.length);
  const [left64, right64] = [Float64Array.from(left), Float64Array.from(right)];
  check(`loss of [1, ${a.length}]`, loss, value(left64, right64));
  expectedGradients(left64, right64).forEach((gradient, side) =>
    gradient.forEach((d, k) => check(`gradient of side ${side} at (${a[k]}, ${b[k]})`, gradients[side][k], d))
  );
  const { value: valueAlone } = lossReference(kind, "sum", 1, 1);
  sample.forEach((k, at) =>
    check(
      `loss of (${a[k]}, ${b[k]}) alone`,
      alone[at].loss,
      valueAlone(left64.slice(k, k + 1), right64.slice(k, k + 1)),
    )
  );
  return wrong[0];
}

/** File name of each loss's shader. */
export const LOSS_FILES: Readonly<Record<LossKind, string>> = {
  logits: "binary_cross_entropy_with_logits",
  probabilities: "binary_cross_entropy",
  Gaussian: "gaussian_kl",
  sparsity: "sparsity_kl",
  squared: "squared_error",
};

/** Two equal steps must have a bit-exact loss. */
async function repeats(gpu: Gpu, kind: LossKind): Promise<string | undefined> {
  const graph = new Graph(16);
  using parameters = new Parameters(2);
  const [a, b] = ["left", "right"].map((label) => graph.input(label, 5));
  const losses = [recordLoss(kind, graph, a, b, { label: "loss", reduction: "mean" })];
  using step = await compile(gpu, graph, parameters, { label: kind, losses });
  step.upload(a, randomFloats("left", 16 * 5, 0.1, 0.9));
  if (kind !== "sparsity") step.upload(b, randomFloats("right", 16 * 5, 0.1, 0.9));
  for (let k = 0; k < 2; k++) step.run({ first: 0, rows: 16 });
  const { values: { loss: [first, second] } } = await step.readLosses();
  return Object.is(first, second)
    ? undefined
    : `loss of [16, 5]: ${first} in the first step, ${second} in the second`;
}

/** Checks a loss at its extremes, past the end of a batch and in a second step. */
export async function findWrongExtreme(gpu: Gpu, kind: LossKind): Promise<Finding | undefined> {
  const file = `shaders/losses/${LOSS_FILES[kind]}.wgsl`;
  const past = await rowsPastTheEnd(gpu, kind);
  if (past) return { check: "rows past the end", message: `${file}: ${past}` };
  for (const [a, b] of kind === "squared" ? [] : EXTREMES[kind]) {
    const wrong = await elementsOf(gpu, kind, a, b);
    if (wrong) return { check: "extremes", message: `${file}: ${wrong}` };
  }
  const changed = await repeats(gpu, kind);
  if (changed) return { check: "repeats", message: `shaders/losses/total.wgsl: ${changed}` };
  return undefined;
}

// ---- optimizers ----

/** Updates one parameter by the reference; `moments` persist between steps. */
type Update = (
  value: Float64Array,
  gradient: Float64Array,
  moments: Float64Array[],
  t: number,
  learningRate: number,
) => void;

/** An optimizer with its reference. */
export interface OptimizerCase {
  /** File name of its kernel in `shaders/optim/`. */
  readonly file: string;
  readonly optimizer: Optimizer;
  readonly update: Update;
  readonly clip?: GradientClip;
  readonly maxNorm?: number;
}

function sgdCase(options: Partial<SgdFigures>, maxNorm?: number): OptimizerCase {
  const figures = { learningRate: 0.02, momentum: 0, nesterov: false, weightDecay: 0, ...options };
  return {
    file: "sgd.wgsl",
    optimizer: sgd(figures),
    update: (value, gradient, [velocity], _t, learningRate) =>
      sgdUpdate(value, gradient, velocity, { ...figures, learningRate }),
    ...(maxNorm === undefined ? {} : { clip: clipByGlobalNorm(maxNorm), maxNorm }),
  };
}

function adamCase(options: Partial<AdamFigures>, maxNorm?: number): OptimizerCase {
  const figures = {
    ...{ learningRate: 0.02, betas: [0.8, 0.95], epsilon: 1e-3, weightDecay: 0.03, decay: "l2" },
    ...options,
  } as AdamFigures;
  return {
    file: "adam.wgsl",
    optimizer: adam(figures),
    update: (value, gradient, [first, second], t, learningRate) =>
      adamUpdate(value, gradient, first, second, t, { ...figures, learningRate }),
    ...(maxNorm === undefined ? {} : { clip: clipByGlobalNorm(maxNorm), maxNorm }),
  };
}

/** All optimizers with their settings. */
export const OPTIMIZERS: Readonly<Record<string, OptimizerCase>> = {
  "plain SGD": sgdCase({}),
  "SGD with weight decay": sgdCase({ weightDecay: 0.3 }),
  "SGD with momentum": sgdCase({ momentum: 0.9 }),
  "SGD with momentum and weight decay": sgdCase({ momentum: 0.8, weightDecay: 0.3 }),
  "SGD with Nesterov momentum": sgdCase({ momentum: 0.9, nesterov: true }),
  "SGD with momentum, clipped": sgdCase({ momentum: 0.9, weightDecay: 0.3 }, 0.5),
  "plain SGD, clipped at a norm that is never reached": sgdCase({}, 1e4),
  "Adam": adamCase({ weightDecay: 0 }),
  "Adam, decoupled decay of 0": adamCase({ weightDecay: 0, decay: "decoupled" }),
  "Adam with L2": adamCase({}),
  "Adam with decoupled decay": adamCase({ decay: "decoupled" }),
  "Adam with a large ε": adamCase({ epsilon: 1e-2, weightDecay: 0.3 }),
  "Adam with L2, clipped": adamCase({}, 0.02),
  "Adam with decoupled decay, clipped": adamCase({ decay: "decoupled" }, 0.02),
};

/** A network for updates, with the options of its step. */
export interface UpdatedNetwork {
  readonly x: Value;
  readonly target: Value;
  readonly step: Step;
}

/** Rows per batch. */
export const UPDATED_ROWS = 8;

/** Layers of the given widths; those whose label begins with "frozen" are not trained. */
export async function updatedNetwork(
  gpu: Gpu,
  parameters: Parameters,
  layers: readonly (readonly [label: string, inputs: number, outputs: number])[],
  { optimizer, clip }: Pick<OptimizerCase, "optimizer" | "clip">,
  activation: Activation = "tanh",
): Promise<UpdatedNetwork> {
  const graph = new Graph(UPDATED_ROWS);
  const x = graph.input("x", layers[0][1]);
  const target = graph.input("target", layers.at(-1)![2]);
  let y = x;
  for (const [label, , outputs] of layers) {
    y = dense(graph, parameters, y, { label, outputs, activation, initializer: "pytorch-linear" });
  }
  const step = await compile(gpu, graph, parameters, {
    label: "updated",
    losses: [squaredError(graph, y, target, { label: "loss", reduction: "sum" })],
    trainable: parameters.all.filter(({ name }) => !name.startsWith("frozen")),
    optimizer,
    clip,
  });
  step.upload(x, randomFloats("x", UPDATED_ROWS * x.width));
  step.upload(target, randomFloats("target", UPDATED_ROWS * target.width, 1, 3));
  return { x, target, step };
}

/** With a frozen layer in the middle, so that the optimizer updates two ranges of memory. */
const LAYERS = [["first", 7, 5], ["frozen", 5, 6], ["last", 6, 3]] as const;

/** The same, with 4,950 vec4 in the first range: several workgroups' shares, the last one not whole. */
const LONG_LAYERS = [["first", 131, 150], ["frozen", 150, 6], ["last", 6, 3]] as const;

/** Optimizers checked on {@link LONG_LAYERS}. */
export const LONG_OPTIMIZERS = ["SGD with momentum", "Adam with L2, clipped"] as const;

/** Compares eight updates on the GPU with updates of the reference from the GPU's gradients. */
export async function assertUpdatesAgree(gpu: Gpu, name: string, isLong = false): Promise<void> {
  const { file, optimizer, update, clip, maxNorm = Infinity } = OPTIMIZERS[name];
  const of = `shaders/optim/${file}, ${name}`;
  using parameters = new Parameters(5);
  const made = await updatedNetwork(gpu, parameters, isLong ? LONG_LAYERS : LAYERS, {
    optimizer,
    ...(clip ? { clip } : {}),
  });
  using step = made.step;
  const updates = step.dispatches.filter(({ entryPoint }) => entryPoint.endsWith("_update"));
  assert.equal(updates.length, 2, `${of}: two ranges, with the frozen layer between them`);
  const trainable = parameters.all.filter(({ name }) => !name.startsWith("frozen"));
  const start = await parameters.read();
  const states = trainable.map(({ name, shape }) => {
    const value = Float64Array.from(start.get(name)!);
    return { name, shape, value, moments: [value.map(() => 0), value.map(() => 0)] };
  });
  const norms: number[] = [];
  for (let t = 1; t <= 8; t++) {
    const learningRate = t > 4 ? 0.005 : optimizer.learningRate; // changes, as with a schedule
    step.run({ first: 0, rows: UPDATED_ROWS }, t > 4 ? learningRate : undefined);
    const gradients = await step.readGradients();
    assert.deepEqual([...gradients.keys()], trainable.map(({ name }) => name));
    const gradientOf = (name: string) => Float64Array.from(gradients.get(name)!);
    const norm = globalNorm(trainable.map(({ name }) => gradientOf(name)));
    norms.push(norm);
    for (const { name, value, moments } of states) {
      const factor = clip ? clipFactor(norm, maxNorm) : 1;
      update(value, gradientOf(name).map((g) => g * factor), moments, t, learningRate);
    }
  }
  const [reading, end] = await Promise.all([step.readLosses(), parameters.read()]);
  if (clip) {
    const tolerance = 1e-6 * largest(norms);
    assertAllClose(`shaders/optim/clip.wgsl, ${name}: norms`, reading.gradientNorms!, norms, [8], tolerance);
  } else assert.equal(reading.gradientNorms, undefined);
  for (const { name, shape, value } of states) {
    const found = end.get(name)!;
    assertAllClose(`${of}: ${name}`, found, value, shape, 3e-6); // 8 roundings of numbers near 1, with slack
    assert.ok(largest(value.map((v, k) => v - start.get(name)![k])) > 0.01, `${of}: ${name} has moved`);
  }
  for (const name of ["frozen.weight", "frozen.bias"]) {
    assert.deepEqual(bitsOf(end.get(name)!), bitsOf(start.get(name)!), `${of}: ${name} has not moved`);
  }
}

/** 131·150 weights are 4,950 vec4: more than invocations. */
export async function assertLongStretch(gpu: Gpu): Promise<void> {
  using parameters = new Parameters(6);
  const options = { optimizer: sgd({ learningRate: 0.1 }), clip: clipByGlobalNorm(1) };
  const made = await updatedNetwork(gpu, parameters, [["y", 131, 150]], options, "identity");
  using step = made.step;
  assert.equal(step.dispatches.filter(({ entryPoint }) => entryPoint === "clip_partial").length, 1);
  const norms: number[] = [];
  for (let k = 0; k < 2; k++) {
    step.run({ first: 0, rows: UPDATED_ROWS });
    norms.push(globalNorm([...(await step.readGradients()).values()].map((g) => Float64Array.from(g))));
  }
  const { gradientNorms } = await step.readLosses();
  assert.ok(norms[0] > 10, `${norms}`);
  const of = "shaders/optim/clip.wgsl, a long stretch: norms";
  assertAllClose(of, gradientNorms!, norms, [2], 1e-6 * norms[0]);
}

/** As in PyTorch, a NaN norm makes every parameter NaN, not only those with a NaN gradient. */
export async function assertNaNSpreads(gpu: Gpu): Promise<void> {
  using parameters = new Parameters(5);
  const graph = new Graph(1);
  const inputs = ["good", "bad"].map((label) => graph.input(label, 2));
  const losses = inputs.map((x) => {
    const layer = { outputs: 2, activation: "identity", initializer: "pytorch-linear" } as const;
    const y = dense(graph, parameters, x, { label: `${x.label} layer`, ...layer });
    return squaredError(graph, y, x, { label: `${x.label} loss`, reduction: "sum" });
  });
  using step = await compile(gpu, graph, parameters, {
    label: "two halves",
    losses,
    trainable: parameters.all,
    optimizer: sgd({ learningRate: 0.1 }),
    clip: clipByGlobalNorm(1),
  });
  inputs.forEach((x) => step.upload(x, Float32Array.of(1, x.label === "bad" ? NaN : 2)));
  step.run({ first: 0, rows: 1 });
  const [gradients, values] = await Promise.all([step.readGradients(), parameters.read()]);
  assert.ok(gradients.get("good layer.weight")!.every(Number.isFinite));
  assert.ok(gradients.get("bad layer.bias")!.every(Number.isNaN));
  for (const [name, numbers] of values) {
    assert.ok(numbers.every(Number.isNaN), `shaders/optim/clip.wgsl, a NaN norm: ${name} is ${numbers}`);
  }
}

/** The first wrong update: of all optimizers, of long ranges, and with NaN. */
export async function findWrongUpdate(gpu: Gpu): Promise<Finding | undefined> {
  const checks = [
    ...Object.keys(OPTIMIZERS).map((name) => () => assertUpdatesAgree(gpu, name)),
    ...LONG_OPTIMIZERS.map((name) => () => assertUpdatesAgree(gpu, name, true)),
    () => assertLongStretch(gpu),
    () => assertNaNSpreads(gpu),
  ];
  for (const outcome of await Promise.allSettled(checks.map((check) => check()))) {
    if (outcome.status === "fulfilled") continue;
    const { reason } = outcome; // an InputError reports diverged training
    if (!(reason instanceof assert.AssertionError || reason instanceof InputError)) throw reason;
    return { check: "updates", message: reason.message };
  }
  return undefined;
}

// ---- norms of tensors ----

/** Optimizer that updates nothing, so that NaN in a gradient does not spread. */
const STILL: Optimizer = {
  ...sgd({ learningRate: 0.05, momentum: 0.8 }),
  update: (...of) => {
    const update = sgd({ learningRate: 0.05, momentum: 0.8 }).update(...of);
    return { ...update, settings: { ...update.settings, u32: { ...update.settings.u32, count: 0 } } };
  },
};

/** A step that watches three tensors, one with more vec4 than invocations. */
async function watchedStep(
  gpu: Gpu,
  parameters: Parameters,
  optimizer: Optimizer,
  weight: number,
): Promise<Step> {
  const graph = new Graph(BATCH);
  const x = graph.input("x", 70);
  const layer = { activation: "tanh", initializer: "pytorch-linear" } as const;
  const wide = dense(graph, parameters, x, { label: "wide", ...layer, outputs: 66 });
  const narrow = dense(graph, parameters, wide, { label: "narrow", ...layer, outputs: 70, bias: false });
  const losses = [squaredError(graph, narrow, x, { label: "loss", reduction: "sum", weight })];
  const options = { label: "watched", losses, trainable: parameters.all, optimizer, watch: () => true };
  const step = await compile(gpu, graph, parameters, options);
  step.upload(x, randomFloats("x", BATCH * x.width));
  return step;
}

/** Compares norms and update ratios of tensors with the reference, and plants NaN and infinities. */
export async function findWrongTensorStats(gpu: Gpu): Promise<Finding | undefined> {
  const finding = (what: string): Finding => ({
    check: "watched",
    message: `shaders/optim/watch.wgsl: ${what}`,
  });
  using parameters = new Parameters(5);
  using step = await watchedStep(
    gpu,
    parameters,
    sgd({ learningRate: 0.05, momentum: 0.8, weightDecay: 0.3 }),
    1,
  );
  const before = await parameters.read();
  step.run({ first: 0, rows: BATCH });
  const [reading, gradients, after] = await Promise.all([
    step.readLosses(),
    step.readGradients(),
    parameters.read(),
  ]);
  for (const { name, ...figures } of reading.tensors ?? []) {
    const [gradient, earlier, later] = [gradients, before, after].map((of) =>
      Float64Array.from(of.get(name)!)
    );
    const expected = [tensorNorm(gradient), tensorNorm(later), updateRatio(earlier, later)];
    const actual = [figures.gradientNorm, figures.weightNorm, figures.updateRatio];
    for (const [k, of] of ["gradient norm", "weight norm", "update ratio"].entries()) {
      const tolerance = TOLERANCES.gpuAgainstReference * expected[k];
      const off = closeness(`${of} of ${name}`, [actual[k]], [expected[k]], [1], tolerance);
      if (off) return finding(off);
    }
  }
  const complaint = (of: Step) => of.readLosses().then(() => "", (error: Error) => error.message);
  parameters.write("wide.bias", new Float32Array(66).with(65, Infinity)); // tanh(∞) is 1, with derivative 0
  step.run({ first: 0, rows: BATCH });
  if (!(await complaint(step)).includes('"wide.bias"')) return finding("an infinite weight is not noticed");

  using others = new Parameters(5);
  using steep = await watchedStep(gpu, others, STILL, 3e38); // the reported loss excludes the weight
  steep.run({ first: 0, rows: BATCH });
  if (!(await complaint(steep)).includes("gradient")) return finding("an infinite gradient is not noticed");
  return undefined;
}

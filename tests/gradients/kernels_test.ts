// Every kernel on the GPU against the f64 reference: shapes of one, primes, sizes below, at and above each
// tile, and a realistic one; nonzero accumulators, exact inputs 0 and 1, saturation, and NaN past the end.
import assert from "node:assert/strict";
import { BELL, OFFSET } from "../../src/check/every_op.ts";
import { LEAKY } from "../helpers/activation.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { activationOf, type ElementwiseActivation } from "../../src/elementwise/activation.ts";
import type { ActivationLike } from "../../src/elementwise/activation_names.ts";
import { elu } from "../../src/elementwise/elu.ts";
import { gelu, geluTanh } from "../../src/elementwise/gelu.ts";
import { huber } from "../../src/elementwise/huber.ts";
import { leakyRelu } from "../../src/elementwise/leaky_relu.ts";
import { silu } from "../../src/elementwise/silu.ts";
import { softplus } from "../../src/elementwise/softplus.ts";
import { erf, SPECIAL_FUNCTIONS } from "../../src/elementwise/special_functions.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { formatKernel, KERNEL_KINDS } from "../../src/gpu/product_kernel.ts";
import { type Graph, type LossTerm, type Reduction, REDUCTIONS } from "../../src/graph/graph.ts";
import { type Activation, ACTIVATIONS, type Value } from "../../src/graph/tensor.ts";
import { activation } from "../../src/layers/activation.ts";
import { add } from "../../src/layers/add.ts";
import { dense } from "../../src/layers/dense.ts";
import { detach } from "../../src/layers/detach.ts";
import { addNoise, parseNoise, standardNormal } from "../../src/layers/noise.ts";
import { reparameterize } from "../../src/layers/reparameterize.ts";
import { subtractRow } from "../../src/layers/subtract_row.ts";
import { tiedDense } from "../../src/layers/tied_dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { measure } from "../helpers/activation.ts";
import { checkAll, gpuTest, randomFloats, relabel, withGpu, withKernels } from "../helpers/gpu.ts";
import {
  assertLongStretch,
  assertNaNSpreads,
  assertUpdatesAgree,
  everyOpCheck,
  type Finding,
  findWrongExtreme,
  findWrongTensorStats,
  LOSS_KINDS,
  type LossKind,
  OPTIMIZERS,
  recordLoss,
} from "./kernel_checks.ts";
import { findWrongChain } from "./chain_check.ts";
import { awkward, check, checkTile, checkTwoLayers, TILES } from "./product_checks.ts";

const NAMES = Object.keys(ACTIVATIONS) as Activation[];
const ALL_REDUCTIONS = Object.keys(REDUCTIONS) as Reduction[];
const LAYER = { initializer: "pytorch-linear" } as const;

/** Fails if there is a finding. */
function assertNothing(found: Finding | undefined): void {
  if (found) assert.fail(found.message);
}

// ---- products ----

// Tiles on a software adapter: up to 16 rows × 16 columns forward and backward to inputs, 16 × 16 backward to
// weights. Batch sizes are few, as each tile height is compiled separately; partial batches cover the rest.
Deno.test.each([
  [1, 1, 1, 1],
  [16, 7, 13, 5],
  [16, 16, 15, 16],
  [16, 15, 16, 17],
  [16, 1, 17, 15],
  [16, 11, 3, 4],
  [16, 16, 4, 5],
  [16, 13, 5, 3],
  [64, 64, 63, 64],
  [64, 63, 64, 65],
  [64, 17, 65, 63],
  [17, 17, 33, 31],
  [17, 9, 8, 32],
] as [number, number, number, number][])(
  "dense: batch %d, %d rows, %d → %d",
  (batchSize, rows, inputs, outputs) =>
    withGpu((gpu) => {
      const all = NAMES.flatMap((f) =>
        [true, false].map((bias) => ({ batchSize, rows, inputs, outputs, f, bias }))
      );
      return withKernels(gpu, "register", () => checkAll(all, (product) => checkTwoLayers(gpu, product)));
    }),
);

gpuTest(
  "dense: 64 × 784 × 128",
  (gpu) => checkTwoLayers(gpu, { batchSize: 64, rows: 64, inputs: 784, outputs: 128, f: "tanh", bias: true }),
);

Deno.test.each([[4, 1], [1, 1], [1, 3], [3, 2]] as [number, number][])(
  "dense in tiles of other devices: %d × %d",
  (...tile) =>
    withGpu((gpu) =>
      withKernels(gpu, "register", () =>
        checkAll(
          [[7, 13, 5], [9, 15, 17], [12, 12, 24]],
          ([rows, inputs, outputs]) =>
            checkTwoLayers(gpu, { batchSize: 16, rows, inputs, outputs, f: "sigmoid", bias: true, tile }),
        ))
    ),
);

Deno.test.each(TILES.map((kernel) => [formatKernel(kernel), kernel] as const))(
  "dense, each size near a tile: %s kernels",
  (_name, kernel) => withGpu((gpu) => checkTile(gpu, kernel)),
);

gpuTest(
  "dense: texture kernels with more than one row of texels",
  (gpu) =>
    withKernels(
      gpu,
      "texture",
      () => checkTwoLayers(gpu, { batchSize: 33, rows: 31, inputs: 130, outputs: 70, f: "relu", bias: true }),
    ),
);

/** wide → narrow, then twice back: three uses of the weight, two of the bias, two of the code. */
function checkTied(gpu: Gpu, rows: number, wide: number, narrow: number, f: Activation, bias: boolean) {
  const of = `tied dense, ${f}, ${bias ? "with" : "without"} bias, [${rows}, ${wide}] → ${narrow} → back`;
  return check(gpu, [16, rows], of, (graph, parameters) => {
    const x = graph.input("x", wide), target = graph.input("target", wide);
    const encoder = { ...LAYER, label: "encoder.0", outputs: narrow, activation: f, bias };
    const code = dense(graph, parameters, x, encoder);
    const options = { ...LAYER, label: "decoder.0", weight: "encoder.0.weight", bias } as const;
    const y = tiedDense(graph, parameters, code, { ...options, activation: f });
    const linear = { ...options, activation: "identity" } as const;
    const again = tiedDense(relabel(graph, " again"), parameters, code, linear);
    assert.equal(parameters.all.length, bias ? 3 : 1);
    return {
      losses: [
        squaredError(graph, y, target, { label: "loss", reduction: "sum", weight: 0.7 }),
        squaredError(graph, again, x, { label: "more", reduction: "mean", weight: 2 }),
      ],
      inputs: new Map([
        [x, awkward(`x ${of}`, rows * wide)],
        [target, randomFloats(`t ${of}`, rows * wide)],
      ]),
    };
  });
}

/** A value read by two layers and by two losses, as prediction and as target; the layers share a weight. */
function checkBranches(gpu: Gpu, f: Activation): Promise<void> {
  return check(gpu, [16, 11], `branches of ${f}`, (graph, parameters) => {
    const x = graph.input("x", 9), target = graph.input("target", 9);
    const layer = { ...LAYER, activation: f, outputs: 9 };
    const h = dense(graph, parameters, x, { ...layer, label: "h" });
    const left = dense(graph, parameters, h, { ...layer, label: "shared" });
    const right = dense(relabel(graph, " again"), parameters, left, { ...layer, label: "shared" });
    const third = dense(graph, parameters, h, { ...layer, label: "third", bias: false });
    assert.equal(parameters.all.length, 5, "the shared layer has one weight and one bias");
    return {
      losses: [
        squaredError(graph, right, target, { label: "right", reduction: "mean", weight: 3 }),
        squaredError(graph, h, target, { label: "of h", reduction: "sum", weight: 0.25 }),
        squaredError(graph, third, h, { label: "third to h", reduction: "mean", weight: -1.5 }),
      ],
      inputs: new Map([[x, awkward("x", 11 * 9)], [target, randomFloats("target", 11 * 9)]]),
    };
  });
}

Deno.test.each(KERNEL_KINDS.map((kind) => [kind] as const))("tied dense: %s kernels", (kind) => {
  const shapes = [[1, 1, 1], [7, 13, 5], [16, 16, 16], [13, 5, 17], [11, 33, 6], [16, 3, 70]];
  const all = shapes.flatMap((shape) =>
    NAMES.flatMap((f) => [true, false].map((bias) => ({ shape, f, bias })))
  );
  return withGpu((gpu) =>
    withKernels(
      gpu,
      kind,
      () =>
        checkAll(
          all,
          ({ shape: [rows, wide, narrow], f, bias }) => checkTied(gpu, rows, wide, narrow, f, bias),
        ),
    )
  );
});

Deno.test.each(KERNEL_KINDS.map((kind) => [kind] as const))(
  "the gradient of a value with four readers, and of a shared weight, is the sum over its uses: %s kernels",
  (kind) => withGpu((gpu) => withKernels(gpu, kind, () => checkAll(NAMES, (f) => checkBranches(gpu, f)))),
);

Deno.test.each(KERNEL_KINDS.map((kind) => [kind] as const))(
  "every op after every activation, with batches gathered from images: %s kernels",
  (kind) =>
    withGpu((gpu) =>
      withKernels(gpu, kind, async () => {
        using owned = new DisposableStack();
        assertNothing(await everyOpCheck(gpu, owned)());
      })
    ),
);

gpuTest(
  "chains of small layers, untied and tied: fused kernels",
  (gpu) => withKernels(gpu, "fused", async () => assertNothing(await findWrongChain(gpu))),
);

gpuTest(
  "dense saturates at ±30 and ±100 without overflow",
  (gpu) =>
    checkAll(NAMES, (f) =>
      check(gpu, [16, 8], `saturation of ${f}`, (graph, parameters) => {
        const x = graph.input("x", 1), target = graph.input("target", 1);
        const y = dense(graph, parameters, x, { ...LAYER, label: "y", outputs: 1, activation: f });
        parameters.write("y.weight", [1]);
        parameters.write("y.bias", [0]);
        return {
          losses: [squaredError(graph, y, target, { label: "loss", reduction: "sum" })],
          inputs: new Map([
            [x, Float32Array.of(-100, -30, -1, -0, 0, 1, 30, 100)],
            [target, randomFloats("target", 8)],
          ]),
        };
      })),
);

// ---- elementwise layers ----

/** Records an op on one value, as a new node at each call. */
type Unary = (graph: Graph, h: Value, label: string) => Value;

const UNARY: Readonly<Record<string, Unary>> = {
  ...Object.fromEntries(
    NAMES.map((f): [string, Unary] => [
      `activation ${f}`,
      (graph, h, label) => activation(graph, h, { label, activation: f }),
    ]),
  ),
  ...Object.fromEntries(
    ["uniform:1", "gaussian:0.3", "mask:0.25"].map((text): [string, Unary] => [
      `noise ${text}`,
      (graph, h, label) => addNoise(graph, h, { label, noise: parseNoise(text), seed: 5 }),
    ]),
  ),
  "detach": (graph, h, label) => detach(graph, h, { label }),
  "add of a value to itself": (graph, h, label) => add(graph, h, h, { label }),
  "add of noise": (graph, h, label) =>
    add(graph, standardNormal(graph, h.width, { label: `${label} noise`, seed: 3 }), h, { label }),
  "subtract row": (graph, h, label) => subtractRow(graph, h, { label, row: randomFloats("row", h.width) }),
};

const SHAPES = [[1, 1], [7, 5], [16, 16], [13, 3], [5, 17], [11, 7]] as const;

/**
 * x → h = f(x·W) → op, twice, each with a loss. A loss of h itself is recorded before the ops (then the
 * second op writes h's gradient first, and the first adds to it) or after them (then the first op writes
 * last, and differentiates through f).
 */
function checkUnary(gpu: Gpu, name: string, rows: number, width: number, f: Activation, place: string) {
  const of = `${name} of [${rows}, ${width}], h by ${f}, loss ${place}`;
  return check(gpu, [16, rows], of, (graph, parameters) => {
    const x = graph.input("x", 3), target = graph.input("target", width);
    const h = dense(graph, parameters, x, { ...LAYER, label: "h", outputs: width, activation: f });
    const own = () => squaredError(graph, h, target, { label: "of h", reduction: "sum", weight: 0.2 });
    const losses: LossTerm[] = [];
    if (place === "before") losses.push(own());
    for (const [label, weight] of [["once", 0.7], ["twice", -0.4]] as const) {
      const y = UNARY[name](graph, h, label);
      losses.push(squaredError(graph, y, target, { label: `of ${label}`, reduction: "sum", weight }));
    }
    if (place === "after") losses.push(own());
    const inputs = new Map([
      [x, awkward(`x ${name}`, rows * 3)],
      [target, randomFloats(`t ${name}`, rows * width)],
    ]);
    return { losses, inputs };
  });
}

/** Shapes with activations: tanh at every shape, every activation at one shape. */
const SHAPES_AND_ACTIVATIONS = SHAPES.flatMap(([rows, width]) =>
  (rows === 7 ? NAMES : ["tanh" as const]).map((f) => ({ rows, width, f }))
);

for (const name of Object.keys(UNARY)) {
  gpuTest(`${name}`, (gpu) => {
    const all = SHAPES_AND_ACTIVATIONS.flatMap((one) =>
      ["before", "after"].map((place) => ({ ...one, place }))
    );
    return checkAll(all, ({ rows, width, f, place }) => checkUnary(gpu, name, rows, width, f, place));
  });
}

gpuTest(
  "reparameterize with given noise",
  (gpu) =>
    checkAll(
      SHAPES_AND_ACTIVATIONS,
      ({ rows, width, f }) =>
        check(gpu, [16, rows], `reparameterize of [${rows}, ${width}] by ${f}`, (graph, parameters) => {
          const x = graph.input("x", 3), given = graph.input("given", width);
          const target = graph.input("target", width);
          const layer = (label: string, from: Value) =>
            dense(graph, parameters, from, { ...LAYER, label, outputs: width, activation: f });
          const [mean, logVariance, epsilon] = [
            layer("mean", x),
            layer("log_variance", x),
            layer("noise", given),
          ];
          const losses = ["once", "twice"].map((label) => {
            const z = reparameterize(graph, mean, logVariance, epsilon, { label });
            return squaredError(graph, z, target, { label: `of ${label}`, reduction: "sum", weight: 0.6 });
          });
          const inputs = new Map([
            [x, awkward("x", rows * 3)],
            [given, randomFloats("epsilon", rows * width, -2, 2)],
            [target, randomFloats("t", rows * width)],
          ]);
          return { losses, inputs };
        }),
    ),
);

gpuTest(
  "reparameterize at log-variances of ±20 and 0",
  (gpu) =>
    checkAll(
      [-20, 0, 20],
      (extreme) =>
        check(gpu, [16, 4], `reparameterize at log-variance ${extreme}`, (graph) => {
          const [mean, logVariance, epsilon, target] = ["mean", "log_variance", "epsilon", "target"].map((
            label,
          ) => graph.input(label, 3));
          const z = reparameterize(graph, mean, logVariance, epsilon, { label: "z" });
          return {
            losses: [squaredError(graph, z, target, { label: "loss", reduction: "mean" })],
            inputs: new Map([
              [mean, randomFloats("mean", 12)],
              [logVariance, new Float32Array(12).fill(extreme)],
              [epsilon, randomFloats("epsilon", 12, -3, 3)],
              [target, randomFloats("t", 12)],
            ]),
          };
        }),
    ),
);

// ---- losses ----

/**
 * A loss in all roles of a gradient's writer: between a and c it is the last of three writers, which
 * differentiates through the activation, and with c and a exchanged the first, which overwrites; between d
 * and e it is the only one. The other writers are squared errors to random targets. All four values are
 * layers of one input, with weights that keep them in (0, 1), where all losses and activations have slopes.
 */
function checkRoles(
  gpu: Gpu,
  kind: LossKind,
  f: Activation,
  reduction: Reduction,
  [batchSize, rows, width]: readonly [batchSize: number, rows: number, width: number],
): Promise<void> {
  const of = `${kind}, ${reduction} of [${rows}, ${width}], ${f}`;
  return check(gpu, [batchSize, rows], of, (graph, parameters) => {
    const x = graph.input("x", 3), target = graph.input("target", width);
    const [a, c, d, e] = ["a", "c", "d", "e"].map((label) => {
      const y = dense(graph, parameters, x, { ...LAYER, label, outputs: width, activation: f });
      parameters.write(`${label}.weight`, randomFloats(`${label} weight ${of}`, 3 * width, 0.05, 0.3));
      parameters.write(`${label}.bias`, randomFloats(`${label} bias ${of}`, width, 0.02, 0.08));
      return y;
    });
    const losses = [
      recordLoss(kind, graph, a, c, { label: "last", reduction, weight: 0.7 }),
      squaredError(graph, a, target, { label: "error of a", reduction: "sample", weight: 0.3 }),
      squaredError(graph, c, target, { label: "error of c", reduction: "mean", weight: -2 }),
      recordLoss(kind, graph, c, a, { label: "first", reduction, weight: -1.3 }),
      recordLoss(kind, graph, d, e, { label: "only", reduction }),
      // the penalty has one input: no other loss depends on e
      ...kind === "sparsity" ? [squaredError(graph, e, target, { label: "error of e", reduction })] : [],
    ];
    const inputs = new Map([x, target].map((value) => {
      const numbers = randomFloats(`${value.label} ${of}`, rows * value.width, 0, 1);
      return [value, numbers.map((number, k) => k % 5 === 1 ? 0 : k % 7 === 2 ? 1 : number)];
    }));
    return { losses, inputs };
  });
}

const LOSS_SHAPES = [[1, 1, 1], [16, 1, 3], [16, 7, 13], [16, 16, 4], [16, 11, 33], [16, 13, 131]] as const;

for (const kind of LOSS_KINDS) {
  gpuTest(`loss ${kind}: every activation with every reduction, over the shapes`, (gpu) => {
    const all = LOSS_SHAPES.flatMap((shape) =>
      NAMES.map((f, k) => ({ shape, f, reduction: ALL_REDUCTIONS[(k + shape[1]) % ALL_REDUCTIONS.length] }))
    );
    return checkAll(all, ({ shape, f, reduction }) => checkRoles(gpu, kind, f, reduction, shape));
  });

  gpuTest(
    `loss ${kind}: right in every element at the extremes, and in the rows that exist alone`,
    async (gpu) => {
      assertNothing(await findWrongExtreme(gpu, kind));
    },
  );
}

gpuTest(
  "a value with a loss to itself gets both gradients",
  (gpu) =>
    checkAll(
      LOSS_KINDS,
      (kind) =>
        check(gpu, [16, 7], `${kind} of a value and itself`, (graph, parameters) => {
          const x = graph.input("x", 3);
          const y = dense(graph, parameters, x, { ...LAYER, label: "y", outputs: 5, activation: "sigmoid" });
          return {
            losses: [recordLoss(kind, graph, y, y, { label: "loss", reduction: "sample" })],
            inputs: new Map([[x, randomFloats(kind, 7 * 3)]]),
          };
        }),
    ),
);

gpuTest(
  "sparsity: an inactive ReLU unit has gradient 0",
  (gpu) =>
    check(gpu, [16, 3], "sparsity of ReLU", (graph, parameters) => {
      const x = graph.input("x", 1);
      const h = dense(graph, parameters, x, { ...LAYER, label: "h", outputs: 1, activation: "relu" });
      parameters.write("h.weight", [1]);
      parameters.write("h.bias", [0]);
      return {
        losses: [recordLoss("sparsity", graph, h, h, { label: "loss", reduction: "sum" })],
        inputs: new Map([[x, Float32Array.of(-1, 0.5, 0)]]),
      };
    }),
);

// ---- user-defined and built-in functions ----

/** An activation as a node before and after another, read twice, in layers and alone; with losses. */
function checkFunctions(
  gpu: Gpu,
  [batchSize, rows, width]: readonly [batchSize: number, rows: number, width: number],
  f: ElementwiseActivation,
  fused: Activation,
  reduction: Reduction,
): Promise<void> {
  const of = `${f.name} and ${fused}, ${reduction} of [${rows}, ${width}]`;
  return check(gpu, [batchSize, rows], of, (graph, parameters) => {
    const x = graph.input("x", 6), target = graph.input("target", width);
    const layer = (label: string, from: Value, activation: ActivationLike) =>
      dense(graph, parameters, from, { ...LAYER, label, outputs: width, activation });
    const before = layer("before", x, fused);
    const h = layer("h", before, f); // the op after a fused activation, and after itself
    const alone = activation(graph, before, { label: "alone", activation: f }); // `before` has two readers
    const twice = activation(graph, h, { label: "twice", activation: f }); // so does h
    const options = { ...LAYER, label: "tied", weight: "h.weight", activation: f };
    const tied = tiedDense(graph, parameters, h, options);
    const shared = tiedDense(relabel(graph, " again"), parameters, alone, options);
    const after = activation(graph, tied, { label: "after", activation: fused }); // a fused one after the op
    return {
      losses: [
        // values used both as predictions and as targets, computed by ops and by fused activations
        huber(graph, after, target, { label: "reconstruction", reduction, weight: 0.7, delta: 0.3 }),
        huber(graph, h, after, { label: "between", reduction: "mean", weight: -0.4 }),
        OFFSET(graph, twice, shared, { label: "offset", reduction, weight: 0.2 }),
        OFFSET(graph, twice, twice, { label: "with itself", reduction: "sum", weight: 0.1 }),
      ],
      inputs: new Map([
        [x, randomFloats(`x ${of}`, rows * 6, -2, 2)],
        [target, randomFloats(`t ${of}`, rows * width)],
      ]),
    };
  });
}

Deno.test.each([[1, 1, 1], [8, 3, 3], [8, 8, 4], [5, 4, 5], [9, 7, 7]] as [number, number, number][])(
  "elementwise activations and losses: batch %d, %d rows, %d wide",
  (...shape) =>
    withGpu((gpu) => {
      const pairs: readonly (readonly [ElementwiseActivation, Activation, Reduction])[] = [
        [LEAKY, "tanh", "sum"],
        [BELL, "sigmoid", "mean"],
        [gelu, "identity", "sample"],
        [softplus(), "relu", "sum"],
      ];
      return checkAll(pairs, ([f, fused, reduction]) => checkFunctions(gpu, shape, f, fused, reduction));
    }),
);

const ERF = activationOf({
  name: "erf",
  forward: "erf(x)",
  derivative: "1.1283792 * exp(-x * x)",
  functions: SPECIAL_FUNCTIONS,
  reference: { forward: erf, derivative: (x) => 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) },
});

/** Functions, each with the argument z of its exponential: WGSL allows exp(z) an error of 3 + 2·|z| units. */
const SHIPPED: readonly (readonly [string, ElementwiseActivation, (x: number) => number])[] = [
  ["leaky ReLU", leakyRelu(), () => 0],
  ["leaky ReLU, slope 0.3", leakyRelu({ slope: 0.3 }), () => 0],
  ["ELU", elu(), (x) => x],
  ["ELU, alpha 0.7", elu({ alpha: 0.7 }), (x) => x],
  ["softplus", softplus(), (x) => x],
  ["softplus, beta 3", softplus({ beta: 3 }), (x) => 3 * x],
  ["SiLU", silu, (x) => x],
  ["GELU", gelu, (x) => x * x / 2],
  ["GELU tanh", geluTanh, (x) => 1.6 * (x + 0.044715 * x ** 3)],
  ["erf", ERF, (x) => x * x],
];

/** float32's smallest normal number; devices may flush smaller ones to 0. */
const SMALLEST = 2 ** -126;

Deno.test.each(SHIPPED)("%s near 0, in the tails and beyond; NaN propagates", (name, f, exponent) => {
  const numbers = [1e-30, 1e-7, 1e-3, 0.1, 1, 5, 14, 90].flatMap((range) =>
    Array.from({ length: 41 }, (_, k) => range * (k / 20 - 1))
  );
  const x = Float32Array.from([...numbers, -3e38, -1e20, -1000, 1000, 1e20, 3e38, NaN]);
  return withGpu(async (gpu) => {
    const [forward, derivative] = await measure(gpu, f, x);
    assert.ok(Number.isNaN(forward.at(-1)), `${name} of NaN`);
    x.subarray(0, -1).forEach((number, k) => {
      const units = 16 + 8 * Math.min(200, Math.abs(exponent(number))); // roundings, and the error of exp
      // intermediate values flushed to 0 are multiplied by x, or by x³ in the derivative of GELU tanh
      const flushed = SMALLEST * Math.max(1, Math.min(1e3, Math.abs(number) ** 3));
      const y = f.reference.forward(number), slope = f.reference.derivative(number);
      const close = Math.abs(forward[k] - y) <= units * 2 ** -24 * Math.abs(y) + flushed;
      const of = "shaders/layers/elementwise.wgsl";
      assert.ok(close, `${of}, ${name}: f(${number}) is ${forward[k]}, expected ${y}`);
      // f' of SiLU and GELU cancels where it changes sign, near -1.28 and -0.75
      const cancelled = Math.abs(number) < 3 ? 4 * 2 ** -24 : 0;
      const bound = units * 2 ** -24 * Math.abs(slope) + cancelled + flushed;
      const isClose = Math.abs(derivative[k] - slope) <= bound;
      assert.ok(isClose, `${of}, ${name}: f'(${number}) is ${derivative[k]}, expected ${slope}`);
    });
  });
});

// ---- optimizers ----

for (const name of Object.keys(OPTIMIZERS)) {
  gpuTest(`eight updates: ${name}`, (gpu) => assertUpdatesAgree(gpu, name));
}

gpuTest("the norm includes all of a range with more vec4 than invocations", assertLongStretch);
gpuTest("a NaN norm makes every parameter NaN", assertNaNSpreads);

gpuTest("norms and update ratios of tensors, and counts of numbers that are not finite", async (gpu) => {
  assertNothing(await findWrongTensorStats(gpu));
});

// ---- the check itself ----

gpuTest("the check fails if the reference differs, and names file, op, shape and index", async (gpu) => {
  const other = activationOf({
    name: "other",
    forward: "x",
    derivative: "1.0",
    reference: { forward: (x) => x, derivative: () => 1 + 10 * TOLERANCES.gpuAgainstReference },
  });
  const product = { batchSize: 4, rows: 3, inputs: 5, outputs: 2, f: other, bias: true };
  await assert.rejects(
    checkTwoLayers(gpu, product),
    /^AssertionError.*: dense, .* \[3, 5\] → 2: shaders\/layers\/elementwise\.wgsl, elementwise_backward: d_h sums \[3, 2\]: \d of 6 are off, the first at \[0, \d\]: actual .*, expected .*, error .*, tolerance/,
  );
});

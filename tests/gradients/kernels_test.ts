import assert from "node:assert/strict";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { InputError } from "../../src/errors.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import {
  formatKernel,
  KERNEL_KINDS,
  type KernelKind,
  type ProductKernel,
} from "../../src/gpu/product_kernel.ts";
import { compile } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { type Activation, padded } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { tiedDense } from "../../src/layers/tied_dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam, type AdamOptions } from "../../src/optim/adam.ts";
import { adamUpdate } from "../../src/reference/adam.ts";
import { assertAgreesWithReference, assertPaddingIsZero, narrow } from "../helpers/agreement.ts";
import {
  assertAllClose,
  bitsOf,
  gpuTest,
  largest,
  randomFloats,
  relabel,
  retile,
  withGpu,
  withKernels,
} from "../helpers/gpu.ts";

const ACTIVATIONS: readonly Activation[] = ["identity", "sigmoid", "tanh", "relu"];

/** Inputs as images have them: exact zeros and ones among others, and negatives. */
function awkward(name: string, count: number): Float32Array<ArrayBuffer> {
  return randomFloats(name, count).map((x, k) => k % 5 === 1 ? 0 : k % 7 === 2 ? 1 : x);
}

// Tiles on a software adapter: up to 16 rows × 16 columns forward and back to inputs, 16 × 16 back to weights. The
// batch sizes are few, as each height of a tile is a kernel to compile; partial batches make the other counts.
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
  "dense kernels and squared error agree with the reference: batch %d, %d rows, %d → %d",
  async (batchSize, rows, inputs, outputs) => {
    await withGpu(async (gpu) => {
      for (const activation of ACTIVATIONS) {
        for (const bias of [true, false]) {
          const of = `${activation} ${bias ? "with" : "without"} bias`;
          await checkTwoLayers(gpu, batchSize, rows, inputs, outputs, activation, bias, of);
        }
      }
    });
  },
);

gpuTest("dense kernels and squared error agree with the reference: 64 × 784 × 128", async (gpu) => {
  await checkTwoLayers(gpu, 64, 64, 784, 128, "tanh", true, "realistic");
});

Deno.test.each([[4, 1], [1, 1], [1, 3], [3, 2]] as [number, number][])(
  "dense kernels agree with the reference in tiles of other devices: %d × %d",
  async (tileRows, tileColumns) => {
    await withGpu(async (gpu) => {
      for (const [rows, inputs, outputs] of [[7, 13, 5], [9, 15, 17], [12, 12, 24]]) {
        const of = `${rows} × ${inputs} × ${outputs}`;
        await checkTwoLayers(gpu, 16, rows, inputs, outputs, "sigmoid", true, of, [tileRows, tileColumns]);
      }
    });
  },
);

// One below, at and above the tiles of a workgroup and what it shares at a time, and far from them; kernels have no
// tile where a side is shorter than theirs.
const TILES: readonly ProductKernel[] = [
  { kind: "naive", rows: 1, columns: 1 },
  { kind: "register", rows: 4, columns: 4 },
  { kind: "register", rows: 16, columns: 4 },
  { kind: "register", rows: 32, columns: 16 },
  { kind: "register", rows: 16, columns: 32 },
  { kind: "workgroup", rows: 16, columns: 32 },
  { kind: "workgroup", rows: 32, columns: 32 },
  { kind: "workgroup", rows: 64, columns: 64 },
  { kind: "workgroup", rows: 128, columns: 128 },
  { kind: "texture", rows: 4, columns: 4 },
  { kind: "texture", rows: 16, columns: 16 },
];
Deno.test.each(TILES.map((kernel) => [formatKernel(kernel), kernel] as const))(
  "dense kernels agree with the reference: %s",
  async (_name, kernel) => {
    const { rows: r, columns: c } = kernel;
    const batchSize = Math.max(16, 2 * r); // one for all, as each height of a register tile is a kernel to compile
    const shapes = [
      [1, 1, 1],
      [7, 13, 5],
      [r, c, 33],
      [r + 1, c + 1, c + 1],
      [batchSize, 31, c + 3],
      [Math.max(1, r - 1), Math.max(1, c - 1), c],
    ];
    await withGpu((gpu) =>
      withKernels(gpu, kernel, async () => {
        for (const [k, [rows, inputs, outputs]] of shapes.entries()) {
          for (const activation of k === 1 ? ACTIVATIONS : ["tanh" as const]) {
            const of = `${activation}, ${rows} rows, ${inputs} → ${outputs}`;
            await checkTwoLayers(gpu, batchSize, rows, inputs, outputs, activation, k !== 3, of);
          }
        }
      })
    );
  },
);

/**
 * x → h = f(x·W) → y = h·V, against a random target, so that what comes back to h is as random as the target is.
 * V is not square, so that a transposed index cannot hide.
 */
async function checkTwoLayers(
  gpu: Gpu,
  batchSize: number,
  rows: number,
  inputs: number,
  outputs: number,
  activation: Activation,
  bias: boolean,
  of: string,
  tile?: readonly [rows: number, columns: number],
): Promise<void> {
  const graph = new Graph(batchSize);
  using parameters = new Parameters(inputs * 1000 + outputs);
  const x = graph.input("x", inputs), target = graph.input("target", 6);
  const layer = { initializer: "pytorch-linear", bias } as const;
  const h = dense(graph, parameters, x, { ...layer, label: "h", outputs, activation });
  const y = dense(graph, parameters, h, { ...layer, label: "y", outputs: 6, activation: "identity" });
  const loss = squaredError(graph, y, target, { label: "loss", reduction: "sum", weight: 0.7 });
  if (tile) retile(graph, ...tile);
  const given = new Map([[x, awkward(`x ${of}`, rows * inputs)], [
    target,
    randomFloats(`t ${of}`, rows * 6),
  ]]);
  await assertAgreesWithReference(gpu, graph, parameters, [loss], given, rows, of);
}

gpuTest(
  "texture kernels agree with the reference where a matrix has more than one row of texels",
  async (gpu) => {
    await withKernels(
      gpu,
      "texture",
      () => checkTwoLayers(gpu, 33, 31, 130, 70, "relu", true, "many texels"),
    );
  },
);

Deno.test.each(KERNEL_KINDS.map((kind) => [kind] as const))(
  "a value with four readers gets the sum of their gradients, a shared weight the sum of its uses': %s kernels",
  (kind) => withGpu((gpu) => withKernels(gpu, kind, () => checkBranches(gpu))),
);

async function checkBranches(gpu: Gpu): Promise<void> {
  for (const activation of ACTIVATIONS) {
    const graph = new Graph(16);
    using parameters = new Parameters(11);
    const x = graph.input("x", 9), target = graph.input("target", 9);
    const layer = { activation, initializer: "pytorch-linear" } as const;
    // h is read by two layers and by two losses, once as a prediction and once as a target
    const h = dense(graph, parameters, x, { ...layer, label: "h", outputs: 9 });
    const left = dense(graph, parameters, h, { ...layer, label: "shared", outputs: 9 });
    const right = dense(relabel(graph, " again"), parameters, left, {
      ...layer,
      label: "shared",
      outputs: 9,
    });
    const third = dense(graph, parameters, h, { ...layer, label: "third", outputs: 9, bias: false });
    const losses = [
      squaredError(graph, right, target, { label: "right", reduction: "mean", weight: 3 }),
      squaredError(graph, h, target, { label: "of h", reduction: "sum", weight: 0.25 }),
      squaredError(graph, third, h, { label: "third to h", reduction: "mean", weight: -1.5 }),
    ];
    assert.equal(parameters.all.length, 5, "the shared layer has one weight and one bias");
    const given = new Map([[x, awkward("x", 11 * 9)], [target, randomFloats("target", 11 * 9)]]);
    await assertAgreesWithReference(gpu, graph, parameters, losses, given, 11, `branches of ${activation}`);
  }
}

/** The bits of all parameters after three steps, the last on a partial batch, on a device of their own. */
async function trainedBits(kind: KernelKind): Promise<Map<string, Uint32Array>> {
  using gpu = await openGpu();
  gpu.kernels = { kind };
  const graph = new Graph(48);
  using parameters = new Parameters(17);
  const x = graph.input("x", 67);
  const layer = { initializer: "pytorch-linear" } as const;
  const h = dense(graph, parameters, x, { ...layer, label: "h", outputs: 70, activation: "tanh" });
  const options = { ...layer, label: "y", weight: "h.weight", activation: "sigmoid" } as const;
  const y = tiedDense(graph, parameters, h, options);
  const loss = squaredError(graph, y, x, { label: "loss", reduction: "sum" });
  using step = await compile(gpu, graph, parameters, {
    label: "repeated",
    losses: [loss],
    trainable: parameters.all,
    optimizer: adam({ learningRate: 0.01 }),
  });
  step.upload(x, awkward("repeated", 48 * 67));
  for (const rows of [48, 48, 33]) step.run({ first: 0, rows });
  return new Map([...await parameters.read()].map(([name, floats]) => [name, bitsOf(floats)]));
}

Deno.test.each(KERNEL_KINDS.map((kind) => [kind] as const))(
  "training repeats to the bit: %s kernels",
  async (kind) => {
    assert.deepEqual(await trainedBits(kind), await trainedBits(kind));
  },
);

gpuTest("a loss between a value and itself is 0, and so is its gradient", async (gpu) => {
  const graph = new Graph(16);
  using parameters = new Parameters(12);
  const x = graph.input("x", 5);
  const y = dense(graph, parameters, x, {
    label: "y",
    outputs: 3,
    activation: "tanh",
    initializer: "pytorch-linear",
  });
  const loss = squaredError(graph, y, y, { label: "loss", reduction: "sum" });
  const given = new Map([[x, awkward("x", 16 * 5)]]);
  await assertAgreesWithReference(gpu, graph, parameters, [loss], given, 16, "y against y");
});

gpuTest("activations saturate at ±30 and ±100 without overflow", async (gpu) => {
  for (const activation of ACTIVATIONS) {
    const graph = new Graph(16);
    using parameters = new Parameters(13);
    const x = graph.input("x", 1), target = graph.input("target", 1);
    const y = dense(graph, parameters, x, {
      label: "y",
      outputs: 1,
      activation,
      initializer: "pytorch-linear",
    });
    parameters.write("y.weight", [1]);
    parameters.write("y.bias", [0]);
    const loss = squaredError(graph, y, target, { label: "loss", reduction: "sum" });
    const z = Float32Array.of(-100, -30, -1, -0, 0, 1, 30, 100);
    const given = new Map([[x, z], [target, randomFloats("target", z.length)]]);
    await assertAgreesWithReference(gpu, graph, parameters, [loss], given, z.length, activation);
  }
});

gpuTest("ReLU has derivative 0 at exactly 0", async (gpu) => {
  const graph = new Graph(16);
  using parameters = new Parameters(14);
  const x = graph.input("x", 1), target = graph.input("target", 1);
  const layer = { initializer: "pytorch-linear", bias: false, outputs: 1 } as const;
  const y = dense(graph, parameters, x, { ...layer, label: "y", activation: "relu" });
  const z = dense(graph, parameters, y, { ...layer, label: "z", activation: "identity" });
  parameters.write("y.weight", [1]);
  parameters.write("z.weight", [1]);
  const loss = squaredError(graph, z, target, { label: "loss", reduction: "sum" });
  using step = await compile(gpu, graph, parameters, { label: "kink", losses: [loss], gradients: [x] });
  step.upload(x, Float32Array.of(-1, 0, 1));
  step.upload(target, Float32Array.of(2, 2, 2));
  step.run({ first: 0, rows: 3 });
  const [gradient] = await step.readValueGradients([x], 3);
  assert.deepEqual([...gradient].map((d) => d + 0), [0, 0, -2]);
});

gpuTest(
  "NaN in an input is not hidden by an activation: it shows in the output and in the loss",
  async (gpu) => {
    for (const activation of ACTIVATIONS) {
      const graph = new Graph(16);
      using parameters = new Parameters(15);
      const x = graph.input("x", 3), target = graph.input("target", 2);
      const y = dense(graph, parameters, x, {
        label: "y",
        outputs: 2,
        activation,
        initializer: "pytorch-linear",
      });
      const loss = squaredError(graph, y, target, { label: "loss", reduction: "mean" });
      using step = await compile(gpu, graph, parameters, { label: "poisoned", losses: [loss], outputs: [y] });
      step.upload(x, Float32Array.of(1, 2, 3, 4, NaN, 6));
      step.upload(target, Float32Array.of(0, 0, 0, 0));
      step.run({ first: 0, rows: 1 });
      assert.ok(Number.isFinite((await step.readLosses()).mean.loss), "row 0 is clean");
      step.run({ first: 0, rows: 2 });
      const [read] = await step.read([y], 2);
      assert.deepEqual([...read].map(Number.isNaN), [false, false, true, true], activation);
      await assert.rejects(
        step.readLosses(),
        (error: unknown) =>
          error instanceof InputError &&
          error.message.startsWith('Training of "poisoned" diverged: loss "loss" is NaN at step 2;'),
      );
    }
  },
);

Deno.test.each([[1, 3], [4, 5], [7, 6], [13, 9], [784, 4]] as [number, number][])(
  "gather_batch gives bytes / 255 in the order's order: %d pixels, %d images",
  async (width, count) => {
    await withGpu(async (gpu) => {
      const pixels = Uint8Array.from(
        { length: count * width },
        (_, k) => (k * 37 + 11 * Math.floor(k / width)) % 256,
      );
      pixels.set([0, 255].slice(0, pixels.length));
      using images = new DeviceImages(gpu, "test", pixels, width);
      // repeats are allowed: an order is what the caller wants
      const order = Uint32Array.from({ length: count }, (_, k) => (k * 2 + 1) % count >> (k % 2));
      images.setOrder(order);
      const batchSize = Math.min(3, count);
      const graph = new Graph(batchSize);
      using parameters = new Parameters(1);
      const x = gatherBatch(graph, "pixels", images);
      using step = await compile(gpu, graph, parameters, { label: "gather", outputs: [x] });
      const wide = { ...x, width: padded(width) };
      for (let first = 0; first < count; first += batchSize) {
        const rows = Math.min(batchSize, count - first);
        step.run({ first, rows });
        const [read] = await step.read([wide], rows);
        const expected = Float32Array.from({ length: rows * width }, (_, k) => {
          const [b, i] = [Math.floor(k / width), k % width];
          return pixels[order[first + b] * width + i] / 255;
        });
        // exactly, or by the one rounding that a division done as a product with 1/255 may cost
        assertAllClose(`batch from ${first}`, narrow(read, rows, width), expected, [rows, width], 2 ** -24);
        const ends = [...expected].flatMap((e, k) => e === 0 || e === 1 ? [k] : []);
        for (const k of ends) assert.equal(narrow(read, rows, width)[k], expected[k], "0 and 255 are exact");
        assertPaddingIsZero("gather", read, rows, width);
      }
    });
  },
);

gpuTest("gather_batch leaves rows past the end of a partial batch alone", async (gpu) => {
  using images = new DeviceImages(gpu, "test", Uint8Array.of(51, 102, 153, 204, 255), 1);
  const graph = new Graph(3);
  using parameters = new Parameters(1);
  const x = gatherBatch(graph, "pixels", images);
  using step = await compile(gpu, graph, parameters, { label: "gather", outputs: [x] });
  step.run({ first: 0, rows: 3 });
  step.run({ first: 3, rows: 2 });
  const [read] = await step.read([x], 3);
  assert.deepEqual([...read], [204, 255, 153].map((byte) => Math.fround(byte / 255)));
});

gpuTest("DeviceImages refuses parts of images and orders that point nowhere", (gpu) => {
  const before = gpu.liveBuffers;
  assert.throws(
    () => new DeviceImages(gpu, "train", new Uint8Array(7), 3),
    /^RangeError: Cannot upload images "train": expected a multiple of 3 bytes, received 7$/,
  );
  assert.throws(() => new DeviceImages(gpu, "train", new Uint8Array(0), 3), RangeError);
  assert.equal(gpu.liveBuffers, before);
  using images = new DeviceImages(gpu, "train", new Uint8Array(6), 3);
  assert.throws(
    () => images.setOrder(Uint32Array.of(0, 2)),
    /^RangeError: Cannot order 2 images: received 2 indices, of which \[1\] is 2$/,
  );
  assert.throws(() => images.setOrder(Uint32Array.of(0)), /received 1 indices$/);
});

gpuTest("loss_total adds what the rows left, and not what lies past them", async (gpu) => {
  // the sums of one step must not show in the next one with fewer rows
  const graph = new Graph(64);
  using parameters = new Parameters(1);
  const y = graph.input("y", 37), t = graph.input("t", 37);
  const losses = [
    squaredError(graph, y, t, { label: "sum", reduction: "sum", weight: 5 }),
    squaredError(graph, y, t, { label: "mean", reduction: "mean" }),
  ];
  using step = await compile(gpu, graph, parameters, { label: "totals", losses });
  const [given, target] = [randomFloats("y", 64 * 37), randomFloats("t", 64 * 37)];
  step.upload(y, given);
  step.upload(t, target);
  const counts = [64, 1, 7, 63, 33];
  for (const rows of counts) step.run({ first: 0, rows });
  const { values } = await step.readLosses();
  const expected = counts.map((rows) => {
    let sum = 0;
    for (let k = 0; k < rows * 37; k++) sum += (given[k] - target[k]) ** 2;
    return sum;
  });
  const means = expected.map((sum, k) => sum / (counts[k] * 37));
  const tolerance = TOLERANCES.lossAgainstReference;
  assertAllClose("sum", values.sum, expected, [5], tolerance * largest(expected));
  assertAllClose("mean", values.mean, means, [5], tolerance * largest(means));
});

for (const decay of ["l2", "decoupled"] as const) {
  for (const weightDecay of [0, 0.03]) {
    gpuTest(
      `adam_update agrees with the reference over 8 steps: ${decay} decay of ${weightDecay}`,
      async (gpu) => {
        const graph = new Graph(16);
        using parameters = new Parameters(5);
        const x = graph.input("x", 7), target = graph.input("target", 3);
        const layer = { activation: "tanh", initializer: "pytorch-linear" } as const;
        let y = dense(graph, parameters, x, { ...layer, label: "first", outputs: 5 });
        y = dense(graph, parameters, y, { ...layer, label: "frozen", outputs: 6 });
        y = dense(graph, parameters, y, { ...layer, label: "last", outputs: 3 });
        const loss = squaredError(graph, y, target, { label: "loss", reduction: "sum" });
        const trainable = parameters.all.filter(({ name }) => !name.startsWith("frozen"));
        const figures = {
          learningRate: 0.02,
          betas: [0.8, 0.95],
          epsilon: 1e-3,
          weightDecay,
          decay,
        } as const;
        using step = await compile(gpu, graph, parameters, {
          label: "adam",
          losses: [loss],
          trainable,
          optimizer: adam(figures),
        });
        assert.equal(
          step.dispatches.filter(({ entryPoint }) => entryPoint === "adam_update").length,
          2,
          "two stretches, with the frozen layer between them",
        );
        const start = await parameters.read();
        step.upload(x, awkward("x", 16 * 7));
        step.upload(target, randomFloats("target", 16 * 3));
        const states = trainable.map(({ name }) => {
          const value = Float64Array.from(start.get(name)!);
          return { name, value, first: value.map(() => 0), second: value.map(() => 0) };
        });
        for (let t = 1; t <= 8; t++) {
          const learningRate = t > 4 ? 0.005 : figures.learningRate; // a schedule changes it between steps
          step.run({ first: 0, rows: 16 }, t > 4 ? learningRate : undefined);
          const gradients = await step.readGradients();
          assert.deepEqual([...gradients.keys()], trainable.map(({ name }) => name));
          for (const { name, value, first, second } of states) {
            const gradient = Float64Array.from(gradients.get(name)!);
            adamUpdate(value, gradient, first, second, t, { ...figures, learningRate });
          }
        }
        const end = await parameters.read();
        for (const { name, value } of states) {
          assert.ok(largest(value.map((v, k) => v - start.get(name)![k])) > 0.01, `${name} has moved`);
          assertAllClose(name, end.get(name)!, value, [value.length], 2e-6); // 8 roundings of numbers below 1, and slack
        }
        for (const name of ["frozen.weight", "frozen.bias"]) {
          assert.deepEqual(bitsOf(end.get(name)!), bitsOf(start.get(name)!), `${name} has not moved`);
        }
      },
    );
  }
}

gpuTest(
  "adam_update reaches all of a stretch that is longer than its invocations, and keeps padding at 0",
  async (gpu) => {
    const graph = new Graph(1);
    using parameters = new Parameters(6);
    const x = graph.input("x", 131), target = graph.input("target", 150);
    const y = dense(graph, parameters, x, {
      label: "y",
      outputs: 150,
      activation: "identity",
      initializer: "pytorch-linear",
    });
    const loss = squaredError(graph, y, target, { label: "loss", reduction: "sum" });
    const figures = {
      learningRate: 0.01,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      weightDecay: 0.1,
      decay: "l2",
    } as const;
    using step = await compile(gpu, graph, parameters, {
      label: "long",
      losses: [loss],
      trainable: parameters.all,
      optimizer: adam(figures),
    });
    const start = await parameters.read();
    step.upload(x, randomFloats("x", 131, 0.1, 1));
    step.upload(target, randomFloats("target", 150));
    step.run({ first: 0, rows: 1 });
    const [gradients, end] = [await step.readGradients(), await parameters.read()];
    for (const { name, shape } of parameters.all) {
      const value = Float64Array.from(start.get(name)!);
      const [first, second] = [value.map(() => 0), value.map(() => 0)];
      adamUpdate(value, Float64Array.from(gradients.get(name)!), first, second, 1, figures);
      assertAllClose(name, end.get(name)!, value, shape, 1e-6); // one rounding of numbers below 1, and slack
    }
    const { buffer, offset } = parameters.all[0].tensor.location!;
    const [slot] = await gpu.read([{ buffer, offset, size: 4 * padded(131) * padded(150) }], "a test");
    for (let i = 0; i < padded(131); i++) {
      for (let o = 0; o < padded(150); o++) {
        if (i >= 131 || o >= 150) {
          assert.equal(
            Math.abs(slot[i * padded(150) + o]),
            0,
            `padding at [${i}, ${o}]`,
          );
        }
      }
    }
  },
);

Deno.test.each([
  [{ learningRate: 0 }, "learning rate must be above 0, received 0"],
  [{ learningRate: NaN }, "learning rate must be above 0, received NaN"],
  [{ learningRate: 1, betas: [1, 0.999] }, "beta1 must be in [0, 1), received 1"],
  [{ learningRate: 1, betas: [0.9, -0.1] }, "beta2 must be in [0, 1), received -0.1"],
  [{ learningRate: 1, epsilon: 0 }, "epsilon must be above 0, received 0"],
  [{ learningRate: 1, epsilon: 1e-50 }, "epsilon must be above 0, received 1e-50"],
  [{ learningRate: 1, weightDecay: -1 }, "weight decay must be at least 0, received -1"],
  [{ learningRate: 1, weightDecay: Infinity }, "weight decay must be at least 0, received Infinity"],
] as [AdamOptions, string][])("adam() refuses %j", (options, message) => {
  assert.throws(() => adam(options), { name: "RangeError", message: `Cannot make Adam: ${message}` });
});

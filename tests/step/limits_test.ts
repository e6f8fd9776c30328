import assert from "node:assert/strict";
import { InputError } from "../../src/errors.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { dense } from "../../src/layers/dense.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { assertRefused, runTask } from "../helpers/commands.ts";
import { bitsOf, randomFloats } from "../helpers/gpu.ts";

/** A device that says that it allows no more than this, and otherwise what it allows. */
async function limited(limits: Partial<Record<keyof GPUSupportedLimits, number>>): Promise<Gpu> {
  const gpu = await openGpu();
  const real = gpu.device.limits;
  Object.defineProperty(gpu.device, "limits", {
    value: new Proxy(real, {
      get: (target, name) =>
        limits[name as keyof GPUSupportedLimits] ?? target[name as keyof GPUSupportedLimits],
    }),
  });
  return gpu;
}

const ROWS = 60;
/** Pixels of images that need more than the sums of what is watched, which take 196,608 bytes and 4 workgroups here. */
const MANY = 1000;

/** Takes three steps of `pixelsEach`-`width`-`pixelsEach` with batches of `batch`; gives their losses and the parameters. */
async function train(gpu: Gpu, width: number, batch = ROWS, pixelsEach = 40) {
  const bytes = Uint8Array.from(randomFloats("limits", ROWS * pixelsEach, 0, 256));
  using images = new DeviceImages(gpu, "train", bytes, pixelsEach);
  using parameters = new Parameters(1);
  const graph = new Graph(batch);
  const pixels = gatherBatch(graph, "pixels", images);
  const layer = { activation: "tanh", initializer: "pytorch-linear" } as const;
  const code = dense(graph, parameters, pixels, { label: "encoder", outputs: width, ...layer });
  const output = dense(graph, parameters, code, { label: "decoder", outputs: pixelsEach, ...layer });
  const losses = [squaredError(graph, output, pixels, { label: "loss", reduction: "mean" })];
  const optimizer = adam({ learningRate: 0.01 });
  const options = { label: "small", losses, trainable: parameters.all, optimizer };
  using step = await compile(gpu, graph, parameters, options);
  for (let k = 0; k < 3; k++) step.run({ first: 0, rows: Math.min(batch, ROWS) });
  const { values } = await step.readLosses();
  const learned = await parameters.read();
  gpu.check("a test of limits");
  return {
    workgroups: Math.max(...step.dispatches.map(({ workgroups }) => workgroups)),
    bits: [values.loss as Float32Array<ArrayBuffer>, ...learned.values()].map(bitsOf),
  };
}

/** The error of an attempt that must create nothing. */
async function refusal(gpu: Gpu, width: number, batch?: number, pixelsEach?: number): Promise<string> {
  const created: string[] = [];
  const create = gpu.device.createBuffer.bind(gpu.device);
  gpu.device.createBuffer = (descriptor) => {
    created.push(String(descriptor.label));
    return create(descriptor);
  };
  try {
    await train(gpu, width, batch, pixelsEach);
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    assert.deepEqual(created.filter((label) => !label.startsWith("train ")), [], "besides the images");
    return error.message;
  } finally {
    gpu.device.createBuffer = create;
  }
  throw new Error("it was not refused");
}

Deno.test("a batch that is too large is refused with the limit, the excess and what would fit, and that fits", async () => {
  using gpu = await limited({ maxStorageBufferBindingSize: 4 * 50 * MANY });
  const message = await refusal(gpu, 8, ROWS, MANY);
  assert.match(
    message,
    /^Cannot compile "small" for batches of 60: "pixels" \[60, 1000\] needs .* more than this device's /,
  );
  assert.match(message, /maxStorageBufferBindingSize of .* MiB; batches of at most 50 fit$/);
  await assert.rejects(train(gpu, 8, 51, MANY), /at most 50 fit/);
  await train(gpu, 8, 50, MANY);
});

Deno.test("a model that is too large is refused with its largest parameter, before any is drawn", async () => {
  using gpu = await openGpu();
  const message = await refusal(gpu, 1e15);
  assert.match(
    message,
    /^Cannot compile "small": a buffer of its [\d,]+ parameters, of which "encoder\.weight" /,
  );
  assert.match(
    message,
    /\[1000000000000000, 40\], needs [\d,.]+ MiB, [\d,.]+ MiB more than this device's max/,
  );
  assert.match(message, /at most [\d,]+ parameters fit: use smaller layers$/);
});

Deno.test("where there would be too many workgroups they are larger, and the results the same bits", async () => {
  using usual = await openGpu();
  using few = await limited({ maxComputeWorkgroupsPerDimension: 8 });
  // 49,048 parameters are twelve shares of the optimizer
  const [expected, actual] = [await train(usual, 24, ROWS, MANY), await train(few, 24, ROWS, MANY)];
  assert.ok(expected.workgroups > 8, `${expected.workgroups} workgroups`);
  assert.ok(actual.workgroups <= 8, `${actual.workgroups} workgroups`);
  assert.deepEqual(actual.bits, expected.bits);
});

Deno.test("more workgroups than that are refused with the limit, the excess and what would fit, and that fits", async () => {
  using gpu = await limited({ maxComputeWorkgroupsPerDimension: 4 });
  const message = await refusal(gpu, 8, 200, MANY);
  assert.match(
    message,
    /^Cannot dispatch "pixels gather": it needs 7 workgroups of 256, 3 more than this device's /,
  );
  assert.match(
    message,
    /maxComputeWorkgroupsPerDimension of 4; use batches of at most 114, or /,
  );
  await assert.rejects(train(gpu, 8, 129, MANY), InputError);
  await train(gpu, 8, 114, MANY);
});

Deno.test("a batch larger than the training set takes all of it, and says so", async () => {
  const args = ["--limit", "50", "--batch-size", "1000000000000", "--dry-run"];
  const { code, stdout } = await runTask("train", args);
  assert.equal(code, 0);
  assert.match(stdout, /10 steps of 50, all images: --batch-size is larger$/m);
});

Deno.test("a recipe with absurd --sizes, and a bench with an absurd batch, are refused in one line", async () => {
  const sizes = await runTask("train", ["--sizes", "784,1e15,3", "--dry-run", "--quiet"]);
  assertRefused(
    sizes,
    1,
    /^error: Cannot compile "deep": a buffer of its .* at most 33,554,432 parameters fit/,
  );
  const batch = await runTask("bench", ["--batch-size", "1e12"]);
  assertRefused(batch, 1, /^error: Cannot compile "bench" for batches of .* batches of at most 42,799 fit/);
});

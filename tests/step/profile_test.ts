import assert from "node:assert/strict";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { dense } from "../../src/layers/dense.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { formatCost, formatDispatches } from "../../src/bench/cost_table.ts";
import { bytesOf, floorOf, type StepCost, timeStep } from "../../src/bench/time_step.ts";
import { medianAndRange } from "../../src/stats/median.ts";
import { runTask } from "../helpers/commands.ts";
import { gpuTest, withKernels } from "../helpers/gpu.ts";
import type { CompiledDispatch } from "../../src/step/compile_dispatch.ts";

Deno.test("medianAndRange() takes the middle of an odd number, and the mean of the two in the middle of an even one", () => {
  assert.deepEqual(medianAndRange([3, 1, 2]), { median: 2, least: 1, most: 3 });
  assert.deepEqual(medianAndRange([4, 1, 2, 3]), { median: 2.5, least: 1, most: 4 });
});

Deno.test("floorOf() counts products by arithmetic and everything else by memory", () => {
  const dispatches = [{ flop: 6e9, bytes: 1e12 }, { flop: 0, bytes: 5e9 }];
  assert.equal(floorOf(dispatches, { product: 3e9, copy: 10e9 }), 2.5);
});

Deno.test("bytesOf() counts what an update writes twice, and takes a dispatch at its word", () => {
  const tensor = (bytes: number) => ({ name: "t", bytes });
  const dispatch = (label: string, bytes?: number) =>
    ({ label, bytes, reads: [tensor(8), undefined], writes: [tensor(100)] }) as unknown as CompiledDispatch;
  assert.equal(bytesOf(dispatch("loss")), 108);
  assert.equal(bytesOf(dispatch("update a … b")), 208);
  assert.equal(bytesOf(dispatch("pixels gather", 5)), 5);
});

Deno.test("formatDispatches() shows GFLOP/s of products, GB/s of the others, the floor of each, and copies", () => {
  const kernel = { entryPoint: "e", microseconds: 100, bytes: 4e5, workgroups: 3 };
  const copies = [{ label: "x", shape: [2, 3], bytes: 1000, microseconds: 1 }, {
    ...{ label: "w", shape: [3, 4], bytes: 48, microseconds: 0.01 },
  }];
  const [head, x, w, product, other] = formatDispatches({
    step: medianAndRange([1]),
    dispatches: [
      { ...kernel, label: "dense", kernel: "naive", flop: 2e6, shape: [2, 3, 4], copies },
      { ...kernel, label: "loss", flop: 0, shape: [7], copies: [] },
    ],
    copy: 8e9,
    kernels: { milliseconds: 0.2, copies: 0.001, product: 40e9, floor: 0.1 },
  }).split("\n");
  assert.match(head, /^label +entry point +shape +workgroups +µs +share +rate +floor µs$/);
  assert.match(x, /^x into a texture +copy of 1,000 bytes +2×3 +1 +0\.1 % +2\.0 GB\/s$/);
  assert.match(w, /^w into a texture +copy of 48 bytes +3×4 +0 +0\.0 %$/);
  assert.match(product, /^dense +e \(naive\) +2×3×4 +3 +100 +10\.0 % +20\.0 GFLOP\/s +50$/);
  assert.match(other, /^loss +e +7 +3 +100 +10\.0 % +4\.0 GB\/s +50$/);
});

/** Measures 12-8-12 on batches of 4 of 40 images, and sees that nothing was learned. */
async function measureSmall(gpu: Gpu): Promise<StepCost> {
  using images = new DeviceImages(gpu, "train", new Uint8Array(40 * 12).fill(99), 12);
  using parameters = new Parameters(1);
  const graph = new Graph(4);
  const pixels = gatherBatch(graph, "pixels", images);
  const layer = { activation: "tanh", initializer: "pytorch-linear" } as const;
  const code = dense(graph, parameters, pixels, { label: "encoder", outputs: 8, ...layer });
  const output = dense(graph, parameters, code, { label: "decoder", outputs: 12, ...layer });
  const losses = [squaredError(graph, output, pixels, { label: "loss", reduction: "mean" })];
  const optimizer = adam({ learningRate: 0.1 });
  const options = { label: "small", losses, trainable: parameters.all, optimizer };
  using step = await compile(gpu, graph, parameters, options);
  const before = await parameters.read();
  const cost = await timeStep(gpu, step, 4, { rounds: 2, steps: 3 });
  assert.deepEqual(await parameters.read(), before);
  assert.deepEqual(cost.dispatches.map(({ label }) => label), step.dispatches.map(({ label }) => label));
  return cost;
}

gpuTest(
  "timeStep() knows each dispatch's shape and bytes, and leaves the parameters alone",
  (gpu) =>
    withKernels(gpu, "register", async () => {
      const { dispatches, kernels, rounds, rows, step } = await measureSmall(gpu);
      const of = (label: string) => dispatches.find((dispatch) => dispatch.label.startsWith(label))!;
      assert.deepEqual(of("encoder forward").shape, [4, 12, 8]);
      assert.deepEqual(of("decoder backward weight").shape, [4, 8, 12]);
      assert.equal(of("decoder backward input").flop, 2 * 4 * 8 * 12);
      assert.deepEqual(of("pixels gather").shape, [4, 12]);
      assert.equal(of("pixels gather").bytes, 4 * (4 + 12 + 48), "of 40 images only a batch is read");
      assert.deepEqual(of("loss and").shape, [4, 12]);
      assert.deepEqual([rows, rounds], [4, 2]);
      assert.ok(step.least > 0 && step.least <= step.median);
      assert.equal(kernels !== undefined, gpu.hasTimestamps);
      for (const { microseconds } of dispatches) assert.ok(!gpu.hasTimestamps || microseconds! > 0);
      if (kernels) assert.ok(kernels.floor > 0 && kernels.product > 0 && kernels.milliseconds > 0);
    }),
);

gpuTest(
  "timeStep() times the copies into textures too, and a profile adds up",
  (gpu) =>
    withKernels(gpu, "texture", async () => {
      const cost = await measureSmall(gpu);
      const copiesOf = (label: string) => {
        const { copies } = cost.dispatches.find((dispatch) => dispatch.label.startsWith(label))!;
        return copies.map(({ label, shape, bytes }) => [label, shape.join("×"), bytes]);
      };
      assert.deepEqual(copiesOf("pixels gather"), [["parameters", "384", 1536]]);
      assert.deepEqual(copiesOf("encoder forward"), [["pixels", "4×12", 192]]);
      assert.deepEqual(copiesOf("decoder forward"), [["encoder", "4×8", 128]]);
      const all = cost.dispatches.flatMap(({ copies }) => copies);
      assert.equal(all.length, 5, "and both gradients");
      const lines = formatCost(cost).split("\n");
      assert.equal(lines.filter((line) => / into a texture +copy of [\d,]+ bytes /.test(line)).length, 5);
      if (!cost.kernels) return assert.ok(!gpu.hasTimestamps);
      const summed = all.reduce((sum, { microseconds }) => sum + microseconds!, 0);
      assert.ok(Math.abs(1000 * cost.kernels.copies - summed) < 1e-6);
      const line = lines.find((line) => line.startsWith("kernels take"))!;
      assert.match(
        line,
        /, 5 copies of 0\.00 MB into textures [\d.]+ ms \([\d.]+ %\), the rest of the step /,
      );
      const parts = [...line.matchAll(/([\d.]+) ms/g)].map(([, ms]) => Number(ms));
      const [kernels, copies, outside] = parts;
      assert.ok(Math.abs(kernels + copies + outside - cost.step.median) < 0.02 || outside === 0, line);
    }),
);

Deno.test("without timestamp queries, a profile says so and shows what can be measured", async () => {
  using gpu = await openGpu();
  Object.defineProperty(gpu, "hasTimestamps", { value: false });
  gpu.kernels = { kind: "register" };
  const cost = await measureSmall(gpu);
  assert.equal(cost.kernels, undefined);
  const lines = formatCost(cost).split("\n");
  assert.match(lines[0], /^label +entry point +shape +workgroups$/);
  assert.match(lines[2], /^encoder forward +dense_forward\w* \(.*\) +4×12×8 +1$/);
  const [reason, step, javascript, rest] = lines.slice(-4);
  assert.match(reason, /^this device has no timestamp queries: /);
  assert.match(step, /^a step of 4 images takes [\d.]+ ms \(.* in 2 rounds\), \d+ images\/s$/);
  assert.match(javascript, /^JavaScript needs [\d.]+ ms \([\d.]+ %\) to encode and submit it$/);
  assert.match(rest, /^its products do 0\.000 GFLOP, .* GB\/s of a copy$/);
});

Deno.test("train --profile prints what each dispatch costs, trains nothing and leaves no run folder", async () => {
  const { code, stdout } = await runTask("train", ["--limit", "64", "--profile", "--out", "runs/profiled"]);
  assert.equal(code, 0);
  assert.match(stdout, /^label +entry point +shape +workgroups/m);
  assert.match(stdout, /^encoder\.0 forward +dense_forward\w* \(.*\) +64×784×128 +\d+/m);
  assert.match(stdout, /^update encoder\.0\.weight … decoder\.6\.bias +adam_update +\d+ /m);
  assert.match(stdout, /^a step of 64 images takes .* images\/s$/m);
  assert.match(stdout, /^JavaScript needs /m);
  assert.doesNotMatch(stdout, /epoch/);
  await assert.rejects(Deno.stat(new URL("../../runs/profiled", import.meta.url)), Deno.errors.NotFound);
});

Deno.test("stacked --profile prints every stage that is trained", async () => {
  const args = ["--limit", "20", "--sizes", "784,8,4,2", "--stages", "1,0,1", "--profile"];
  const { code, stdout } = await runTask("stacked", args);
  assert.equal(code, 0);
  assert.deepEqual(stdout.match(/^stage \d$/gm), ["stage 0", "stage 2"]);
  assert.equal(
    stdout.match(/^a step of 20 images takes /gm)?.length,
    2,
    "no more rows than there are images",
  );
});

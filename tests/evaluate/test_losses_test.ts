import assert from "node:assert/strict";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { averageLosses } from "../../src/evaluate/test_losses.ts";
import { gpuTest } from "../helpers/gpu.ts";
import { LOSS_RING } from "../../src/step/loss_ring.ts";

gpuTest("averageLosses() averages more batches than the loss ring holds", async (gpu) => {
  const count = 2 * LOSS_RING + 3, pixels = Float32Array.from({ length: count }, (_, k) => k % 7 / 8);
  using images = new DeviceImages(gpu, "test", pixels, 1);
  const graph = new Graph(2);
  using parameters = new Parameters(1);
  const x = gatherBatch(graph, "pixels", images), zero = graph.input("zero", 1);
  const losses = [
    squaredError(graph, x, zero, { label: "sum", reduction: "sum" }),
    squaredError(graph, x, zero, { label: "mean", reduction: "mean" }),
  ];
  using step = await compile(gpu, graph, parameters, { label: "test", losses });
  const expected = pixels.reduce((sum, value) => sum + value ** 2, 0) / count; // eighths: exact in float32 too
  assert.deepEqual(await averageLosses(step, losses, count, 2), { sum: expected, mean: expected });
});

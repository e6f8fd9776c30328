import assert from "node:assert/strict";
import { openGpu } from "../src/gpu/device.ts";
import { compile } from "../src/graph/compile.ts";
import { Graph } from "../src/graph/graph.ts";
import { Parameters } from "../src/graph/parameters.ts";
import { DeviceImages, gatherBatch } from "../src/layers/gather_batch.ts";
import { RECIPES } from "../scripts/recipes.ts";

Deno.test("2,000 steps of the deep recipe leave memory where 200 left it", async () => {
  using gpu = await openGpu();
  using images = new DeviceImages(gpu, "memory", new Uint8Array(1000 * 784).fill(99), 784);
  const graph = new Graph(64);
  using parameters = new Parameters(0);
  const { losses } = RECIPES.deep.variants[""].build(graph, parameters, gatherBatch(graph, "pixels", images));
  using step = await compile(gpu, graph, parameters, {
    label: "memory",
    losses,
    trainable: parameters.all,
    optimizer: RECIPES.deep.variants[""].optimizer,
  });
  const { liveBuffers, liveBytes } = gpu;
  const memory: number[] = [];
  for (let k = 1; k <= 2000; k++) {
    step.run({ first: k * 13 % 900, rows: 64 });
    if (k % 100 === 0) await step.readLosses();
    if (k === 200 || k === 2000) memory.push(Deno.memoryUsage().rss);
  }
  const grown = (memory[1] - memory[0]) / 2 ** 20;
  console.log(`memory changed by ${grown.toFixed(1)} MiB from step 200 to step 2,000`);
  assert.ok(Math.abs(grown) < 20, `${grown} MiB`);
  assert.deepEqual(
    [gpu.liveBuffers, gpu.liveBytes],
    [liveBuffers, liveBytes],
    "no buffer is made after compile",
  );
});

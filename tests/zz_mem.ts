import { RECIPES } from "../scripts/recipes.ts";
import { openGpu } from "../src/gpu/device.ts";
import { compile } from "../src/graph/compile.ts";
import { Graph } from "../src/graph/graph.ts";
import { Parameters } from "../src/graph/parameters.ts";
import { DeviceImages, gatherBatch } from "../src/layers/gather_batch.ts";
using gpu = await openGpu();
using source = new DeviceImages(gpu, "memory", new Uint8Array(784000).fill(9), 784);
const graph = new Graph(64);
using parameters = new Parameters(0);
const { build, optimizer } = RECIPES.deep.variants[""];
const { losses } = build(graph, parameters, gatherBatch(graph, "pixels", source));
using step = await compile(gpu, graph, parameters, {
  label: "memory",
  losses,
  trainable: parameters.all,
  optimizer,
});
for (let k = 1; k <= 30000; k++) {
  step.run({ first: k * 13 % 900, rows: 64 });
  if (k % 100 === 0) await step.readLosses();
  if (k % 1000 === 0) {
    const m = Deno.memoryUsage();
    console.log(k, ...[m.rss, m.heapTotal, m.heapUsed, m.external].map((x) => (x / 2 ** 20).toFixed(1)));
  }
}

// Bottleneck as an entrant of the comparison.
import { openGpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { findVariant } from "../tools/bench.ts";
import { serve } from "./entrant.ts";
import { type ModelName, MODELS } from "./models.ts";
import { floatsOf, WIDTH } from "./task.ts";

await serve(async (task) => {
  const { recipe, options, batchSize } = MODELS[task.model as ModelName];
  const { network, optimizer } = await findVariant(recipe, options);
  const gpu = await openGpu();
  const bytes = new Uint8Array(task.batches.length * batchSize * WIDTH);
  task.batches.forEach((batch, k) => bytes.set(Uint8Array.fromBase64(batch), k * batchSize * WIDTH));
  const images = new DeviceImages(gpu, "bench", bytes, WIDTH);
  const graph = new Graph(batchSize);
  const parameters = new Parameters(0);
  const { losses } = network(WIDTH)(graph, parameters, gatherBatch(graph, "pixels", images));
  const step = await compile(gpu, graph, parameters, {
    label: "bench",
    losses,
    trainable: parameters.all,
    optimizer,
  });
  for (const [name, { data }] of Object.entries(task.parameters)) parameters.write(name, floatsOf(data));
  return {
    name: `Bottleneck on ${gpu.adapterName}`,
    step: (batch) => step.run({ first: batch * batchSize, rows: batchSize }), // draws the same noise as the task
    async finish() {
      const { values } = await step.readLosses();
      return losses.reduce((sum, { label, weight }) => sum + weight * values[label].at(-1)!, 0);
    },
  };
});

// A network's training step on random images, for the benchmarks.
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import { Graph } from "../graph/graph.ts";
import { checkLimits } from "../step/limits.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Step } from "../step/step.ts";
import { DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import { RandomStream } from "../random.ts";
import type { Optimizer } from "../step/update.ts";

/** A compiled step with its images. */
export interface Bench extends Disposable {
  readonly step: Step;
}

/** Compiles the training step of a network on one batch of random images of 784 pixels. */
export async function createBench(
  gpu: Gpu,
  parameters: Parameters,
  { build, optimizer, batchSize }: { build: BuildModel; optimizer: Optimizer; batchSize: number },
): Promise<Bench> {
  const graph = new Graph(batchSize);
  const values = [graph.value("pixels", 784)]; // before allocating the images
  checkLimits(gpu, { label: "bench", batchSize, parameters, values, dispatches: [] });
  const random = new RandomStream(0, "bench");
  const bytes = Uint8Array.from({ length: batchSize * 784 }, () => random.nextBelow(256));
  using owned = new DisposableStack();
  const images = owned.use(new DeviceImages(gpu, "bench", bytes, 784));
  const { losses } = build(graph, parameters, gatherBatch(graph, "pixels", images));
  const trainable = [...new Set(graph.nodes.flatMap((node) => node.parameters))];
  const step = owned.use(
    await compile(gpu, graph, parameters, { label: "bench", losses, trainable, optimizer }),
  );
  const all = owned.move();
  return { step, [Symbol.dispose]: () => all.dispose() };
}

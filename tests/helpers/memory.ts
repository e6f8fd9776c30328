/**
 * How much memory a process holds while it trains and measures: it should not grow with steps or evaluations. As a command
 * it prints this as JSON: `deno run tests/helpers/memory.ts steps 200 2000`.
 * @module
 */
import { deep } from "../../scripts/deep.ts";
import { checkedNetworks } from "../../src/recipe/checked_networks.ts";
import { recipeNetwork } from "./recipe_network.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { evaluate } from "../../src/evaluate/evaluate.ts";
import { TestLosses } from "../../src/evaluate/test_losses.ts";

/** Memory at one time. */
export interface Memory {
  /** Steps or evaluations so far. */
  readonly at: number;
  /** Mebibytes of the process. */
  readonly resident: number;
  /** Buffers on the GPU. */
  readonly buffers: number;
  /** Their bytes. */
  readonly bytes: number;
}

/** Memory now; where V8's collector is at hand (`--v8-flags=--expose-gc`), without what waits to be collected. */
function memoryNow(gpu: Gpu, at: number): Memory {
  (globalThis as { gc?: () => void }).gc?.();
  return {
    at,
    resident: Deno.memoryUsage().rss / 2 ** 20,
    buffers: gpu.liveBuffers,
    bytes: gpu.liveBytes,
  };
}

/** Pixels, made without anything that is freed later. */
function images(count: number, width: number): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(count * width);
  for (let k = 0; k < pixels.length; k++) pixels[k] = k * k % 251;
  return pixels;
}

/** Memory at these numbers of training steps of the deep recipe on images so wide, with the losses read every 100. */
async function memoryOfSteps(marks: readonly number[], width: number = 64): Promise<Memory[]> {
  using gpu = await openGpu();
  using source = new DeviceImages(gpu, "memory", images(1000, width), width);
  const graph = new Graph(64);
  using parameters = new Parameters(0);
  const [{ network, optimizer }] = checkedNetworks(deep);
  const { losses } = network(width)(graph, parameters, gatherBatch(graph, "pixels", source));
  const options = { label: "memory", losses, trainable: parameters.all, optimizer };
  using step = await compile(gpu, graph, parameters, options);
  const found: Memory[] = [];
  for (let k = 1; k <= marks.at(-1)!; k++) {
    step.run({ first: k * 13 % 900, rows: 64 });
    if (k % 100 === 0) await step.readLosses();
    if (marks.includes(k)) found.push(memoryNow(gpu, k));
  }
  return found;
}

/**
 * Memory at these numbers of evaluations: each measures a small deep network on held-out images as after an epoch, and
 * does all that is done at the end of a run.
 */
async function memoryOfEvaluations(marks: readonly number[]): Promise<Memory[]> {
  using gpu = await openGpu();
  using parameters = new Parameters(0);
  const width = 64, count = 1000;
  const build = recipeNetwork(deep, { sizes: [width, 16, 3] });
  const split = { images: images(count, width), labels: images(count, 1).map((byte) => byte % 3), count };
  using source = new DeviceImages(gpu, "held out", split.images, width);
  using heldOut = await TestLosses.compile(gpu, parameters, source, { build });
  const data = {
    name: "noise",
    source: "",
    checksum: "",
    width,
    imageShape: [8, 8] as const,
    classNames: ["a", "b", "c"],
    train: split,
    test: split,
  };
  const found: Memory[] = [];
  for (let k = 1; k <= marks.at(-1)!; k++) {
    await heldOut.measure();
    await evaluate(gpu, build, parameters, data);
    if (marks.includes(k)) found.push(memoryNow(gpu, k));
  }
  return found;
}

/** Memory at some marks, by what is counted. */
export const memoryOf = { steps: memoryOfSteps, evaluations: memoryOfEvaluations };

if (import.meta.main) {
  const [what, ...marks] = Deno.args;
  console.log(JSON.stringify(await memoryOf[what as keyof typeof memoryOf](marks.map(Number))));
}

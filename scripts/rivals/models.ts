// The compared models; each task is derived from the recipe's own graph.
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Activation } from "../../src/graph/tensor.ts";
import { RandomStream } from "../../src/random.ts";
import { findVariant } from "../tools/bench.ts";
import { type Task, WIDTH } from "./task.ts";

/** The compared models: recipe, options and batch size. */
export const MODELS = {
  deep: { network: "784-128-64-12-3, tanh, squared error", recipe: "deep", options: "", batchSize: 64 },
  tied: { network: "784-256-256-64-32, tanh, tied, summed", recipe: "tied", options: "", batchSize: 20 },
  wide: { network: "784-1000-784, sigmoid, no bias", recipe: "stacked", options: "stage 0", batchSize: 32 },
  vae: { network: "784-400-(20, 20)-400-784, ReLU, BCE + KL", recipe: "vae", options: "", batchSize: 128 },
} as const;

/** Name of a compared model. */
export type ModelName = keyof typeof MODELS;

/**
 * Makes the task of a model.
 *
 * @param steps number of steps with compared losses
 */
export async function createTask(model: ModelName, steps: number): Promise<Task> {
  const { recipe, options, batchSize } = MODELS[model];
  const { network, optimizer } = await findVariant(recipe, options);
  const graph = new Graph(batchSize);
  const parameters = new Parameters(0);
  const { losses } = network(WIDTH)(graph, parameters, graph.input("pixels", WIDTH));
  const values = await parameters.read();
  const random = new RandomStream(0, "bench rivals");
  const noise = graph.nodes.find(({ op }) => op === "standard normal");
  const shift = graph.nodes.find(({ op }) => op === "subtract row");
  return {
    model,
    layers: graph.nodes.filter(({ op }) => op === "dense" || op === "tied dense").map((node) => ({
      weight: node.parameters[0].name,
      bias: node.parameters.at(1)?.name ?? null,
      tied: node.op === "tied dense",
      activation: node.attributes.activation as Activation,
    })),
    isVariational: noise !== undefined,
    isSum: losses[0].reduction === "sum",
    shift: shift?.constants?.(0, batchSize)[0] ?? 0,
    batchSize,
    learningRate: optimizer.learningRate,
    parameters: Object.fromEntries(
      parameters.all.map(({ name, shape }) => [name, { shape, data: toBase64(values.get(name)!) }]),
    ),
    batches: Array.from(
      { length: 5 },
      () => Uint8Array.from({ length: batchSize * WIDTH }, () => random.nextBelow(256)).toBase64(),
    ),
    noise: noise === undefined ? [] : Array.from(
      { length: steps },
      (_, k) => toBase64(Float32Array.from(noise.constants!(k + 1, batchSize))),
    ),
  };
}

function toBase64(floats: Float32Array<ArrayBuffer>): string {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength).toBase64();
}

/**
 * Networks to export, and what they compute themselves.
 * @module
 */
import type { TrainedNetwork } from "../../src/export/network.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import type { BuildModel } from "../../src/graph/model.ts";
import { elements, Parameters } from "../../src/graph/parameters.ts";
import { randomFloats } from "./gpu.ts";

/** A network with random weights and biases in ±range. */
export async function recorded(
  build: BuildModel,
  width: number,
  range = 0.5,
): Promise<[TrainedNetwork, Parameters]> {
  const parameters = new Parameters(0), graph = new Graph(1), pixels = graph.input("pixels", width);
  const model = build(graph, parameters, pixels);
  for (const { name, shape } of parameters.all) {
    parameters.write(name, randomFloats(name, elements(shape), -range, range));
  }
  return [{ name: "test", graph, pixels, model, weights: await parameters.read() }, parameters];
}

/**
 * Codes, rows in the input's units, and scores by the project's own forward pass.
 *
 * @param whole the rows before they were clamped for the network
 */
export async function ownOutputs(
  gpu: Gpu,
  build: BuildModel,
  parameters: Parameters,
  rows: Float32Array,
  width: number,
  whole = rows,
) {
  const count = rows.length / width, graph = new Graph(count), pixels = graph.input("pixels", width);
  const { code, output, target = pixels } = build(graph, parameters, pixels);
  using step = await compile(gpu, graph, parameters, { label: "test", outputs: [code, output, target] });
  step.upload(pixels, rows);
  step.run({ first: 0, rows: count });
  const [codes, outputs, wanted] = await step.read([code, output, target], count);
  const score = Float64Array.from({ length: count }, (_, n) => {
    let sum = 0;
    for (let k = n * width; k < (n + 1) * width; k++) {
      sum += (outputs[k] - wanted[k] - (whole[k] - rows[k])) ** 2;
    }
    return sum / width;
  });
  return { code: codes, reconstruction: outputs.map((y, k) => y + rows[k] - wanted[k]), score };
}

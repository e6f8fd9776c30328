/** An activation on the GPU, number by number. */
import { activationOf } from "../../src/elementwise/activation.ts";
import type { ActivationLike } from "../../src/elementwise/activation_names.ts";
import { lossOf } from "../../src/elementwise/loss.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { activation } from "../../src/layers/activation.ts";

/** f and f' of numbers, on the GPU. */
export async function measure(
  gpu: Gpu,
  f: ActivationLike,
  numbers: Float32Array<ArrayBuffer>,
): Promise<readonly [forward: Float32Array, derivative: Float32Array]> {
  const rows = numbers.length;
  const graph = new Graph(rows);
  using parameters = new Parameters(0);
  const [x, target] = [graph.input("x", 1), graph.input("target", 1)];
  const y = activation(graph, x, { label: "y", activation: f });
  // a loss whose derivative by y is 1, so that what comes back is f'
  const sum = lossOf({
    name: "sum",
    value: "y",
    byPrediction: "1.0",
    reference: { value: (y) => y, byPrediction: () => 1 },
  });
  const losses = [sum(graph, y, target, { label: "loss", reduction: "sum" })];
  using step = await compile(gpu, graph, parameters, { label: "measured", losses, gradients: [x] });
  step.upload(x, numbers);
  step.run({ first: 0, rows });
  const [[forward], [derivative]] = await Promise.all([
    step.read([y], rows),
    step.readValueGradients([x], rows),
  ]);
  return [forward, derivative];
}

/** Activation with a constant shared by GPU and reference, and a kink. */
export const LEAKY = activationOf({
  name: "leaky",
  forward: "select(slope * x, x, x > 0.0)",
  derivative: "select(slope, 1.0, x > 0.0)",
  constants: { slope: 0.1 },
  reference: {
    forward: (x, { slope }) => x > 0 ? x : slope * x,
    derivative: (x, { slope }) => x > 0 ? 1 : slope,
  },
  kinks: [0],
});

/** Activations at their extremes, through every kernel that goes through one; it runs in pages too. */
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Activation } from "../../src/graph/tensor.ts";
import { activation as activationLayer } from "../../src/layers/activation.ts";
import { dense } from "../../src/layers/dense.ts";
import { tiedDense } from "../../src/layers/tied_dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { activate, activationDerivative } from "../../src/reference/dense.ts";

const Z = Float32Array.of(0, -0, 0.3, -0.3, 2, -2, 14.9, -15.1, 100, -100, 1000, -1000, 3e38, -3e38, NaN);
/** WGSL's functions are right to about 1e-7 of 1. */
const TOLERANCE = 1e-6;

/** What is wrong, element by element; infinity is infinity and NaN is NaN. */
function differences(of: string, actual: Float32Array, expected: (z: number) => number): string[] {
  return [...Z].flatMap((z, k) => {
    const wanted = Math.fround(expected(z));
    const agrees = Object.is(actual[k], wanted) ||
      Math.abs(actual[k] - wanted) <= TOLERANCE * Math.max(1, Math.abs(wanted));
    return agrees ? [] : [`${of} at z = ${z}: expected ${wanted} but received ${actual[k]}`];
  });
}

/**
 * Holds f by every kernel of the device's kind forward, and f' by every kernel backward, to the reference: z is the input itself, as the only weight is 1,
 * and the gradient of y = f(z) behind another weight of 1 and a squared error is 2y·f'(z).
 *
 * @param change made to the graph before it is compiled
 * @returns a line for each number that is wrong
 */
export async function findWrongExtremes(
  gpu: Gpu,
  activation: Activation,
  change: (graph: Graph) => void = () => {},
): Promise<string[]> {
  const found: string[] = [];
  const graph = new Graph(Z.length);
  using parameters = new Parameters(0);
  const z = graph.input("z", 1), zero = graph.input("zero", 1);
  const layer = { outputs: 1, bias: false, initializer: "pytorch-linear" } as const;
  const values = {
    "activation": activationLayer(graph, z, { label: "activation", activation }),
    "dense": dense(graph, parameters, z, { ...layer, label: "dense", activation }),
    "tied dense": tiedDense(graph, parameters, z, {
      ...layer,
      label: "tied dense",
      weight: "dense.weight",
      activation,
    }),
  };
  const readers = {
    "activation": values.activation,
    "dense": dense(graph, parameters, values.dense, { ...layer, label: "reader", activation: "identity" }),
    "tied dense": tiedDense(graph, parameters, values["tied dense"], {
      ...layer,
      label: "tied reader",
      weight: "dense.weight",
      activation: "identity",
    }),
  };
  const losses = Object.entries(readers).map(([label, y]) =>
    squaredError(graph, y, zero, { label: `of ${label}`, reduction: "sum" })
  );
  change(graph);
  for (const name of ["dense.weight", "reader.weight"]) parameters.write(name, [1]);
  const all = Object.values(values);
  using step = await compile(gpu, graph, parameters, { label: "f", losses, outputs: all, gradients: all });
  step.upload(z, Z);
  step.upload(zero, new Float32Array(Z.length));
  step.run({ first: 0, rows: Z.length });
  const [forward, backward] = [
    await step.read(all, Z.length),
    await step.readValueGradients(all, Z.length),
  ];
  for (const [k, of] of Object.keys(values).entries()) {
    const f = (z: number) => Math.fround(activate(activation, z));
    found.push(
      ...differences(`${of} forward`, forward[k], f),
      ...differences(
        `${of} backward`,
        backward[k],
        (z) => Math.fround(2 * f(z)) * Math.fround(activationDerivative(activation, f(z))),
      ),
    );
  }
  return found;
}

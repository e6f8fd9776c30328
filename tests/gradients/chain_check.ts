/**
 * Chains of small layers on the GPU against the f64 reference: every activation, tied layers, several workgroups and
 * tiles of columns, values with two readers.
 * @module
 */
import type { Gpu } from "../../src/gpu/device.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Activation, Value } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { tiedDense } from "../../src/layers/tied_dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { type Disagreement, findDisagreement, type Recorded } from "../helpers/agreement.ts";
import { randomFloats } from "../helpers/gpu.ts";

const INITIALIZER = { uniform: 0.6 } as const;
/** On a software adapter, 37 rows are ten invocations in two workgroups, and 21 columns are two tiles. */
const BATCH = 40, ROWS = 37;
const SIZES = [18, 21, 34, 5];
const ACTIVATIONS: readonly Activation[] = ["tanh", "sigmoid", "relu", "tanh", "relu", "sigmoid"];

/** 18-21-34-5 and back, with a second layer that reads the first layer's output. */
function record(graph: Graph, parameters: Parameters, isTied: boolean): Recorded {
  const x = graph.input("x", SIZES[0]),
    target = graph.input("target", SIZES[0]),
    aside = graph.input("aside", 7);
  const at = (k: number) => ({ activation: ACTIVATIONS[k], initializer: INITIALIZER });
  let y = x;
  const encoded: Value[] = [];
  for (const [k, outputs] of SIZES.slice(1).entries()) {
    y = dense(graph, parameters, y, { label: `encoder.${k}`, outputs, ...at(k) });
    encoded.push(y);
  }
  const side = dense(graph, parameters, encoded[0], { label: "side", outputs: 7, ...at(1) });
  for (let k = SIZES.length - 2; k >= 0; k--) {
    const label = `decoder.${k}`, options = { label, ...at(5 - k) };
    y = isTied
      ? tiedDense(graph, parameters, y, { ...options, weight: `encoder.${k}.weight` })
      : dense(graph, parameters, y, { ...options, outputs: SIZES[k] });
  }
  return {
    losses: [
      squaredError(graph, y, target, { label: "loss", reduction: "sum" }),
      squaredError(graph, side, aside, { label: "side loss", reduction: "sum", weight: 0.5 }),
    ],
    inputs: new Map([
      [x, randomFloats("x", ROWS * SIZES[0])],
      [target, randomFloats("target", ROWS * SIZES[0], 0, 1)],
      [aside, randomFloats("aside", ROWS * 7, 0, 1)],
    ]),
  };
}

/** Returns the first difference of an untied and of a tied network from the reference; undefined if there is none. */
export async function findWrongChain(gpu: Gpu): Promise<Disagreement | undefined> {
  for (const isTied of [false, true]) {
    const graph = new Graph(BATCH);
    using parameters = new Parameters(5);
    const found = await findDisagreement(gpu, graph, parameters, record(graph, parameters, isTied), ROWS);
    if (found) return found;
  }
  return undefined;
}

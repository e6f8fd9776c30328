/**
 * The dense layer.
 * @module
 */
import forwardCode from "../../shaders/layers/dense_forward.wgsl" with { type: "text" };
import backwardInputCode from "../../shaders/layers/dense_backward_input.wgsl" with { type: "text" };
import backwardWeightCode from "../../shaders/layers/dense_backward_weight.wgsl" with { type: "text" };
import type { Graph } from "../graph/graph.ts";
import type { Initializer, Parameters } from "../graph/parameters.ts";
import { type Activation, ACTIVATIONS, type Value } from "../graph/tensor.ts";
import { batchTile, lanesOf, weightTile } from "../graph/tiles.ts";

/** What a dense layer is made of. */
export interface DenseOptions {
  /** Its name in the graph. */
  readonly label: string;
  /** The stem of its parameters' names, `<name>.weight` [outputs, inputs] and `<name>.bias`; the label if absent. */
  readonly name?: string;
  /** O: columns of its output. */
  readonly outputs: number;
  /** f, applied to every element. */
  readonly activation: Activation;
  /** How its parameters start. */
  readonly initializer: Initializer;
  /** Whether it has a bias; true if absent. */
  readonly bias?: boolean;
}

const FORWARD = { path: "shaders/layers/dense_forward.wgsl", code: forwardCode };
const BACKWARD_INPUT = { path: "shaders/layers/dense_backward_input.wgsl", code: backwardInputCode };
const BACKWARD_WEIGHT = { path: "shaders/layers/dense_backward_weight.wgsl", code: backwardWeightCode };

/**
 * Y = f(X·Wᵀ + bias) with W [outputs, inputs] as in PyTorch; the shaders hold the maths, forward and backward.
 *
 * @param graph where it is recorded
 * @param parameters where its weight and bias are found or made
 * @param x [B, inputs]
 * @returns [B, outputs]
 * @throws TypeError if its parameters exist with other shapes
 * @throws RangeError if `outputs` is no positive integer
 */
export function dense(graph: Graph, parameters: Parameters, x: Value, options: DenseOptions): Value {
  const { label, name = label, outputs, activation, initializer, bias: hasBias = true } = options;
  const inputs = x.width;
  const output = graph.value(label, outputs, activation);
  const weight = parameters.declare(`${name}.weight`, [outputs, inputs], initializer, inputs);
  const bias = hasBias ? parameters.declare(`${name}.bias`, [outputs], initializer, inputs) : undefined;
  const flop = 2 * graph.batchSize * inputs * outputs;
  const [inputs4, outputs4] = [Math.ceil(inputs / 4), Math.ceil(outputs / 4)];

  graph.add({
    op: "dense",
    label,
    inputs: [x],
    parameters: bias ? [weight, bias] : [weight],
    output,
    attributes: { activation },
    forward(target) {
      const tile = batchTile(target, graph.batchSize);
      return [{
        label: `${label} forward`,
        shader: FORWARD,
        entryPoint: "dense_forward",
        constants: tile,
        reads: [x.tensor, weight.tensor, bias?.tensor],
        writes: [output.tensor],
        settings: {
          u32: {
            inputs,
            outputs,
            activation: ACTIVATIONS[activation],
            has_bias: bias ? 1 : 0,
            accumulate: 0,
          },
        },
        lanes: lanesOf(tile, graph.batchSize, outputs4),
        flop,
      }];
    },
    backward(target, { inputs: [intoX], parameters: [intoWeight, intoBias] }) {
      const dispatches = [];
      if (intoWeight !== undefined || intoBias !== undefined) {
        const tile = weightTile(target);
        dispatches.push({
          label: `${label} backward weight`,
          shader: BACKWARD_WEIGHT,
          entryPoint: "dense_backward_weight",
          constants: tile,
          reads: [x.tensor, output.gradient],
          writes: [weight.gradient, bias?.gradient],
          settings: {
            u32: {
              inputs,
              outputs,
              has_bias: bias ? 1 : 0,
              accumulate_weight: intoWeight ?? 0,
              accumulate_bias: intoBias ?? 0,
            },
          },
          lanes: lanesOf(tile, inputs4, outputs4),
          flop,
        });
      }
      if (intoX) {
        const tile = batchTile(target, graph.batchSize);
        dispatches.push({
          label: `${label} backward input`,
          shader: BACKWARD_INPUT,
          entryPoint: "dense_backward_input",
          constants: tile,
          reads: [output.gradient, weight.tensor, x.tensor],
          writes: [x.gradient],
          settings: {
            u32: {
              inputs,
              outputs,
              activation: ACTIVATIONS[intoX.activation],
              has_bias: 0,
              accumulate: intoX.accumulate,
            },
          },
          lanes: lanesOf(tile, graph.batchSize, inputs4),
          flop,
        });
      }
      return dispatches;
    },
  });
  return output;
}

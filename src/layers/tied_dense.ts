/**
 * The tied dense layer.
 * @module
 */
import forwardCode from "../../shaders/layers/dense_backward_input.wgsl" with { type: "text" };
import backwardInputCode from "../../shaders/layers/dense_forward.wgsl" with { type: "text" };
import backwardWeightCode from "../../shaders/layers/dense_backward_weight.wgsl" with { type: "text" };
import type { Graph } from "../graph/graph.ts";
import type { Initializer, Parameters } from "../graph/parameters.ts";
import { type Activation, ACTIVATIONS, type Dispatch, type Value } from "../graph/tensor.ts";
import { batchTile, lanesOf, weightTile } from "../graph/tiles.ts";

/** What a tied dense layer is made of. */
export interface TiedDenseOptions {
  /** Its name in the graph. */
  readonly label: string;
  /** The stem of its bias's name, `<name>.bias` [outputs]; the label if absent. */
  readonly name?: string;
  /** The name of the weight that it shares, such as `encoder.0.weight`: [inputs, outputs], in PyTorch's layout. */
  readonly weight: string;
  /** f, applied to every element. */
  readonly activation: Activation;
  /** How its bias starts. */
  readonly initializer: Initializer;
  /** Whether it has a bias; true if absent. */
  readonly bias?: boolean;
}

// what is forward for the layer that owns the weight is backward for this one, and the other way round
const FORWARD = { path: "shaders/layers/dense_backward_input.wgsl", code: forwardCode };
const BACKWARD_INPUT = { path: "shaders/layers/dense_forward.wgsl", code: backwardInputCode };
const BACKWARD_WEIGHT = { path: "shaders/layers/dense_backward_weight.wgsl", code: backwardWeightCode };

/**
 * Y = f(X·W + bias) with the weight W [inputs, outputs], in PyTorch's layout, of a layer that goes the other way:
 * a decoder that reads the encoder's one copy transposed. The weight's gradient is the sum of all its uses'. The
 * shaders hold the maths, forward and backward.
 *
 * @param graph where it is recorded
 * @param parameters where the weight is found, and the bias found or made
 * @param x [B, inputs]
 * @returns [B, outputs]
 * @throws TypeError if there is no such weight, or it has another number of rows than X has columns
 */
export function tiedDense(graph: Graph, parameters: Parameters, x: Value, options: TiedDenseOptions): Value {
  const { label, name = label, activation, initializer, bias: hasBias = true } = options;
  const weight = parameters.all.find(({ name }) => name === options.weight);
  if (!weight || weight.shape.length !== 2 || weight.shape[0] !== x.width) {
    throw new TypeError(
      `Cannot tie "${label}" to "${options.weight}": expected a weight [${x.width}, outputs], ` +
        `found ${weight ? `[${weight.shape.join(", ")}]` : "none of that name"}`,
    );
  }
  const [inputs, outputs] = weight.shape;
  const output = graph.value(label, outputs, activation);
  const bias = hasBias ? parameters.declare(`${name}.bias`, [outputs], initializer, inputs) : undefined;
  const flop = 2 * graph.batchSize * inputs * outputs;
  const [inputs4, outputs4] = [Math.ceil(inputs / 4), Math.ceil(outputs / 4)];
  // in the shaders' letters: I and O of the layer that owns the weight
  const shape = { inputs: outputs, outputs: inputs };

  graph.add({
    op: "tied dense",
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
        entryPoint: "tied_forward",
        constants: tile,
        reads: [x.tensor, weight.tensor, bias?.tensor],
        writes: [output.tensor],
        settings: {
          u32: { ...shape, activation: ACTIVATIONS[activation], has_bias: bias ? 1 : 0, accumulate: 0 },
        },
        lanes: lanesOf(tile, graph.batchSize, outputs4),
        flop,
      }];
    },
    backward(target, { inputs: [intoX], parameters: [intoWeight, intoBias] }) {
      const dispatches: Dispatch[] = [];
      if (intoWeight !== undefined) {
        const tile = weightTile(target);
        dispatches.push({
          label: `${label} backward weight`,
          shader: BACKWARD_WEIGHT,
          entryPoint: "dense_backward_weight",
          constants: tile,
          reads: [output.gradient, x.tensor], // dW[i,o] = Σ_b dZ[b,i]·X[b,o]
          writes: [weight.gradient, undefined],
          settings: {
            u32: { ...shape, has_bias: 0, accumulate_weight: intoWeight, accumulate_bias: 0 },
          },
          lanes: lanesOf(tile, outputs4, inputs4),
          flop,
        });
      }
      if (bias && intoBias !== undefined) {
        dispatches.push({
          label: `${label} backward bias`,
          shader: BACKWARD_WEIGHT,
          entryPoint: "dense_backward_bias",
          constants: weightTile(target),
          reads: [x.tensor, output.gradient],
          writes: [undefined, bias.gradient],
          settings: {
            u32: { inputs, outputs, has_bias: 1, accumulate_weight: 0, accumulate_bias: intoBias },
          },
          lanes: outputs4,
        });
      }
      if (intoX) {
        const tile = batchTile(target, graph.batchSize);
        dispatches.push({
          label: `${label} backward input`,
          shader: BACKWARD_INPUT,
          entryPoint: "tied_backward_input",
          constants: tile,
          reads: [output.gradient, weight.tensor, x.tensor],
          writes: [x.gradient],
          settings: {
            u32: {
              ...shape,
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

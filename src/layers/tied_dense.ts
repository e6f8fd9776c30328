/**
 * The tied dense layer.
 * @module
 */
import backwardWeightCode from "../../shaders/layers/dense_backward_weight.wgsl" with { type: "text" };
import { applyActivation, labelOfSums } from "../elementwise/activation.ts";
import { type ActivationLike, isFused, resolveActivation } from "../elementwise/activation_names.ts";
import type { Graph } from "../graph/graph.ts";
import type { Initializer, Parameters } from "../graph/parameters.ts";
import { dispatchProduct } from "../graph/products.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "../graph/tensor.ts";

/** What a tied dense layer is made of. */
export interface TiedDenseOptions {
  /** Its name in the graph. */
  readonly label: string;
  /** The stem of its bias's name, `<name>.bias` [outputs]; the label if absent. */
  readonly name?: string;
  /** The name of the weight that it shares, such as `encoder.0.weight`: [inputs, outputs], in PyTorch's layout. */
  readonly weight: string;
  /** f, applied to every element: a name, or what `activationOf` made. */
  readonly activation: ActivationLike;
  /** How its bias starts. */
  readonly initializer: Initializer;
  /** Whether it has a bias; true if absent. */
  readonly bias?: boolean;
}

const BACKWARD_WEIGHT = { path: "shaders/layers/dense_backward_weight.wgsl", code: backwardWeightCode };

/**
 * Y = f(X·W + bias) with the weight W [inputs, outputs], in PyTorch's layout, of a layer that goes the other way:
 * a decoder that reads the encoder's one copy transposed. The weight's gradient is the sum of all its uses'. The
 * shaders hold the maths, forward and backward. Activations are as in `dense`.
 *
 * ```ts
 * import { dense, Graph, Parameters, tiedDense } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), parameters = new Parameters(0), x = graph.input("x", 3);
 * const code = dense(graph, parameters, x, {
 *   label: "encoder.0", outputs: 2, activation: "tanh", initializer: "glorot-uniform",
 * });
 * const y = tiedDense(graph, parameters, code, {
 *   label: "decoder.0", weight: "encoder.0.weight", activation: "identity", initializer: "glorot-uniform",
 * }); // [4, 2] → [4, 3]
 * ```
 *
 * @param graph where it is recorded
 * @param parameters where the weight is found, and the bias found or made
 * @param x [B, inputs]
 * @returns [B, outputs]
 * @throws TypeError if there is no such weight, or it has another number of rows than X has columns
 * @throws InputError for an unknown activation
 */
export function tiedDense(graph: Graph, parameters: Parameters, x: Value, options: TiedDenseOptions): Value {
  const { label, name = label, initializer, bias: hasBias = true } = options;
  const activation = resolveActivation(label, options.activation);
  if (!isFused(activation)) {
    const linear = { ...options, label: labelOfSums(label), name, activation: "identity" } as const;
    return applyActivation(graph, tiedDense(graph, parameters, x, linear), { label, activation });
  }
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
  const rows = graph.batchSize;
  // in the shaders' letters: I and O of the layer that owns the weight
  const shape = { inputs: outputs, outputs: inputs };

  graph.add({
    op: "tied dense",
    label,
    inputs: [x],
    parameters: bias ? [weight, bias] : [weight],
    output,
    attributes: { activation },
    forward(traits) {
      return [{
        label: `${label} forward`,
        ...dispatchProduct(traits, "tied_forward", { rows, sum: inputs, columns: outputs }),
        reads: [x.tensor, weight.tensor, bias?.tensor],
        writes: [output.tensor],
        settings: {
          u32: { ...shape, activation: ACTIVATIONS[activation], has_bias: bias ? 1 : 0, accumulate: 0 },
        },
      }];
    },
    backward(traits, { inputs: [intoX], parameters: [intoWeight, intoBias] }) {
      const dispatches: Dispatch[] = [];
      if (intoWeight !== undefined) {
        dispatches.push({
          label: `${label} backward weight`,
          ...dispatchProduct(traits, "dense_backward_weight", { rows: outputs, sum: rows, columns: inputs }),
          reads: [output.gradient, x.tensor], // dW[i,o] = Σ_b dZ[b,i]·X[b,o]
          writes: [weight.gradient, undefined],
          settings: {
            u32: { ...shape, has_bias: 0, accumulate_weight: intoWeight, accumulate_bias: 0 },
          },
        });
      }
      if (bias && intoBias !== undefined) {
        dispatches.push({
          label: `${label} backward bias`,
          shader: BACKWARD_WEIGHT,
          entryPoint: "dense_backward_bias",
          constants: { TILE_ROWS: 1, TILE_COLUMNS: 1 },
          reads: [x.tensor, output.gradient],
          writes: [undefined, bias.gradient],
          settings: {
            u32: { inputs, outputs, has_bias: 1, accumulate_weight: 0, accumulate_bias: intoBias },
          },
          invocations: Math.ceil(outputs / 4),
        });
      }
      if (intoX) {
        dispatches.push({
          label: `${label} backward input`,
          ...dispatchProduct(traits, "tied_backward_input", { rows, sum: outputs, columns: inputs }),
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
        });
      }
      return dispatches;
    },
  });
  return output;
}

/**
 * Dense layer with a tied weight.
 * @module
 */
import backwardWeightCode from "../../shaders/layers/dense_backward_weight.wgsl" with { type: "text" };
import { applyActivation, labelOfSums } from "../elementwise/activation.ts";
import { type ActivationLike, isFused, resolveActivation } from "../elementwise/activation_names.ts";
import type { Graph } from "../graph/graph.ts";
import type { Initializer, Parameters } from "../graph/parameters.ts";
import { dispatchProduct, weightOperand } from "../graph/products.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "../graph/tensor.ts";

/** Options of {@link tiedDense}. */
export interface TiedDenseOptions {
  /** Name in the graph. */
  readonly label: string;
  /** Prefix of its bias, `<name>.bias` [outputs]; the label if absent. */
  readonly name?: string;
  /** Name of the shared weight [inputs, outputs], such as `encoder.0.weight`. */
  readonly weight: string;
  /** f, applied elementwise: a name, or a result of `activationOf`. */
  readonly activation: ActivationLike;
  /** Initialization scheme of the bias. */
  readonly initializer: Initializer;
  /** True for a layer with a bias, the default. */
  readonly bias?: boolean;
}

const BACKWARD_WEIGHT = { path: "shaders/layers/dense_backward_weight.wgsl", code: backwardWeightCode };

/**
 * Y = f(X·W + bias) with the weight W [inputs, outputs], in PyTorch's layout, of another layer, used
 * transposed: a decoder layer that shares the weight of the encoder. The weight's gradient is the sum over
 * all its uses. See the shaders for forward and backward formulas. Activations are as in `dense`.
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
 * @param graph records the layer
 * @param parameters contains the weight; declares the bias, or shares an existing one
 * @param x [B, inputs]
 * @returns [B, outputs]
 * @throws TypeError if the weight does not exist, or its number of rows differs from the width of X
 * @throws InputError if the activation is unknown
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
      `Cannot tie "${label}" to "${options.weight}": expected a weight [${x.width}, outputs] ` +
        `but found ${weight ? `[${weight.shape.join(", ")}]` : "none of that name"}`,
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
      const product = dispatchProduct(traits, "tied_forward", { rows, sum: inputs, columns: outputs });
      const w = weightOperand(product, weight);
      return [{
        label: `${label} forward`,
        ...product,
        reads: [x.tensor, w.tensor, bias?.tensor],
        writes: [output.tensor],
        settings: {
          u32: {
            ...shape,
            activation: ACTIVATIONS[activation],
            has_bias: bias ? 1 : 0,
            accumulate: 0,
            weight_at: w.at,
          },
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
          pass: "dense_backward_bias",
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
        const product = dispatchProduct(traits, "tied_backward_input", {
          rows,
          sum: outputs,
          columns: inputs,
        });
        const w = weightOperand(product, weight);
        dispatches.push({
          label: `${label} backward input`,
          ...product,
          reads: [output.gradient, w.tensor, x.tensor],
          writes: [x.gradient],
          settings: {
            u32: {
              ...shape,
              activation: ACTIVATIONS[intoX.activation],
              has_bias: 0,
              accumulate: intoX.accumulate,
              weight_at: w.at,
            },
          },
        });
      }
      return dispatches;
    },
  });
  return output;
}

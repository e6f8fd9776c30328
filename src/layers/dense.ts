/**
 * Dense layer.
 * @module
 */
import { applyActivation, labelOfSums } from "../elementwise/activation.ts";
import { type ActivationLike, isFused, resolveActivation } from "../elementwise/activation_names.ts";
import type { Graph } from "../graph/graph.ts";
import type { Initializer, Parameters } from "../graph/parameters.ts";
import { dispatchProduct, weightOperand } from "../graph/products.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "../graph/tensor.ts";

/** Options of {@link dense}. */
export interface DenseOptions {
  /** Name in the graph. */
  readonly label: string;
  /** Prefix of its parameters, `<name>.weight` [outputs, inputs] and `<name>.bias`; the label if absent. */
  readonly name?: string;
  /** O, the number of outputs. */
  readonly outputs: number;
  /** f, applied elementwise: a name, or a result of `activationOf`. */
  readonly activation: ActivationLike;
  /** Initialization scheme of weight and bias. */
  readonly initializer: Initializer;
  /** True for a layer with a bias, the default. */
  readonly bias?: boolean;
}

/**
 * Y = f(X·Wᵀ + bias) with W [outputs, inputs] as in PyTorch. The shaders have all formulas.
 *
 * Activations are names (`ACTIVATION_NAMES`) or results of `activationOf`. The fused ones (identity, sigmoid,
 * tanh, relu) are computed by the kernel of the matrix product. Any other is a separate node after an
 * identity layer `<label> sums` with the same parameters.
 *
 * ```ts
 * import { dense, Graph, Parameters } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), parameters = new Parameters(0), x = graph.input("x", 3);
 * const y = dense(graph, parameters, x, {
 *   label: "encoder.0", outputs: 2, activation: "tanh", initializer: "pytorch-linear",
 * }); // [4, 3] → [4, 2]
 * ```
 *
 * @param graph records the layer
 * @param parameters declares its weight and bias, or shares existing ones
 * @param x [B, inputs]
 * @returns [B, outputs]
 * @throws TypeError if its parameters exist with other shapes
 * @throws RangeError if `outputs` is not a positive integer
 * @throws InputError if the activation is unknown
 */
export function dense(graph: Graph, parameters: Parameters, x: Value, options: DenseOptions): Value {
  const { label, name = label, outputs, initializer, bias: hasBias = true } = options;
  const activation = resolveActivation(label, options.activation);
  if (!isFused(activation)) {
    const linear = { ...options, label: labelOfSums(label), name, activation: "identity" } as const;
    return applyActivation(graph, dense(graph, parameters, x, linear), { label, activation });
  }
  const inputs = x.width;
  const output = graph.value(label, outputs, activation);
  const weight = parameters.declare(`${name}.weight`, [outputs, inputs], initializer, inputs);
  const bias = hasBias ? parameters.declare(`${name}.bias`, [outputs], initializer, inputs) : undefined;
  const rows = graph.batchSize;

  graph.add({
    op: "dense",
    label,
    inputs: [x],
    parameters: bias ? [weight, bias] : [weight],
    output,
    attributes: { activation },
    forward(traits) {
      const product = dispatchProduct(traits, "dense_forward", { rows, sum: inputs, columns: outputs });
      const w = weightOperand(product, weight);
      return [{
        label: `${label} forward`,
        ...product,
        reads: [x.tensor, w.tensor, bias?.tensor],
        writes: [output.tensor],
        settings: {
          u32: {
            inputs,
            outputs,
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
      if (intoWeight !== undefined || intoBias !== undefined) {
        dispatches.push({
          label: `${label} backward weight`,
          ...dispatchProduct(traits, "dense_backward_weight", { rows: inputs, sum: rows, columns: outputs }),
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
        });
      }
      if (intoX) {
        const product = dispatchProduct(traits, "dense_backward_input", {
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
              inputs,
              outputs,
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

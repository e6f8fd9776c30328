/**
 * Activation as a separate node.
 * @module
 */
import code from "../../shaders/layers/activation.wgsl" with { type: "text" };
import { applyActivation } from "../elementwise/activation.ts";
import { type ActivationLike, isFused, resolveActivation } from "../elementwise/activation_names.ts";
import type { Graph } from "../graph/graph.ts";
import { passGradient } from "../graph/pass_gradient.ts";
import { ACTIVATIONS, type Value } from "../graph/tensor.ts";

const SHADER = { path: "shaders/layers/activation.wgsl", code };

/** Options of {@link activation}. */
export interface ActivationOptions {
  /** Name in the graph. */
  readonly label: string;
  /** f, applied elementwise: a name, or a result of `activationOf`. */
  readonly activation: ActivationLike;
}

/**
 * Y = f(X) as a separate node, for example a sigmoid output for display while the loss uses the logits X. If
 * the pre-activations are not needed, the activation of a dense layer is cheaper.
 *
 * ```ts
 * import { activation, Graph } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const y = activation(graph, x, { label: "output", activation: "sigmoid" }); // [4, 3]
 * ```
 *
 * @param x [B, width]
 * @returns [B, width]
 * @throws InputError if the activation is unknown
 */
export function activation(
  graph: Graph,
  x: Value,
  { label, ...options }: ActivationOptions,
): Value {
  const activation = resolveActivation(label, options.activation);
  if (!isFused(activation)) return applyActivation(graph, x, { label, activation });
  const { width } = x;
  const output = graph.value(label, width, activation);
  graph.add({
    op: "activation",
    label,
    inputs: [x],
    parameters: [],
    output,
    attributes: { activation },
    forward: () => [{
      label: `${label} forward`,
      shader: SHADER,
      entryPoint: "activation",
      reads: [x.tensor],
      writes: [output.tensor],
      settings: { u32: { width, activation: ACTIVATIONS[activation] } },
      invocations: output.tensor.bytes / 16,
      workgroupSize: 64,
    }],
    // the output's gradient is already with respect to the pre-activation
    backward: (_target, { inputs: [intoX] }) => intoX ? [passGradient(label, output, x, intoX)] : [],
  });
  return output;
}

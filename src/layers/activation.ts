/**
 * An activation by itself.
 * @module
 */
import code from "../../shaders/layers/activation.wgsl" with { type: "text" };
import { applyActivation } from "../elementwise/activation.ts";
import { type ActivationLike, isFused, resolveActivation } from "../elementwise/activation_names.ts";
import type { Graph } from "../graph/graph.ts";
import { passGradient } from "../graph/pass_gradient.ts";
import { ACTIVATIONS, type Value } from "../graph/tensor.ts";

const SHADER = { path: "shaders/layers/activation.wgsl", code };

/** What an activation is called, and which it is. */
export interface ActivationOptions {
  /** Its name. */
  readonly label: string;
  /** f, applied to every element: a name, or what `activationOf` made. */
  readonly activation: ActivationLike;
}

/**
 * Y = f(X), as a node of its own: a sigmoid output to be shown, while the loss reads the logits X. A dense layer
 * that nobody needs the sums of applies its activation itself, for less. The shader holds the maths.
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
 * @throws InputError for an unknown activation
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
    // the output's gradient is already the one before f
    backward: (_target, { inputs: [intoX] }) => intoX ? [passGradient(label, output, x, intoX)] : [],
  });
  return output;
}

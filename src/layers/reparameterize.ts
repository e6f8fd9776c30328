/**
 * Reparameterization: differentiable sampling.
 * @module
 */
import code from "../../shaders/layers/reparameterize.wgsl" with { type: "text" };
import type { GradientWrite, Graph } from "../graph/graph.ts";
import { passGradient } from "../graph/pass_gradient.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "../graph/tensor.ts";

const SHADER = { path: "shaders/layers/reparameterize.wgsl", code };

/**
 * Z = μ + exp(½·log σ²)·ε. With standard normal ε, it is a differentiable sample of the normal distribution
 * with this mean and variance (Kingma and Welling 2014, eq. 10). See the shader for the formulas.
 *
 * ```ts
 * import { Graph, reparameterize, standardNormal } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const epsilon = standardNormal(graph, 3, { label: "epsilon", seed: 0 });
 * const z = reparameterize(graph, x, graph.input("log variance", 3), epsilon, { label: "z" }); // [4, 3]
 * ```
 *
 * @param mean μ [B, width]
 * @param logVariance log σ² [B, width]; float32 limits it to about ±170
 * @param epsilon ε [B, width]: `standardNormal`, or an input
 * @param options `label`: name in the graph
 * @returns [B, width]
 * @throws TypeError if the widths differ
 */
export function reparameterize(
  graph: Graph,
  mean: Value,
  logVariance: Value,
  epsilon: Value,
  { label }: { readonly label: string },
): Value {
  const { width } = mean;
  if (width !== logVariance.width || width !== epsilon.width) {
    throw new TypeError(
      `Cannot reparameterize "${label}": expected log-variance and noise [B, ${width}] as the mean, but received ` +
        `[B, ${logVariance.width}] and [B, ${epsilon.width}]`,
    );
  }
  const output = graph.value(label, width);
  const invocations = output.tensor.bytes / 16;

  function backwardTo(name: "log_variance" | "epsilon", value: Value, into: GradientWrite): Dispatch {
    return {
      label: `${label} backward to ${value.label}`,
      shader: SHADER,
      entryPoint: `reparameterize_backward_${name}`,
      reads: [output.gradient, logVariance.tensor, epsilon.tensor],
      writes: [value.gradient],
      settings: { u32: { width, activation: ACTIVATIONS[into.activation], accumulate: into.accumulate } },
      invocations,
      workgroupSize: 64,
    };
  }

  graph.add({
    op: "reparameterize",
    label,
    inputs: [mean, logVariance, epsilon],
    parameters: [],
    output,
    attributes: {},
    forward: () => [{
      label: `${label} forward`,
      shader: SHADER,
      entryPoint: "reparameterize",
      reads: [mean.tensor, logVariance.tensor, epsilon.tensor],
      writes: [output.tensor],
      settings: { u32: { width, activation: ACTIVATIONS.identity, accumulate: 0 } },
      invocations,
      workgroupSize: 64,
    }],
    backward: (_target, { inputs: [intoMean, intoLogVariance, intoEpsilon] }) => [
      ...(intoMean ? [passGradient(label, output, mean, intoMean)] : []),
      ...(intoLogVariance ? [backwardTo("log_variance", logVariance, intoLogVariance)] : []),
      ...(intoEpsilon ? [backwardTo("epsilon", epsilon, intoEpsilon)] : []),
    ],
  });
  return output;
}

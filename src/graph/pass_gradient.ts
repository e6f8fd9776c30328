/**
 * Backward pass shared by ops whose derivative is 1.
 * @module
 */
import code from "../../shaders/layers/pass_gradient.wgsl" with { type: "text" };
import type { GradientWrite } from "./graph.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "./tensor.ts";

const SHADER = { path: "shaders/layers/pass_gradient.wgsl", code };

/**
 * Creates the dispatch that passes the gradient of an op's output on to an input of the same width. It
 * accumulates and differentiates through the input's activation as `into` requests.
 *
 * @param label the op's name
 * @param from the op's output
 * @param to the op's input
 * @param into mode of writing the input's gradient
 */
export function passGradient(label: string, from: Value, to: Value, into: GradientWrite): Dispatch {
  return {
    label: `${label} backward to ${to.label}`,
    shader: SHADER,
    entryPoint: "pass_gradient",
    reads: [from.gradient, to.tensor],
    writes: [to.gradient],
    settings: {
      u32: { width: to.width, activation: ACTIVATIONS[into.activation], accumulate: into.accumulate },
    },
    invocations: to.tensor.bytes / 16,
    workgroupSize: 64,
  };
}

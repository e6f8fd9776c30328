/**
 * The way back through ops whose derivative is 1, which several ops share.
 * @module
 */
import code from "../../shaders/layers/pass_gradient.wgsl" with { type: "text" };
import type { GradientWrite } from "./graph.ts";
import { ACTIVATIONS, type Dispatch, type Value } from "./tensor.ts";

const SHADER = { path: "shaders/layers/pass_gradient.wgsl", code };

/**
 * The dispatch that hands the gradient of an op's output on to an input of the same width, unchanged but for what
 * the request asks: adding it to what is there, going back through the input's activation.
 *
 * @param label the op's name
 * @param from the op's output
 * @param to its input
 * @param into how the input's gradient is to be written
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

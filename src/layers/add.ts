/**
 * Sum of two values.
 * @module
 */
import code from "../../shaders/layers/add.wgsl" with { type: "text" };
import type { Graph } from "../graph/graph.ts";
import { passGradient } from "../graph/pass_gradient.ts";
import type { Value } from "../graph/tensor.ts";

const SHADER = { path: "shaders/layers/add.wgsl", code };

/**
 * Z = X + Y, elementwise; the gradient flows into both. See the shader for the formulas.
 *
 * ```ts
 * import { add, Graph } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const y = add(graph, x, graph.input("noise", 3), { label: "noisy" }); // [4, 3]
 * ```
 *
 * @param x [B, width]
 * @param y [B, width]
 * @param options `label`: name in the graph
 * @returns [B, width]
 * @throws TypeError if the widths differ
 */
export function add(graph: Graph, x: Value, y: Value, { label }: { readonly label: string }): Value {
  const { width } = x;
  if (width !== y.width) {
    throw new TypeError(
      `Cannot record add "${label}": expected a second value [B, ${width}] but received [B, ${y.width}]`,
    );
  }
  const output = graph.value(label, width);
  graph.add({
    op: "add",
    label,
    inputs: [x, y],
    parameters: [],
    output,
    attributes: {},
    forward: () => [{
      label: `${label} forward`,
      shader: SHADER,
      entryPoint: "add",
      reads: [x.tensor, y.tensor],
      writes: [output.tensor],
      settings: { u32: { width } },
      invocations: output.tensor.bytes / 16,
      workgroupSize: 64,
    }],
    backward: (_target, { inputs: [intoX, intoY] }) => [
      ...(intoX ? [passGradient(label, output, x, intoX)] : []),
      ...(intoY ? [passGradient(label, output, y, intoY)] : []),
    ],
  });
  return output;
}

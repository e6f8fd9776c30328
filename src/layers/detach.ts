/**
 * Stop-gradient.
 * @module
 */
import type { Graph } from "../graph/graph.ts";
import type { Value } from "../graph/tensor.ts";

/**
 * Y = X without a gradient to X. It is free: it needs no dispatch and no memory.
 *
 * ```ts
 * import { detach, Graph } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const target = detach(graph, x, { label: "target" }); // the values of x, and no gradient into it
 * ```
 *
 * @param x [B, width]
 * @param options `label`: name in the graph
 * @returns [B, width]
 */
export function detach(graph: Graph, x: Value, { label }: { readonly label: string }): Value {
  const own = graph.value(label, x.width);
  const output: Value = { ...own, tensor: { ...own.tensor, sameAs: x.tensor } };
  graph.add({
    op: "detach",
    label,
    inputs: [x],
    parameters: [],
    output,
    attributes: {},
    stopsGradient: true,
    forward: () => [],
    backward: () => [],
  });
  return output;
}

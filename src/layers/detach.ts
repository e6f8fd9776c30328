/**
 * Stopping a gradient.
 * @module
 */
import type { Graph } from "../graph/graph.ts";
import type { Value } from "../graph/tensor.ts";

/**
 * The same numbers, through which no gradient flows back. It costs nothing: no dispatch, and no memory of its own.
 *
 * ```ts
 * import { detach, Graph } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const target = detach(graph, x, { label: "target" }); // the values of x, and no gradient into it
 * ```
 *
 * @param x [B, width]
 * @param options its name
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

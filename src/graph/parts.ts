/**
 * Parts of a recorded graph.
 * @module
 */
import type { Graph, Node } from "./graph.ts";
import type { Value } from "./tensor.ts";

/**
 * Returns the nodes that compute some values, in recorded order.
 *
 * @param wanted the values
 * @param given values that need no computation
 */
export function nodesFor(graph: Graph, wanted: readonly Value[], given: readonly Value[] = []): Node[] {
  const needed = new Set(wanted), known = new Set(given);
  return graph.nodes.toReversed().filter(({ output, inputs }) => {
    if (!output || !needed.has(output) || known.has(output)) return false;
    for (const input of inputs) needed.add(input);
    return true;
  }).toReversed();
}

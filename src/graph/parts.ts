/**
 * Parts of a recorded graph: the nodes behind some values, and the network between two values.
 * @module
 */
import { Graph, type Node } from "./graph.ts";
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

/**
 * Returns the graph that computes one value from another, which becomes its input; the other inputs stay.
 *
 * @param from the new input
 * @param to the value to compute
 */
export function graphBetween(graph: Graph, from: Value, to: Value): Graph {
  const part = new Graph(graph.batchSize);
  part.add({
    op: "input",
    label: from.label,
    inputs: [],
    parameters: [],
    output: from,
    attributes: {},
    forward: () => [],
    backward: () => [],
  });
  for (const node of nodesFor(graph, [to], [from])) part.add(node);
  return part;
}

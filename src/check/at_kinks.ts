/**
 * Elements that lie on a kink, within rounding: there the GPU and the reference may rightly take different sides.
 * @module
 */
import type { Graph, Node } from "../graph/graph.ts";
import type { Value } from "../graph/tensor.ts";
import { curveOf, kinksOf, nextTo } from "./kinks.ts";
import type { ReferenceResult } from "./reference_graph.ts";
import { TOLERANCES } from "./tolerances.ts";

/** The elements of a node that lie on a kink: which, and on which kink each. */
export interface AtKinks {
  /** The function or loss that has the kinks. */
  readonly node: Node;
  /** The kink by element. */
  readonly kinks: ReadonlyMap<number, number>;
}

/**
 * The elements that are as near to a kink as rounding may move them.
 *
 * @param reference the exact run
 * @param noisy runs with rounding noise, which say how far it moves each node's numbers
 */
export function elementsAtKinks(
  graph: Graph,
  reference: ReferenceResult,
  noisy: readonly ReferenceResult[],
): AtKinks[] {
  const found: AtKinks[] = [];
  for (const node of graph.nodes) {
    const exact = reference.kinkInputs.get(node);
    if (!exact) continue;
    let squares = 0;
    for (const { kinkInputs } of noisy) {
      kinkInputs.get(node)!.forEach((z, k) => squares += (z - exact[k]) ** 2);
    }
    const reach = TOLERANCES.roundings * Math.sqrt(squares / (noisy.length * exact.length));
    const kinks = new Map<number, number>();
    exact.forEach((z, k) => {
      const kink = kinksOf(node).find((kink) => Math.abs(z - kink) <= reach);
      if (kink !== undefined) kinks.set(k, kink);
    });
    if (kinks.size > 0) found.push({ node, kinks });
  }
  return found;
}

/** The values to read from the GPU for {@link sidesOnGpu}. */
export function valuesAtKinks(atKinks: readonly AtKinks[]): Value[] {
  return [...new Set(atKinks.flatMap(({ node }) => keepsOnlyOutput(node) ? [node.output!] : node.inputs))];
}

/** Whether the GPU keeps only what the function makes, not what it is applied to. */
function keepsOnlyOutput({ elementwise, term }: Node): boolean {
  return !elementwise && !term;
}

/**
 * Where the elements are, with those that lie on a kink on the side that the GPU has them on.
 *
 * @param values the GPU's, of {@link valuesAtKinks}
 * @param tie the side for elements that are exactly on the kink on the GPU
 */
export function sidesOnGpu(
  atKinks: readonly AtKinks[],
  reference: ReferenceResult,
  values: ReadonlyMap<Value, Float32Array>,
  tie: 1 | -1,
): Map<Node, Float64Array> {
  const kinkSides = new Map(reference.kinkInputs);
  for (const { node, kinks } of atKinks) {
    const sidesOfNode = kinkSides.get(node)!.slice();
    const [first, second] = (keepsOnlyOutput(node) ? [node.output!] : node.inputs).map((value) =>
      values.get(value)!
    );
    for (const [k, kink] of kinks) {
      // an activation does not decrease: f(z) is beyond f(kink) where z is; at f(kink) its derivative is the kink's own
      const offset = keepsOnlyOutput(node)
        ? first[k] - curveOf(node)!.forward(kink)
        : Math.fround(node.term ? first[k] - second[k] : first[k]) - kink;
      if (offset !== 0) sidesOfNode[k] = nextTo(kink, offset > 0 ? 1 : -1);
      else sidesOfNode[k] = keepsOnlyOutput(node) ? kink : nextTo(kink, tie);
    }
    kinkSides.set(node, sidesOfNode);
  }
  return kinkSides;
}

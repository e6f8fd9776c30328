/**
 * Elements on a kink, within rounding: there the GPU and the reference may validly take different sides.
 * @module
 */
import type { Graph, Node } from "../graph/graph.ts";
import type { Value } from "../graph/tensor.ts";
import { curveOf, kinksOf, nextTo } from "./kinks.ts";
import type { ReferenceResult } from "./reference_graph.ts";
import { TOLERANCES } from "./tolerances.ts";

/** Elements of a node that lie on a kink. */
export interface AtKinks {
  /** Node of the function or loss that has the kinks. */
  readonly node: Node;
  /** Kink by index of the element. */
  readonly kinks: ReadonlyMap<number, number>;
}

/**
 * Returns the elements that rounding may move across a kink.
 *
 * @param reference run without rounding noise
 * @param noisy runs with rounding noise, which show how far it moves the inputs of each node
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

/** Values to read from the GPU for {@link sidesOnGpu}. */
export function valuesAtKinks(atKinks: readonly AtKinks[]): Value[] {
  return [...new Set(atKinks.flatMap(({ node }) => keepsOnlyOutput(node) ? [node.output!] : node.inputs))];
}

/** True if the GPU keeps only the output of the function, not its input. */
function keepsOnlyOutput({ elementwise, term }: Node): boolean {
  return !elementwise && !term;
}

/**
 * Returns the reference's kink inputs, with the elements on a kink moved to the side that the GPU took.
 *
 * @param values values of {@link valuesAtKinks}, read from the GPU
 * @param tie side of the elements that are exactly on the kink on the GPU
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
      // activations never decrease, so f(z) > f(kink) means z > kink; at f(kink) the derivative is that of
      // the kink
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

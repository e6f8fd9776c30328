/**
 * Plans the backward pass: the nodes and gradients that a step needs, and the order of writing gradients.
 * @module
 */
import type { BackwardRequest, GradientWrite, Graph, LossTerm, Node } from "../graph/graph.ts";
import type { Parameter } from "../graph/parameters.ts";
import type { Value } from "../graph/tensor.ts";

/** Returns the nodes that the losses and outputs depend on, in recorded order. */
export function reachable(
  graph: Graph,
  losses: readonly LossTerm[],
  outputs: readonly Value[],
  frozenValues: readonly Value[],
): Node[] {
  const wanted = new Set<Value>(outputs);
  const used: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    const isWanted = node.term ? losses.includes(node.term) : node.output && wanted.has(node.output);
    if (!isWanted) continue;
    if (node.output && frozenValues.includes(node.output)) {
      used.unshift({ ...node, inputs: [], parameters: [], forward: () => [], backward: () => [] });
      continue;
    }
    used.unshift(node);
    for (const input of node.inputs) wanted.add(input);
  }
  return used;
}

/**
 * Plans the gradients that each node writes. In the backward pass, the first writer of a gradient overwrites,
 * the others accumulate, and the last one differentiates through the value's activation.
 */
export function planGradients(
  used: readonly Node[],
  losses: readonly LossTerm[],
  trainable: readonly Parameter[],
  gradients: readonly Value[],
): Map<Node, BackwardRequest> {
  const train = new Set(trainable);
  const needs = new Set<Value>(gradients);
  for (const { output, inputs, parameters, stopsGradient } of used) {
    if (!output || stopsGradient) continue;
    if (inputs.some((x) => needs.has(x)) || parameters.some((p) => train.has(p))) {
      needs.add(output);
    }
  }

  const receives = new Set<Value>();
  const writers = new Map<Value, { node: Node; input: number }[]>();
  const parameterWriters = new Map<Parameter, number>();
  const passed: Node[] = [];
  for (const node of used.toReversed()) {
    const gets = node.term ? losses.includes(node.term) : node.output && receives.has(node.output);
    if (!gets) continue;
    passed.push(node);
    node.inputs.forEach((value, input) => {
      if (!needs.has(value) || node.stopsGradient) return;
      receives.add(value);
      writers.set(value, [...writers.get(value) ?? [], { node, input }]);
    });
  }

  const requests = new Map<Node, BackwardRequest>();
  for (const node of passed) {
    const inputs = node.inputs.map((value, input): GradientWrite | undefined => {
      const order = writers.get(value);
      const at = order?.findIndex((writer) => writer.node === node && writer.input === input) ?? -1;
      if (!order || at < 0) return undefined;
      return {
        accumulate: at > 0 ? 1 : 0,
        activation: at === order.length - 1 ? value.activation : "identity",
      };
    });
    const parameters = node.parameters.map((parameter): 0 | 1 | undefined => {
      if (!train.has(parameter)) return undefined;
      const earlier = parameterWriters.get(parameter) ?? 0;
      parameterWriters.set(parameter, earlier + 1);
      return earlier > 0 ? 1 : 0;
    });
    if ([...inputs, ...parameters].some((write) => write !== undefined)) {
      requests.set(node, { inputs, parameters });
    }
  }
  return requests;
}

/**
 * Runs a recorded graph through the f64 reference: forwards in recorded order, backwards by summing up every
 * reader's gradient, with none of the compiled step's economies.
 * @module
 */
import type { Graph, LossTerm, Node } from "../graph/graph.ts";
import type { Activation, Value } from "../graph/tensor.ts";
import { activationDerivative, denseBackward, denseForward } from "../reference/dense.ts";
import { squaredErrorGradient, squaredErrorValue } from "../reference/squared_error.ts";

/** What the reference is given. */
export interface ReferenceInputs {
  /** Parameters by name, in PyTorch's layout. */
  readonly parameters: ReadonlyMap<string, Float64Array>;
  /** Input values by label, [rows, width]. */
  readonly inputs: ReadonlyMap<string, Float64Array>;
  /** Rows of the batch. */
  readonly rows: number;
}

/** What the reference computes. */
export interface ReferenceResult {
  /** Every value. */
  readonly values: ReadonlyMap<Value, Float64Array>;
  /** Every loss term without its weight, by label. */
  readonly losses: ReadonlyMap<string, number>;
  /** The sum of the weighted terms. */
  readonly total: number;
  /** Gradients of the total by parameter name. */
  readonly gradients: ReadonlyMap<string, Float64Array>;
  /** Gradients of the total by value, before the value's activation. */
  readonly valueGradients: ReadonlyMap<Value, Float64Array>;
}

/** Gradients that a node sends to its inputs and parameters, in their order. */
interface NodeGradients {
  readonly inputs: readonly Float64Array[];
  readonly parameters: readonly Float64Array[];
}

interface Specification {
  /** The node's output, or its loss as an array of one. */
  forward(node: Node, inputs: Float64Array[], parameters: Float64Array[], rows: number): Float64Array;
  backward(
    node: Node,
    inputs: Float64Array[],
    parameters: Float64Array[],
    output: Float64Array,
    dOutput: Float64Array,
    rows: number,
  ): NodeGradients;
}

const SPECIFICATIONS: Readonly<Record<string, Specification>> = {
  dense: {
    forward(node, [x], [weight, bias], rows) {
      const activation = node.attributes.activation as Activation;
      return denseForward(x, weight, bias, activation, rows, node.inputs[0].width, node.output!.width);
    },
    backward(node, [x], [weight], y, dY, rows) {
      const activation = node.attributes.activation as Activation;
      const inputs = node.inputs[0].width;
      const { dX, dWeight, dBias } = denseBackward(
        x,
        weight,
        y,
        dY,
        activation,
        rows,
        inputs,
        node.output!.width,
      );
      return { inputs: [dX], parameters: [dWeight, dBias] };
    },
  },
  "squared error": {
    forward(node, [y, t]) {
      return Float64Array.of(squaredErrorValue(y, t, node.term!.reduction));
    },
    backward(node, [y, t], _parameters, _output, [dLoss]) {
      const dY = squaredErrorGradient(y, t, node.term!.reduction).map((d) => d * dLoss);
      return { inputs: [dY, dY.map((d) => -d)], parameters: [] };
    },
  },
};

/**
 * Runs every node of a graph, and differentiates the sum of the given terms (unless gradients are not wanted).
 *
 * @throws TypeError for an op without a specification, or an input that is not given
 */
export function runReference(
  graph: Graph,
  losses: readonly LossTerm[],
  { parameters, inputs, rows }: ReferenceInputs,
  { gradients: wantsGradients = true }: { readonly gradients?: boolean } = {},
): ReferenceResult {
  const values = new Map<Value, Float64Array>();
  const terms = new Map<LossTerm, number>();
  const read = (node: Node) => ({
    inputs: node.inputs.map((value) => values.get(value)!),
    parameters: node.parameters.map(({ name }) => parameters.get(name)!),
  });
  for (const node of graph.nodes) {
    if (node.op === "input") {
      const given = inputs.get(node.label);
      if (!given) throw new TypeError(`Cannot run the reference: input "${node.label}" is not given`);
      values.set(node.output!, given);
      continue;
    }
    const specification = SPECIFICATIONS[node.op];
    if (!specification) throw new TypeError(`Cannot run the reference: "${node.op}" has no specification`);
    const given = read(node);
    const result = specification.forward(node, given.inputs, given.parameters, rows);
    if (node.output) values.set(node.output, result);
    if (node.term) terms.set(node.term, result[0]);
  }

  const dValues = new Map<Value, Float64Array>();
  const gradients = new Map<string, Float64Array>();
  for (const node of graph.nodes.toReversed()) {
    const isLoss = node.term && losses.includes(node.term);
    const dOutput = isLoss ? Float64Array.of(node.term!.weight) : node.output && dValues.get(node.output);
    if (!wantsGradients || !dOutput || node.op === "input") continue;
    const given = read(node);
    const output = node.output ? values.get(node.output)! : Float64Array.of(terms.get(node.term!)!);
    const sent = SPECIFICATIONS[node.op].backward(
      node,
      given.inputs,
      given.parameters,
      output,
      dOutput,
      rows,
    );
    node.inputs.forEach((value, k) => addInto(dValues, value, sent.inputs[k]));
    node.parameters.forEach(({ name }, k) => addInto(gradients, name, sent.parameters[k]));
  }
  const valueGradients = new Map<Value, Float64Array>();
  for (const [value, d] of dValues) {
    const y = values.get(value)!;
    valueGradients.set(value, d.map((dY, k) => dY * activationDerivative(value.activation, y[k])));
  }
  let total = 0;
  for (const term of losses) total += term.weight * terms.get(term)!;
  const byLabel = new Map([...terms].map(([term, loss]) => [term.label, loss]));
  return { values, losses: byLabel, total, gradients, valueGradients };
}

/** The values that loss terms are made of. */
export function lossInputs(graph: Graph, losses: readonly LossTerm[]): Value[] {
  const nodes = graph.nodes.filter(({ term }) => term && losses.includes(term));
  return [...new Set(nodes.flatMap(({ inputs }) => inputs))];
}

/** The sum of the weighted terms, from the values that {@link lossInputs} names. */
export function totalLoss(
  graph: Graph,
  losses: readonly LossTerm[],
  values: ReadonlyMap<Value, Float64Array>,
): number {
  let total = 0;
  for (const node of graph.nodes) {
    if (!node.term || !losses.includes(node.term)) continue;
    const inputs = node.inputs.map((value) => values.get(value)!);
    const rows = inputs[0].length / node.inputs[0].width;
    total += node.term.weight * SPECIFICATIONS[node.op].forward(node, inputs, [], rows)[0];
  }
  return total;
}

function addInto<Key>(sums: Map<Key, Float64Array>, key: Key, more: Float64Array): void {
  const sum = sums.get(key);
  if (sum) more.forEach((number, k) => sum[k] += number);
  else sums.set(key, more.slice());
}

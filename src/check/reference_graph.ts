/**
 * Runs a recorded graph through the f64 reference: forwards in recorded order, backwards by summing up every
 * reader's gradient, with none of the compiled step's economies.
 * @module
 */
import type { Graph, LossTerm, Node } from "../graph/graph.ts";
import type { Activation, Value } from "../graph/tensor.ts";
import { binaryCrossEntropyGradients, binaryCrossEntropyValue } from "../reference/binary_cross_entropy.ts";
import {
  binaryCrossEntropyWithLogitsGradients,
  binaryCrossEntropyWithLogitsValue,
} from "../reference/binary_cross_entropy_with_logits.ts";
import { activate, activationDerivative, denseBackward, denseForward } from "../reference/dense.ts";
import { elementwiseLossGradient, elementwiseLossValue } from "../reference/elementwise_loss.ts";
import { gaussianKlGradients, gaussianKlValue } from "../reference/gaussian_kl.ts";
import { noiseBackward, noiseForward, type NoiseKind } from "../reference/noise.ts";
import { reparameterizeBackward, reparameterizeForward } from "../reference/reparameterize.ts";
import { sparsityKlGradient, sparsityKlValue } from "../reference/sparsity_kl.ts";
import { squaredErrorGradient, squaredErrorValue } from "../reference/squared_error.ts";
import { transposed } from "../reference/tied_dense.ts";
import type { RandomStream } from "../random.ts";

/** What the reference is given. */
export interface ReferenceInputs {
  /** Parameters by name, in PyTorch's layout. */
  readonly parameters: ReadonlyMap<string, Float64Array>;
  /** Input values by label, [rows, width]. */
  readonly inputs: ReadonlyMap<string, Float64Array>;
  /** Rows of the batch. */
  readonly rows: number;
  /** Which draw of the noise, as `Batch.draw`; 1, a step's first, if absent. */
  readonly draw?: number;
  /** Values that are not computed but taken from here; see {@link heldValues}. */
  readonly held?: ReadonlyMap<Value, Float64Array>;
  /**
   * Values of another run, from which each ReLU takes the side of its kink: then the loss is as smooth as its other
   * parts, and equal to the true one as long as nothing crosses a kink.
   */
  readonly sides?: ReadonlyMap<Value, Float64Array> | undefined;
}

/** What a run of the reference does besides. */
export interface ReferenceOptions {
  /** Whether gradients are computed; true if absent. */
  readonly gradients?: boolean;
  /** Changes every value by up to one rounding of float32 either way, as a float32 machine does at the least. */
  readonly shake?: RandomStream;
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
  /** The node's output, or its loss as an array of one. `given` is what `Node.given` says, if it says something. */
  forward(
    node: Node,
    inputs: Float64Array[],
    parameters: Float64Array[],
    rows: number,
    given: Float64Array,
  ): Float64Array;
  backward(
    node: Node,
    inputs: Float64Array[],
    parameters: Float64Array[],
    output: Float64Array,
    dOutput: Float64Array,
    rows: number,
    given: Float64Array,
  ): NodeGradients;
}

const NOTHING = new Float64Array(0);

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
  "tied dense": {
    forward(node, [x], [weight, bias], rows) {
      const activation = node.attributes.activation as Activation;
      const [inputs, outputs] = [node.inputs[0].width, node.output!.width];
      return denseForward(x, transposed(weight, inputs, outputs), bias, activation, rows, inputs, outputs);
    },
    backward(node, [x], [weight], y, dY, rows) {
      const activation = node.attributes.activation as Activation;
      const [inputs, outputs] = [node.inputs[0].width, node.output!.width];
      const own = transposed(weight, inputs, outputs);
      const { dX, dWeight, dBias } = denseBackward(x, own, y, dY, activation, rows, inputs, outputs);
      return { inputs: [dX], parameters: [transposed(dWeight, outputs, inputs), dBias] };
    },
  },
  activation: {
    forward: (node, [x]) => x.map((z) => activate(node.attributes.activation as Activation, z)),
    backward(node, _inputs, _parameters, y, dY) {
      const activation = node.attributes.activation as Activation;
      return { inputs: [dY.map((d, k) => d * activationDerivative(activation, y[k]))], parameters: [] };
    },
  },
  elementwise: {
    forward: (node, [x]) => x.map((number) => node.elementwise!.forward(number)),
    backward: (node, [x], _parameters, _output, dY) => ({
      inputs: [dY.map((d, k) => d * node.elementwise!.derivative(x[k]))],
      parameters: [],
    }),
  },
  "elementwise loss": {
    forward: (node, [y, t], _parameters, rows) =>
      Float64Array.of(elementwiseLossValue(node.elementwiseLoss!.value, y, t, node.term!.reduction, rows)),
    backward(node, [y, t], _parameters, _output, [dLoss], rows) {
      const { byPrediction, byTarget } = node.elementwiseLoss!, { reduction } = node.term!;
      const gradient = (derivative: (prediction: number, target: number) => number) =>
        elementwiseLossGradient(derivative, y, t, reduction, rows).map((d) => d * dLoss);
      return {
        inputs: [gradient(byPrediction), byTarget ? gradient(byTarget) : new Float64Array(t.length)],
        parameters: [],
      };
    },
  },
  add: {
    forward: (_node, [x, y]) => x.map((number, k) => number + y[k]),
    backward: (_node, _inputs, _parameters, _output, dZ) => ({ inputs: [dZ, dZ], parameters: [] }),
  },
  detach: {
    forward: (_node, [x]) => x,
    backward: (_node, [x]) => ({ inputs: [new Float64Array(x.length)], parameters: [] }),
  },
  "subtract row": {
    forward: (_node, [x], _parameters, _rows, row) => x.map((number, k) => number - row[k % row.length]),
    backward: (_node, _inputs, _parameters, _output, dY) => ({ inputs: [dY], parameters: [] }),
  },
  noise: {
    forward: (node, [x], _parameters, _rows, noise) =>
      noiseForward(x, noise, node.attributes.kind as NoiseKind),
    backward: (node, _inputs, _parameters, _output, dY, _rows, noise) => ({
      inputs: [noiseBackward(dY, noise, node.attributes.kind as NoiseKind)],
      parameters: [],
    }),
  },
  "standard normal": {
    forward: (_node, _inputs, _parameters, _rows, noise) => noise,
    backward: () => ({ inputs: [], parameters: [] }),
  },
  reparameterize: {
    forward: (_node, [mean, logVariance, epsilon]) => reparameterizeForward(mean, logVariance, epsilon),
    backward(_node, [_mean, logVariance, epsilon], _parameters, _output, dZ) {
      const { dMean, dLogVariance, dEpsilon } = reparameterizeBackward(logVariance, epsilon, dZ);
      return { inputs: [dMean, dLogVariance, dEpsilon], parameters: [] };
    },
  },
  "squared error": {
    forward(node, [y, t], _parameters, rows) {
      return Float64Array.of(squaredErrorValue(y, t, node.term!.reduction, rows));
    },
    backward(node, [y, t], _parameters, _output, [dLoss], rows) {
      const dY = squaredErrorGradient(y, t, node.term!.reduction, rows).map((d) => d * dLoss);
      return { inputs: [dY, dY.map((d) => -d)], parameters: [] };
    },
  },
  "binary cross-entropy with logits": {
    forward(node, [z, t], _parameters, rows) {
      return Float64Array.of(binaryCrossEntropyWithLogitsValue(z, t, node.term!.reduction, rows));
    },
    backward(node, [z, t], _parameters, _output, [dLoss], rows) {
      const { dZ, dT } = binaryCrossEntropyWithLogitsGradients(z, t, node.term!.reduction, rows);
      return { inputs: [dZ.map((d) => d * dLoss), dT.map((d) => d * dLoss)], parameters: [] };
    },
  },
  "binary cross-entropy": {
    forward(node, [p, t], _parameters, rows) {
      return Float64Array.of(binaryCrossEntropyValue(p, t, node.term!.reduction, rows));
    },
    backward(node, [p, t], _parameters, _output, [dLoss], rows) {
      const { dP, dT } = binaryCrossEntropyGradients(p, t, node.term!.reduction, rows);
      return { inputs: [dP.map((d) => d * dLoss), dT.map((d) => d * dLoss)], parameters: [] };
    },
  },
  "Gaussian KL": {
    forward(node, [mean, logVariance], _parameters, rows) {
      return Float64Array.of(gaussianKlValue(mean, logVariance, node.term!.reduction, rows));
    },
    backward(node, [mean, logVariance], _parameters, _output, [dLoss], rows) {
      const { reduction } = node.term!;
      const { dMean, dLogVariance } = gaussianKlGradients(mean, logVariance, reduction, rows);
      return { inputs: [dMean.map((d) => d * dLoss), dLogVariance.map((d) => d * dLoss)], parameters: [] };
    },
  },
  "sparsity KL": {
    forward(node, [h], _parameters, rows) {
      return Float64Array.of(
        sparsityKlValue(h, Number(node.attributes.sparsity), rows, node.inputs[0].width),
      );
    },
    backward(node, [h], _parameters, _output, [dLoss], rows) {
      const dH = sparsityKlGradient(h, Number(node.attributes.sparsity), rows, node.inputs[0].width);
      return { inputs: [dH.map((d) => d * dLoss)], parameters: [] };
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
  { parameters, inputs, rows, draw = 1, held, sides }: ReferenceInputs,
  { gradients: wantsGradients = true, shake }: ReferenceOptions = {},
): ReferenceResult {
  const values = new Map<Value, Float64Array>();
  const terms = new Map<LossTerm, number>();
  const elsewhere = new Map<Node, Float64Array>();
  for (const node of graph.nodes) elsewhere.set(node, node.given?.(draw, rows) ?? NOTHING);
  const read = (node: Node) => ({
    inputs: node.inputs.map((value) => values.get(value)!),
    parameters: node.parameters.map(({ name }) => parameters.get(name)!),
  });
  for (const node of graph.nodes) {
    const kept = node.output && held?.get(node.output);
    if (kept) {
      values.set(node.output!, kept);
      continue;
    }
    if (node.op === "input") {
      const given = inputs.get(node.label);
      if (!given) throw new TypeError(`Cannot run the reference: input "${node.label}" is not given`);
      values.set(node.output!, given);
      continue;
    }
    const specification = SPECIFICATIONS[node.op];
    if (!specification) throw new TypeError(`Cannot run the reference: "${node.op}" has no specification`);
    const given = read(node);
    const side = node.attributes.activation === "relu" ? sides?.get(node.output!) : undefined;
    const straight = side ? { ...node, attributes: { ...node.attributes, activation: "identity" } } : node;
    let result = specification.forward(straight, given.inputs, given.parameters, rows, elsewhere.get(node)!);
    if (side) result = result.map((z, k) => side[k] > 0 ? z : 0);
    if (shake) result = result.map((value) => value * (1 + (2 * shake.nextUnit() - 1) * 2 ** -24));
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
      elsewhere.get(node)!,
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

/**
 * The values that must be held where they are while these terms are differenced: no gradient passes them, but a
 * difference would.
 */
export function heldValues(graph: Graph, losses: readonly LossTerm[]): Value[] {
  const wanted = new Set<Value>();
  const held: Value[] = [];
  for (const { output, term, inputs, stopsGradient } of graph.nodes.toReversed()) {
    if (term ? !losses.includes(term) : !output || !wanted.has(output)) continue;
    if (output && stopsGradient) held.push(output);
    else for (const input of inputs) wanted.add(input);
  }
  return held;
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
    total += node.term.weight * SPECIFICATIONS[node.op].forward(node, inputs, [], rows, NOTHING)[0];
  }
  return total;
}

function addInto<Key>(sums: Map<Key, Float64Array>, key: Key, more: Float64Array): void {
  const sum = sums.get(key);
  if (sum) more.forEach((number, k) => sum[k] += number);
  else sums.set(key, more.slice());
}

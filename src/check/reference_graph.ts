/**
 * Runs a graph in the f64 reference: forward in recorded order, backward by summing the gradients of all
 * readers, without the optimizations of the compiled step. Optionally it adds float32 rounding noise, or
 * holds elements on their side of a kink.
 * @module
 */
import type { Graph, LossTerm, Node } from "../graph/graph.ts";
import type { Value } from "../graph/tensor.ts";
import { binaryCrossEntropyGradients, binaryCrossEntropyValue } from "../reference/binary_cross_entropy.ts";
import {
  binaryCrossEntropyWithLogitsGradients,
  binaryCrossEntropyWithLogitsValue,
} from "../reference/binary_cross_entropy_with_logits.ts";
import { denseBackward, denseForward } from "../reference/dense.ts";
import {
  elementwiseLossGradient,
  elementwiseLossValue,
  type PairFunction,
} from "../reference/elementwise_loss.ts";
import { gaussianKlGradients, gaussianKlValue } from "../reference/gaussian_kl.ts";
import { noiseBackward, noiseForward, type NoiseKind } from "../reference/noise.ts";
import { reparameterizeBackward, reparameterizeForward } from "../reference/reparameterize.ts";
import { sparsityKlGradient, sparsityKlValue } from "../reference/sparsity_kl.ts";
import { squaredErrorGradient, squaredErrorValue } from "../reference/squared_error.ts";
import { transposed } from "../reference/tied_dense.ts";
import type { RandomStream } from "../random.ts";
import { toFloat32Range, withRoundingNoise } from "./float32.ts";
import { curveOf, type HeldCurve, type HeldLoss, holdSides, holdSidesOfLoss, kinksOf } from "./kinks.ts";

/** Inputs of {@link runReference}. */
export interface ReferenceInputs {
  /** Parameters by name, in PyTorch's layout. */
  readonly parameters: ReadonlyMap<string, Float64Array>;
  /** Input values by label, [rows, width]. */
  readonly inputs: ReadonlyMap<string, Float64Array>;
  /** Number of rows of the batch. */
  readonly rows: number;
  /** Index of the noise draw, as `Batch.draw`; default 1, the first of a step. */
  readonly draw?: number;
  /** Values that are given instead of computed; see {@link frozenValuesOf}. */
  readonly frozenValues?: ReadonlyMap<Value, Float64Array>;
  /**
   * `kinkInputs` of another run: each element is held on its side of a kink in that run. The loss then has no
   * kinks, and equals the true one as long as no element crosses a kink.
   */
  readonly kinkSides?: ReadonlyMap<Node, Float64Array> | undefined;
}

/** Options of {@link runReference}. */
export interface ReferenceOptions {
  /** True to compute gradients; default true. */
  readonly gradients?: boolean;
  /**
   * Random numbers for rounding noise: changes every value and its gradient by up to one float32 rounding
   * error, and flushes numbers below float32's range to 0 and those above it to infinity.
   */
  readonly roundingNoise?: RandomStream;
}

/** Result of {@link runReference}. */
export interface ReferenceResult {
  /** All values of the graph. */
  readonly values: ReadonlyMap<Value, Float64Array>;
  /** All loss terms without their weights, by label. */
  readonly losses: ReadonlyMap<string, number>;
  /** Sum of the weighted terms. */
  readonly total: number;
  /** Gradients of the total by parameter name. */
  readonly gradients: ReadonlyMap<string, Float64Array>;
  /** Gradients of the total by value, before the value's activation. */
  readonly valueGradients: ReadonlyMap<Value, Float64Array>;
  /** Input of each function with kinks; of a loss with kinks, prediction − target. */
  readonly kinkInputs: ReadonlyMap<Node, Float64Array>;
}

/** Gradients of a node's inputs and parameters, in order. */
interface NodeGradients {
  readonly inputs: readonly Float64Array[];
  readonly parameters: readonly Float64Array[];
}

/**
 * The computation of a node without its final elementwise function (see `curveOf`): forward computes Z, the
 * input of that function; backward starts from the gradient of Z.
 */
interface Specification {
  /** Returns Z, or a loss as an array of one. `given` is the result of `Node.constants`. */
  forward(
    node: Node,
    inputs: Float64Array[],
    parameters: Float64Array[],
    rows: number,
    given: Float64Array,
    sidesOfNode?: Float64Array,
  ): Float64Array;
  backward(
    node: Node,
    inputs: Float64Array[],
    parameters: Float64Array[],
    dOutput: Float64Array,
    rows: number,
    given: Float64Array,
    sidesOfNode?: Float64Array,
  ): NodeGradients;
}

const NOTHING = new Float64Array(0);

/** Specification of ops that only apply an elementwise function. */
const JUST_A_CURVE: Specification = {
  forward: (_node, [x]) => x,
  backward: (_node, _inputs, _parameters, dZ) => ({ inputs: [dZ], parameters: [] }),
};

const SPECIFICATIONS: Readonly<Record<string, Specification>> = {
  dense: {
    forward: (node, [x], [weight, bias], rows) =>
      denseForward(x, weight, bias, "identity", rows, node.inputs[0].width, node.output!.width),
    backward(node, [x], [weight], dZ, rows) {
      const [inputs, outputs] = [node.inputs[0].width, node.output!.width];
      const { dX, dWeight, dBias } = denseBackward(x, weight, dZ, dZ, "identity", rows, inputs, outputs);
      return { inputs: [dX], parameters: [dWeight, dBias] };
    },
  },
  "tied dense": {
    forward(node, [x], [weight, bias], rows) {
      const [inputs, outputs] = [node.inputs[0].width, node.output!.width];
      return denseForward(x, transposed(weight, inputs, outputs), bias, "identity", rows, inputs, outputs);
    },
    backward(node, [x], [weight], dZ, rows) {
      const [inputs, outputs] = [node.inputs[0].width, node.output!.width];
      const own = transposed(weight, inputs, outputs);
      const { dX, dWeight, dBias } = denseBackward(x, own, dZ, dZ, "identity", rows, inputs, outputs);
      return { inputs: [dX], parameters: [transposed(dWeight, outputs, inputs), dBias] };
    },
  },
  activation: JUST_A_CURVE,
  elementwise: JUST_A_CURVE,
  "elementwise loss": {
    forward: (node, [y, t], _parameters, rows, _given, sidesOfNode) =>
      Float64Array.of(
        elementwiseLossValue(lossOf(node, sidesOfNode).value, y, t, node.term!.reduction, rows),
      ),
    backward(node, [y, t], _parameters, [dLoss], rows, _given, sidesOfNode) {
      const { byPrediction, byTarget } = lossOf(node, sidesOfNode), { reduction } = node.term!;
      const gradient = (derivative: PairFunction) =>
        elementwiseLossGradient(derivative, y, t, reduction, rows).map((d) => d * dLoss);
      return {
        inputs: [gradient(byPrediction), byTarget ? gradient(byTarget) : new Float64Array(t.length)],
        parameters: [],
      };
    },
  },
  add: {
    forward: (_node, [x, y]) => x.map((number, k) => number + y[k]),
    backward: (_node, _inputs, _parameters, dZ) => ({ inputs: [dZ, dZ], parameters: [] }),
  },
  detach: {
    forward: (_node, [x]) => x,
    backward: (_node, [x]) => ({ inputs: [new Float64Array(x.length)], parameters: [] }),
  },
  "subtract row": {
    forward: (_node, [x], _parameters, _rows, row) => x.map((number, k) => number - row[k % row.length]),
    backward: (_node, _inputs, _parameters, dY) => ({ inputs: [dY], parameters: [] }),
  },
  noise: {
    forward: (node, [x], _parameters, _rows, noise) =>
      noiseForward(x, noise, node.attributes.kind as NoiseKind),
    backward: (node, _inputs, _parameters, dY, _rows, noise) => ({
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
    backward(_node, [_mean, logVariance, epsilon], _parameters, dZ) {
      const { dMean, dLogVariance, dEpsilon } = reparameterizeBackward(logVariance, epsilon, dZ);
      return { inputs: [dMean, dLogVariance, dEpsilon], parameters: [] };
    },
  },
  "squared error": {
    forward(node, [y, t], _parameters, rows) {
      return Float64Array.of(squaredErrorValue(y, t, node.term!.reduction, rows));
    },
    backward(node, [y, t], _parameters, [dLoss], rows) {
      const dY = squaredErrorGradient(y, t, node.term!.reduction, rows).map((d) => d * dLoss);
      return { inputs: [dY, dY.map((d) => -d)], parameters: [] };
    },
  },
  "binary cross-entropy with logits": {
    forward(node, [z, t], _parameters, rows) {
      return Float64Array.of(binaryCrossEntropyWithLogitsValue(z, t, node.term!.reduction, rows));
    },
    backward(node, [z, t], _parameters, [dLoss], rows) {
      const { dZ, dT } = binaryCrossEntropyWithLogitsGradients(z, t, node.term!.reduction, rows);
      return { inputs: [dZ.map((d) => d * dLoss), dT.map((d) => d * dLoss)], parameters: [] };
    },
  },
  "binary cross-entropy": {
    forward(node, [p, t], _parameters, rows) {
      return Float64Array.of(binaryCrossEntropyValue(p, t, node.term!.reduction, rows));
    },
    backward(node, [p, t], _parameters, [dLoss], rows) {
      const { dP, dT } = binaryCrossEntropyGradients(p, t, node.term!.reduction, rows);
      return { inputs: [dP.map((d) => d * dLoss), dT.map((d) => d * dLoss)], parameters: [] };
    },
  },
  "Gaussian KL": {
    forward(node, [mean, logVariance], _parameters, rows) {
      return Float64Array.of(gaussianKlValue(mean, logVariance, node.term!.reduction, rows));
    },
    backward(node, [mean, logVariance], _parameters, [dLoss], rows) {
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
    backward(node, [h], _parameters, [dLoss], rows) {
      const dH = sparsityKlGradient(h, Number(node.attributes.sparsity), rows, node.inputs[0].width);
      return { inputs: [dH.map((d) => d * dLoss)], parameters: [] };
    },
  },
};

/**
 * Returns the specification of a node: that of its op, or the node's own reference.
 *
 * @throws TypeError if it has neither
 */
function specificationOf({ op, label, reference }: Node): Specification {
  if (Object.hasOwn(SPECIFICATIONS, op)) return SPECIFICATIONS[op];
  if (!reference) {
    throw new TypeError(
      `Cannot run the reference of ${op} "${label}": expected a node with a float64 reference; write one`,
    );
  }
  return {
    forward: (_node, inputs, parameters, rows) => reference.forward(inputs, parameters, rows),
    backward: (_node, inputs, parameters, dOutput, rows) =>
      reference.backward(inputs, parameters, reference.forward(inputs, parameters, rows), dOutput, rows),
  };
}

/** Elementwise loss of a node, with elements held on their sides if given. */
function lossOf({ elementwiseLoss }: Node, sidesOfNode: Float64Array | undefined): HeldLoss {
  const loss = elementwiseLoss!;
  return sidesOfNode ? holdSidesOfLoss(loss, sidesOfNode) : {
    value: (y, t) => loss.value(y, t),
    byPrediction: (y, t) => loss.byPrediction(y, t),
    byTarget: loss.byTarget && ((y, t) => loss.byTarget!(y, t)),
  };
}

/** Final elementwise function of a node, with elements held on their sides if given. */
function heldCurveOf(node: Node, sidesOfNode: Float64Array | undefined): HeldCurve | undefined {
  const curve = curveOf(node);
  return curve && sidesOfNode ? holdSides(curve, sidesOfNode) : curve;
}

/**
 * Runs every node of a graph, then computes the gradients of the sum of the given terms.
 *
 * @throws TypeError if an op has no specification or an input is missing
 */
export function runReference(
  graph: Graph,
  losses: readonly LossTerm[],
  { parameters, inputs, rows, draw = 1, frozenValues, kinkSides }: ReferenceInputs,
  { gradients: wantsGradients = true, roundingNoise }: ReferenceOptions = {},
): ReferenceResult {
  const values = new Map<Value, Float64Array>();
  const terms = new Map<LossTerm, number>();
  const elsewhere = new Map<Node, Float64Array>();
  const before = new Map<Node, Float64Array>(); // Z, the input of a node's final function
  const kinkInputs = new Map<Node, Float64Array>();
  for (const node of graph.nodes) elsewhere.set(node, node.constants?.(draw, rows) ?? NOTHING);
  const read = (node: Node) => ({
    inputs: node.inputs.map((value) => values.get(value)!),
    parameters: node.parameters.map(({ name }) => parameters.get(name)!),
  });
  const rounded = (numbers: Float64Array) =>
    roundingNoise ? numbers.map((x) => withRoundingNoise(x, roundingNoise)) : numbers;
  for (const node of graph.nodes) {
    const kept = node.output && frozenValues?.get(node.output);
    if (kept) {
      values.set(node.output!, kept);
      continue;
    }
    if (node.op === "input") {
      const given = inputs.get(node.label);
      if (!given) throw new TypeError(`Cannot run the reference: input "${node.label}" is missing`);
      values.set(node.output!, given);
      continue;
    }
    const specification = specificationOf(node);
    const given = read(node), sidesOfNode = kinkSides?.get(node), curve = heldCurveOf(node, sidesOfNode);
    const z = specification.forward(
      node,
      given.inputs,
      given.parameters,
      rows,
      elsewhere.get(node)!,
      sidesOfNode,
    );
    const result = rounded(curve ? z.map((x, k) => curve.forward(x, k)) : z);
    if (curve) before.set(node, z);
    if (kinksOf(node).length > 0) {
      const [y, t] = given.inputs;
      kinkInputs.set(node, node.term ? y.map((prediction, k) => prediction - t[k]) : z);
    }
    if (node.output) values.set(node.output, result);
    if (node.term) terms.set(node.term, result[0]);
  }

  const dValues = new Map<Value, Float64Array>();
  const dBefore = new Map<Value, Float64Array>();
  const gradients = new Map<string, Float64Array>();
  for (const node of graph.nodes.toReversed()) {
    const isLoss = node.term && losses.includes(node.term);
    let dOutput = isLoss ? Float64Array.of(node.term!.weight) : node.output && dValues.get(node.output);
    if (!wantsGradients || !dOutput || node.op === "input") continue;
    const given = read(node), sidesOfNode = kinkSides?.get(node), curve = heldCurveOf(node, sidesOfNode);
    if (curve) {
      const y = values.get(node.output!)!, z = before.get(node)!;
      dOutput = rounded(dOutput.map((d, k) => d * curve.derivative(z[k], y[k], k)));
      if (!node.elementwise) dBefore.set(node.output!, dOutput);
    }
    const sent = specificationOf(node).backward(
      node,
      given.inputs,
      given.parameters,
      dOutput,
      rows,
      elsewhere.get(node)!,
      sidesOfNode,
    );
    node.inputs.forEach((value, k) => addInto(dValues, value, rounded(sent.inputs[k])));
    node.parameters.forEach(({ name }, k) => addInto(gradients, name, sent.parameters[k]));
  }
  if (roundingNoise) {
    gradients.forEach((gradient) => gradient.forEach((d, k) => gradient[k] = toFloat32Range(d)));
  }
  let total = 0;
  for (const term of losses) total += term.weight * terms.get(term)!;
  const byLabel = new Map([...terms].map(([term, loss]) => [term.label, loss]));
  const valueGradients = new Map([...dValues, ...dBefore]);
  return { values, losses: byLabel, total, gradients, valueGradients, kinkInputs };
}

/**
 * Returns the values to hold fixed in finite differences of these terms: no gradient flows through them, but
 * a difference would.
 */
export function frozenValuesOf(graph: Graph, losses: readonly LossTerm[]): Value[] {
  const wanted = new Set<Value>();
  const frozenValues: Value[] = [];
  for (const { output, term, inputs, stopsGradient } of graph.nodes.toReversed()) {
    if (term ? !losses.includes(term) : !output || !wanted.has(output)) continue;
    if (output && stopsGradient) frozenValues.push(output);
    else for (const input of inputs) wanted.add(input);
  }
  return frozenValues;
}

/** Returns the values that loss terms take as inputs. */
export function lossInputs(graph: Graph, losses: readonly LossTerm[]): Value[] {
  const nodes = graph.nodes.filter(({ term }) => term && losses.includes(term));
  return [...new Set(nodes.flatMap(({ inputs }) => inputs))];
}

/** Returns the sum of the weighted terms, from the values of {@link lossInputs}. */
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
    total += node.term.weight * specificationOf(node).forward(node, inputs, [], rows, NOTHING)[0];
  }
  return total;
}

function addInto<Key>(sums: Map<Key, Float64Array>, key: Key, more: Float64Array): void {
  const sum = sums.get(key);
  if (sum) more.forEach((number, k) => sum[k] += number);
  else sums.set(key, more.slice());
}

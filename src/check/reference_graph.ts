/**
 * Runs a recorded graph through the f64 reference: forwards in recorded order, backwards by summing up every
 * reader's gradient, with none of the compiled step's economies. On request it rounds as a float32 machine does at
 * the least, or holds elements on their side of a kink.
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
  readonly frozenValues?: ReadonlyMap<Value, Float64Array>;
  /**
   * `kinkInputs` of another run: each element stays on the side of a kink where it is there. Then the loss is as
   * smooth as its other parts, and equal to the true one as long as nothing crosses a kink.
   */
  readonly kinkSides?: ReadonlyMap<Node, Float64Array> | undefined;
}

/** What a run of the reference does besides. */
export interface ReferenceOptions {
  /** Whether gradients are computed; true if absent. */
  readonly gradients?: boolean;
  /**
   * Changes every value and every value's gradient by up to one rounding of float32 either way, and replaces what is
   * below float32's range by 0 and what is above it by infinity, as a float32 machine does at the least.
   */
  readonly roundingNoise?: RandomStream;
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
  /** What each function with kinks was applied to; of a loss with kinks, prediction − target. */
  readonly kinkInputs: ReadonlyMap<Node, Float64Array>;
}

/** Gradients that a node sends to its inputs and parameters, in their order. */
interface NodeGradients {
  readonly inputs: readonly Float64Array[];
  readonly parameters: readonly Float64Array[];
}

/**
 * What a node computes, without the function that it applies to each element in the end (see `curveOf`): forwards what
 * that is applied to, backwards from the gradient of that.
 */
interface Specification {
  /** Z, or a loss as an array of one. `given` is what `Node.given` says, `homes` are a loss's elements to be held. */
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

/** Ops that only apply a function to each element. */
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
 * How a node is computed: as its op is specified, or as the node itself says.
 *
 * @throws TypeError if neither is there
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

/** A node's elementwise loss, with elements held on their sides if `homes` says where they are. */
function lossOf({ elementwiseLoss }: Node, sidesOfNode: Float64Array | undefined): HeldLoss {
  const loss = elementwiseLoss!;
  return sidesOfNode ? holdSidesOfLoss(loss, sidesOfNode) : {
    value: (y, t) => loss.value(y, t),
    byPrediction: (y, t) => loss.byPrediction(y, t),
    byTarget: loss.byTarget && ((y, t) => loss.byTarget!(y, t)),
  };
}

/** A node's function, with elements held on their sides if `homes` says where they are. */
function heldCurveOf(node: Node, sidesOfNode: Float64Array | undefined): HeldCurve | undefined {
  const curve = curveOf(node);
  return curve && sidesOfNode ? holdSides(curve, sidesOfNode) : curve;
}

/**
 * Runs every node of a graph, and differentiates the sum of the given terms (unless gradients are not wanted).
 *
 * @throws TypeError for an op without a specification, or an input that is not given
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
  const before = new Map<Node, Float64Array>(); // Z, what a node's function is applied to
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
      if (!given) throw new TypeError(`Cannot run the reference: input "${node.label}" is not given`);
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
 * The values that must be held where they are while these terms are differenced: no gradient passes them, but a
 * difference would.
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
    total += node.term.weight * specificationOf(node).forward(node, inputs, [], rows, NOTHING)[0];
  }
  return total;
}

function addInto<Key>(sums: Map<Key, Float64Array>, key: Key, more: Float64Array): void {
  const sum = sums.get(key);
  if (sum) more.forEach((number, k) => sum[k] += number);
  else sums.set(key, more.slice());
}

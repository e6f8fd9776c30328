/**
 * Scalar functions with kinks, and their linear continuation beyond a kink for elements held on their side.
 * @module
 */
import type { ElementwiseLossReference, Node } from "../graph/graph.ts";
import { type Activation, ACTIVATION_KINKS } from "../graph/tensor.ts";
import { activate, activationDerivative } from "../reference/dense.ts";
import type { PairFunction } from "../reference/elementwise_loss.ts";

/** A function y = f(z), its derivative, and its kinks. */
export interface Curve {
  /** f(z). */
  forward(z: number): number;
  /** f'(z); that of an activation is computed from y, as in the kernels. */
  derivative(z: number, y: number): number;
  /** Values of z at which f' jumps, in ascending order. */
  readonly kinks: readonly number[];
}

/** Returns the function that a node finally applies to each element; undefined if it has none. */
export function curveOf({ elementwise, attributes }: Node): Curve | undefined {
  if (elementwise) {
    return {
      forward: (z) => elementwise.forward(z),
      derivative: (z) => elementwise.derivative(z),
      kinks: elementwise.kinks,
    };
  }
  const activation = attributes.activation as Activation | undefined;
  return activation && {
    forward: (z) => activate(activation, z),
    derivative: (_z, y) => activationDerivative(activation, y),
    kinks: ACTIVATION_KINKS[activation],
  };
}

/** Returns the kinks of a node's function, or those of its loss in prediction − target. */
export function kinksOf(node: Node): readonly number[] {
  return node.elementwiseLoss?.kinks ?? curveOf(node)?.kinks ?? [];
}

/** Relative distance from a kink at which the derivative of a side is taken. */
const BESIDE = 2 ** -40;

/** Returns the point next to a kink, on one side, at which derivatives are taken. */
export function nextTo(kink: number, side: 1 | -1): number {
  return kink + side * BESIDE * Math.max(1, Math.abs(kink));
}

/** The kink that an element has crossed. */
interface Crossing {
  readonly kink: number;
  /** Point on the element's own side at which the derivative is taken. */
  readonly inside: number;
}

/** Returns the kink nearest to `origin` that z has reached or crossed; undefined if there is none. */
function crossing(kinks: readonly number[], origin: number, z: number): Crossing | undefined {
  if (z > origin) {
    for (const kink of kinks) {
      if (kink >= origin && kink <= z) return { kink, inside: kink > origin ? nextTo(kink, -1) : kink };
    }
  } else if (z < origin) {
    for (let k = kinks.length - 1; k >= 0; k--) {
      const kink = kinks[k];
      if (kink <= origin && kink >= z) return { kink, inside: kink < origin ? nextTo(kink, 1) : kink };
    }
  }
  return undefined;
}

/**
 * A curve with each element held on its side: beyond a kink it continues linearly, with the slope of the
 * element's own side. For piecewise linear functions (ReLU, leaky ReLU, hard tanh) that is exact; others are
 * then smooth in the first derivative only, which makes differences with large steps less precise. An element
 * that lies on a kink continues linearly both ways, with the derivative of the function there.
 */
export interface HeldCurve {
  /** f of the k-th element. */
  forward(z: number, k: number): number;
  /** f' of the k-th element. */
  derivative(z: number, y: number, k: number): number;
}

/**
 * Holds each element of a curve on its side.
 *
 * @param sidesOfNode z of each element, which determines its side
 */
export function holdSides(curve: Curve, sidesOfNode: Float64Array): HeldCurve {
  const { kinks } = curve;
  const slope = (z: number) => curve.derivative(z, curve.forward(z));
  return {
    forward(z, k) {
      const crossed = crossing(kinks, sidesOfNode[k], z);
      return crossed
        ? curve.forward(crossed.kink) + slope(crossed.inside) * (z - crossed.kink)
        : curve.forward(z);
    },
    derivative(z, y, k) {
      const crossed = crossing(kinks, sidesOfNode[k], z);
      return crossed ? slope(crossed.inside) : curve.derivative(z, y);
    },
  };
}

/** The functions of an {@link ElementwiseLossReference}, for the k-th element. */
export interface HeldLoss {
  readonly value: PairFunction;
  readonly byPrediction: PairFunction;
  readonly byTarget?: PairFunction | undefined;
}

/**
 * Holds each element of a loss on its side of the kinks in prediction − target, as {@link holdSides} does.
 *
 * @param sidesOfNode prediction − target of each element, which determines its side
 */
export function holdSidesOfLoss(
  loss: Omit<ElementwiseLossReference, "name" | "record">,
  sidesOfNode: Float64Array,
): HeldLoss {
  const { kinks, byTarget } = loss;
  const derivative = (by: (prediction: number, target: number) => number): PairFunction => (y, t, k) => {
    const crossed = crossing(kinks, sidesOfNode[k], y - t);
    return by(crossed ? t + crossed.inside : y, t);
  };
  return {
    value(y, t, k) {
      const crossed = crossing(kinks, sidesOfNode[k], y - t);
      if (!crossed) return loss.value(y, t);
      const slope = loss.byPrediction(t + crossed.inside, t);
      return loss.value(t + crossed.kink, t) + slope * (y - t - crossed.kink);
    },
    byPrediction: derivative((y, t) => loss.byPrediction(y, t)),
    byTarget: byTarget && derivative((y, t) => loss.byTarget!(y, t)),
  };
}

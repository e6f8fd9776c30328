/**
 * Functions of one number and their kinks, and how a function goes on beyond a kink when an element is held on its
 * side.
 * @module
 */
import type { ElementwiseLossReference, Node } from "../graph/graph.ts";
import { type Activation, ACTIVATION_KINKS } from "../graph/tensor.ts";
import { activate, activationDerivative } from "../reference/dense.ts";
import type { PairFunction } from "../reference/elementwise_loss.ts";

/** A function y = f(z), its derivative, and where that jumps. */
export interface Curve {
  /** f(z). */
  forward(z: number): number;
  /** f'(z); an activation's follows from y, which is all that a kernel keeps. */
  derivative(z: number, y: number): number;
  /** Values of z at which f' jumps, in ascending order. */
  readonly kinks: readonly number[];
}

/** The function that a node applies to each element in the end; undefined if it applies none. */
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

/** The kinks of a node's function, or of its loss in prediction − target. */
export function kinksOf(node: Node): readonly number[] {
  return node.elementwiseLoss?.kinks ?? curveOf(node)?.kinks ?? [];
}

/** How far beside a kink its side's derivative is taken, relative. */
const BESIDE = 2 ** -40;

/** A number on a side of a kink, as near to it as derivatives are taken. */
export function nextTo(kink: number, side: 1 | -1): number {
  return kink + side * BESIDE * Math.max(1, Math.abs(kink));
}

/** Where an element leaves its side: the kink that it has crossed, and a point on its own side of it. */
interface Crossing {
  readonly kink: number;
  /** Where the derivative of the side is taken. */
  readonly inside: number;
}

/** Which kink z lies on or beyond, seen from the element's home, nearest to home; undefined if none. */
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
 * A curve with each element held on its side: beyond a kink it goes on straight, with the derivative that it has on the
 * side where the element is at home. That is the function itself for piecewise linear ones (ReLU, leaky ReLU, hard
 * tanh); for others it is smooth in its first derivative only, so that large steps of a difference tell less. An
 * element at home on a kink goes on straight either way, with the derivative that the function has there.
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
 * @param homes each element's own z
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

/** What {@link ElementwiseLossReference} has, of the k-th element. */
export interface HeldLoss {
  readonly value: PairFunction;
  readonly byPrediction: PairFunction;
  readonly byTarget?: PairFunction | undefined;
}

/**
 * Holds each element of a loss on its side of the kinks in prediction − target, as {@link holdSides} does.
 *
 * @param homes each element's own prediction − target
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

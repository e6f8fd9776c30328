/**
 * What a check says about one gradient: a verdict, with the reason in words.
 * @module
 */
import { compare, within } from "./compare.ts";
import type { Difference } from "./differences.ts";
import { judge } from "./differences.ts";
import { UNDERFLOW } from "./float32.ts";
import { boundFor, TOLERANCES } from "./tolerances.ts";

/** `ok`; `FAILED`: it is wrong; `cannot tell`: here nothing can be said, and the reason says why. */
export type Verdict = "ok" | "FAILED" | "cannot tell";

/** Why nothing can be told. */
export type Cause = "collapsed" | "overflow" | "rounding" | "kink" | "zero";

/** What a verdict rests on. */
export interface Evidence {
  /** How far two numbers or tensors are apart, relative; NaN if one of them is not finite or there is nothing to compare. */
  readonly error: number;
  /** How large the error may be. */
  readonly bound: number;
  /** What follows. */
  readonly verdict: Verdict;
  /** Why, in words; empty if the verdict is `ok`. */
  readonly reason: string;
  /** Why nothing can be told, if the verdict is `cannot tell`. */
  readonly cause?: Cause;
}

/** What to try where nothing can be told. */
export const ADVICE: Readonly<Record<Cause, string>> = {
  collapsed: "check after fewer training steps, with another seed or a smaller learning rate; if the " +
    "network is so from the start, its initial weights or its activations let nothing through",
  overflow: "check after fewer training steps or with a smaller learning rate, and look for " +
    "exponentials or sums without a limit",
  rounding: "another state may tell; if none does, try another seed, more rows or fewer training steps",
  kink: "try another seed, which puts the values elsewhere",
  zero: "try another seed or more rows; if the gradient stays zero, nothing depends on this parameter",
};

const ORDER: readonly Verdict[] = ["ok", "cannot tell", "FAILED"];

/** The gravest of several verdicts. */
export function gravest(verdicts: readonly Verdict[]): Verdict {
  return ORDER[Math.max(0, ...verdicts.map((verdict) => ORDER.indexOf(verdict)))];
}

/** The worst of several pieces of evidence: the gravest verdict, among equals the largest error for its bound. */
export function worstOf<E extends Evidence>(all: readonly E[]): E {
  return all.reduce((a, b) => {
    const [left, right] = [a, b].map(({ verdict }) => ORDER.indexOf(verdict));
    if (left !== right) return left > right ? a : b;
    return a.error / a.bound >= b.error / b.bound || Number.isNaN(a.error) ? a : b;
  });
}

/** The largest magnitude of an array; NaN if one is NaN. */
export function largestOf(numbers: ArrayLike<number>): number {
  let largest = 0;
  for (let k = 0; k < numbers.length; k++) {
    const size = Math.abs(numbers[k]);
    if (!(size <= largest)) largest = size;
    if (Number.isNaN(size)) break;
  }
  return largest;
}

/** A number as verdicts show it. */
export function figure(number: number): string {
  return Number.isFinite(number) ? number.toExponential(1) : String(number);
}

/**
 * Holds numbers of the GPU to those of the reference.
 *
 * @param what what they are, such as `its gradient`
 * @param expected the reference's
 * @param noisy computes the reference's under rounding noise, which say what float32 can do; asked if the tolerance is
 *   exceeded
 * @param tolerance the bound, unless float32 can do no better
 */
export function againstReference(
  what: string,
  actual: ArrayLike<number>,
  expected: Float64Array,
  noisy: () => readonly Float64Array[],
  shape: readonly number[],
  tolerance: number,
): Evidence & { readonly worstIndex: string } {
  const { normError: error, worstIndex, actual: there } = compare(actual, expected, shape);
  const cannotTell = (bound: number, cause: Cause, reason: string) =>
    ({ error, bound, worstIndex, verdict: "cannot tell", cause, reason }) as const;
  const at = shape.length === 0 ? "" : ` at ${worstIndex}`;
  if (within(error, tolerance)) return { error, bound: tolerance, worstIndex, verdict: "ok", reason: "" };
  if (!Number.isFinite(largestOf(expected))) {
    return cannotTell(tolerance, "overflow", `${what} is not finite in the float64 reference either`);
  }
  const underNoise = noisy();
  if (!underNoise.every((numbers) => Number.isFinite(largestOf(numbers)))) {
    return cannotTell(
      tolerance,
      "overflow",
      `numbers on the way to ${what} are beyond float32's range (3.4e38)`,
    );
  }
  const bound = boundFor(tolerance, underNoise.map((numbers) => compare(numbers, expected, shape).normError));
  if (Number.isNaN(error)) {
    return { error, bound, worstIndex, verdict: "FAILED", reason: `${what} is ${there} on the GPU${at}` };
  }
  if (!within(error, bound)) {
    const reason = `${what} is ${figure(error)} off the reference${at}, bound ${figure(bound)}`;
    return { error, bound, worstIndex, verdict: "FAILED", reason };
  }
  if (bound <= TOLERANCES.telling) return { error, bound, worstIndex, verdict: "ok", reason: "" };
  const largest = largestOf(expected);
  if (largest < UNDERFLOW) return cannotTell(bound, "collapsed", belowRange(what, largest));
  if (underNoise.some((numbers) => largestOf(numbers) === 0)) {
    const reason = `${what} is 0 in float32, as numbers on the way to it are below its range (1e-38)`;
    return cannotTell(bound, "collapsed", reason);
  }
  return cannotTell(
    bound,
    "rounding",
    `rounding hides it: float32 computes ${what} to ${figure(bound)} at best`,
  );
}

const NOT_FINITE = "its gradient is not finite in the float64 reference either";

/** What there is to say where the GPU's gradient has no direction: it is zero, or not finite. */
export function withoutDirection(bound: number, largestOnGpu: number, largest: number): Evidence {
  const cannotTell = (cause: Cause, reason: string) =>
    ({ error: NaN, bound, verdict: "cannot tell", cause, reason }) as const;
  if (!Number.isFinite(largest)) return cannotTell("overflow", NOT_FINITE);
  if (largest > 0 && largest < UNDERFLOW) {
    return cannotTell("collapsed", belowRange("its gradient", largest));
  }
  const [cause, what] = largestOnGpu === 0
    ? ["zero", "exactly zero"] as const
    : ["overflow", "not finite"] as const;
  return cannotTell(cause, `its gradient is ${what} on the GPU: there is no direction to difference along`);
}

function belowRange(what: string, largest: number): string {
  return `the network has collapsed here: ${what} (at most ${
    figure(largest)
  }) is below float32's range (1e-38)`;
}

/**
 * What a finite difference says about a gradient.
 *
 * @param largest the largest element of the reference's gradient
 */
export function fromDifference(difference: Difference, bound: number, largest: number): Evidence {
  const { error, doubt } = difference, judged = judge(difference, bound);
  if (judged === "agrees") return { error, bound, verdict: "ok", reason: "" };
  const cannotTell = (cause: Cause, reason: string) =>
    ({ error, bound, verdict: "cannot tell", cause, reason }) as const;
  if (!Number.isFinite(largest)) return cannotTell("overflow", NOT_FINITE);
  if (largest < UNDERFLOW) return cannotTell("collapsed", belowRange("its gradient", largest));
  if (judged === "cannot tell") {
    const reason = `rounding hides the difference: its own doubt (${figure(doubt)}) is above the bound`;
    return cannotTell("rounding", reason);
  }
  const reason = Number.isFinite(error)
    ? `finite differences are ${figure(error)} off the gradient, bound ${figure(bound)}`
    : "finite differences find no finite derivative here";
  return { error, bound, verdict: "FAILED", reason };
}

/**
 * Verdicts of a check about one gradient, with the reason in words.
 * @module
 */
import { compare, within } from "./compare.ts";
import type { Difference } from "./differences.ts";
import { judge } from "./differences.ts";
import { UNDERFLOW } from "./float32.ts";
import { boundFor, TOLERANCES } from "./tolerances.ts";

/** `ok`; `FAILED` if the gradient is wrong; `cannot tell` if it cannot be judged in this state. */
export type Verdict = "ok" | "FAILED" | "cannot tell";

/** Cause of a `cannot tell` verdict. */
export type Cause = "collapsed" | "overflow" | "rounding" | "kink" | "zero";

/** Verdict of one comparison, with its numbers. */
export interface Evidence {
  /** Relative error; NaN if a number is not finite or there is nothing to compare. */
  readonly error: number;
  /** Largest accepted error. */
  readonly bound: number;
  /** Verdict that follows from the error and the bound. */
  readonly verdict: Verdict;
  /** Reason in words; empty if the verdict is `ok`. */
  readonly reason: string;
  /** Cause, if the verdict is `cannot tell`. */
  readonly cause?: Cause;
}

/** Advice to the user for each cause of `cannot tell`. */
export const ADVICE: Readonly<Record<Cause, string>> = {
  collapsed: "check after fewer training steps, with another seed or a smaller learning rate; if the " +
    "network has collapsed at initialization, change its initial weights or activations",
  overflow: "check after fewer training steps or with a smaller learning rate, and look for " +
    "unbounded exponentials or sums",
  rounding: "if every state is undecided, try another seed, more rows or fewer training steps",
  kink: "try another seed, which moves the values away from the kink",
  zero: "try another seed or more rows; if the gradient stays zero, nothing depends on this parameter",
};

const ORDER: readonly Verdict[] = ["ok", "cannot tell", "FAILED"];

/** Returns the worst of several verdicts. */
export function gravest(verdicts: readonly Verdict[]): Verdict {
  return ORDER[Math.max(0, ...verdicts.map((verdict) => ORDER.indexOf(verdict)))];
}

/** Returns the evidence with the worst verdict, then with the largest error relative to its bound. */
export function worstOf<E extends Evidence>(all: readonly E[]): E {
  return all.reduce((a, b) => {
    const [left, right] = [a, b].map(({ verdict }) => ORDER.indexOf(verdict));
    if (left !== right) return left > right ? a : b;
    return a.error / a.bound >= b.error / b.bound || Number.isNaN(a.error) ? a : b;
  });
}

/** Returns the largest magnitude in an array; NaN if it contains NaN. */
export function largestOf(numbers: ArrayLike<number>): number {
  let largest = 0;
  for (let k = 0; k < numbers.length; k++) {
    const size = Math.abs(numbers[k]);
    if (!(size <= largest)) largest = size;
    if (Number.isNaN(size)) break;
  }
  return largest;
}

/** Formats a number for verdicts, such as `1.2e-6`. */
export function figure(number: number): string {
  return Number.isFinite(number) ? number.toExponential(1) : String(number);
}

/**
 * Compares numbers of the GPU with those of the reference.
 *
 * @param what name of the numbers in messages, such as `its gradient`
 * @param actual numbers of the GPU
 * @param expected numbers of the reference
 * @param noisy computes the reference's numbers under rounding noise, which limit the precision of float32;
 *   called only if the tolerance is exceeded
 * @param shape shape of the numbers; `[]` for a scalar
 * @param tolerance largest accepted error, unless float32 is less precise
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
      `intermediate values of ${what} exceed float32's range (3.4e38)`,
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
    const reason = `${what} is 0 in float32, because intermediate values are below its range (1e-38)`;
    return cannotTell(bound, "collapsed", reason);
  }
  return cannotTell(
    bound,
    "rounding",
    `rounding hides it: float32 computes ${what} only to within ${figure(bound)}`,
  );
}

const NOT_FINITE = "its gradient is not finite in the float64 reference either";

/** Returns the evidence for a GPU gradient without direction: zero or not finite. */
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
  return cannotTell(cause, `its gradient is ${what} on the GPU: finite differences have no direction`);
}

function belowRange(what: string, largest: number): string {
  return `the network has collapsed here: ${what} (at most ${
    figure(largest)
  }) is below float32's range (1e-38)`;
}

/**
 * Returns the evidence of a finite difference about a gradient.
 *
 * @param largest largest magnitude in the reference's gradient
 */
export function fromDifference(difference: Difference, bound: number, largest: number): Evidence {
  const { error, doubt } = difference, judged = judge(difference, bound);
  if (judged === "agrees") return { error, bound, verdict: "ok", reason: "" };
  const cannotTell = (cause: Cause, reason: string) =>
    ({ error, bound, verdict: "cannot tell", cause, reason }) as const;
  if (!Number.isFinite(largest)) return cannotTell("overflow", NOT_FINITE);
  if (largest < UNDERFLOW) return cannotTell("collapsed", belowRange("its gradient", largest));
  if (judged === "cannot tell") {
    const reason = `rounding hides the difference: its uncertainty (${figure(doubt)}) exceeds the bound`;
    return cannotTell("rounding", reason);
  }
  const reason = Number.isFinite(error)
    ? `finite differences are ${figure(error)} off the gradient, bound ${figure(bound)}`
    : "finite differences find no finite derivative here";
  return { error, bound, verdict: "FAILED", reason };
}

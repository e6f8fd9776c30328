/**
 * A model of float32 rounding and range, with which the f64 reference estimates the precision of float32.
 * @module
 */
import type { RandomStream } from "../random.ts";

/** Unit roundoff of float32. */
const ROUNDING = 2 ** -24;
/**
 * Numbers below this may be 0 on a GPU: devices may flush numbers below float32's smallest normal, 2^-126, to
 * 0, and a sum of a thousand such products may be 0 instead of 2^-116.
 */
export const UNDERFLOW = 2 ** -116;
/** Largest finite float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Flushes numbers below float32's range to 0 and replaces those above it by infinity. */
export function toFloat32Range(x: number): number {
  const size = Math.abs(x);
  return size < UNDERFLOW ? 0 : size > LARGEST ? Math.sign(x) * Infinity : x;
}

/** Changes a number by up to one float32 rounding error, at random, and keeps it in float32's range. */
export function withRoundingNoise(x: number, random: RandomStream): number {
  return toFloat32Range(x * (1 + (2 * random.nextUnit() - 1) * ROUNDING));
}

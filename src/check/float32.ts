/**
 * What float32 may make of exact numbers: the f64 reference computes with it to learn what float32 cannot do.
 * @module
 */
import type { RandomStream } from "../random.ts";

/** Half a unit in the last place of float32, relative. */
const ROUNDING = 2 ** -24;
/**
 * Numbers below this may be 0 on a GPU: float32's smallest normal number is 2^-126, devices may replace smaller ones by
 * 0, and a sum of a thousand products that are each below it may be 0 where it should be 2^-116.
 */
export const UNDERFLOW = 2 ** -116;
/** The largest float32, above which there is only infinity. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Replaces what is below float32's range by 0 and what is above it by infinity. */
export function toFloat32Range(x: number): number {
  const size = Math.abs(x);
  return size < UNDERFLOW ? 0 : size > LARGEST ? Math.sign(x) * Infinity : x;
}

/** Moves a number by up to one rounding of float32 either way, and keeps it in float32's range. */
export function withRoundingNoise(x: number, random: RandomStream): number {
  return toFloat32Range(x * (1 + (2 * random.nextUnit() - 1) * ROUNDING));
}

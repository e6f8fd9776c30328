/**
 * Scales with ticks, from d3-scale, with type declarations for the functions in use.
 * @module
 */
import * as d3 from "npm:d3-scale@4.0.3";

/** A scale from a domain of numbers to a range of coordinates. */
export interface ContinuousScale {
  /** Maps a number to its coordinate. */
  (value: number): number;
  /** Sets the ends of the domain. */
  domain(ends: readonly [number, number]): ContinuousScale;
  /** Sets the coordinates of the domain's ends. */
  range(ends: readonly [number, number]): ContinuousScale;
  /** Returns about `count` round numbers within the domain. */
  ticks(count: number): number[];
  /** Returns a function that labels these ticks; a logarithmic scale leaves some labels empty. */
  tickFormat(count: number, format?: string | ((value: number) => string)): (value: number) => string;
}

/** Creates a linear scale. */
export const scaleLinear = d3.scaleLinear as () => ContinuousScale;

/** Creates a logarithmic scale with base 10. */
export const scaleLog = d3.scaleLog as () => ContinuousScale;

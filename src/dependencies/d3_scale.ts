/**
 * Scales with ticks, from d3-scale. Its types are declared here, as far as they are used.
 * @module
 */
import * as d3 from "npm:d3-scale@4.0.3";

/** A scale from a domain of numbers to a range of coordinates. */
export interface ContinuousScale {
  /** Maps a number to its coordinate. */
  (value: number): number;
  /** Sets the ends of what is mapped. */
  domain(ends: readonly [number, number]): ContinuousScale;
  /** Sets the coordinates of these ends. */
  range(ends: readonly [number, number]): ContinuousScale;
  /** Round numbers within the domain, about as many as asked for. */
  ticks(count: number): number[];
  /** Labels for these ticks; a logarithmic scale leaves some of them empty. */
  tickFormat(count: number, format?: string | ((value: number) => string)): (value: number) => string;
}

/** A scale of equal distances. */
export const scaleLinear = d3.scaleLinear as () => ContinuousScale;

/** A scale of equal ratios, with base 10. */
export const scaleLog = d3.scaleLog as () => ContinuousScale;

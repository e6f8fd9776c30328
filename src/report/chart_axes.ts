/**
 * Axes of charts: d3's scales and ticks, drawn as SVG.
 * @module
 */
import { type ContinuousScale, scaleLinear, scaleLog } from "../dependencies/d3_scale.ts";
import { coordinate, element, FONT_SIZE, FRAME, GRID, label, line, widthOf } from "./svg.ts";

/** An axis: a scale from values to coordinates, with ticks. */
export interface Axis {
  /** True for a logarithmic scale. */
  readonly isLog: boolean;
  /** Returns the coordinate of a value; NaN if it cannot be shown. */
  readonly at: (value: number) => number;
  /** Ticks; minor ones have no text. */
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

/** Plot area of a chart, in drawing units. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Relative distance up to which the ends of an axis count as equal. */
const NO_DISTANCE = 1e-9;
/** Values are clamped to this range, so that their sums and ratios stay finite. */
const MOST = 1e300, LEAST = 1e-300;
/** Outside of this range, ticks are written as powers of ten. */
const LARGE = 1e6, SMALL = 1e-3;

function clamped(value: number): number {
  return Math.max(-MOST, Math.min(MOST, value));
}

/** Smallest and largest finite number; undefined if there is none. */
export function extentOf(values: Iterable<number>): [number, number] | undefined {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : undefined;
}

/**
 * Makes a linear axis.
 *
 * @param values values to show; non-finite ones are ignored, and equal ends are moved apart
 * @param range coordinates of the smallest and the largest value
 * @param count approximate number of ticks
 * @param margin free space at both ends, as a fraction of the range
 */
export function linearAxis(
  values: Iterable<number>,
  range: readonly [number, number],
  count: number,
  margin: number = 0,
): Axis {
  let [low, high] = (extentOf(values) ?? [0, 1]).map(clamped);
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (!(high - low > NO_DISTANCE * size && high - low > LEAST)) {
    const half = size > NO_DISTANCE ? size / 2 : 0.5;
    [low, high] = [low - half, high + half];
  }
  const free = margin * (high - low);
  const scale = scaleLinear().domain([low - free, high + free]).range(range);
  const ticks = scale.ticks(count), largest = Math.max(...ticks.map(Math.abs));
  const isPlain = largest >= SMALL && largest < LARGE;
  const format = scale.tickFormat(count, isPlain ? undefined : "~e");
  return axisOf(scale, ticks, isPlain ? format : (value) => asPower(format(value)), false);
}

/**
 * Makes a logarithmic axis, with ticks at powers of ten or their multiples.
 *
 * @param values values to show; only finite ones above 0 have a coordinate
 * @param range coordinates of the smallest and the largest value
 * @param count approximate number of ticks
 */
export function logAxis(values: Iterable<number>, range: readonly [number, number], count: number): Axis {
  const [least, most] = (extentOf([...values].filter((value) => value > 0)) ?? [0.1, 1])
    .map((value) => Math.max(LEAST, clamped(value)));
  const stretch = Math.min((most / least) ** 0.04 * 1.05, 10); // keeps curves off the frame
  const scale = scaleLog().domain([least / stretch, most * stretch]).range(range);
  const ticks = scale.ticks(count);
  const isPlain = ticks.every((value) => value >= SMALL && value < LARGE);
  const plain = (value: number) => value.toLocaleString("en-US", { maximumFractionDigits: 4 });
  const format = scale.tickFormat(count, isPlain ? plain : (value) => asPower(value.toExponential()));
  const { at, ...axis } = axisOf(scale, ticks, format, true);
  return { ...axis, at: (value) => value > 0 ? at(Math.max(LEAST, value)) : NaN };
}

function axisOf(
  scale: ContinuousScale,
  ticks: readonly number[],
  format: (value: number) => string,
  isLog: boolean,
): Axis {
  const at = (value: number) => Number.isFinite(value) ? scale(clamped(value)) : NaN;
  return { isLog, at, ticks: ticks.map((value) => ({ at: at(value), text: format(value) })) };
}

/** Formats `1.5e+16` as 1.5×10¹⁶. */
function asPower(text: string): string {
  const [, sign, factor, power] = /^([−-]?)([\d.]+)e\+?(-?\d+)$/.exec(text) ?? [];
  if (factor === undefined || Number(factor) === 0) return factor === undefined ? text : "0";
  const raised = [...power].map((digit) => digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("");
  const minus = sign && "−";
  return power === "0" ? minus + factor : `${minus}${factor === "1" ? "" : `${factor}×`}10${raised}`;
}

/** Titles of the axes, with units. */
export interface AxisTitles {
  readonly x: string;
  /** Rotated, left of the y axis; may be empty. */
  readonly y: string;
}

/** Room for tick labels and title left of most plots. */
export const AXIS_ROOM = 84;

/** Draws the frame of a plot: grid lines, tick labels and axis titles. */
export function axes({ left, top, width, height }: Box, x: Axis, y: Axis, titles: AxisTitles): string {
  const right = left + width, bottom = top + height, centre = top + height / 2;
  const middle = left - 18 - Math.max(24, ...y.ticks.map(({ text }) => widthOf(text)));
  const marks = { stroke: FRAME };
  let free = -Infinity; // right end of the last label, so that labels do not overlap
  const below = x.ticks.map(({ at, text }) => {
    const isFree = text !== "" && at - widthOf(text) / 2 > free;
    if (isFree) free = at + widthOf(text) / 2 + 6;
    const shown = isFree ? label(at, bottom + 8 + FONT_SIZE, text, { "text-anchor": "middle" }) : "";
    return line([at, bottom], [at, bottom + 4], marks) + shown;
  });
  const beside = y.ticks.map(({ at, text }) =>
    text === "" ? line([left - 2, at], [left, at], marks) : line([left, at], [right, at], { stroke: GRID }) +
      line([left - 4, at], [left, at], marks) +
      label(left - 8, at + 0.35 * FONT_SIZE, text, { "text-anchor": "end" })
  );
  return element(
    "g",
    { class: "axes" },
    ...beside,
    ...below,
    element("path", { d: `M${left},${top}V${bottom}H${right}`, fill: "none", stroke: FRAME }),
    label(left + width / 2, bottom + 40, titles.x, { "text-anchor": "middle" }),
    titles.y && label(middle, centre, titles.y, {
      "text-anchor": "middle",
      transform: `rotate(-90 ${coordinate(middle)} ${coordinate(centre)})`,
    }),
  );
}

/**
 * Axes of charts: d3's scales and ticks, drawn as SVG.
 * @module
 */
import { type ContinuousScale, scaleLinear, scaleLog } from "../dependencies/d3_scale.ts";
import { coordinate, element, FONT_SIZE, FRAME, GRID, label, line, widthOf } from "./svg.ts";

/** The values of an axis, and their coordinates. */
export interface Axis {
  /** Whether equal distances are equal ratios. */
  readonly isLog: boolean;
  /** Where a value lies; NaN if it has no place. */
  readonly at: (value: number) => number;
  /** Marked places; those without text are in between. */
  readonly ticks: readonly { readonly at: number; readonly text: string }[];
}

/** Where a chart's curves are. */
export interface Box {
  /** Its left edge. */
  readonly left: number;
  /** Its upper edge. */
  readonly top: number;
  /** Its width. */
  readonly width: number;
  /** Its height. */
  readonly height: number;
}

/** Ends whose distance is not above this share of their size are taken to be equal. */
const NO_DISTANCE = 1e-9;
/** Values beyond are drawn here, as sums and ratios of them would not be finite. */
const MOST = 1e300, LEAST = 1e-300;
/** From here on, and below the other, ticks are powers of ten. */
const LARGE = 1e6, SMALL = 1e-3;

function clamped(value: number): number {
  return Math.max(-MOST, Math.min(MOST, value));
}

/** The least and the greatest finite number; undefined if there is none. */
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
 * An axis of equal distances.
 *
 * @param values what is to be shown; what is not finite is ignored, and equal ends are moved apart
 * @param range the coordinates of the least and the greatest value
 * @param count about how many ticks
 * @param margin what is left free at both ends, as a share of the distance
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
 * An axis of equal ratios, with ticks at powers of ten or multiples of these.
 *
 * @param values what is to be shown; only finite ones above 0 have a place
 * @param range the coordinates of the least and the greatest value
 * @param count about how many ticks
 */
export function logAxis(values: Iterable<number>, range: readonly [number, number], count: number): Axis {
  const [least, most] = (extentOf([...values].filter((value) => value > 0)) ?? [0.1, 1])
    .map((value) => Math.max(LEAST, clamped(value)));
  const stretch = Math.min((most / least) ** 0.04 * 1.05, 10); // so that no curve runs along the frame
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

/** `1.5e+16` as 1.5×10¹⁶. */
function asPower(text: string): string {
  const [, sign, factor, power] = /^([−-]?)([\d.]+)e\+?(-?\d+)$/.exec(text) ?? [];
  if (factor === undefined || Number(factor) === 0) return factor === undefined ? text : "0";
  const raised = [...power].map((digit) => digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("");
  const minus = sign && "−";
  return power === "0" ? minus + factor : `${minus}${factor === "1" ? "" : `${factor}×`}10${raised}`;
}

/** What the axes are called, with their units. */
export interface AxisTitles {
  /** Below the axis from left to right. */
  readonly x: string;
  /** Beside the upright axis, from the bottom to the top; empty if there is none. */
  readonly y: string;
}

/** What the tick labels of most charts, and the title beside them, take at the left of a plot. */
export const AXIS_ROOM = 84;

/** The frame of a plot: lines at the ticks, their labels at the left and below, and the titles. */
export function axes({ left, top, width, height }: Box, x: Axis, y: Axis, titles: AxisTitles): string {
  const right = left + width, bottom = top + height, centre = top + height / 2;
  const middle = left - 18 - Math.max(24, ...y.ticks.map(({ text }) => widthOf(text)));
  const marks = { stroke: FRAME };
  let free = -Infinity; // labels do not run into each other
  const below = x.ticks.map(({ at, text }) => {
    const isFree = at - widthOf(text) / 2 > free;
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

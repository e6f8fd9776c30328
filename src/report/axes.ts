/**
 * Scales with sensible ticks, and the frame of a plot.
 * @module
 */
import { type Canvas, measureText, textHeight } from "./canvas.ts";
import type { Colour } from "./colors.ts";

/** Colours of text, of frames and of the lines behind curves. */
export const INK: Colour = [34, 34, 34], FRAME: Colour = [120, 120, 120], GRID: Colour = [228, 228, 228];

/** A marked place on a scale. */
export interface Tick {
  /** Its value. */
  readonly value: number;
  /** Its value as text. */
  readonly label: string;
}

/** Values from one end of an axis to the other. */
export interface Scale {
  /** The ends. */
  readonly range: readonly [number, number];
  /** Whether equal distances are equal ratios. */
  readonly isLog: boolean;
  /** Marked places, rising, between the ends. */
  readonly ticks: readonly Tick[];
  /** How far along the axis a value is: 0 at its lower end, 1 at its upper one. NaN if it has no place. */
  readonly at: (value: number) => number;
}

/** Where a plot is, in pixels of the picture. */
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

/** A number as short text: `20,000`, `0.05`, `1e-5`. */
function numberText(value: number, decimals: number): string {
  if (value === 0 && decimals > 4) return "0";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential().replace("e+", "e");
  const [whole, rest] = value.toFixed(decimals).split(".");
  return [whole.replace(/\B(?=(\d{3})+$)/g, ","), rest].filter(Boolean).join(".");
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
 * A scale of equal distances, with ticks at multiples of 1, 2 or 5 times a power of ten.
 *
 * @param values what is to be shown; what is not finite is ignored, and equal ends are moved apart
 * @param ticks about how many ticks
 * @param margin what is left free at both ends, as a share of the distance
 */
export function linearScale(values: Iterable<number>, ticks: number, margin: number = 0): Scale {
  let [low, high] = extentOf(values) ?? [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (!(high - low > NO_DISTANCE * size && high - low > Number.MIN_VALUE / NO_DISTANCE)) {
    const half = size > NO_DISTANCE ? size / 2 : 0.5;
    [low, high] = [low - half, high + half];
  }
  const free = margin * (high - low);
  [low, high] = [low - free, high + free];
  const rough = (high - low) / ticks;
  const power = Math.floor(Math.log10(rough));
  const digit = [1, 2, 5, 10].find((some) => some * 10 ** power >= rough * (1 - 1e-9)) ?? 10;
  const step = digit * 10 ** power;
  const decimals = Math.max(0, -Math.floor(Math.log10(step * (1 + 1e-9))));
  const marks: Tick[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k <= high / step + 1e-9; k++) {
    const value = Number((k * step).toPrecision(12)) + 0; // no -0
    marks.push({ value, label: numberText(value, decimals) });
  }
  return { range: [low, high], isLog: false, ticks: marks, at: (value) => (value - low) / (high - low) };
}

/**
 * A scale of equal ratios, with ticks at powers of ten, and at 2 and 5 times these where there is room.
 *
 * @param values what is to be shown; only finite ones above 0 have a place
 * @param ticks about how many ticks
 */
export function logScale(values: Iterable<number>, ticks: number): Scale {
  const [least, most] = (extentOf([...values].filter((value) => value > 0)) ?? [0.1, 1]).map(Math.log10);
  const stretch = Math.min(Math.max(0.04 * (most - least), 0.05), 1); // so that no curve runs along the frame
  const [low, high] = [least - stretch, most + stretch];
  const decades = high - low;
  const digits = decades * 3 <= ticks + 1 ? [1, 2, 5] : [1];
  const every = digits.length > 1 ? 1 : Math.ceil(decades / ticks);
  const marks: Tick[] = [];
  for (let power = Math.floor(low); power <= high; power++) {
    for (const digit of digits) {
      const value = Number(`${digit}e${power}`);
      const at = Math.log10(value);
      if (power % every !== 0 || at < low || at > high) continue;
      marks.push({ value, label: numberText(value, Math.max(0, -power)) });
    }
  }
  const at = (value: number) => value > 0 ? (Math.log10(value) - low) / decades : NaN;
  return { range: [10 ** low, 10 ** high], isLog: true, ticks: marks, at };
}

/** The place of a point in a box; not finite if a scale has no place for it. */
export function placeIn(box: Box, x: Scale, y: Scale, point: readonly [number, number]): [number, number] {
  return [box.left + x.at(point[0]) * box.width, box.top + (1 - y.at(point[1])) * box.height];
}

/** What a plot's axes are called. */
export interface AxisTitles {
  /** Below the axis from left to right. */
  readonly x: string;
  /** Above the upright axis. */
  readonly y: string;
}

/** Draws the frame of a plot: lines at the ticks, their numbers at the left and below, and the titles. */
export function drawAxes(canvas: Canvas, box: Box, x: Scale, y: Scale, titles: AxisTitles): void {
  const { left, top, width, height } = box;
  const [right, bottom] = [left + width, top + height];
  for (const { value, label } of y.ticks) {
    const [, at] = placeIn(box, x, y, [x.range[0], value]);
    canvas.fillRect(left, Math.round(at), width, 1, GRID);
    canvas.text(left - 10, at - textHeight() / 2, label, { colour: INK, anchor: 1 });
  }
  let free = -Infinity; // labels do not run into each other
  for (const { value, label } of x.ticks) {
    const [at] = placeIn(box, x, y, [value, y.range[0]]);
    canvas.fillRect(Math.round(at), top, 1, height, GRID);
    if (at - measureText(label) / 2 < free) continue;
    canvas.text(at, bottom + 10, label, { colour: INK, anchor: 0.5 });
    free = at + measureText(label) / 2 + 12;
  }
  canvas.fillRect(left, top, 1, height + 1, FRAME);
  canvas.fillRect(left, bottom, width + 1, 1, FRAME);
  canvas.text(left + width / 2, bottom + 36, titles.x, { colour: INK, anchor: 0.5 });
  canvas.text(left, top - textHeight() - 12, titles.y, { colour: INK });
  canvas.fillRect(right, top, 1, height + 1, GRID);
}

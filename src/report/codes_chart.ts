/**
 * `codes.svg`: scatter plot of the codes of test images, colored by class.
 * @module
 */
import { axes, AXIS_ROOM, type Box, linearAxis } from "./chart_axes.ts";
import { withCommas } from "../errors.ts";
import { classColor } from "./colors.ts";
import { principalComponents } from "../stats/principal_components.ts";
import type { CodeCloud } from "./run_data.ts";
import {
  coordinate,
  element,
  FONT_SIZE,
  FRAME,
  label,
  line,
  type Point,
  shortened,
  svgFile,
  widthOf,
} from "./svg.ts";

const WIDTH = 720, LEFT = AXIS_ROOM, RIGHT = 14, TOP = 34, BELOW = 54, LINE = 20;
/** Height of a single plot; the legend is on its right. */
const PLANE = 500;
/** Side of each of three plots, and the offsets between them. */
const SIDE = 270, ACROSS = SIDE + LEFT - 4, DOWN = SIDE + BELOW + 14;
/** Points are drawn class by class in blocks of this size, so that no class hides the others. */
const BLOCK = 200;
/** Maximum number of classes in the legend and with rings. */
const NAMED = 20;
/** Maximum length of a class name. */
const LONGEST = 24;
/** Number of histogram bins, and height of a histogram. */
const BINS = 80, STRIP = 40;

/** Points of one scatter plot. */
interface View {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly titles: { readonly x: string; readonly y: string };
}

interface Class {
  readonly label: number;
  readonly name: string;
}

/**
 * Draws codes: 2-D codes as a scatter plot, 3-D codes as three scatter plots of each pair of axes, larger codes by
 * their first two principal components, and 1-D codes as a histogram per class. A ring with the number of a class
 * marks the median of its points. Non-finite codes are omitted and counted in the chart. The output is deterministic.
 *
 * @param cloud the codes, and their classes if known
 * @param classNames names of the classes, by label; missing ones are replaced by their numbers
 * @returns an SVG file
 */
export function codesChart(
  cloud: Pick<CodeCloud, "size" | "values" | "labels">,
  classNames: readonly string[] = [],
): Uint8Array {
  const classes = [...new Set(cloud.labels)].sort((a, b) => a - b).map((label): Class => {
    const name = shortened(classNames[label] ?? `${label}`, LONGEST);
    return { label, name: name === `${label}` ? name : `${label} ${name}` };
  });
  if (cloud.size === 1) return histograms(cloud, classes);
  const views = viewsOf(cloud);
  return cloud.size === 3 ? threeViews(views, cloud, classes) : oneView(views[0], cloud, classes);
}

/** Column `at` of the matrix [count, size]. */
function column(values: Float32Array, size: number, at: number): Float32Array {
  return Float32Array.from({ length: values.length / size }, (_, n) => values[n * size + at]);
}

function viewsOf({ size, values }: Pick<CodeCloud, "size" | "values">): View[] {
  const view =
    (from: Float32Array, width: number, titles: readonly string[]) => (a: number, b: number): View => ({
      x: column(from, width, a),
      y: column(from, width, b),
      titles: { x: titles[a], y: titles[b] },
    });
  if (size > 3) {
    const { values: projected, shares } = principalComponents(values, size, 2);
    const titles = shares.map((share, k) =>
      `principal component ${k + 1} (${(100 * share).toFixed(0)}% of variance)`
    );
    return [view(projected, 2, titles)(0, 1)];
  }
  const titles = Array.from({ length: size }, (_, d) => `code ${d + 1}`);
  const plane = view(values, size, titles);
  return size === 3 ? [plane(0, 1), plane(0, 2), plane(1, 2)] : [plane(0, 1)];
}

function oneView(
  view: View,
  { size, labels }: Pick<CodeCloud, "size" | "labels">,
  classes: readonly Class[],
): Uint8Array {
  const legend = classes.length > 0 ? legendWidth(classes) : 0;
  const box: Box = { left: LEFT, top: TOP, width: WIDTH - LEFT - RIGHT - legend, height: PLANE };
  const elements = [
    countLabel([view], box.left + box.width),
    points(box, view, labels, classes),
    ...legendOf(WIDTH - RIGHT - legend + 20, TOP + 8, classes),
  ];
  return chart(TOP + PLANE + BELOW, size, [view], classes, elements);
}

/** Draws three plots in a 2×2 grid, so that plots above each other share an axis; the legend takes the free cell. */
function threeViews(
  views: readonly View[],
  { size, labels }: Pick<CodeCloud, "size" | "labels">,
  classes: readonly Class[],
): Uint8Array {
  const places: readonly Point[] = [[LEFT, TOP], [LEFT, TOP + DOWN], [LEFT + ACROSS, TOP + DOWN]];
  const elements = [
    countLabel(views, WIDTH - RIGHT),
    ...views.map((view, k) => {
      const [left, top] = places[k];
      return points({ left, top, width: SIDE, height: SIDE }, view, labels, classes);
    }),
    ...legendOf(LEFT + SIDE + 40, TOP + 14, classes),
  ];
  return chart(TOP + DOWN + SIDE + BELOW, size, views, classes, elements);
}

function points(
  box: Box,
  { x, y, titles }: View,
  labels: Uint8Array | undefined,
  classes: readonly Class[],
): string {
  const isSmall = box.width < 300, { left, top, width, height } = box;
  const across = linearAxis(x, [left, left + width], isSmall ? 4 : 7, 0.04);
  const up = linearAxis(y, [top + height, top], isSmall ? 4 : 7, 0.04);
  const groups = classes.length > 0 ? classes.map(({ label }) => label) : [undefined];
  const places = new Map(groups.map((label) => [label, new Array<Point>()]));
  const clouds: string[] = [], size = isSmall ? 3 : x.length > 4000 ? 3 : 4;
  for (let begin = 0; begin < x.length; begin += BLOCK) {
    const block = new Map(groups.map((label) => [label, new Array<Point>()]));
    for (let n = begin; n < Math.min(begin + BLOCK, x.length); n++) {
      const place: Point = [across.at(x[n]), up.at(y[n])];
      if (place.every(Number.isFinite)) block.get(labels?.[n])!.push(place);
    }
    for (const [label, some] of block) {
      places.get(label)!.push(...some);
      if (some.length > 0) clouds.push(cloudOf(some, size, label));
    }
  }
  const rings = classes.slice(0, NAMED).map(({ label }) => ring(places.get(label)!, label, isSmall));
  return element("g", { class: "plane" }, axes(box, across, up, titles), "\n", ...clouds, "\n", ...rings);
}

/** Draws points as one path of dots, a tenth of the size of circles. */
function cloudOf(places: readonly Point[], size: number, label: number | undefined): string {
  return element("path", {
    class: "codes",
    "data-class": label === undefined ? undefined : `${label}`,
    d: places.map(([x, y]) => `M${coordinate(x)},${coordinate(y)}h0`).join(""),
    stroke: classColor(label ?? 0),
    "stroke-width": size,
    "stroke-linecap": "round",
    "stroke-opacity": 0.8,
  });
}

/** Draws a ring with the number of a class at the median of its points. */
function ring(places: readonly Point[], label_: number, isSmall: boolean): string {
  if (places.length === 0) return "";
  const [x, y] = [0, 1].map((axis) => median(places.map((place) => place[axis])));
  const size = isSmall ? 9 : 12, radius = 0.3 * size * (1 + `${label_}`.length) + 1;
  return element("circle", {
    cx: x,
    cy: y,
    r: radius,
    fill: "#ffffff",
    stroke: classColor(label_),
    "stroke-width": 2,
  }) +
    label(x, y + 0.35 * size, `${label_}`, {
      "text-anchor": "middle",
      "font-size": size,
      "font-weight": "bold",
    });
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Text with the number of drawn and of omitted codes. */
function countText(views: readonly Pick<View, "x" | "y">[]): string {
  const count = views[0].x.length;
  const missing =
    [...views[0].x.keys()].filter((n) => views.some(({ x, y }) => !Number.isFinite(x[n] + y[n]))).length;
  const codes = `${withCommas(count - missing)} test image${count - missing === 1 ? "" : "s"}`;
  return missing > 0 ? `${codes}; ${missing} more with non-finite codes` : codes;
}

function countLabel(views: readonly Pick<View, "x" | "y">[], right: number, more: string = ""): string {
  return label(right, 20, countText(views) + more, { "text-anchor": "end", fill: FRAME });
}

/** Width of the legend. */
function legendWidth(classes: readonly Class[]): number {
  return Math.max(...classes.slice(0, NAMED).map(({ name }) => widthOf(name)), widthOf("and 200 more")) + 40;
}

function legendOf(left: number, top: number, classes: readonly Class[]): string[] {
  const lines = classes.slice(0, NAMED).map(({ label, name }) => ({ name, fill: classColor(label) }));
  const more = classes.length > NAMED ? [{ name: `and ${classes.length - NAMED} more`, fill: "none" }] : [];
  const height = Math.min(LINE, 280 / lines.length);
  return [...lines, ...more].map(({ name, fill }, k) => {
    const y = top + k * height;
    const dot = element("circle", { cx: left + 5, cy: y, r: 5, fill });
    return element("g", { class: "key" }, dot, label(left + 18, y + 0.35 * FONT_SIZE, name));
  });
}

/** Draws a histogram per class, each on its own scale. */
function histograms(
  { values, labels }: Pick<CodeCloud, "values" | "labels">,
  classes: readonly Class[],
): Uint8Array {
  const strips = classes.length > 0 ? classes : [undefined];
  const left = Math.max(LEFT, ...classes.map(({ name }) => widthOf(name) + 40));
  const box: Box = { left, top: TOP, width: WIDTH - left - RIGHT, height: STRIP * strips.length };
  const x = linearAxis(values, [0, BINS], 8, 0.02), bin = box.width / BINS;
  const ticks = x.ticks.map(({ at, text }) => ({ at: left + at * bin, text }));
  const bars = strips.map((strip, k) => {
    const counts = new Array<number>(BINS).fill(0);
    values.forEach((value, n) => {
      if (Number.isFinite(value) && labels?.[n] === strip?.label) counts[Math.floor(x.at(value))]++;
    });
    const bottom = TOP + (k + 1) * STRIP, unit = (STRIP - 6) / Math.max(1, ...counts);
    const steps = counts.map((count) => `V${coordinate(bottom - count * unit)}h${coordinate(bin)}`).join("");
    return element("path", {
      class: "codes",
      "data-class": strip && `${strip.label}`,
      d: `M${left},${bottom}${steps}V${bottom}z`,
      fill: classColor(strip?.label ?? 0),
    }) + line([left, bottom], [left + box.width, bottom], { stroke: FRAME }) +
      (strip ? label(left - 8, bottom - 8, strip.name, { "text-anchor": "end" }) : "");
  });
  const view = { x: values, y: values };
  const titles = { x: "code 1", y: classes.length > 0 ? "" : "test images" };
  const elements = [
    countLabel([view], WIDTH - RIGHT, classes.length > 0 ? "; each class on its own scale" : ""),
    axes(box, { ...x, ticks }, { isLog: false, at: x.at, ticks: [] }, titles),
    ...bars,
  ];
  return chart(TOP + box.height + BELOW, 1, [view], classes, elements);
}

function chart(
  height: number,
  size: number,
  views: readonly Pick<View, "x" | "y">[],
  classes: readonly Class[],
  elements: readonly string[],
): Uint8Array {
  const title = "Codes of test images";
  const of = classes.length > 0 ? ` of ${classes.length} classes` : "";
  const how = size === 1
    ? "histogram of 1-D codes, each class on its own scale"
    : size > 3
    ? `first two principal components of ${size}-D codes`
    : `${size}-D codes`;
  return svgFile({ width: WIDTH, height, title, description: `${countText(views)}${of}: ${how}.` }, elements);
}

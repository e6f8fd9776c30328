/**
 * `codes.png`: the codes of test images as points, coloured by class.
 * @module
 */
import { type Box, drawAxes, FRAME, INK, linearScale, placeIn } from "./axes.ts";
import { Canvas, measureText, textHeight } from "./canvas.ts";
import { classColour, type Colour } from "./colors.ts";
import { principalComponents } from "../stats/principal_components.ts";
import type { CodeCloud } from "./run_data.ts";

const WIDTH = 1200, LEFT = 90, RIGHT = 30, BELOW = 76, LINE = 30;
/** A single plot's height; the legend is at its right. */
const PLANE = 760;
/** Pixels between the plots of a code of three numbers. */
const BETWEEN = 96;
/** Classes that have a line in the legend, and a ring. */
const NAMED = 20;
/** Letters of a class's name. */
const LONGEST = 24;
const BINS = 80, STRIP = 64;
const WHITE: Colour = [255, 255, 255];

/** Points on one plane. */
interface View {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly titles: { readonly x: string; readonly y: string };
}

/**
 * Draws codes: of two numbers as a plane, of three as the planes of each two of them, of more as the plane of their
 * first two principal components, of one as a histogram for each class. A ring with a class's number is at the median
 * of its points. Codes that are not finite are left out, and the picture says how many. The same input gives the same
 * bytes.
 *
 * @param cloud the codes, and their classes if there are any
 * @param classNames names of the classes, by label; numbers stand for those that are missing
 * @returns a PNG file, 1,200 pixels wide
 */
export function codesPicture(
  cloud: Pick<CodeCloud, "size" | "values" | "labels">,
  classNames: readonly string[] = [],
): Uint8Array {
  const { size, labels } = cloud;
  const classes = labels ? [...new Set(labels)].sort((a, b) => a - b) : [];
  const names = classes.map((label) => {
    const name = classNames[label] ?? `${label}`;
    const short = name.length > LONGEST ? `${name.slice(0, LONGEST - 2)}..` : name;
    return short === `${label}` ? short : `${label} ${short}`;
  });
  if (size === 1) return histograms(cloud, classes, names);
  const views = viewsOf(cloud);
  return size === 3 ? threeViews(views, cloud, classes, names) : oneView(views[0], cloud, classes, names);
}

/** The numbers at one place of every code. */
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
      `principal component ${k + 1} of ${size} numbers (${(100 * share).toFixed(0)}% of variance)`
    );
    return [view(projected, 2, titles)(0, 1)];
  }
  const titles = Array.from({ length: size }, (_, d) => `code ${d + 1}`);
  const plane = view(values, size, titles);
  return size === 3 ? [plane(0, 1), plane(0, 2), plane(1, 2)] : [plane(0, 1)];
}

function oneView(
  view: View,
  { labels }: Pick<CodeCloud, "labels">,
  classes: number[],
  names: string[],
): Uint8Array {
  const top = 60;
  const canvas = new Canvas(WIDTH, top + PLANE + BELOW);
  const legend = classes.length > 0 ? legendWidth(names) : 0;
  const box: Box = { left: LEFT, top, width: WIDTH - LEFT - RIGHT - legend, height: PLANE };
  drawPoints(canvas, box, view, labels, classes);
  drawMissing(canvas, [view]);
  drawLegend(canvas, WIDTH - RIGHT - legend + 30, top, 1, legend, names, classes);
  return canvas.encode();
}

function threeViews(
  views: readonly View[],
  { labels }: Pick<CodeCloud, "labels">,
  classes: number[],
  names: string[],
): Uint8Array {
  const side = Math.floor((WIDTH - LEFT - RIGHT - 2 * BETWEEN) / 3), top = 60;
  const widest = legendWidth(names), columns = Math.max(1, Math.floor((WIDTH - LEFT - RIGHT) / widest));
  const legendLines = Math.ceil(Math.min(NAMED + 1, classes.length) / columns);
  const canvas = new Canvas(WIDTH, top + side + BELOW + LINE * legendLines + 10);
  views.forEach((view, k) => {
    const box: Box = { left: LEFT + k * (side + BETWEEN), top, width: side, height: side };
    drawPoints(canvas, box, view, labels, classes);
  });
  drawMissing(canvas, views);
  drawLegend(canvas, LEFT, top + side + BELOW, columns, widest, names, classes);
  return canvas.encode();
}

function drawPoints(
  canvas: Canvas,
  box: Box,
  { x, y, titles }: View,
  labels: Uint8Array | undefined,
  classes: readonly number[],
): void {
  const isSmall = box.width < 500;
  const [across, up] = [x, y].map((values) => linearScale(values, isSmall ? 5 : 8, 0.04));
  drawAxes(canvas, box, across, up, titles);
  const radius = x.length > 4000 || isSmall ? 2.2 : 3;
  const places = Array.from(x, (value, n) => placeIn(box, across, up, [value, y[n]]));
  places.forEach(([px, py], n) => {
    if (!Number.isFinite(px + py)) return;
    canvas.disc(px, py, radius, classColour(labels?.[n] ?? 0), 0.8);
  });
  for (const label of classes.slice(0, NAMED)) {
    const own = places.filter(([px, py], n) => labels?.[n] === label && Number.isFinite(px + py));
    if (own.length === 0) continue;
    const centre: [number, number] = [median(own.map(([px]) => px)), median(own.map(([, py]) => py))];
    drawMark(canvas, centre, label, isSmall ? 1.5 : 2);
  }
}

/** A ring with a class's number. */
function drawMark(canvas: Canvas, [x, y]: readonly [number, number], label: number, scale: number): void {
  const radius = 2 * scale + 0.5 * Math.max(textHeight(scale), measureText(`${label}`, scale));
  canvas.disc(x, y, radius + 3, classColour(label));
  canvas.disc(x, y, radius, WHITE);
  canvas.text(x + 0.5, y - textHeight(scale) / 2, `${label}`, { colour: INK, scale, anchor: 0.5 });
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Says how many codes are not drawn. */
function drawMissing(canvas: Canvas, views: readonly View[]): void {
  const count = views[0].x.length;
  let missing = 0;
  for (let n = 0; n < count; n++) {
    if (views.some(({ x, y }) => !Number.isFinite(x[n] + y[n]))) missing++;
  }
  canvas.text(WIDTH - RIGHT, 14, countText(count, missing), { colour: FRAME, anchor: 1 });
}

function countText(count: number, missing: number): string {
  const codes = `${(count - missing).toLocaleString("en-US")} test image${count - missing === 1 ? "" : "s"}`;
  return missing > 0 ? `${codes}; ${missing} more with codes that are not finite` : codes;
}

/** The pixels that a column of the legend takes. */
function legendWidth(names: readonly string[]): number {
  return Math.max(...names.slice(0, NAMED).map((name) => measureText(name)), measureText("and 200 more")) +
    64;
}

function drawLegend(
  canvas: Canvas,
  left: number,
  top: number,
  columns: number,
  columnWidth: number,
  names: readonly string[],
  classes: readonly number[],
): void {
  const lines = names.length > NAMED ? [...names.slice(0, NAMED), `and ${names.length - NAMED} more`] : names;
  const perColumn = Math.ceil(lines.length / columns);
  lines.forEach((name, k) => {
    const x = left + Math.floor(k / perColumn) * columnWidth, y = top + k % perColumn * LINE;
    if (k < NAMED) canvas.disc(x + 8, y + textHeight() / 2, 8, classColour(classes[k]));
    canvas.text(x + 28, y, name, { colour: INK });
  });
}

/** A strip for each class, with bars as high as codes are many; each class has its own scale. */
function histograms(
  { values, labels }: Pick<CodeCloud, "values" | "labels">,
  classes: number[],
  names: string[],
): Uint8Array {
  const strips = classes.length > 0 ? classes : [undefined];
  const x = linearScale(values, 8, 0.02);
  const counts = strips.map((label) => {
    const bins = new Array<number>(BINS).fill(0);
    values.forEach((value, n) => {
      if (Number.isFinite(value) && labels?.[n] === label) bins[Math.floor(x.at(value) * BINS)]++;
    });
    return bins;
  });
  const left = Math.max(LEFT, ...names.map((name) => measureText(name) + 30)), top = 60;
  const box: Box = { left, top, width: WIDTH - left - RIGHT, height: STRIP * strips.length };
  const canvas = new Canvas(WIDTH, top + box.height + BELOW);
  const y = { range: [0, 1] as const, isLog: false, ticks: [], at: (value: number) => value };
  drawAxes(canvas, box, x, y, { x: "code 1", y: "how many, each class by its own scale" });
  strips.forEach((label, k) => {
    const bottom = top + (k + 1) * STRIP;
    const most = Math.max(...counts[k]);
    counts[k].forEach((count, bin) => {
      const [begin, end] = [bin, bin + 1].map((edge) => Math.round(left + edge * box.width / BINS));
      const height = count > 0 ? Math.round(count / most * (STRIP - 8)) : 0;
      canvas.fillRect(begin, bottom - height, end - begin, height, classColour(label ?? 0));
    });
    canvas.fillRect(left, bottom, box.width, 1, FRAME);
    if (label !== undefined) {
      canvas.text(left - 12, bottom - textHeight() - 6, names[k], { colour: INK, anchor: 1 });
    }
  });
  const missing = values.reduce((sum, value) => sum + Number(!Number.isFinite(value)), 0);
  canvas.text(WIDTH - RIGHT, 14, countText(values.length, missing), { colour: FRAME, anchor: 1 });
  return canvas.encode();
}

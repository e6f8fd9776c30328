/**
 * `loss.png`: every loss term against the step, with the baselines.
 * @module
 */
import {
  type Box,
  drawAxes,
  extentOf,
  FRAME,
  INK,
  linearScale,
  logScale,
  placeIn,
  type Scale,
} from "./axes.ts";
import { Canvas, measureText, textHeight } from "./canvas.ts";
import { classColour, type Colour } from "./colors.ts";
import type { Baseline, MetricsRecord } from "./run_data.ts";

/** What a line of metrics has besides losses. */
const NO_LOSSES = new Set(["epoch", "step", "stage", "seconds", "gradientNorm", "learningRate"]);
/** The squared error per pixel on test images, which may be in another unit than the losses. */
const TEST_ERROR = "testError";
const TEST = "test.";
const WIDTH = 1200, PLOT_HEIGHT = 480, LEFT = 110, RIGHT = 50, BELOW = 80, BETWEEN = 20;
const LINE = 28;
const SAMPLE = 36; // pixels of a line in the legend
/** From this ratio between the greatest and the least value on, the scale is logarithmic. */
const LOG_RATIO = 30;
/** A test error that is not further outside the range of the terms than this ratio is taken to be in their unit. */
const SAME_UNIT = 4;

/** One metric over the steps. */
export interface Curve {
  /** Its key in the metrics. */
  readonly key: string;
  /** Whether it was measured on test images. */
  readonly isTest: boolean;
  /** [step, value], in order; not finite where the metrics say so. */
  readonly points: readonly (readonly [number, number])[];
}

/**
 * The losses and test errors among a run's metrics, training's first. Lines without a step have none.
 *
 * @param metrics the lines of `metrics.jsonl`, where "NaN" and "Infinity" may be texts
 */
export function curvesOf(metrics: readonly MetricsRecord[]): Curve[] {
  const curves = new Map<string, [number, number][]>();
  for (const record of metrics) {
    const { step } = record;
    if (typeof step !== "number") continue;
    for (const [key, value] of Object.entries(record)) {
      const isNumber = typeof value === "number" || /^(NaN|-?Infinity)$/.test(`${value}`);
      if (NO_LOSSES.has(key) || !isNumber) continue;
      const points = curves.get(key) ?? [];
      curves.set(key, points);
      points.push([step, Number(value)]);
    }
  }
  return [...curves]
    .map(([key, points]) => ({ key, isTest: key === TEST_ERROR || key.startsWith(TEST), points }))
    .sort((a, b) => Number(a.isTest) - Number(b.isTest));
}

/** What shares one upright scale. */
interface Panel {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly baselines: readonly Baseline[];
}

/**
 * The losses of a run as curves: training's solid, those on test images dashed in the same colour, baselines as thin
 * lines. A scale is logarithmic if its values are all above 0 and span more than a factor of 30. The test error has
 * a plot of its own where it is far from the losses, as it is then in another unit. Values that are not finite are
 * gaps. The same input gives the same bytes.
 *
 * @param metrics the lines of `metrics.jsonl`
 * @param baselines lines to compare with; those of metrics that are not drawn are left out
 * @returns a PNG file, 1,200 pixels wide
 */
export function lossPicture(metrics: readonly MetricsRecord[], baselines: readonly Baseline[]): Uint8Array {
  const curves = withoutTwins(curvesOf(metrics));
  const colours = coloursOf(curves);
  const panels = panelsOf(curves, baselines);
  const legends = panels.map(({ curves }) => legendRows(curves));
  const stages = stagesOf(metrics);
  const headings = legends.map((rows) => LINE * (2 + rows.length + (stages.length > 0 ? 1 : 0)));
  const heights = headings.map((heading) => heading + PLOT_HEIGHT + BELOW);
  const canvas = new Canvas(WIDTH, heights.reduce((sum, height) => sum + height + BETWEEN, 0));

  const steps = curves.flatMap(({ points }) => points.map(([step]) => step));
  const x = linearScale([0, ...steps], 8);
  let top = 0;
  panels.forEach((panel, at) => {
    const rows = legends[at];
    drawLegend(canvas, top + 2.5 * LINE - textHeight(), rows, colours);
    const box: Box = {
      left: LEFT,
      top: top + headings[at],
      width: WIDTH - LEFT - RIGHT,
      height: PLOT_HEIGHT,
    };
    drawPanel(canvas, box, top + 0.6 * LINE, x, panel, colours, stages);
    top += heights[at] + BETWEEN;
  });
  return canvas.encode();
}

/** Leaves the test error out where a term on test images is the same. */
function withoutTwins(curves: readonly Curve[]): Curve[] {
  const error = curves.find(({ key }) => key === TEST_ERROR);
  const isTwin = ({ key, points }: Curve) =>
    key.startsWith(TEST) && points.length === error?.points.length &&
    points.every(([, value], k) => Math.abs(value - error.points[k][1]) <= 1e-4 * Math.abs(value));
  return curves.some(isTwin) ? curves.filter((curve) => curve !== error) : [...curves];
}

/** Terms have a colour each, on training and on test images. */
function coloursOf(curves: readonly Curve[]): (key: string) => Colour {
  const terms = [...new Set(curves.map(({ key }) => termOf(key)))];
  return (key) => classColour(terms.indexOf(termOf(key)));
}

function termOf(key: string): string {
  return key.startsWith(TEST) ? key.slice(TEST.length) : key;
}

function panelsOf(curves: readonly Curve[], baselines: readonly Baseline[]): Panel[] {
  const errors = curves.filter(({ key }) => key === TEST_ERROR);
  const terms = curves.filter(({ key }) => key !== TEST_ERROR);
  const [ofErrors, ofOthers] = [true, false].map((isError) =>
    baselines.filter(({ metric }) => (metric === TEST_ERROR) === isError)
  );
  const ofTerms = ofOthers.filter(({ metric }) => terms.some(({ key }) => termOf(key) === termOf(metric)));
  const title = "loss by step";
  const own = valuesOf(errors, errors.length > 0 ? [] : ofErrors);
  const drawn = valuesOf(terms, []);
  const [least, most] = extentOf(drawn) ?? [-Infinity, Infinity];
  if (own.every((value) => value >= least / SAME_UNIT && value <= most * SAME_UNIT)) {
    return [{ title, curves, baselines: [...ofTerms, ...ofErrors] }];
  }
  const panels = [{ title, curves: terms, baselines: ofTerms }];
  if (errors.length === 0) return panels;
  return [...panels, { title: "squared error per pixel, test images", curves: errors, baselines: ofErrors }];
}

/** All finite values. */
function valuesOf(curves: readonly Curve[], baselines: readonly Baseline[]): number[] {
  return [
    ...curves.flatMap(({ points }) => points.map(([, value]) => value)),
    ...baselines.map(({ value }) => value),
  ].filter(Number.isFinite);
}

/** What the legend calls a curve. */
function nameOf({ key, isTest }: Curve): string {
  if (key === TEST_ERROR) return "squared error per pixel, test";
  return isTest ? `${termOf(key)}, test` : key;
}

/** The legend's curves row by row, so that no row is too wide. */
function legendRows(curves: readonly Curve[]): Curve[][] {
  const rows: Curve[][] = [];
  let free = 0;
  for (const curve of curves) {
    const width = SAMPLE + measureText(nameOf(curve)) + 44;
    if (free < width) {
      rows.push([]);
      free = WIDTH - LEFT - RIGHT;
    }
    rows.at(-1)!.push(curve);
    free -= width;
  }
  return rows;
}

function styleOf({ isTest }: Curve, colour: Colour) {
  return { colour, thickness: 2.5, ...(isTest ? { dash: [9, 6] as const } : {}) };
}

function drawLegend(
  canvas: Canvas,
  top: number,
  rows: readonly (readonly Curve[])[],
  colours: (key: string) => Colour,
): void {
  rows.forEach((row, at) => {
    let x = LEFT;
    const y = top + at * LINE;
    for (const curve of row) {
      const middle = y + textHeight() / 2;
      canvas.line([[x, middle], [x + SAMPLE, middle]], styleOf(curve, colours(curve.key)));
      canvas.text(x + SAMPLE + 12, y, nameOf(curve), { colour: INK });
      x += SAMPLE + measureText(nameOf(curve)) + 44;
    }
  });
}

function drawPanel(
  canvas: Canvas,
  box: Box,
  titleTop: number,
  x: Scale,
  { title, curves, baselines }: Panel,
  colours: (key: string) => Colour,
  stages: readonly { readonly label: string; readonly step: number }[],
): void {
  const values = valuesOf(curves, baselines);
  const [least, most] = extentOf(values) ?? [0, 1];
  const isLog = least > 0 && most / least > LOG_RATIO;
  // beside curves well above 0, a scale from 0 would waste the plot; near 0 it is the honest one
  const y = isLog
    ? logScale(values, 8)
    : linearScale(least > 0 && least < most / 3 ? [0, most * 1.05] : values, 7, 0.04);
  drawAxes(canvas, box, x, y, { x: "step", y: "" });
  canvas.text(LEFT, titleTop, `${title}${isLog ? ", logarithmic" : ""}`, { colour: INK });

  for (const { label, step } of stages) {
    const [at] = placeIn(box, x, y, [step, y.range[0]]);
    if (step > 0) canvas.line([[at, box.top], [at, box.top + box.height]], { colour: FRAME, dash: [2, 5] });
    canvas.text(at, box.top - textHeight() - 8, label, { colour: FRAME });
  }
  const drawn = curves.map((curve) => ({
    curve,
    stretches: stretchesOf(curve.points.map((point) => placeIn(box, x, y, point))),
  }));
  drawBaselines(canvas, box, x, y, baselines, drawn.flatMap(({ stretches }) => stretches));
  for (const { curve, stretches } of drawn) {
    const style = styleOf(curve, colours(curve.key));
    for (const stretch of stretches) {
      canvas.line(stretch, style);
      if (curve.isTest || stretch.length === 1) {
        for (const [px, py] of stretch) canvas.disc(px, py, 4, style.colour);
      }
    }
  }
  if (values.length === 0) {
    const [middle, centre] = [box.left + box.width / 2, box.top + box.height / 2];
    canvas.text(middle, centre, "nothing was measured", { colour: FRAME, anchor: 0.5 });
  }
}

/** The stretches of a curve between gaps. */
function stretchesOf(points: readonly [number, number][]): [number, number][][] {
  const stretches: [number, number][][] = [[]];
  for (const point of points) {
    if (point.every(Number.isFinite)) stretches.at(-1)!.push(point);
    else stretches.push([]);
  }
  return stretches.filter(({ length }) => length > 0);
}

/** Thin lines, with their names where no curve runs through them. */
function drawBaselines(
  canvas: Canvas,
  box: Box,
  x: Scale,
  y: Scale,
  baselines: readonly Baseline[],
  curves: readonly (readonly [number, number])[][],
): void {
  const right = box.left + box.width, taken: Area[] = [];
  for (const { label, value } of baselines) {
    const [, line] = placeIn(box, x, y, [x.range[1], value]);
    if (!Number.isFinite(line)) continue;
    canvas.line([[box.left, line], [right, line]], { colour: FRAME, thickness: 1.5, dash: [3, 4] });
    const width = measureText(label), height = textHeight() + 4;
    const places = [right - 8 - width, box.left + 8, box.left + (box.width - width) / 2].flatMap((left) =>
      [line - 6 - height, line + 6].map((top): Area => [left, top, left + width, top + height])
    ).filter(([, top, , bottom]) => top >= box.top && bottom <= box.top + box.height);
    const place = places.find((place) =>
      !taken.some((other) =>
        meets(place, other)
      ) && !curves.some((curve) => runsThrough(curve, place, 6))
    ) ?? places[0];
    if (!place) continue;
    taken.push(place);
    canvas.text(place[0], place[1] + 2, label, { colour: FRAME });
  }
}

/** In pixels of the picture. */
type Area = readonly [left: number, top: number, right: number, bottom: number];

function meets(a: Area, b: Area): boolean {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/** Whether a line from point to point runs through an area, or comes too near to it. */
function runsThrough(
  curve: readonly (readonly [number, number])[],
  [left, top, right, bottom]: Area,
  gap: number,
): boolean {
  return curve.some(([x1, y1], k) => {
    const [x0, y0] = curve[Math.max(0, k - 1)];
    if (x1 < left || x0 > right) return false;
    const at = (x: number) => x1 > x0 ? y0 + (y1 - y0) * (x - x0) / (x1 - x0) : y1;
    const [a, b] = [at(Math.max(x0, left)), at(Math.min(x1, right))];
    return Math.max(a, b) > top - gap && Math.min(a, b) < bottom + gap;
  });
}

/** Where stages of layer-wise training begin. */
function stagesOf(metrics: readonly MetricsRecord[]): { label: string; step: number }[] {
  const stages: { label: string; step: number }[] = [];
  let before = 0;
  for (const { step, stage } of metrics) {
    if (typeof step !== "number" || typeof stage !== "number") continue;
    const label = `stage ${stage}`;
    if (stages.at(-1)?.label !== label) stages.push({ label, step: before });
    before = step;
  }
  return stages;
}

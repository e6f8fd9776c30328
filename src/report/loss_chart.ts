/**
 * `loss.svg`: every loss term against the step, with the baselines.
 * @module
 */
import { axes, type Axis, AXIS_ROOM, type Box, extentOf, linearAxis, logAxis } from "./chart_axes.ts";
import { classColor } from "./colors.ts";
import type { Baseline, MetricsRecord } from "./run_data.ts";
import {
  type Attributes,
  element,
  FONT_SIZE,
  FRAME,
  label,
  line,
  pathThrough,
  type Point,
  shortened,
  svgFile,
  widthOf,
} from "./svg.ts";

/** What a line of metrics has besides losses. */
const NO_LOSSES = new Set(["epoch", "step", "stage", "seconds", "gradientNorm", "learningRate"]);
/** The squared error per pixel on test images, which may be in another unit than the losses. */
const TEST_ERROR = "testError";
const TEST = "test.";
const WIDTH = 720, PLOT_HEIGHT = 300, LEFT = AXIS_ROOM, RIGHT = 20, ABOVE = 14, BELOW = 54;
/** Heights of a line of the legend and of the baselines' names, and the letters of one of these. */
const LINE = 20, NAME_LINE = 15, NAME_LETTERS = 24;
const SAMPLE = 28; // the line before a name in the legend
/** From this ratio between the greatest and the least value on, the scale is logarithmic. */
const LOG_RATIO = 30;
/** A test error that is not further outside the range of the terms than this ratio is taken to be in their unit. */
const SAME_UNIT = 4;
/** A curve of more points has no dots on them. */
const DOTS = 40;

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
  /** What is measured, with its unit. */
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly baselines: readonly Baseline[];
}

/**
 * The losses of a run as curves: training's solid, those on test images dashed in the same color, baselines as thin
 * lines with their names at the right. A scale is logarithmic if its values are all above 0 and span more than a factor
 * of 30. The test error has a plot of its own where it is far from the losses, as it is then in another unit. Values
 * that are not finite are gaps. The same input gives the same bytes.
 *
 * @param metrics the lines of `metrics.jsonl`
 * @param baselines lines to compare with; those of metrics that are not drawn are left out
 * @param unit the losses' unit
 * @returns an SVG file
 */
export function lossChart(
  metrics: readonly MetricsRecord[],
  baselines: readonly Baseline[],
  unit: string = "squared error, mean",
): Uint8Array {
  const curves = withoutTwins(curvesOf(metrics));
  const colors = colorsOf(curves), stages = stagesOf(metrics);
  const panels = panelsOf(curves, baselines, unit);
  const names = panels.flatMap(({ baselines }) =>
    baselines.map(({ label }) => widthOf(nameOfBaseline(label)))
  );
  const width = WIDTH - LEFT - RIGHT - Math.max(0, ...names);
  const x = linearAxis(
    [0, ...curves.flatMap(({ points }) => points.map(([step]) => step))],
    [LEFT, LEFT + width],
    7,
  );
  let top = 0;
  const drawn = panels.map((panel) => {
    const lines = Math.ceil(panel.curves.length / legendColumns(panel.curves).columns);
    const plotTop = top + ABOVE + LINE * (lines + (stages.length > 0 ? 1 : 0));
    const box: Box = { left: LEFT, top: plotTop, width, height: PLOT_HEIGHT };
    const parts = [...legend(top + ABOVE + 4, panel.curves, colors), ...plot(box, x, panel, colors, stages)];
    top = plotTop + PLOT_HEIGHT + BELOW;
    return element("g", { class: "panel" }, "\n", parts.join("\n"), "\n");
  });
  const title = "Loss by training step";
  return svgFile({ width: WIDTH, height: top, title, description: descriptionOf(panels) }, drawn);
}

/** The curves with their last values, for whoever cannot see them. */
function descriptionOf(panels: readonly Panel[]): string {
  const parts = panels.flatMap(({ title, curves, baselines }) => [
    ...curves.map((curve) => {
      const finite = curve.points.filter(([, value]) => Number.isFinite(value));
      const gaps = curve.points.length - finite.length, last = finite.at(-1);
      const end = last ? `${last[1].toPrecision(4)} at step ${last[0]}` : "no finite value";
      return `${nameOf(curve)}, ${title}: ${end}${gaps > 0 ? `, ${gaps} not finite` : ""}`;
    }),
    ...baselines.map(({ label, value }) => `${label}: ${value.toPrecision(4)}`),
  ]);
  return parts.length > 0 ? `${parts.join("; ")}.` : "Nothing was measured.";
}

/** Leaves the test error out where a term on test images is the same. */
function withoutTwins(curves: readonly Curve[]): Curve[] {
  const error = curves.find(({ key }) => key === TEST_ERROR);
  const isTwin = ({ key, points }: Curve) =>
    key.startsWith(TEST) && points.length === error?.points.length &&
    points.every(([, value], k) => Math.abs(value - error.points[k][1]) <= 1e-4 * Math.abs(value));
  return curves.some(isTwin) ? curves.filter((curve) => curve !== error) : [...curves];
}

/** Terms have a color each, on training and on test images. */
function colorsOf(curves: readonly Curve[]): (key: string) => string {
  const terms = [...new Set(curves.map(({ key }) => termOf(key)))];
  return (key) => classColor(terms.indexOf(termOf(key)));
}

function termOf(key: string): string {
  return key.startsWith(TEST) ? key.slice(TEST.length) : key;
}

function panelsOf(curves: readonly Curve[], baselines: readonly Baseline[], unit: string): Panel[] {
  const errors = curves.filter(({ key }) => key === TEST_ERROR);
  const terms = curves.filter(({ key }) => key !== TEST_ERROR);
  const [ofErrors, ofOthers] = [true, false].map((isError) =>
    baselines.filter(({ metric }) => (metric === TEST_ERROR) === isError)
  );
  const ofTerms = ofOthers.filter(({ metric }) => terms.some(({ key }) => termOf(key) === termOf(metric)));
  const title = `loss (${unit})`;
  const own = valuesOf(errors, errors.length > 0 ? [] : ofErrors);
  const drawn = valuesOf(terms, []);
  const [least, most] = extentOf(drawn) ?? [-Infinity, Infinity];
  if (own.every((value) => value >= least / SAME_UNIT && value <= most * SAME_UNIT)) {
    return [{ title, curves, baselines: [...ofTerms, ...ofErrors] }];
  }
  const panels = [{ title, curves: terms, baselines: ofTerms }];
  if (errors.length === 0) return panels;
  return [...panels, { title: "squared error per pixel", curves: errors, baselines: ofErrors }];
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
  const term = key === TEST_ERROR ? "squared error per pixel" : termOf(key);
  const name = term === "kl" ? "KL divergence" : term.replace(/^level\.(?=\d+$)/, "level ");
  return `${name}, ${isTest ? "test" : "training"}`;
}

/** The curves of a line of the legend, and what each takes. */
function legendColumns(curves: readonly Curve[]): { columns: number; width: number } {
  const width = Math.max(0, ...curves.map((curve) => SAMPLE + widthOf(nameOf(curve)) + 20));
  return { columns: Math.max(1, Math.floor((WIDTH - LEFT) / width)), width };
}

function styleOf({ isTest }: Curve, stroke: string): Attributes {
  const [width, dashes] = isTest ? [2, "7 4"] : [1.5, undefined];
  return {
    fill: "none",
    stroke,
    "stroke-width": width,
    "stroke-dasharray": dashes,
    "stroke-linejoin": "round",
  };
}

function legend(top: number, curves: readonly Curve[], colors: (key: string) => string): string[] {
  const { columns, width } = legendColumns(curves);
  return curves.map((curve, k) => {
    const x = LEFT + k % columns * width, y = top + Math.floor(k / columns) * LINE, color = colors(curve.key);
    const sample = line([x, y], [x + SAMPLE, y], styleOf(curve, color));
    const dot = curve.isTest ? element("circle", { cx: x + SAMPLE / 2, cy: y, r: 3, fill: color }) : "";
    return element(
      "g",
      { class: "key" },
      sample,
      dot,
      label(x + SAMPLE + 8, y + 0.35 * FONT_SIZE, nameOf(curve)),
    );
  });
}

function plot(
  box: Box,
  x: Axis,
  { title, curves, baselines }: Panel,
  colors: (key: string) => string,
  stages: readonly { readonly label: string; readonly step: number }[],
): string[] {
  const values = valuesOf(curves, baselines);
  const [least, most] = extentOf(values) ?? [0, 1];
  const isLog = least > 0 && most / least > LOG_RATIO, bottom = box.top + box.height;
  // beside curves well above 0, a scale from 0 would waste the plot; near 0 it is the honest one
  const y = isLog
    ? logAxis(values, [bottom, box.top], 6)
    : least > 0 && least < most / 3
    ? linearAxis([0, most * 1.05], [bottom, box.top], 6)
    : linearAxis(values, [bottom, box.top], 6, 0.04);
  const titles = { x: "training step", y: `${title}${isLog ? ", log scale" : ""}` };
  const stretches = curves.map(({ points }) =>
    stretchesOf(points.map(([a, b]) => [x.at(a), y.at(b)] as const))
  );
  return [
    axes(box, x, y, titles),
    ...stageMarks(box, x, stages),
    ...baselineMarks(box, y, baselines),
    ...curves.map((curve, k) => curveMarks(curve, stretches[k], colors(curve.key))),
    ...(values.length > 0 ? [] : [
      label(box.left + box.width / 2, box.top + box.height / 2, "nothing was measured", {
        "text-anchor": "middle",
        fill: FRAME,
      }),
    ]),
  ];
}

/** Dots are full on test images, and hollow in training. */
function dotOf({ isTest }: Curve, color: string): Attributes {
  return isTest ? { fill: color } : { fill: "#ffffff", stroke: color, "stroke-width": 1.5 };
}

/** A curve, and dots on its points where these are few or alone. */
function curveMarks(curve: Curve, stretches: readonly (readonly Point[])[], fill: string): string {
  const hasDots = curve.isTest && curve.points.length <= DOTS;
  const path = stretches.filter(({ length }) => length > 1).map(pathThrough).join("");
  const dots = stretches.filter(({ length }) => hasDots || length === 1).flat();
  return element(
    "g",
    { class: "curve", "data-key": curve.key },
    path && element("path", { d: path, ...styleOf(curve, fill) }),
    ...dots.map(([cx, cy]) => element("circle", { cx, cy, r: 3, ...dotOf(curve, fill) })),
  );
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

function nameOfBaseline(label: string): string {
  return shortened(label, NAME_LETTERS);
}

/** Thin lines, with their names at the right of the plot, moved apart where they would meet. */
function baselineMarks(box: Box, y: Axis, baselines: readonly Baseline[]): string[] {
  const right = box.left + box.width;
  const marks = baselines.map(({ label, value }) => ({ label, at: y.at(value) }))
    .filter(({ at }) => Number.isFinite(at)).sort((a, b) => a.at - b.at);
  const places: number[] = [];
  for (const { at } of marks) places.push(Math.max(at, (places.at(-1) ?? -Infinity) + NAME_LINE));
  let lowest = box.top + box.height;
  for (let k = places.length - 1; k >= 0; k--, lowest -= NAME_LINE) places[k] = Math.min(places[k], lowest);
  return marks.map(({ label: name, at }, k) =>
    element(
      "g",
      { class: "baseline", fill: FRAME, stroke: "none" },
      line([box.left, at], [right, at], { stroke: FRAME, "stroke-dasharray": "2 3" }),
      label(right + 8, places[k] + 0.35 * FONT_SIZE, nameOfBaseline(name)),
    )
  );
}

/** Lines where stages begin, with their names above the plot as far as there is room. */
function stageMarks(
  { top, height }: Box,
  x: Axis,
  stages: readonly { readonly label: string; readonly step: number }[],
): string[] {
  let free = -Infinity;
  return stages.map(({ label: name, step }) => {
    const at = x.at(step), isFree = at >= free;
    if (isFree) free = at + widthOf(name) + 6;
    return element(
      "g",
      { class: "stage", fill: FRAME },
      step > 0 ? line([at, top - 4], [at, top + height], { stroke: FRAME, "stroke-dasharray": "1 3" }) : "",
      isFree ? label(at, top - 7, name) : "",
    );
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

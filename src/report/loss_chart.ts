/**
 * `loss.svg`: loss terms by training step, with baselines.
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

/** Keys of metrics records that are not losses. */
const NO_LOSSES = new Set(["epoch", "step", "stage", "seconds", "gradientNorm", "learningRate"]);
/** Key of the squared error per pixel on test images, whose unit may differ from that of the losses. */
const TEST_ERROR = "testError";
const TEST = "test.";
const WIDTH = 720, PLOT_HEIGHT = 300, LEFT = AXIS_ROOM, RIGHT = 20, ABOVE = 14, BELOW = 54;
/** Line heights of the legend and of baseline names, and maximum length of a baseline name. */
const LINE = 20, NAME_LINE = 15, NAME_LETTERS = 24;
const SAMPLE = 28; // length of a line sample in the legend
/** The scale is logarithmic if the largest value exceeds the smallest by this factor. */
const LOG_RATIO = 30;
/** A test error shares the plot of the losses if it is at most this factor outside of their range. */
const SAME_UNIT = 4;
/** Maximum number of points of a curve with dots. */
const DOTS = 40;

/** One metric by training step. */
export interface Curve {
  /** Its key in the metrics. */
  readonly key: string;
  /** True if measured on test images. */
  readonly isTest: boolean;
  /** [step, value] in order; values may be non-finite. */
  readonly points: readonly (readonly [number, number])[];
}

/**
 * Extracts the curves of losses and test errors from a run's metrics, training first. Records without a step are
 * skipped.
 *
 * @param metrics records of `metrics.jsonl`, where "NaN" and "Infinity" may be strings
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

/** A plot with its own y axis. */
interface Panel {
  /** Title of the y axis, with the unit. */
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly baselines: readonly Baseline[];
}

/**
 * Draws the losses of a run: solid lines for training, dashed lines of the same color for test images, thin lines with
 * names on the right for baselines. A scale is logarithmic if its values are positive and span more than a factor of
 * 30. A test error far from the losses is assumed to have another unit, and gets its own plot. Non-finite values are
 * gaps. The output is deterministic.
 *
 * @param metrics records of `metrics.jsonl`
 * @param baselines baselines; those of metrics without a curve are omitted
 * @param unit unit of the losses
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

/** Describes the curves by their last values, for screen readers. */
function descriptionOf(panels: readonly Panel[]): string {
  const parts = panels.flatMap(({ title, curves, baselines }) => [
    ...curves.map((curve) => {
      const finite = curve.points.filter(([, value]) => Number.isFinite(value));
      const gaps = curve.points.length - finite.length, last = finite.at(-1);
      const end = last ? `${last[1].toPrecision(4)} at step ${last[0]}` : "no finite value";
      return `${nameOf(curve)}, ${title}: ${end}${gaps > 0 ? `, ${gaps} non-finite` : ""}`;
    }),
    ...baselines.map(({ label, value }) => `${label}: ${value.toPrecision(4)}`),
  ]);
  return parts.length > 0 ? `${parts.join("; ")}.` : "No data.";
}

/** Drops the test error if a test loss has the same values. */
function withoutTwins(curves: readonly Curve[]): Curve[] {
  const error = curves.find(({ key }) => key === TEST_ERROR);
  const isTwin = ({ key, points }: Curve) =>
    key.startsWith(TEST) && points.length === error?.points.length &&
    points.every(([, value], k) => Math.abs(value - error.points[k][1]) <= 1e-4 * Math.abs(value));
  return curves.some(isTwin) ? curves.filter((curve) => curve !== error) : [...curves];
}

/** Assigns a color to each loss term, the same for training and test. */
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

/** Finite values of curves and baselines. */
function valuesOf(curves: readonly Curve[], baselines: readonly Baseline[]): number[] {
  return [
    ...curves.flatMap(({ points }) => points.map(([, value]) => value)),
    ...baselines.map(({ value }) => value),
  ].filter(Number.isFinite);
}

/** Name of a curve in the legend. */
function nameOf({ key, isTest }: Curve): string {
  const term = key === TEST_ERROR ? "squared error per pixel" : termOf(key);
  const name = term === "kl" ? "KL divergence" : term.replace(/^level\.(?=\d+$)/, "level ");
  return `${name}, ${isTest ? "test" : "training"}`;
}

/** Number of columns of the legend, and their width. */
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
  // starts at 0 if values come near it; else a scale from 0 would waste the plot
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
      label(box.left + box.width / 2, box.top + box.height / 2, "no data", {
        "text-anchor": "middle",
        fill: FRAME,
      }),
    ]),
  ];
}

/** Style of a curve's dots: filled for test, hollow for training. */
function dotOf({ isTest }: Curve, color: string): Attributes {
  return isTest ? { fill: color } : { fill: "#ffffff", stroke: color, "stroke-width": 1.5 };
}

/** Draws a curve, with dots if its points are few or isolated. */
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

/** Splits a curve at its gaps. */
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

/** Draws baselines as thin lines, with names on the right, moved apart so that they do not overlap. */
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

/** Draws lines where stages begin, with names above the plot where there is room. */
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

/** First steps of the stages of layer-wise training. */
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

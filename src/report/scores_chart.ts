/**
 * Histograms of reconstruction errors with the threshold, such as those of normal and of other rows.
 * @module
 */
import { axes, AXIS_ROOM, type Box, linearAxis, logAxis } from "./chart_axes.ts";
import { classColor } from "./colors.ts";
import {
  SCORE_AXIS,
  scoreHistogram,
  type ScoreSet,
  type ScoreThreshold,
  thresholdName,
} from "./score_histogram.ts";
import {
  element,
  FONT_SIZE,
  INK,
  label,
  line,
  pathThrough,
  type Point,
  shortened,
  svgFile,
  widthOf,
} from "./svg.ts";

const WIDTH = 720, PLOT_HEIGHT = 300, LEFT = AXIS_ROOM, RIGHT = 20, ABOVE = 14, BELOW = 54;
/** Height of a line of the legend, and size of its color samples. */
const LINE = 20, SAMPLE = 14;
/** Maximum length of a line of the legend. */
const LETTERS = 78;

/**
 * Draws the errors of some rows as histograms over the same bins, one over the other, in percent of the rows of each
 * set, with the threshold as a dashed line. The axis of errors is logarithmic if they are spread far. A few errors far
 * above all others are left out, which the legend says. The output is deterministic.
 *
 * @param sets at least one
 * @param rule error above which rows are marked; absent if there is none
 * @returns an SVG file
 */
export function scoresChart(sets: readonly ScoreSet[], rule?: ScoreThreshold): Uint8Array {
  const threshold = rule && Number.isFinite(rule.value) ? rule : undefined;
  const { isLog, edges, sets: drawn } = scoreHistogram(sets, threshold);
  const plotTop = ABOVE + LINE * (drawn.length + (threshold ? 1 : 0));
  const box: Box = { left: LEFT, top: plotTop, width: WIDTH - LEFT - RIGHT, height: PLOT_HEIGHT };
  const right = box.left + box.width, bottom = box.top + box.height;
  const ends = [edges[0], edges.at(-1)!];
  const x = (isLog ? logAxis : linearAxis)(ends, [box.left, right], 7);
  const y = linearAxis([0, 1.05 * Math.max(...drawn.flatMap(({ shares }) => shares), 1e-3)], [
    bottom,
    box.top,
  ], 5);
  const keys = drawn.map(({ label: name }, k) => {
    const middle = ABOVE + LINE * k, fill = classColor(k);
    const sample = { x: LEFT, y: middle - SAMPLE / 2, width: SAMPLE, height: SAMPLE };
    return element(
      "g",
      { class: "key" },
      element("rect", { ...sample, fill, "fill-opacity": 0.35, stroke: fill, "stroke-width": 1.5 }),
      label(LEFT + SAMPLE + 8, middle + 0.35 * FONT_SIZE, shortened(name, LETTERS)),
    );
  });
  const bars = drawn.map(({ shares }, k) => {
    const steps = shares.flatMap((share, bin): Point[] => [
      [x.at(edges[bin]), y.at(share)],
      [x.at(edges[bin + 1]), y.at(share)],
    ]);
    const outline = [[x.at(ends[0]), bottom], ...steps, [x.at(ends[1]), bottom]] as Point[];
    const color = classColor(k);
    return element("path", {
      class: "histogram",
      d: pathThrough(outline),
      fill: color,
      "fill-opacity": 0.35,
      stroke: color,
      "stroke-width": 1.5,
      "stroke-linejoin": "round",
    });
  });
  const titles = { x: `${SCORE_AXIS}${isLog ? " (log scale)" : ""}`, y: "% of the rows" };
  return svgFile(
    {
      width: WIDTH,
      height: bottom + BELOW,
      title: "Histogram of reconstruction errors",
      description:
        [...drawn.map(({ label }) => label), ...(threshold ? [thresholdName(threshold)] : [])].join("; ") +
        ".",
    },
    [...keys, axes(box, x, y, titles), ...bars, ...(threshold ? [thresholdMark(box, x.at, threshold)] : [])],
  );
}

/** Draws the threshold as a dashed line, with its name above the plot. */
function thresholdMark(
  { left, top, width, height }: Box,
  at: (value: number) => number,
  threshold: ScoreThreshold,
) {
  const name = thresholdName(threshold), x = at(threshold.value), half = widthOf(name) / 2;
  const middle = Math.max(left + half, Math.min(left + width - half, x));
  return element(
    "g",
    { class: "threshold" },
    line([x, top - 4], [x, top + height], { stroke: INK, "stroke-width": 1.5, "stroke-dasharray": "6 4" }),
    label(middle, top - 8, name, { "text-anchor": "middle" }),
  );
}

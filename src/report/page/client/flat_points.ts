/**
 * 2-D scatter plot of codes, drawn by chart.js. For 1-D codes the y axis is the class.
 * @module
 */
import type { PageCodes } from "../page_types.ts";
import { type ChartBoard, evenTicks } from "./charts.ts";
import { make } from "./dom.ts";
import { tick } from "./format.ts";

/** A scatter plot. */
export interface Points {
  /** Position of a point in CSS pixels from the corner of the frame; a smaller depth is nearer. */
  readonly project: (point: number) => readonly [x: number, y: number, depth: number];
  /** Shows new points or other classes. */
  readonly update: (codes: PageCodes, isShown: (point: number) => boolean) => void;
  /** Handles an arrow key, + or -; returns false if the key has no effect. */
  readonly press: (key: string) => boolean;
}

/** Marker shapes, as a redundant cue to color. */
const SHAPES = ["circle", "triangle", "rect", "rectRot", "star"] as const;

/**
 * Draws the first two axes of codes.
 *
 * @param frame parent of the canvas
 * @param onMove called when points have moved on the screen
 */
export function flatPoints(board: ChartBoard, frame: HTMLElement, onMove: () => void): Points {
  const canvas = make("canvas", { role: "img", "aria-label": "scatter plot" });
  frame.prepend(canvas);
  let codes: PageCodes | undefined;
  let isShown: (point: number) => boolean = () => true;
  const place = (point: number) => {
    if (!codes) return { x: NaN, y: NaN };
    const dimensions = codes.axes.length, x = codes.points[dimensions * point] ?? NaN;
    const label = codes.labels?.[point] ?? 0;
    return { x, y: dimensions === 1 ? label : codes.points[dimensions * point + 1] ?? NaN };
  };
  const { chart, refresh } = board.chart(canvas, {
    type: "scatter",
    data: { datasets: [] },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      events: [], // the frame handles pointer events
      plugins: {
        legend: { display: false },
        tooltip: { enabled: false },
        zoom: {
          zoom: {
            mode: "xy",
            drag: { enabled: true },
            wheel: { enabled: true, modifierKey: "ctrl" },
            onZoom: () => onMove(),
          },
        },
      },
    },
  }, (chart) => {
    if (!codes) return;
    const { axes, labels, points } = codes, { muted, line } = board.theme.colors;
    const classes = new Map<number, number[]>();
    for (let point = 0; point < points.length / axes.length; point++) {
      const label = labels?.[point] ?? 0;
      classes.set(label, [...classes.get(label) ?? [], point]);
    }
    chart.data.datasets = [...classes].sort(([a], [b]) => a - b).map(([label, members]) => ({
      label: `${label}`,
      data: members.filter(isShown).map(place),
      backgroundColor: `${board.theme.classColor(label)}bb`,
      borderColor: board.theme.classColor(label),
      borderWidth: SHAPES[label % SHAPES.length] === "star" ? 1 : 0,
      pointStyle: SHAPES[label % SHAPES.length],
      pointRadius: 3,
    }));
    const axis = (title: string) => ({
      type: "linear" as const,
      afterBuildTicks: evenTicks,
      title: { display: true, text: title, color: muted },
      ticks: {
        color: muted,
        maxRotation: 0,
        callback: (value: string | number) => tick(Number(Number(value).toPrecision(6))),
      },
      grid: { color: line, drawTicks: false },
      border: { color: line },
    });
    const before = chart.isZoomedOrPanned?.() ? chart.options.scales : undefined;
    const range = (side: "x" | "y") =>
      before ? { min: Number(before[side]?.min), max: Number(before[side]?.max) } : {};
    chart.options.scales = {
      x: { ...axis(axes[0]), ...range("x") },
      y: { ...axis(axes[1] ?? "class"), ...range("y") },
    };
  });
  return {
    project: (point) => {
      const { x, y } = place(point);
      return [chart.scales.x.getPixelForValue(x), chart.scales.y.getPixelForValue(y), 0];
    },
    update: (next, visible) => {
      [codes, isShown] = [next, visible];
      refresh();
    },
    press: () => false,
  };
}

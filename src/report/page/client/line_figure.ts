/**
 * Line charts by training step, with baselines, stages and their tables.
 * @module
 */
import type { Chart, ChartConfiguration, Scale } from "npm:chart.js@4.6.1";
import { type ChartBoard, type Color, evenTicks, type Figure, framed, type Mark } from "./charts.ts";
import { type Point, smooth } from "./curves.ts";
import { folded, make, table } from "./dom.ts";
import { readable, tick } from "./format.ts";

type LineDataset = Chart["data"]["datasets"][number];

/** A curve of a line chart. */
export interface Line {
  readonly label: string;
  readonly color: Color;
  readonly points: readonly Point[];
  /** True if the smoothing slider applies. */
  readonly isNoisy?: boolean;
  readonly isDashed?: boolean;
  /** True if the legend omits it. */
  readonly isUnlisted?: boolean;
}

/** Content of a line chart. */
export interface LineSpec {
  readonly title: string;
  /** Unit of the y axis. */
  readonly unit: string;
  readonly lines: readonly Line[];
  /** Horizontal lines. */
  readonly baselines: readonly Mark[];
  /** True if the y axis is always logarithmic. */
  readonly isLogarithmic?: boolean;
  /** Vertical lines, labeled above the plot. */
  readonly bounds?: readonly Mark[];
}

/** Height of a label, in pixels. */
const LABEL_HEIGHT = 13;

/** Creates a line chart by training step. */
export function lineFigure(board: ChartBoard, first: LineSpec): Figure<LineSpec> {
  let spec = first;
  const { canvas, frame } = framed("", first.lines.length > 6 ? "high" : "");
  const behind = folded("Table", () => lineTable(spec));
  const element = make(
    "figure",
    { class: "panel" },
    make("figcaption", {}, make("b", {}, spec.title)),
    frame,
    behind.element,
  );
  const configuration: ChartConfiguration = {
    type: "line",
    data: { datasets: [] },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      normalized: true,
      parsing: false,
      interaction: { mode: "nearest", axis: "x", intersect: false },
      elements: { point: { radius: 0, hoverRadius: 4, hitRadius: 8 }, line: { borderWidth: 2, tension: 0 } },
      plugins: {
        zoom: { zoom: { mode: "x", drag: { enabled: true }, wheel: { enabled: true, modifierKey: "ctrl" } } },
      },
    },
    plugins: [{
      id: "marks",
      afterDatasetsDraw: (chart) => drawMarks(board, chart, spec),
    }],
  };
  const { refresh } = board.chart(canvas, configuration, (chart) => {
    canvas.setAttribute("aria-label", describeLines(spec));
    chart.data.datasets = lineDatasets(board, spec);
    const { text, muted, line, surface } = board.theme.colors;
    const ticks = { color: muted, maxRotation: 0, autoSkipPadding: 16 };
    const isLogarithmic = board.isLogarithmic || spec.isLogarithmic === true;
    const format = (value: string | number) => tick(Number(Number(value).toPrecision(6)));
    const before = chart.options.scales?.x; // keeps the reader's zoom
    chart.options.scales = {
      x: {
        type: "linear",
        bounds: "data",
        beginAtZero: true,
        title: { display: true, text: "step", color: muted },
        afterBuildTicks: evenTicks,
        ticks: { ...ticks, callback: format },
        grid: { color: line, drawTicks: false },
        border: { color: line },
        ...(chart.isZoomedOrPanned?.() && before ? { min: Number(before.min), max: Number(before.max) } : {}),
      },
      y: {
        type: isLogarithmic ? "logarithmic" : "linear",
        grace: isLogarithmic ? 0 : "3%",
        ...(isLogarithmic ? {} : floorOf(spec)),
        title: { display: true, text: spec.unit, color: muted },
        ticks: isLogarithmic
          ? { ...ticks, callback: logTick }
          : { ...ticks, callback: format, maxTicksLimit: 7 },
        grid: { color: line, drawTicks: false },
        border: { color: line },
      },
    };
    const isMeant = (label: string | undefined) =>
      spec.lines.some((line) => line.label === label && !line.isUnlisted);
    const room = { display: (spec.bounds ?? []).length > 0, text: " ", padding: 0, weight: 500 }; // for stage labels
    chart.options.plugins = {
      ...chart.options.plugins,
      subtitle: room,
      legend: {
        align: "start",
        labels: {
          color: text,
          boxWidth: 22,
          boxHeight: 0,
          filter: ({ text }) => isMeant(text),
        },
      },
      tooltip: {
        backgroundColor: surface,
        borderColor: line,
        borderWidth: 1,
        titleColor: text,
        bodyColor: text,
        boxWidth: 14,
        boxHeight: 2,
        filter: ({ dataset }) => dataset.label !== undefined,
        callbacks: {
          title: (items) => items.length > 0 ? `step ${readable(items[0].parsed.x)}` : "",
          label: ({ dataset, parsed }) => ` ${dataset.label}  ${readable(parsed.y)}`,
        },
      },
    };
  });
  return {
    element,
    update: (next) => {
      spec = next;
      refresh();
      behind.update();
    },
  };
}

/** Tick labels of a logarithmic axis: at 1, 2 and 5 times powers of ten, or at all ticks of a short axis. */
function logTick(this: Scale, value: string | number) {
  const number = Number(value), leading = number / 10 ** Math.floor(Math.log10(number) + 1e-9);
  const isRound = [1, 2, 5].some((round) => Math.abs(leading - round) < 1e-6);
  return isRound || this.max < 12 * this.min ? tick(Number(number.toPrecision(6))) : "";
}

/** Starts the axis at 0 if all values are non-negative and some are close to 0. */
function floorOf({ lines, baselines }: LineSpec) {
  let [low, high] = [Infinity, -Infinity];
  for (
    const y of [
      ...lines.flatMap(({ points }) => points.map(({ y }) => y)),
      ...baselines.map(({ value }) => value),
    ]
  ) {
    if (Number.isFinite(y)) [low, high] = [Math.min(low, y), Math.max(high, y)];
  }
  return low >= 0 && low < high / 4 ? { min: 0 } : {};
}

function lineDatasets(
  board: ChartBoard,
  { lines, baselines, isLogarithmic = board.isLogarithmic }: LineSpec,
): LineDataset[] {
  const steps = lines.flatMap(({ points }) =>
    points.length > 0 ? [points[0].x, points[points.length - 1].x] : []
  );
  const ends = [0, Math.max(...steps)];
  const visible = (points: readonly Point[]) =>
    points.map(({ x, y }) => ({ x, y: isLogarithmic && !(y > 0) ? NaN : y }));
  return [
    ...lines.flatMap(({ label, color, points, isNoisy, isDashed }) => {
      const borderColor = board.paint(color), isSmooth = isNoisy === true && board.smoothing > 0;
      const dash = isDashed ? { borderDash: [6, 4] } : {};
      const alone = points.length === 1 ? { pointRadius: 3 } : {}; // a line of one point is invisible
      const own = {
        borderColor,
        backgroundColor: borderColor,
        ...dash,
        ...alone,
      };
      const drawn = { ...own, label, data: visible(isSmooth ? smooth(points, board.smoothing) : points) };
      const raw = { ...own, data: visible(points), borderColor: `${borderColor}44`, borderWidth: 1 };
      return isSmooth ? [raw, drawn] : [drawn];
    }),
    ...(steps.length === 0 ? [] : baselines.map(({ value }, k) => ({
      data: ends.map((x) => ({ x, y: value })),
      borderColor: board.theme.colors.muted,
      borderWidth: 1.5,
      borderDash: [[2, 3], [8, 3], [8, 3, 2, 3]][k % 3],
      pointRadius: 0,
      pointHitRadius: 0,
    }))),
  ];
}

/** Labels stages above the plot and baselines next to their lines, where no curve crosses the label. */
function drawMarks(board: ChartBoard, chart: Chart, { lines, baselines, bounds = [] }: LineSpec) {
  const { ctx, chartArea: { left, right, top, bottom }, scales: { x, y } } = chart;
  const { muted, surface } = board.theme.colors;
  ctx.save();
  ctx.font = "11px system-ui, sans-serif";
  ctx.fillStyle = muted;
  const write = (text: string, at: number, height: number) => {
    ctx.strokeStyle = surface;
    ctx.lineWidth = 3;
    ctx.strokeText(text, at, height);
    ctx.fillText(text, at, height);
  };
  for (const { label, value } of bounds) {
    const at = x.getPixelForValue(value);
    if (!(at >= left - 1 && at <= right)) continue;
    ctx.strokeStyle = muted;
    ctx.lineWidth = 1;
    ctx.setLineDash([1, 3]);
    ctx.beginPath();
    ctx.moveTo(at, top);
    ctx.lineTo(at, bottom);
    ctx.stroke();
    ctx.setLineDash([]);
    write(label, at + 2, top - 4);
  }
  const curves = lines.map(({ points }) =>
    points.map((point) => [x.getPixelForValue(point.x), y.getPixelForValue(point.y)])
  );
  const taken: Area[] = [];
  for (const { label, value } of baselines) {
    const line = y.getPixelForValue(value), width = ctx.measureText(label).width;
    if (!(line >= top - 1 && line <= bottom + 1)) continue;
    const places = [right - 4 - width, left + 4, (left + right - width) / 2].flatMap((at) =>
      [line - 3 - LABEL_HEIGHT, line + 3].map((above) =>
        [
          at,
          above,
          at + width,
          above + LABEL_HEIGHT,
        ] as Area
      )
    ).filter(([, above, , below]) => above >= top && below <= bottom);
    const isFree = (place: Area) =>
      !taken.some((other) => meets(place, other)) && !curves.some((curve) => runsThrough(curve, place, 3));
    const place = places.find(isFree) ?? places[0];
    if (!place) continue;
    taken.push(place);
    write(label, place[0], place[3] - 3);
  }
  ctx.restore();
}

/** A rectangle in pixels. */
type Area = readonly [left: number, top: number, right: number, bottom: number];

function meets(a: Area, b: Area) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/** Returns true if a polyline crosses an area, or comes closer than `gap` pixels to it. */
function runsThrough(curve: readonly (readonly number[])[], [left, top, right, bottom]: Area, gap: number) {
  return curve.some(([x1, y1], k) => {
    const [x0, y0] = curve[Math.max(0, k - 1)];
    if (x1 < left || x0 > right) return false;
    const at = (x: number) => x1 > x0 ? y0 + (y1 - y0) * (x - x0) / (x1 - x0) : y1;
    const [a, b] = [at(Math.max(x0, left)), at(Math.min(x1, right))];
    return Math.max(a, b) > top - gap && Math.min(a, b) < bottom + gap;
  });
}

function describeLines({ title, unit, lines, baselines }: LineSpec) {
  const parts = lines.map(({ label, points }) => {
    const [first, last] = [points[0], points[points.length - 1]];
    return first && last ? `${label} from ${readable(first.y)} to ${readable(last.y)}` : label;
  });
  const beside = baselines.map(({ label, value }) => `${label} ${readable(value)}`);
  return `Line chart of ${title}, ${unit}, against the step: ${[...parts, ...beside].join("; ")}`;
}

/** Maximum number of rows in a table. */
const MOST_ROWS = 400;

function lineTable({ title, lines, baselines }: LineSpec) {
  const rows = new Map<number, (string | undefined)[]>();
  for (const [column, { points }] of lines.entries()) {
    for (const { x, y } of points) {
      if (!rows.has(x)) rows.set(x, Array(lines.length).fill(""));
      (rows.get(x) as (string | undefined)[])[column] = readable(y);
    }
  }
  const all = [...rows].sort(([a], [b]) => a - b), every = Math.ceil(all.length / MOST_ROWS);
  const shown = all.filter((_, k) => k % every === 0 || k === all.length - 1);
  const steps = shown.map(([step, cells]) => [readable(step), ...cells]);
  const lower = baselines.map(({ label, value }) => [label, ...lines.map(() => readable(value))]);
  return table(["step", ...lines.map(({ label }) => label)], [...steps, ...lower], title);
}

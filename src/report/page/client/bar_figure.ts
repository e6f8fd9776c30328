/**
 * Bar charts and histograms, with their tables.
 * @module
 */
import type { Chart, ChartConfiguration, Scale } from "npm:chart.js@4.6.1";
import { type ChartBoard, type Color, evenTicks, type Figure, framed, type Mark } from "./charts.ts";
import { folded, make, table } from "./dom.ts";
import { readable, tick } from "./format.ts";

/** Opacity of bars over each other, as the end of a color `#rrggbb`. */
const TRANSLUCENT = "99";

/** Content of a bar chart. */
export interface BarSpec {
  readonly title: string;
  /** Title of the x axis. */
  readonly x: string;
  /** Title of the y axis, the unit of the bars. */
  readonly y: string;
  /** Labels of the bars. */
  readonly labels: readonly string[];
  readonly sets: readonly {
    readonly label: string;
    readonly color: Color;
    readonly values: readonly number[];
  }[];
  /** For histograms, the lower edge of the first bin and the upper edge of the last; sets are drawn over each other. */
  readonly range?: readonly [low: number, high: number];
  /** True if `range` and `marks` are decimal logarithms of what the axis shows. */
  readonly isLog?: boolean;
  /** For histograms, vertical lines. */
  readonly marks?: readonly Mark[];
  /** Horizontal lines. */
  readonly baselines?: readonly Mark[];
}

/** Creates a bar chart. */
export function barFigure(board: ChartBoard, first: BarSpec): Figure<BarSpec> {
  let spec = first;
  const { canvas, frame } = framed("", "low");
  const behind = folded(
    "Table",
    () =>
      table(
        [spec.x, ...spec.sets.map(({ label }) => label)],
        spec.labels.map((label, k) => [label, ...spec.sets.map(({ values }) => readable(values[k]))]),
        spec.title,
      ),
  );
  const caption = make("b", {}, spec.title);
  const element = make("figure", { class: "panel" }, make("figcaption", {}, caption), frame, behind.element);
  const configuration: ChartConfiguration = {
    type: "bar",
    data: { labels: [], datasets: [] },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index" },
    },
    plugins: [{
      id: "marks",
      afterDatasetsDraw: (chart) => {
        drawLevels(board, chart, spec);
        drawVerticals(board, chart, spec);
      },
    }],
  };
  const { refresh } = board.chart(canvas, configuration, (chart) => {
    caption.textContent = spec.title;
    const sum = spec.sets.map(({ label, values }) =>
      `${label} from ${readable(Math.min(...values))} to ${readable(Math.max(...values))}`
    );
    const marks = (spec.marks ?? []).map(({ label }) => label);
    canvas.setAttribute(
      "aria-label",
      `Bar chart of ${spec.title}, ${spec.y}: ${[...sum, ...marks].join("; ")}`,
    );
    const { range } = spec;
    const isDense = range !== undefined || spec.labels.length > 15;
    const bin = range ? (range[1] - range[0]) / spec.labels.length : 0;
    chart.data.labels = range ? [] : spec.labels.map((label) => label.split(", ")); // one line per part
    chart.data.datasets = spec.sets.map(({ label, color, values }) => ({
      label,
      data: range ? values.map((y, k) => ({ x: range[0] + (k + 0.5) * bin, y })) : [...values],
      backgroundColor: board.paint(color) + (range && spec.sets.length > 1 ? TRANSLUCENT : ""),
      grouped: !range,
      barPercentage: isDense ? 1 : 0.8,
      categoryPercentage: isDense ? 0.96 : 0.8,
    }));
    const { text, muted, line, surface } = board.theme.colors;
    const highest = Math.max(...(spec.baselines ?? []).map(({ value }) => value), 0);
    chart.options.scales = {
      x: {
        title: { display: true, text: spec.x, color: muted },
        ticks: {
          color: muted,
          maxRotation: 0,
          autoSkip: spec.labels.length > 8,
          autoSkipPadding: 12,
          ...(range
            ? {
              callback: (value: string | number) =>
                tick(Number((spec.isLog ? 10 ** Number(value) : Number(value)).toPrecision(6))),
            }
            : {}),
        },
        ...(range
          ? {
            type: "linear" as const,
            offset: false,
            min: range[0],
            max: range[1],
            afterBuildTicks: spec.isLog ? logTicks : evenTicks,
          }
          : {}),
        grid: { display: false, offset: false },
        border: { color: line },
      },
      y: {
        beginAtZero: true,
        suggestedMax: highest * 1.1,
        title: { display: true, text: spec.y, color: muted },
        ticks: {
          color: muted,
          maxTicksLimit: 6,
          callback: (value) => tick(Number(Number(value).toPrecision(6))),
        },
        grid: { color: line, drawTicks: false },
        border: { display: false },
      },
    };
    chart.options.plugins = {
      legend: {
        align: "start",
        display: spec.sets.length > 1 || spec.marks !== undefined,
        labels: { color: text, boxWidth: 12, boxHeight: 12 },
      },
      tooltip: {
        backgroundColor: surface,
        borderColor: line,
        borderWidth: 1,
        titleColor: text,
        bodyColor: text,
        callbacks: {
          title: (items) => items.length > 0 ? `${spec.x} ${spec.labels[items[0].dataIndex]}` : "",
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

/** Sets the ticks of an axis of decimal logarithms to 1, 2 and 5 times powers of ten, or to powers of ten if those are many. */
function logTicks(axis: Scale) {
  const { min, max } = axis;
  const factors = max - min > 2 ? [1] : [1, 2, 5];
  axis.ticks = Array.from({ length: Math.ceil(max) - Math.floor(min) + 1 }, (_, k) => Math.floor(min) + k)
    .flatMap((power) => factors.map((factor) => ({ value: power + Math.log10(factor) })))
    .filter(({ value }) => value >= min && value <= max);
}

/** Draws vertical lines, with labels beside their upper ends. */
function drawVerticals(board: ChartBoard, chart: Chart, { marks = [] }: BarSpec) {
  const { ctx, chartArea: { left, right, top, bottom }, scales: { x } } = chart;
  const { text, surface } = board.theme.colors;
  ctx.save();
  ctx.font = "11px system-ui, sans-serif";
  for (const { label, value } of marks) {
    const at = x.getPixelForValue(value), width = ctx.measureText(label).width + 8;
    ctx.strokeStyle = text;
    ctx.lineWidth = 1.5;
    ctx.setLineDash([6, 4]);
    ctx.beginPath();
    ctx.moveTo(at, top);
    ctx.lineTo(at, bottom);
    ctx.stroke();
    const from = at + 4 + width <= right ? at + 4 : Math.max(left, at - 4 - width);
    ctx.fillStyle = surface;
    ctx.fillRect(from, top + 2, width, 16);
    ctx.fillStyle = text;
    ctx.fillText(label, from + 4, top + 14);
  }
  ctx.restore();
}

/** Draws baselines across the bars, with labels on the right. */
function drawLevels(board: ChartBoard, chart: Chart, { baselines = [] }: BarSpec) {
  const { ctx, chartArea: { left, right }, scales: { y } } = chart;
  const { second, surface } = board.theme.colors;
  ctx.save();
  ctx.font = "11px system-ui, sans-serif";
  ctx.textAlign = "right";
  for (const { label, value } of baselines) {
    const at = y.getPixelForValue(value);
    ctx.strokeStyle = second;
    ctx.lineWidth = 1.5;
    ctx.setLineDash([6, 4]);
    ctx.beginPath();
    ctx.moveTo(left, at);
    ctx.lineTo(right, at);
    ctx.stroke();
    ctx.setLineDash([]);
    const width = ctx.measureText(label).width + 8;
    ctx.fillStyle = surface;
    ctx.fillRect(right - width, at - 18, width, 16);
    ctx.fillStyle = second;
    ctx.fillText(label, right - 4, at - 6);
  }
  ctx.restore();
}

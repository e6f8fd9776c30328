/**
 * Bars side by side, or bins of a number, with the table behind them.
 * @module
 */
import { evenTicks, framed } from "./charts.ts";
import { folded, make, table } from "./dom.ts";
import { readable, tick } from "./format.ts";

/**
 * @typedef {import("./charts.ts").ChartBoard} ChartBoard
 * @typedef {import("./charts.ts").Chart} Chart
 * @typedef {import("./charts.ts").ChartConfiguration} ChartConfiguration
 * @typedef {import("./charts.ts").Colour} Colour
 *
 * @typedef {object} BarSpec
 * @property {string} title
 * @property {string} x what the bars stand for
 * @property {string} y their unit
 * @property {readonly string[]} labels of the bars
 * @property {readonly { label: string, colour: Colour, values: readonly number[] }[]} sets
 * @property {readonly [number, number]} [range] the lowest bar's lower edge and the highest one's upper edge, if bars
 *   are bins of a number
 * @property {readonly { label: string, value: number }[]} [baselines]
 */

/**
 * Bars side by side.
 *
 * @param {ChartBoard} board
 * @param {BarSpec} first
 * @returns {import("./charts.ts").Figure<BarSpec>}
 */
export function barFigure(board, first) {
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
  /** @type {ChartConfiguration} */
  const configuration = {
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
      afterDatasetsDraw: (chart) => drawLevels(board, chart, spec),
    }],
  };
  const { refresh } = board.chart(canvas, configuration, (chart) => {
    caption.textContent = spec.title;
    const sum = spec.sets.map(({ label, values }) =>
      `${label} from ${readable(Math.min(...values))} to ${readable(Math.max(...values))}`
    );
    canvas.setAttribute("aria-label", `Bar chart of ${spec.title}, ${spec.y}: ${sum.join("; ")}`);
    const { range } = spec;
    const bin = range ? (range[1] - range[0]) / spec.labels.length : 0;
    chart.data.labels = range ? [] : spec.labels.map((label) => label.split(", ")); // a line each
    chart.data.datasets = spec.sets.map(({ label, colour, values }) => ({
      label,
      data: range ? values.map((y, k) => ({ x: range[0] + (k + 0.5) * bin, y })) : [...values],
      backgroundColor: board.paint(colour),
      barPercentage: spec.labels.length > 15 ? 1 : 0.8,
      categoryPercentage: spec.labels.length > 15 ? 0.96 : 0.8,
    }));
    const { text, muted, line, surface } = board.theme.colours;
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
              callback: (/** @type {string | number} */ value) => tick(Number(Number(value).toPrecision(6))),
            }
            : {}),
        },
        ...(range
          ? {
            type: /** @type {const} */ ("linear"),
            offset: false,
            min: range[0],
            max: range[1],
            afterBuildTicks: evenTicks,
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
        display: spec.sets.length > 1,
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

/** Horizontal lines across bars, named at the right. @param {ChartBoard} board @param {Chart} chart
 * @param {BarSpec} spec */
function drawLevels(board, chart, { baselines = [] }) {
  const { ctx, chartArea: { left, right }, scales: { y } } = chart;
  const { second, surface } = board.theme.colours;
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

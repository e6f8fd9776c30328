/**
 * What all charts of a page have in common: colours, scale, smoothing, zoom, and how they are printed.
 * @module
 */
import { make } from "./dom.ts";

/**
 * @typedef {import("./theme.ts").Theme} Theme
 * @typedef {import("chart.js").Chart} Chart
 * @typedef {import("chart.js").ChartConfiguration} ChartConfiguration
 * @typedef {import("chartjs-plugin-zoom").default} Zoom which adds to the types of charts
 * @typedef {"first" | "second" | "third" | number} Colour a role of the theme, or the number of a class or run
 */

/**
 * @template S
 * @typedef {object} Figure
 * @property {HTMLElement} element
 * @property {(spec: S) => void} update new data; the reader's zoom stays
 */

/** All charts of a page: what they have in common, and what the reader has set for all of them. */
export class ChartBoard {
  /** The chart.js constructor. */
  Chart;
  /** Where colours come from. */
  theme;
  isLogarithmic = false;
  /** Weight of what came before, in [0, 1). */
  smoothing = 0;
  /** @type {Set<() => void>} */
  #redraws = new Set();
  /** @type {Set<Chart>} */
  #charts = new Set();

  /**
   * @param {typeof import("chart.js").Chart} Chart
   * @param {Theme} theme
   */
  constructor(Chart, theme) {
    this.Chart = Chart;
    this.theme = theme;
    Chart.defaults.font.family = "system-ui, sans-serif";
    Chart.defaults.font.size = 12;
    theme.onChange(() => this.redraw());
    addEventListener("beforeprint", () => this.#beforePrint());
    addEventListener("afterprint", () => this.#afterPrint());
  }

  /** Draws all charts anew: after a change of theme, scale or smoothing. */
  redraw() {
    for (const redraw of this.#redraws) redraw();
  }

  /** Shows all of every chart again. */
  resetZoom() {
    for (const chart of this.#charts) chart.resetZoom("none");
  }

  /** What must be drawn anew besides charts, such as a cloud of points. @param {() => void} redraw */
  onRedraw(redraw) {
    this.#redraws.add(redraw);
  }

  /**
   * Makes a chart on a canvas.
   *
   * @param {HTMLCanvasElement} canvas
   * @param {ChartConfiguration} configuration
   * @param {(chart: Chart) => void} redraw sets data and colours; the chart is updated after it
   * @returns {{ chart: Chart, refresh: () => void }}
   */
  chart(canvas, configuration, redraw) {
    const chart = new this.Chart(canvas, configuration);
    const refresh = () => {
      redraw(chart);
      chart.update("none");
    };
    this.#charts.add(chart);
    this.#redraws.add(refresh);
    refresh();
    return { chart, refresh };
  }

  /** Colours of a role in the present theme. @param {Colour} colour */
  paint(colour) {
    return typeof colour === "number" ? this.theme.classColour(colour) : this.theme.colours[colour];
  }

  /** @type {"light" | "dark" | undefined} */
  #themeBefore;

  /** Paper is white, and canvases do not grow with it: each becomes a picture for as long as the printing lasts. */
  #beforePrint() {
    this.#themeBefore = this.theme.chosen;
    this.theme.set("light");
    for (const canvas of document.querySelectorAll("canvas")) {
      if (canvas.closest("[hidden]") || canvas.width === 0) continue;
      canvas.dispatchEvent(new Event("draw")); // what WebGL has drawn is gone after the frame
      canvas.after(
        make("img", {
          class: "printed",
          src: canvas.toDataURL(),
          alt: canvas.getAttribute("aria-label") ?? "",
        }),
      );
    }
  }

  #afterPrint() {
    for (const picture of document.querySelectorAll("img.printed")) picture.remove();
    this.theme.set(this.#themeBefore);
  }
}

/** A canvas in a frame of fixed height. @param {string} label for those who do not see it @param {string} [height] */
export function framed(label, height = "") {
  const canvas = make("canvas", { role: "img", "aria-label": label });
  return { canvas, frame: make("div", { class: `chart ${height}`.trim() }, canvas) };
}

/**
 * Leaves out the ticks at an axis' ends that are no multiples of its steps, as where the data end.
 *
 * @param {import("chart.js").Scale} axis
 */
export function evenTicks(axis) {
  const values = axis.ticks.map(({ value }) => value);
  if (values.length < 4) return;
  const step = values[2] - values[1];
  const isEven = (/** @type {number} */ gap) => Math.abs(gap - step) < 1e-6 * step;
  const first = isEven(values[1] - values[0]) ? 0 : 1;
  const last = isEven(values[values.length - 1] - values[values.length - 2])
    ? values.length
    : values.length - 1;
  axis.ticks = axis.ticks.slice(first, last);
}

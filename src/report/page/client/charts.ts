/**
 * Shared state of a page's charts: colors, scale, smoothing, zoom and printing.
 * @module
 */
import type { Chart, ChartConfiguration, Scale } from "npm:chart.js@4.6.1";
import type {} from "npm:chartjs-plugin-zoom@2.2.0"; // adds to the types of charts
import { make } from "./dom.ts";
import type { Libraries } from "./libraries.ts";
import type { Theme } from "./theme.ts";

/** A role of the theme, or the index of a class or run. */
export type Color = "first" | "second" | "third" | number;

/** A labeled line across a chart. */
export interface Mark {
  readonly label: string;
  readonly value: number;
}

/** A chart with its title and table. */
export interface Figure<Spec> {
  readonly element: HTMLElement;
  /** Shows new data; keeps the reader's zoom. */
  readonly update: (spec: Spec) => void;
}

/** All charts of a page, with the settings that apply to all of them. */
export class ChartBoard {
  /** The chart.js constructor. */
  readonly Chart: typeof Chart;
  readonly theme: Theme;
  isLogarithmic = false;
  /** Weight of the exponential moving average, in [0, 1). */
  smoothing = 0;
  readonly #redraws = new Set<() => void>();
  readonly #charts = new Set<Chart>();

  constructor(chart: typeof Chart, theme: Theme) {
    this.Chart = chart;
    this.theme = theme;
    chart.defaults.font.family = "system-ui, sans-serif";
    chart.defaults.font.size = 12;
    theme.onChange(() => this.redraw());
    addEventListener("beforeprint", () => this.#beforePrint());
    addEventListener("afterprint", () => this.#afterPrint());
  }

  /** Redraws all charts, after a change of theme, scale or smoothing. */
  redraw() {
    for (const redraw of this.#redraws) redraw();
  }

  resetZoom() {
    for (const chart of this.#charts) chart.resetZoom("none");
  }

  /** Adds a callback to {@linkcode redraw}, for drawings that are not charts. */
  onRedraw(redraw: () => void) {
    this.#redraws.add(redraw);
  }

  /**
   * Creates a chart on a canvas.
   *
   * @param redraw sets data and colors, before each update of the chart
   */
  chart(
    canvas: HTMLCanvasElement,
    configuration: ChartConfiguration,
    redraw: (chart: Chart) => void,
  ): { chart: Chart; refresh: () => void } {
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

  /** CSS color of a role, class or run in the current theme. */
  paint(color: Color) {
    return typeof color === "number" ? this.theme.classColor(color) : this.theme.colors[color];
  }

  #themeBefore: "light" | "dark" | undefined;

  /** Prints in the light theme, with each canvas replaced by an image, as canvases do not scale to the paper. */
  #beforePrint() {
    this.#themeBefore = this.theme.chosen;
    this.theme.set("light");
    for (const canvas of document.querySelectorAll("canvas")) {
      if (canvas.closest("[hidden]") || canvas.width === 0) continue;
      canvas.dispatchEvent(new Event("draw")); // WebGL canvases are cleared after each frame
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

/**
 * Creates a canvas in a frame of fixed height.
 *
 * @param label description for screen readers
 */
export function framed(label: string, height = "") {
  const canvas = make("canvas", { role: "img", "aria-label": label });
  return { canvas, frame: make("div", { class: `chart ${height}`.trim() }, canvas) };
}

/** Removes the first and the last tick of an axis if they are not multiples of the tick spacing. */
export function evenTicks(axis: Scale) {
  const values = axis.ticks.map(({ value }) => value);
  if (values.length < 4) return;
  const step = values[2] - values[1];
  const isEven = (gap: number) => Math.abs(gap - step) < 1e-6 * step;
  const first = isEven(values[1] - values[0]) ? 0 : 1;
  const last = isEven(values[values.length - 1] - values[values.length - 2])
    ? values.length
    : values.length - 1;
  axis.ticks = axis.ticks.slice(first, last);
}

/** Dependencies of sections. */
export interface Tools {
  readonly board: ChartBoard;
  readonly libraries: Libraries;
  /** Defers an expensive drawing until its section is visible. */
  readonly whenSeen: (start: () => void) => void;
}

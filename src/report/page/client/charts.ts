/**
 * What all charts of a page have in common: colors, scale, smoothing, zoom, and how they are printed.
 * @module
 */
import type { Chart, ChartConfiguration, Scale } from "npm:chart.js@4.6.1";
import type {} from "npm:chartjs-plugin-zoom@2.2.0"; // adds to the types of charts
import { make } from "./dom.ts";
import type { Libraries } from "./libraries.ts";
import type { Theme } from "./theme.ts";

/** A role of the theme, or the number of a class or run. */
export type Color = "first" | "second" | "third" | number;

/** A line across a chart, with its name. */
export interface Mark {
  readonly label: string;
  readonly value: number;
}

/** A chart with its title and table. */
export interface Figure<Spec> {
  readonly element: HTMLElement;
  /** Shows new data; the reader's zoom stays. */
  readonly update: (spec: Spec) => void;
}

/** All charts of a page: what they have in common, and what the reader has set for all of them. */
export class ChartBoard {
  /** The chart.js constructor. */
  readonly Chart: typeof Chart;
  /** Where colors come from. */
  readonly theme: Theme;
  isLogarithmic = false;
  /** Weight of what came before, in [0, 1). */
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

  /** Draws all charts anew: after a change of theme, scale or smoothing. */
  redraw() {
    for (const redraw of this.#redraws) redraw();
  }

  /** Shows all of every chart again. */
  resetZoom() {
    for (const chart of this.#charts) chart.resetZoom("none");
  }

  /** What must be drawn anew besides charts, such as a cloud of points. */
  onRedraw(redraw: () => void) {
    this.#redraws.add(redraw);
  }

  /**
   * Makes a chart on a canvas.
   *
   * @param redraw sets data and colors; the chart is updated after it
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

  /** Colors of a role in the present theme. */
  paint(color: Color) {
    return typeof color === "number" ? this.theme.classColor(color) : this.theme.colors[color];
  }

  #themeBefore: "light" | "dark" | undefined;

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

/**
 * A canvas in a frame of fixed height.
 *
 * @param label for those who do not see it
 */
export function framed(label: string, height = "") {
  const canvas = make("canvas", { role: "img", "aria-label": label });
  return { canvas, frame: make("div", { class: `chart ${height}`.trim() }, canvas) };
}

/** Leaves out the ticks at an axis' ends that are no multiples of its steps, as where the data end. */
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

/** What sections are made with. */
export interface Tools {
  readonly board: ChartBoard;
  readonly libraries: Libraries;
  /** Calls back when it is time to draw what is costly. */
  readonly whenSeen: (start: () => void) => void;
}

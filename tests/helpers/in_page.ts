/**
 * What tests run inside a page: each function is sent there as text, so that it knows nothing of this file.
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Chart as ChartType } from "npm:chart.js@4.6.1";
import type { mount } from "../../src/report/page/client/mount.ts";
import type { PageData } from "../../src/report/page/page_types.ts";

declare const Chart: typeof ChartType;
declare const report: ReturnType<typeof mount>;

/** The points that each line of the curves has, by the chart's title and the line's label; NaN is none. */
export function curvePoints(): Record<string, number> {
  const found: Record<string, number> = {};
  for (const canvas of document.querySelectorAll<HTMLCanvasElement>("#curves canvas")) {
    const title = canvas.closest("figure")!.querySelector("figcaption b")!.textContent;
    for (const { label, data } of Chart.getChart(canvas)!.data.datasets) {
      if (label === undefined) continue;
      const points = data as { x: number; y: number }[];
      found[`${title}: ${label}`] = points.filter(({ y }) => Number.isFinite(y)).length;
    }
  }
  return found;
}

/** Whether the first line of the first chart has so many points; false before there is a chart. */
export function firstCurveHas(points: number): boolean {
  const canvas = document.querySelector<HTMLCanvasElement>("#curves canvas");
  return canvas !== null && Chart.getChart(canvas)?.data.datasets[0].data.length === points;
}

/** The axes of the first chart. */
export function firstAxes(): { min: number; max: number; type: string } {
  const { x, y } = Chart.getChart(document.querySelector<HTMLCanvasElement>("#curves canvas")!)!.scales;
  return { min: x.min, max: x.max, type: y.type };
}

/** How many pixels of the cloud are drawn. */
export function cloudInk(): number {
  const canvas = document.querySelector<HTMLCanvasElement>(".cloud canvas")!;
  canvas.dispatchEvent(new Event("draw")); // WebGL's pixels are there only until the frame has ended
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d")!;
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  return data.filter((value, k) => k % 4 === 3 && value > 0).length;
}

/** The image on the card. */
export function cardImage(): { point: number; grays: number[]; colors: number[] } {
  const canvas = document.querySelector<HTMLCanvasElement>(".card canvas")!;
  const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
  const colors = [...data.filter((_, k) => k % 4 < 3)];
  return { point: Number(canvas.dataset.point), grays: colors.filter((_, k) => k % 3 === 0), colors };
}

/** The color of the page's ground. */
export function paper(): string {
  return getComputedStyle(document.body).backgroundColor;
}

/** How wide the page is, with what does not fit. */
export function pageWidth(): number {
  return document.documentElement.scrollWidth;
}

/** Waits until what was asked for is on the screen. */
export function nextFrame(): Promise<unknown> {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}

/** Shows newer data in a report. */
export function updateReport(page: PageData): void {
  report.update(page);
}

/**
 * What tests run inside a page: each function is sent there as text, so that it knows nothing of this file.
 * @module
 */

/**
 * The points that each line of the curves has, by the chart's title and the line's label; NaN is none.
 *
 * @returns {Record<string, number>}
 */
export function curvePoints() {
  const found = {};
  for (const canvas of document.querySelectorAll("#curves canvas")) {
    const title = canvas.closest("figure").querySelector("figcaption b").textContent;
    for (const { label, data } of Chart.getChart(canvas).data.datasets) {
      if (label !== undefined) {
        found[`${title}: ${label}`] = data.filter(({ y }) => Number.isFinite(y)).length;
      }
    }
  }
  return found;
}

/**
 * The axes of the first chart.
 *
 * @returns {{ min: number, max: number, type: string }}
 */
export function firstAxes() {
  const { x, y } = Chart.getChart(document.querySelector("#curves canvas")).scales;
  return { min: x.min, max: x.max, type: y.type };
}

/**
 * How many pixels of the cloud are drawn.
 *
 * @returns {number}
 */
export function cloudInk() {
  const canvas = document.querySelector(".cloud canvas");
  canvas.dispatchEvent(new Event("draw")); // WebGL's pixels are there only until the frame has ended
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  return data.filter((value, k) => k % 4 === 3 && value > 0).length;
}

/**
 * The image on the card.
 *
 * @returns {{ point: number, grays: number[] }}
 */
export function cardImage() {
  const canvas = document.querySelector(".card canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return { point: Number(canvas.dataset.point), grays: [...data.filter((_, k) => k % 4 === 0)] };
}

/**
 * The colour of the page's ground.
 *
 * @returns {string}
 */
export function paper() {
  return getComputedStyle(document.body).backgroundColor;
}

/**
 * How wide the page is, with what does not fit.
 *
 * @returns {number}
 */
export function pageWidth() {
  return document.documentElement.scrollWidth;
}

/**
 * Waits until what was asked for is on the screen.
 *
 * @returns {Promise<unknown>}
 */
export function nextFrame() {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
}

/** Shows newer data in a report. */
export function updateReport(page) {
  globalThis.report.update(page);
}

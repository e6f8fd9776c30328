/**
 * Codes for the page: up to three numbers a point, and the images behind the points.
 * @module
 */
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { principalComponents } from "../../stats/principal_components.ts";
import type { CodeCloud } from "../run_data.ts";
import type { PageCodes } from "./page_types.ts";

/** Grays of the images behind the points: they are shown small, and are most of the page. */
const GRAYS = 16;

/**
 * Prepares codes for the page, all but the images behind them, which are left empty. Codes wider than three numbers
 * become their first three principal components.
 *
 * @param cloud the codes
 */
export function pageCodes({ size, values, labels }: Omit<CodeCloud, "images">): PageCodes {
  const { axes, points } = size > 3 ? projected(values, size) : {
    axes: Array.from({ length: size }, (_, d) => `code ${d + 1}`),
    points: values,
  };
  return {
    size,
    axes,
    points: Array.from(points, (value) => Number.isFinite(value) ? Number(value.toPrecision(4)) : null),
    labels: labels && Array.from(labels),
    images: "",
  };
}

/**
 * Packs the images behind codes, coarsely.
 *
 * @param images [count, pixels], 0 to 255
 * @param imageShape [height, width]
 * @param level how hard gzip tries, 1 to 9: a report should be small, a dashboard quick
 * @returns what {@linkcode PageCodes.images} holds
 */
export function packedImages(
  images: Uint8Array,
  [height, width]: readonly [number, number],
  level: number,
): string {
  const pixels = height * width;
  const coarse = images.map((_, k) => { // column by column, which is shorter packed
    const at = k % pixels, gray = images[k - at + at % height * width + Math.floor(at / height)];
    return Math.round(Math.round(gray / 255 * (GRAYS - 1)) * 255 / (GRAYS - 1));
  });
  return Buffer.from(gzipSync(coarse, { level })).toString("base64");
}

/** The first three principal components of codes; their names say what share of the variance each has. */
function projected(values: Float32Array, size: number): { axes: readonly string[]; points: Float32Array } {
  const { values: points, shares } = principalComponents(values, size, 3);
  return { axes: shares.map((share, k) => `component ${k + 1} (${(100 * share).toFixed(0)} %)`), points };
}

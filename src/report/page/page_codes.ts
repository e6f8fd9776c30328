/**
 * Codes for the page: up to three coordinates per point, and the encoded images.
 * @module
 */
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { principalComponents } from "../../stats/principal_components.ts";
import type { ImageShape } from "../image_shape.ts";
import type { CodeCloud } from "../run_data.ts";
import type { PageCodes } from "./page_types.ts";

/** Levels of gray, or of each color, of the encoded images, which are shown small but take most of the page's size. */
const LEVELS = 16;
/** The nearest of them to each byte. */
const COARSE = Uint8Array.from(
  { length: 256 },
  (_, byte) => Math.round(Math.round(byte / 255 * (LEVELS - 1)) * 255 / (LEVELS - 1)),
);

/**
 * Prepares codes for the page, without their images, which stay empty. Codes of more than three numbers are projected
 * onto their first three principal components.
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
 * Quantizes and compresses the images of codes.
 *
 * @param images [count, values], 0 to 255
 * @param level gzip level, 1 to 9: high for small reports, low for fast dashboards
 * @returns value of {@linkcode PageCodes.images}
 */
export function packedImages(
  images: Uint8Array,
  [height, width]: ImageShape,
  level: number,
): string {
  const pixels = height * width, coarse = new Uint8Array(images.length);
  for (let plane = 0, at = 0; plane < images.length; plane += pixels) { // a color of an image
    for (let x = 0; x < width; x++) { // column-major, which compresses better
      for (let y = 0; y < height; y++) coarse[at++] = COARSE[images[plane + y * width + x]];
    }
  }
  return Buffer.from(gzipSync(coarse, { level })).toString("base64");
}

/** First three principal components of the codes; axis names include each one's share of the variance. */
function projected(values: Float32Array, size: number): { axes: readonly string[]; points: Float32Array } {
  const { values: points, shares } = principalComponents(values, size, 3);
  return { axes: shares.map((share, k) => `component ${k + 1} (${(100 * share).toFixed(0)} %)`), points };
}

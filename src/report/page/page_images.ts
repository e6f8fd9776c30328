/**
 * Pictures for the page, compact enough to be embedded.
 * @module
 */
import { Buffer } from "node:buffer";
import { decode, encode } from "../../dependencies/fast_png.ts";
import { magnitudeAt } from "../../stats/magnitudes.ts";
import { type ImageShape, stacked } from "../image_shape.ts";
import { imagePng } from "../picture.ts";
import type { WeightImages } from "../run_data.ts";
import type { PageWeights } from "./page_types.ts";

/** Maximum number of units in a picture of weights, and units per row. */
const MAX_UNITS = 64, UNITS_ACROSS = 16;
/** Quantile of the magnitudes at which the colors saturate, so that outliers do not wash out the others. */
const STRONGEST = 0.995;
/** Shades on each side of 0. */
const SHADES = 31;
/** Levels of gray, or of each color, of the pictures after epochs, which would otherwise be most of the page. */
const HISTORY_LEVELS = 16;

/** Blue, white and red of ColorBrewer's RdBu, which is safe for color-blind readers. */
const NEGATIVE = [33, 102, 172], ZERO = [247, 247, 247], POSITIVE = [178, 24, 43];

/** Transparent for gaps, then the shades from negative to positive. */
const PALETTE = [
  [0, 0, 0, 0],
  ...Array.from({ length: 2 * SHADES + 1 }, (_, k) => {
    const share = (k - SHADES) / SHADES, end = share < 0 ? NEGATIVE : POSITIVE;
    return [...ZERO.map((zero, c) => Math.round(zero + Math.abs(share) ** 0.8 * (end[c] - zero))), 255];
  }),
];

/** Encodes a PNG file as a data URI. */
function pngUri(bytes: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
}

/**
 * Encodes an image as PNG.
 *
 * @param images [count, values], 0 to 255
 * @param n number of the image, from 0
 * @returns a data URI
 */
export function imageTile(images: Uint8Array, n: number, shape: ImageShape): string {
  return pngUri(imagePng(images, n, shape));
}

/**
 * Draws weights as one picture: at most {@link MAX_UNITS} units, {@link UNITS_ACROSS} per row. The planes of a color
 * image are one above the other.
 *
 * @param weights [units, values]
 */
export function pageWeights(
  { label, values }: WeightImages,
  imageShape: ImageShape,
): PageWeights {
  const [height, width] = stacked(imageShape),
    pixels = height * width,
    units = Math.floor(values.length / pixels);
  const shown = Math.min(units, MAX_UNITS), across = Math.min(shown, UNITS_ACROSS);
  const drawn = values.subarray(0, shown * pixels);
  const scale = magnitudeAt(drawn, (count) => Math.floor(STRONGEST * (count - 1))) ||
    magnitudeAt(drawn, (count) => count - 1) || 1;
  const full = across * (width + 1) - 1, rows = Math.ceil(shown / across) * (height + 1) - 1;
  const data = new Uint8Array(full * rows);
  const figures = Array.from({ length: shown }, (_, unit) => {
    const own = values.subarray(unit * pixels, (unit + 1) * pixels);
    const at = Math.floor(unit / across) * (height + 1) * full + unit % across * (width + 1);
    let least = Infinity, greatest = -Infinity, squares = 0;
    for (let k = 0; k < pixels; k++) {
      const value = own[k];
      const share = Number.isFinite(value) ? Math.max(-1, Math.min(1, value / scale)) : 0;
      data[at + Math.floor(k / width) * full + k % width] = 1 + SHADES + Math.round(share * SHADES);
      least = Math.min(least, value);
      greatest = Math.max(greatest, value);
      squares += value * value;
    }
    const norm = Math.sqrt(squares);
    return [least, greatest, norm].map((value) => Number(value.toPrecision(3))) as [number, number, number];
  });
  const png = encode(
    { width: full, height: rows, channels: 1, depth: 8, data, palette: PALETTE },
    { zlib: { level: 9 } },
  );
  return {
    label,
    image: pngUri(png),
    size: [full, rows],
    scale: Number(scale.toPrecision(3)),
    ...(imageShape[2] === 3 ? { isColor: true } : {}),
    units,
    figures,
  };
}

/**
 * Shrinks a saved picture: it loses its pixel scaling, which the page restores, and keeps {@link HISTORY_LEVELS} levels
 * of each color. Pictures of other kinds than runs save are unchanged.
 *
 * @param png a PNG file
 * @returns a data URI
 */
export function compactPicture(png: Uint8Array): string {
  const { width, height, channels, depth, data } = decode(png);
  if (channels !== 1 && channels !== 3 || depth !== 8) return pngUri(png);
  const k = repetition(data as Uint8Array, width, height, channels);
  const small = new Uint8Array(width / k * (height / k) * channels);
  for (let y = 0, at = 0; y < height; y += k) {
    for (let x = 0; x < width; x += k) {
      for (let color = 0; color < channels; color++) {
        const level = data[(y * width + x) * channels + color];
        const share = Math.round(level / 255 * (HISTORY_LEVELS - 1)) / (HISTORY_LEVELS - 1);
        small[at++] = Math.round(255 * share);
      }
    }
  }
  const picture = { width: width / k, height: height / k, channels, depth: 8 as const, data: small };
  return pngUri(encode(picture, { zlib: { level: 9 } }));
}

/** Factor by which a picture was scaled up: 4, 3, 2 or 1. */
function repetition(data: Uint8Array, width: number, height: number, channels: number): number {
  const repeats = (k: number) =>
    width % k === 0 && height % k === 0 && data.every((level, at) => {
      const color = at % channels, pixel = (at - color) / channels;
      const y = Math.floor(pixel / width), x = pixel % width;
      return level === data[((y - y % k) * width + x - x % k) * channels + color];
    });
  return [4, 3, 2].find(repeats) ?? 1;
}

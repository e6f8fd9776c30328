/**
 * Pictures for the page, compact enough to be embedded.
 * @module
 */
import { Buffer } from "node:buffer";
import { decode, encode } from "../../dependencies/fast_png.ts";
import type { WeightImages } from "../run_data.ts";
import type { PageWeights } from "./page_types.ts";

/** Maximum number of units in a picture of weights, and units per row. */
const MAX_UNITS = 64, UNITS_ACROSS = 16;
/** Quantile of the magnitudes at which the colors saturate, so that outliers do not wash out the others. */
const STRONGEST = 0.995;
/** Shades on each side of 0. */
const SHADES = 31;
/** Gray levels of the pictures after epochs, which would otherwise be most of the page. */
const HISTORY_GRAYS = 16;

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
 * Encodes a grayscale image as PNG.
 *
 * @param pixels [height · width], 0 to 255
 * @returns a data URI
 */
export function grayTile(pixels: Uint8Array, [height, width]: readonly [number, number]): string {
  return pngUri(encode({ width, height, channels: 1, depth: 8, data: pixels }, { zlib: { level: 6 } }));
}

/**
 * Draws weights as one picture: at most {@link MAX_UNITS} units, {@link UNITS_ACROSS} per row.
 *
 * @param weights [units, pixels]
 * @param imageShape [height, width]
 */
export function pageWeights(
  { label, values }: WeightImages,
  [height, width]: readonly [number, number],
): PageWeights {
  const pixels = height * width, units = Math.floor(values.length / pixels);
  const shown = Math.min(units, MAX_UNITS), across = Math.min(shown, UNITS_ACROSS);
  const magnitudes = values.subarray(0, shown * pixels).filter(Number.isFinite).map(Math.abs).sort();
  const scale = magnitudes[Math.floor(STRONGEST * (magnitudes.length - 1))] || magnitudes.at(-1) || 1;
  const full = across * (width + 1) - 1, rows = Math.ceil(shown / across) * (height + 1) - 1;
  const data = new Uint8Array(full * rows);
  const figures = Array.from({ length: shown }, (_, unit) => {
    const own = values.subarray(unit * pixels, (unit + 1) * pixels);
    const at = Math.floor(unit / across) * (height + 1) * full + unit % across * (width + 1);
    own.forEach((value, k) => {
      const share = Number.isFinite(value) ? Math.max(-1, Math.min(1, value / scale)) : 0;
      const shade = Math.round(share * SHADES);
      data[at + Math.floor(k / width) * full + k % width] = 1 + SHADES + shade;
    });
    const least = own.reduce((a, b) => Math.min(a, b), Infinity),
      norm = Math.sqrt(own.reduce((s, v) => s + v * v, 0));
    const greatest = own.reduce((a, b) => Math.max(a, b), -Infinity);
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
    units,
    figures,
  };
}

/**
 * Shrinks a saved picture: grayscale pictures lose their pixel scaling, which the page restores, and keep
 * {@link HISTORY_GRAYS} gray levels. Other pictures are unchanged.
 *
 * @param png a PNG file
 * @returns a data URI
 */
export function compactPicture(png: Uint8Array): string {
  const { width, height, channels, depth, data } = decode(png);
  if (channels !== 1 || depth !== 8) return pngUri(png);
  const k = repetition(data as Uint8Array, width, height);
  const small = new Uint8Array(width / k * (height / k));
  for (let y = 0, at = 0; y < height; y += k) {
    for (let x = 0; x < width; x += k) {
      const share = Math.round(data[y * width + x] / 255 * (HISTORY_GRAYS - 1)) / (HISTORY_GRAYS - 1);
      small[at++] = Math.round(255 * share);
    }
  }
  const picture = { width: width / k, height: height / k, channels: 1, depth: 8 as const, data: small };
  return pngUri(encode(picture, { zlib: { level: 9 } }));
}

/** Factor by which a picture was scaled up: 4, 3, 2 or 1. */
function repetition(data: Uint8Array, width: number, height: number): number {
  const repeats = (k: number) =>
    width % k === 0 && height % k === 0 && data.every((gray, at) => {
      const y = Math.floor(at / width), x = at % width;
      return gray === data[(y - y % k) * width + x - x % k];
    });
  return [4, 3, 2].find(repeats) ?? 1;
}

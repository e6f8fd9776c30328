/**
 * `weights.png`: the weights of the first and the last layer, one image per unit.
 * @module
 */
import { interpolateRdBu } from "../dependencies/d3_scale_chromatic.ts";
import { type ImageShape, stacked } from "./image_shape.ts";
import { magnitudeAt } from "../stats/magnitudes.ts";
import { Tiles } from "./picture.ts";
import type { WeightImages } from "./run_data.ts";

/** Picture pixels per weight, units per row, and rows per layer. */
const SCALE = 2, COLUMNS = 20, ROWS = 4;
/** Gaps between units and between layers, in image pixels. */
const GAP = 1, LAYER_GAP = 6;
/** Quantile of the magnitudes at which the colors saturate. */
const USUAL = 0.99;
/** Shades on each side of 0. */
const SHADES = 126;
/** White between tiles, shades from -1 to 1, and gray for non-finite weights. */
const PALETTE = [
  [255, 255, 255],
  ...Array.from(
    { length: 2 * SHADES + 1 },
    (_, k) => interpolateRdBu(1 - k / (2 * SHADES)).match(/\d+/g)!.map(Number),
  ),
  [150, 150, 150],
];
const GAP_COLOR = 0, ZERO_COLOR = 1 + SHADES, NOT_FINITE = PALETTE.length - 1;

/**
 * Draws the weights of the first units of each layer: blue below 0, white at 0, red above (ColorBrewer's RdBu). Colors
 * saturate at the 99th percentile of a layer's magnitudes, so that a few large weights do not wash out the others.
 * Non-finite weights are gray. The output is deterministic.
 *
 * @param layers weights of at least one layer
 * @param imageShape height, width and colors of an image; a unit's red, green and blue weights are one above the other
 * @returns a PNG file
 */
export function weightsPicture(
  layers: readonly WeightImages[],
  imageShape: ImageShape,
): Uint8Array {
  const shape = stacked(imageShape), [height, width] = shape, pixels = height * width;
  let below = GAP;
  const plans = layers.map(({ values }) => {
    const shown = Math.min(Math.floor(values.length / pixels), ROWS * COLUMNS), top = below;
    below += Math.ceil(shown / COLUMNS) * (height + GAP) + LAYER_GAP;
    return { values, shown, top, usual: usualMagnitude(values) || 1 };
  });
  const columns = Math.min(COLUMNS, Math.max(...plans.map(({ shown }) => shown)));
  const tiles = new Tiles(below - LAYER_GAP, columns * (width + GAP) + GAP, SCALE, {
    background: GAP_COLOR,
  });
  for (const { values, shown, top, usual } of plans) {
    for (let n = 0; n < shown; n++) {
      const upper = top + Math.floor(n / COLUMNS) * (height + GAP), left = GAP + n % COLUMNS * (width + GAP);
      tiles.draw(upper, left, shape, (pixel) => colorOf(values[n * pixels + pixel] / usual));
    }
  }
  return tiles.encode({ palette: PALETTE });
}

/** 99th percentile of the magnitudes of the finite values; 0 if there are none. */
function usualMagnitude(values: Float32Array): number {
  return magnitudeAt(values, (count) => Math.ceil(USUAL * count) - 1);
}

/** Palette index of a weight, relative to the saturation magnitude. */
function colorOf(share: number): number {
  return Number.isFinite(share)
    ? ZERO_COLOR + Math.round(SHADES * Math.max(-1, Math.min(1, share)))
    : NOT_FINITE;
}

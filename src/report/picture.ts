/**
 * Originals and reconstructions as one grayscale PNG.
 * @module
 */

import { encode } from "fast-png";

/** How a picture is laid out. */
export interface GridOptions {
  /** Edge length of one image pixel, in picture pixels; 2 if not given. */
  readonly scale?: number;
  /** Images side by side before a new band begins; 15 if not given. */
  readonly columns?: number;
}

/** Gray of the gaps: apart from the black background that images usually have, and darker than their strokes. */
const GAP_GRAY = 64;
/** Gaps in image pixels: between neighbours, between an original and its reconstruction, between two bands. */
const COLUMN_GAP = 1, PAIR_GAP = 1, BAND_GAP = 5;

/** A pixel in [0, 1] as a gray in 0 … 255: clamped, rounded; NaN is black. */
function grayOf(value: number): number {
  return value >= 1 ? 255 : value > 0 ? Math.round(value * 255) : 0;
}

/**
 * Draws originals above their reconstructions, in bands of `columns` pairs. The same input gives the same bytes.
 *
 * @param originals pixels, row-major, image after image: bytes in 0 … 255, or numbers in [0, 1]
 * @param reconstructions pixels in the same order; clamped to [0, 1]
 * @param count how many images to draw, from the first; at least 1
 * @param size height and width of one image
 * @param options the layout
 * @returns a PNG file
 * @throws RangeError if the arrays hold fewer than `count` images, or a number is not a whole one above 0
 */
export function reconstructionGrid(
  originals: Float32Array | Uint8Array,
  reconstructions: Float32Array,
  count: number,
  size: readonly [number, number],
  options: GridOptions = {},
): Uint8Array {
  const { scale = 2, columns = 15 } = options;
  const [height, width] = size;
  for (const value of [count, height, width, scale, columns]) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`Cannot draw a picture: expected whole numbers above 0 but received ${value}`);
    }
  }
  const pixels = height * width;
  const held = Math.floor(Math.min(originals.length, reconstructions.length) / pixels);
  if (held < count) {
    throw new RangeError(
      `Cannot draw a picture: expected ${count} images in each array but received ${held}`,
    );
  }
  const perBand = Math.min(columns, count);
  const bands = Math.ceil(count / perBand);
  const bandHeight = 2 * height + PAIR_GAP;
  const pictureWidth = scale * (perBand * (width + COLUMN_GAP) + COLUMN_GAP);
  const pictureHeight = scale * (bands * (bandHeight + BAND_GAP) - BAND_GAP + 2 * PAIR_GAP);
  const data = new Uint8Array(pictureWidth * pictureHeight).fill(GAP_GRAY);

  /** Draws one image with its upper left corner at (top, left), in image pixels. */
  const draw = (top: number, left: number, grayAt: (pixel: number) => number) => {
    for (let row = 0; row < height; row++) {
      const line = scale * (top + row) * pictureWidth;
      for (let column = 0; column < width; column++) {
        const begin = line + scale * (left + column);
        data.fill(grayAt(row * width + column), begin, begin + scale);
      }
      for (let copy = 1; copy < scale; copy++) {
        data.copyWithin(
          line + copy * pictureWidth + scale * left,
          line + scale * left,
          line + scale * (left + width),
        );
      }
    }
  };
  for (let n = 0; n < count; n++) {
    const top = PAIR_GAP + Math.floor(n / perBand) * (bandHeight + BAND_GAP);
    const left = COLUMN_GAP + (n % perBand) * (width + COLUMN_GAP);
    const first = n * pixels;
    draw(
      top,
      left,
      originals instanceof Uint8Array
        ? (pixel) => originals[first + pixel]
        : (pixel) => grayOf(originals[first + pixel]),
    );
    draw(top + height + PAIR_GAP, left, (pixel) => grayOf(reconstructions[first + pixel]));
  }
  return encode({ width: pictureWidth, height: pictureHeight, channels: 1, depth: 8, data });
}

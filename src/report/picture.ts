/**
 * Grids of images as one grayscale PNG: images alone, or above their reconstructions.
 * @module
 */

import { encode } from "../dependencies/fast_png.ts";

/** Layout of a grid of images. */
export interface GridOptions {
  /** Size of an image pixel, in picture pixels; 2 if absent. */
  readonly scale?: number;
  /** Images per row; 15 if absent. */
  readonly columns?: number;
}

/** Gray of the gaps: lighter than the usual black background, darker than strokes. */
const GAP_GRAY = 64;
/** Gaps in image pixels: between neighbors, between an original and its reconstruction, between bands. */
const COLUMN_GAP = 1, PAIR_GAP = 1, BAND_GAP = 5;
/** Gap between rows of a grid, in image pixels. */
const ROW_GAP = 1;

/** Converts a pixel in [0, 1] to a gray in 0 … 255, clamped and rounded; NaN is black. */
function grayOf(value: number): number {
  return value >= 1 ? 255 : value > 0 ? Math.round(value * 255) : 0;
}

/** Returns the gray of a pixel, or its palette index. */
type GrayAt = (pixel: number) => number;

/** Returns the grays of the image that starts at index `first`. */
function graysFrom(images: Float32Array | Uint8Array, first: number): GrayAt {
  return images instanceof Uint8Array
    ? (pixel) => images[first + pixel]
    : (pixel) => grayOf(images[first + pixel]);
}

/** A canvas with one byte per pixel, addressed in image pixels. */
export class Tiles {
  readonly #scale: number;
  readonly #width: number;
  readonly #height: number;
  readonly #data: Uint8Array;

  /** Creates a canvas filled with one gray, or one palette index. */
  constructor(height: number, width: number, scale: number, background: number = GAP_GRAY) {
    this.#scale = scale;
    this.#width = scale * width;
    this.#height = scale * height;
    this.#data = new Uint8Array(this.#width * this.#height).fill(background);
  }

  /** Draws an image with its top left corner at (top, left). */
  draw(top: number, left: number, [height, width]: readonly [number, number], grayAt: GrayAt): void {
    const scale = this.#scale;
    for (let row = 0; row < height; row++) {
      const line = scale * (top + row) * this.#width;
      for (let column = 0; column < width; column++) {
        const begin = line + scale * (left + column);
        this.#data.fill(grayAt(row * width + column), begin, begin + scale);
      }
      for (let copy = 1; copy < scale; copy++) {
        this.#data.copyWithin(
          line + copy * this.#width + scale * left,
          line + scale * left,
          line + scale * (left + width),
        );
      }
    }
  }

  /** Encodes the canvas as a PNG file, grayscale or with a palette. */
  encode(palette?: number[][]): Uint8Array {
    const colors = palette ? { palette } : {};
    return encode({
      width: this.#width,
      height: this.#height,
      channels: 1,
      depth: 8,
      data: this.#data,
      ...colors,
    });
  }
}

/** Throws if a number is not a positive integer, or if there are fewer than `count` images. */
function check(numbers: readonly number[], count: number, held: number, where: string): void {
  for (const value of numbers) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`Cannot draw a picture: expected positive integers but received ${value}`);
    }
  }
  if (Math.floor(held) < count) {
    throw new RangeError(
      `Cannot draw a picture: expected ${count} images${where} but received ${Math.floor(held)}`,
    );
  }
}

/**
 * Draws images above their reconstructions, in bands of `columns` images; noisy inputs may stand in between. The output
 * is deterministic.
 *
 * @param rows rows of a band from the top, at least one, each an array [images, pixels]: bytes in 0 … 255, or numbers,
 *   which are clamped to [0, 1]
 * @param count number of images to draw, at least 1
 * @param size height and width of an image
 * @param options the layout
 * @returns a PNG file
 * @throws RangeError if an array holds fewer than `count` images, or a number is not a positive integer
 */
export function reconstructionGrid(
  rows: readonly (Float32Array | Uint8Array)[],
  count: number,
  size: readonly [number, number],
  options: GridOptions = {},
): Uint8Array {
  const { scale = 2, columns = 15 } = options;
  const [height, width] = size;
  const pixels = height * width;
  const held = Math.min(...rows.map(({ length }) => length)) / pixels;
  check([rows.length, count, height, width, scale, columns], count, held, " in each array");
  const perBand = Math.min(columns, count);
  const bands = Math.ceil(count / perBand);
  const bandHeight = rows.length * (height + PAIR_GAP) - PAIR_GAP;
  const tiles = new Tiles(
    bands * (bandHeight + BAND_GAP) - BAND_GAP + 2 * PAIR_GAP,
    perBand * (width + COLUMN_GAP) + COLUMN_GAP,
    scale,
  );
  for (let n = 0; n < count; n++) {
    const top = PAIR_GAP + Math.floor(n / perBand) * (bandHeight + BAND_GAP);
    const left = COLUMN_GAP + (n % perBand) * (width + COLUMN_GAP);
    rows.forEach((images, k) =>
      tiles.draw(top + k * (height + PAIR_GAP), left, size, graysFrom(images, n * pixels))
    );
  }
  return tiles.encode();
}

/**
 * Draws images row by row, with gaps of one image pixel. The output is deterministic.
 *
 * @param images [images, pixels]: bytes in 0 … 255, or numbers, which are clamped to [0, 1]
 * @param count number of images to draw, at least 1
 * @param size height and width of an image
 * @param options the layout
 * @returns a PNG file
 * @throws RangeError if the array holds fewer than `count` images, or a number is not a positive integer
 */
export function imageGrid(
  images: Float32Array | Uint8Array,
  count: number,
  size: readonly [number, number],
  options: GridOptions = {},
): Uint8Array {
  const { scale = 2, columns = 15 } = options;
  const [height, width] = size;
  const pixels = height * width;
  check([count, height, width, scale, columns], count, images.length / pixels, "");
  const perRow = Math.min(columns, count);
  const rows = Math.ceil(count / perRow);
  const tiles = new Tiles(
    rows * (height + ROW_GAP) + ROW_GAP,
    perRow * (width + COLUMN_GAP) + COLUMN_GAP,
    scale,
  );
  for (let n = 0; n < count; n++) {
    const top = ROW_GAP + Math.floor(n / perRow) * (height + ROW_GAP);
    const left = COLUMN_GAP + (n % perRow) * (width + COLUMN_GAP);
    tiles.draw(top, left, size, graysFrom(images, n * pixels));
  }
  return tiles.encode();
}

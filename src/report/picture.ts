/**
 * Images as one grayscale PNG: originals above their reconstructions, or by themselves.
 * @module
 */

import { encode } from "../dependencies/fast_png.ts";

/** How a picture is laid out. */
export interface GridOptions {
  /** Edge length of one image pixel, in picture pixels; 2 if not given. */
  readonly scale?: number;
  /** Images side by side before a new band or row begins; 15 if not given. */
  readonly columns?: number;
}

/** Gray of the gaps: apart from the black background that images usually have, and darker than their strokes. */
const GAP_GRAY = 64;
/** Gaps in image pixels: between neighbors, between an original and its reconstruction, between two bands. */
const COLUMN_GAP = 1, PAIR_GAP = 1, BAND_GAP = 5;
/** Between rows of a grid. */
const ROW_GAP = 1;

/** A pixel in [0, 1] as a gray in 0 … 255: clamped, rounded; NaN is black. */
function grayOf(value: number): number {
  return value >= 1 ? 255 : value > 0 ? Math.round(value * 255) : 0;
}

/** An image's gray at a pixel. */
type GrayAt = (pixel: number) => number;

/** The grays of the image that begins at `first`. */
function graysFrom(images: Float32Array | Uint8Array, first: number): GrayAt {
  return images instanceof Uint8Array
    ? (pixel) => images[first + pixel]
    : (pixel) => grayOf(images[first + pixel]);
}

/** A picture of one byte a pixel to draw images on, measured in image pixels. */
export class Tiles {
  readonly #scale: number;
  readonly #width: number;
  readonly #height: number;
  readonly #data: Uint8Array;

  /** All of one gray, or of one color of the palette. */
  constructor(height: number, width: number, scale: number, background: number = GAP_GRAY) {
    this.#scale = scale;
    this.#width = scale * width;
    this.#height = scale * height;
    this.#data = new Uint8Array(this.#width * this.#height).fill(background);
  }

  /** Draws one image with its upper left corner at (top, left). */
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

  /** The PNG file: gray, or in the colors of a palette. */
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

/** Refuses numbers that are not whole ones above 0, and fewer images than are to be drawn. */
function check(numbers: readonly number[], count: number, held: number, where: string): void {
  for (const value of numbers) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`Cannot draw a picture: expected whole numbers above 0 but received ${value}`);
    }
  }
  if (Math.floor(held) < count) {
    throw new RangeError(
      `Cannot draw a picture: expected ${count} images${where} but received ${Math.floor(held)}`,
    );
  }
}

/**
 * Draws images above what became of them, in bands of `columns` images: originals above reconstructions, or originals,
 * noisy images and reconstructions. The same input gives the same bytes.
 *
 * @param rows what stands above one another, from the top: pixels, row-major, image after image, as bytes in 0 … 255 or
 *   as numbers, clamped to [0, 1]; at least one row
 * @param count how many images to draw, from the first; at least 1
 * @param size height and width of one image
 * @param options the layout
 * @returns a PNG file
 * @throws RangeError if the arrays hold fewer than `count` images, or a number is not a whole one above 0
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
 * Draws images row by row, with gaps of one image pixel around each. The same input gives the same bytes.
 *
 * @param images pixels, row-major, image after image: bytes in 0 … 255, or numbers, clamped to [0, 1]
 * @param count how many images to draw, from the first; at least 1
 * @param size height and width of one image
 * @param options the layout
 * @returns a PNG file
 * @throws RangeError if the array holds fewer than `count` images, or a number is not a whole one above 0
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

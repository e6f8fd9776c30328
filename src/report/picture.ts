/**
 * Images as PNG, gray or in color: one, a grid of them, or a grid of images above their reconstructions. Rows of
 * numbers become pixels here, and only here.
 * @module
 */

import { Buffer } from "node:buffer";
import { encode } from "../dependencies/fast_png.ts";
import { type ImageShape, valuesIn } from "./image_shape.ts";

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

/** Converts a value in [0, 1] to a level in 0 … 255, clamped and rounded; NaN is black. */
function levelOf(value: number): number {
  return value >= 1 ? 255 : value > 0 ? Math.round(value * 255) : 0;
}

/** Returns the level of a color (0 if gray) of a pixel, or the pixel's palette index. */
type LevelAt = (pixel: number, color: number) => number;

/** Returns the levels of image `n`. */
function levelsFrom(images: Float32Array | Uint8Array, n: number, shape: ImageShape): LevelAt {
  const first = n * valuesIn(shape), pixels = shape[0] * shape[1];
  return images instanceof Uint8Array
    ? (pixel, color) => images[first + color * pixels + pixel]
    : (pixel, color) => levelOf(images[first + color * pixels + pixel]);
}

/** A canvas of bytes, one per pixel and color, addressed in image pixels. */
export class Tiles {
  readonly #scale: number;
  readonly #width: number;
  readonly #height: number;
  readonly #colors: 1 | 3;
  readonly #data: Uint8Array;

  /** Creates a canvas filled with one gray, or one palette index. */
  constructor(
    height: number,
    width: number,
    scale: number,
    { background = GAP_GRAY, colors = 1 }: { readonly background?: number; readonly colors?: 1 | 3 } = {},
  ) {
    this.#scale = scale;
    this.#width = scale * width;
    this.#height = scale * height;
    this.#colors = colors;
    this.#data = new Uint8Array(this.#width * this.#height * colors).fill(background);
  }

  /** Draws an image with its top left corner at (top, left). */
  draw(top: number, left: number, [height, width]: ImageShape, levelAt: LevelAt): void {
    const scale = this.#scale, colors = this.#colors, data = this.#data, line = this.#width * colors;
    for (let row = 0; row < height; row++) {
      const begin = scale * (top + row) * line + scale * left * colors;
      let at = begin;
      for (let pixel = row * width; pixel < (row + 1) * width; pixel++) {
        for (let color = 0; color < colors; color++) data[at + color] = levelAt(pixel, color);
        for (let copy = 1; copy < scale; copy++) data.copyWithin(at + copy * colors, at, at + colors);
        at += scale * colors;
      }
      for (let copy = 1; copy < scale; copy++) data.copyWithin(begin + copy * line, begin, at);
    }
  }

  /** Encodes the canvas as a PNG file: gray, with a palette, or in color; zlib's level is fast-png's if absent. */
  encode({ palette, level }: { readonly palette?: number[][]; readonly level?: 6 } = {}): Uint8Array {
    const [width, height, channels, data] = [this.#width, this.#height, this.#colors, this.#data];
    const picture = { width, height, channels, depth: 8 as const, data, ...(palette ? { palette } : {}) };
    return encode(picture, level === undefined ? {} : { zlib: { level } });
  }

  /** Encodes the canvas, unless its pixels are those of the last one: as after the last epoch and at the end of a run. */
  encodeAgain(): Uint8Array {
    const isSame = lastGrid !== undefined && lastGrid.tiles.#width === this.#width &&
      Buffer.compare(lastGrid.tiles.#data, this.#data) === 0 && lastGrid.tiles.#colors === this.#colors;
    if (!isSame) lastGrid = { tiles: this, png: this.encode() };
    return lastGrid!.png.slice();
  }
}

let lastGrid: { readonly tiles: Tiles; readonly png: Uint8Array } | undefined;

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
 * @param rows rows of a band from the top, at least one, each an array [images, values]: bytes in 0 … 255, or numbers,
 *   which are clamped to [0, 1]
 * @param count number of images to draw, at least 1
 * @param shape height, width and colors of an image
 * @param options the layout
 * @returns a PNG file
 * @throws RangeError if an array holds fewer than `count` images, or a number is not a positive integer
 */
export function reconstructionGrid(
  rows: readonly (Float32Array | Uint8Array)[],
  count: number,
  shape: ImageShape,
  options: GridOptions = {},
): Uint8Array {
  const { scale = 2, columns = 15 } = options;
  const [height, width, colors = 1] = shape;
  const held = Math.min(...rows.map(({ length }) => length)) / valuesIn(shape);
  check([rows.length, count, height, width, scale, columns], count, held, " in each array");
  const perBand = Math.min(columns, count);
  const bands = Math.ceil(count / perBand);
  const bandHeight = rows.length * (height + PAIR_GAP) - PAIR_GAP;
  const tiles = new Tiles(
    bands * (bandHeight + BAND_GAP) - BAND_GAP + 2 * PAIR_GAP,
    perBand * (width + COLUMN_GAP) + COLUMN_GAP,
    scale,
    { colors },
  );
  for (let n = 0; n < count; n++) {
    const top = PAIR_GAP + Math.floor(n / perBand) * (bandHeight + BAND_GAP);
    const left = COLUMN_GAP + (n % perBand) * (width + COLUMN_GAP);
    rows.forEach((images, k) =>
      tiles.draw(top + k * (height + PAIR_GAP), left, shape, levelsFrom(images, n, shape))
    );
  }
  return tiles.encodeAgain();
}

/**
 * Draws images row by row, with gaps of one image pixel. The output is deterministic.
 *
 * @param images [images, values]: bytes in 0 … 255, or numbers, which are clamped to [0, 1]
 * @param count number of images to draw, at least 1
 * @param shape height, width and colors of an image
 * @param options the layout
 * @returns a PNG file
 * @throws RangeError if the array holds fewer than `count` images, or a number is not a positive integer
 */
export function imageGrid(
  images: Float32Array | Uint8Array,
  count: number,
  shape: ImageShape,
  options: GridOptions = {},
): Uint8Array {
  const { scale = 2, columns = 15 } = options;
  const [height, width, colors = 1] = shape;
  check([count, height, width, scale, columns], count, images.length / valuesIn(shape), "");
  const perRow = Math.min(columns, count);
  const rows = Math.ceil(count / perRow);
  const tiles = new Tiles(
    rows * (height + ROW_GAP) + ROW_GAP,
    perRow * (width + COLUMN_GAP) + COLUMN_GAP,
    scale,
    { colors },
  );
  for (let n = 0; n < count; n++) {
    const top = ROW_GAP + Math.floor(n / perRow) * (height + ROW_GAP);
    const left = COLUMN_GAP + (n % perRow) * (width + COLUMN_GAP);
    tiles.draw(top, left, shape, levelsFrom(images, n, shape));
  }
  return tiles.encode();
}

/**
 * Draws one image without a gap, pixel by pixel.
 *
 * @param images [images, values], as in {@link imageGrid}
 * @param n number of the image, from 0
 * @returns a PNG file
 */
export function imagePng(images: Float32Array | Uint8Array, n: number, shape: ImageShape): Uint8Array {
  const [height, width, colors = 1] = shape;
  const tiles = new Tiles(height, width, 1, { colors });
  tiles.draw(0, 0, shape, levelsFrom(images, n, shape));
  return tiles.encode({ level: 6 });
}

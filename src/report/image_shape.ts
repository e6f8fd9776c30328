/**
 * Shapes of images: how a row of numbers is laid out as a picture.
 * @module
 */

/**
 * Height and width of an image, and 3 if it is in color: its row of numbers then has the red, the green and the blue
 * pixels one after another.
 */
export type ImageShape = readonly [height: number, width: number, colors?: 1 | 3];

/** Number of values of an image: its pixels, once for each color. */
export function valuesIn([height, width, colors = 1]: ImageShape): number {
  return height * width * colors;
}

/** Shape of a color image's planes one above the other, for values that are no colors, such as weights. */
export function stacked([height, width, colors = 1]: ImageShape): readonly [height: number, width: number] {
  return [colors * height, width];
}

/** Reads a stored shape; undefined if it is none. */
export function parseImageShape(stored: unknown): ImageShape | undefined {
  const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;
  if (!Array.isArray(stored) || !stored.every(isSize)) return undefined;
  const [height, width, colors] = stored;
  if (stored.length === 2) return [height, width];
  return stored.length === 3 && colors === 3 ? [height, width, 3] : undefined;
}

/**
 * Mean image of a data set.
 * @module
 */

/**
 * Computes the mean image, with pixels in [0, 1].
 *
 * @param images [count, width], row-major: bytes from 0 to 255, or floats in [0, 1]
 * @param width pixels per image
 * @throws RangeError if there are no images, or the last one is incomplete
 */
export function meanImage(images: Uint8Array | Float32Array, width: number): Float32Array<ArrayBuffer> {
  const count = images.length / width;
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(
      `Cannot average images: expected a multiple of ${width} pixels but received ${images.length}`,
    );
  }
  const sums = new Float64Array(width);
  for (let k = 0; k < images.length; k++) sums[k % width] += images[k];
  const white = images instanceof Uint8Array ? 255 : 1;
  return Float32Array.from(sums, (sum) => sum / count / white);
}

/**
 * A sentence about results that a reader should not take at face value.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { Evaluation } from "./evaluate.ts";

/** Part of the mean image's error that a model must fall below to have learned anything. */
const LEARNED = 0.99;
/** Largest range of a code unit over the test images, relative to its size, at which it counts as constant. */
const CONSTANT = 1e-6;
/** Least and most size of the largest value that learning suits; pictures of values below a tenth look black. */
const SMALL = 0.1, LARGE = 10;

/**
 * Judges a trained model by its baselines, and the scaling of the user's own data by the test rows.
 *
 * @returns a line to print below the results table; undefined if nothing is suspicious
 */
export function verdict(
  { error, meanImageError, pcaError, codeSize, codes }: Evaluation,
  data: Pick<Dataset, "test" | "scaling">,
): string | undefined {
  if (meanImageError === 0) {
    return "verdict   every test image equals the mean image: there is nothing to learn from this data";
  }
  const largest = data.scaling ? largestOf(data.test.images) : 1;
  if (largest < SMALL || largest > LARGE) {
    const so = largest < SMALL
      ? "errors are small because the values are"
      : "single values outweigh all others";
    return `verdict   the scale looks wrong: the largest value is ${
      largest.toPrecision(3)
    } as scaled, so ${so}; ` +
      "--scale minmax brings them to [0, 1]";
  }
  if (codes.length > codeSize && isConstant(codes, codeSize)) {
    return "verdict   the code is the same for every test image: the network ignores its input; usual causes are a " +
      "learning rate that is too high, and units that are saturated or dead";
  }
  if (!(error < LEARNED * meanImageError)) {
    return "verdict   no better than the mean image: the network has learned nothing of single images; usual causes " +
      "are too few steps, and a learning rate that is too high or too low";
  }
  if (error > pcaError) {
    const what = codeSize === 1 ? "1 component" : `${codeSize} components`;
    return `verdict   worse than PCA with ${what}, which is linear: train for more epochs, on more images, or with a ` +
      "learning rate that decays";
  }
  return undefined;
}

/** Largest absolute value, as scaled. */
function largestOf(images: Dataset["test"]["images"]): number {
  let largest = 0;
  for (const value of images) if (Math.abs(value) > largest) largest = Math.abs(value);
  return images instanceof Uint8Array ? largest / 255 : largest;
}

/** True if no code unit varies over the rows. */
function isConstant(codes: Float32Array, size: number): boolean {
  const least = codes.slice(0, size), most = codes.slice(0, size);
  codes.forEach((value, k) => {
    const unit = k % size;
    if (value < least[unit]) least[unit] = value;
    if (value > most[unit]) most[unit] = value;
  });
  return most.every((high, unit) =>
    high - least[unit] <= CONSTANT * Math.max(Math.abs(high), Math.abs(least[unit]))
  );
}

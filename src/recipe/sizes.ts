/**
 * The layer widths of a network, chosen by the user and fitted to the images.
 * @module
 */
import { InputError } from "../errors.ts";
import { type Flag, integers, optionalInteger } from "./flag_kinds.ts";

/**
 * Declares `--sizes`, the layer widths from pixels to code.
 *
 * ```ts
 * import { sizesFlag } from "@bottleneck/bottleneck";
 *
 * const flags = { sizes: sizesFlag([784, 128, 3]) }; // --sizes 784,64,2
 * ```
 *
 * @param sizes the recipe's default widths
 */
export function sizesFlag(sizes: readonly number[]): Flag<readonly number[]> {
  return integers(sizes, "layer widths from pixels to code; the decoder mirrors them", { min: 1 }, 2);
}

/**
 * Declares `--code`, short for `--sizes` with another last width.
 *
 * ```ts
 * import { codeFlag, sizesFlag } from "@bottleneck/bottleneck";
 *
 * const flags = { sizes: sizesFlag([784, 400, 20]), code: codeFlag() }; // --code 2 is --sizes 784,400,2
 * ```
 */
export function codeFlag(): Flag<number | undefined> {
  return optionalInteger("code size; overrides the last of --sizes", {
    min: 1,
    max: 4096,
    absent: "the last of --sizes",
  });
}

/**
 * Returns the layer widths for images of `width` pixels. A first width left at the default follows the images.
 *
 * @param sizes value of `--sizes`
 * @param defaults default of `--sizes`
 * @param width pixels per image
 * @param code code size, if not the last width
 * @throws InputError if the user's first width is not the images'
 */
export function sizesFor(
  sizes: readonly number[],
  defaults: readonly number[],
  width: number,
  code: number = sizes.at(-1)!,
): number[] {
  if (sizes[0] !== width && sizes[0] !== defaults[0]) {
    throw new InputError(
      `Cannot use --sizes ${sizes}: expected the images' ${width} pixels as the first width but received ${
        sizes[0]
      }`,
    );
  }
  return [width, ...sizes.slice(1, -1), code];
}

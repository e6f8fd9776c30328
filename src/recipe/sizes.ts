/**
 * The widths of a network: what the user chooses, and what the images decide.
 * @module
 */
import { InputError } from "../errors.ts";
import { type Flag, integers, optionalInteger } from "./flag_kinds.ts";

/**
 * The flag `--sizes`.
 *
 * ```ts
 * import { sizesFlag } from "@bottleneck/bottleneck";
 *
 * const flags = { sizes: sizesFlag([784, 128, 3]) }; // --sizes 784,64,2
 * ```
 *
 * @param sizes the recipe's own widths, from pixels to code
 */
export function sizesFlag(sizes: readonly number[]): Flag<readonly number[]> {
  return integers(sizes, "widths from pixels to code; the decoder mirrors them", { min: 1 }, 2);
}

/**
 * The flag `--code`: short for `--sizes` with another last width.
 *
 * ```ts
 * import { codeFlag, sizesFlag } from "@bottleneck/bottleneck";
 *
 * const flags = { sizes: sizesFlag([784, 400, 20]), code: codeFlag() }; // --code 2 is --sizes 784,400,2
 * ```
 */
export function codeFlag(): Flag<number | undefined> {
  return optionalInteger("numbers in the code, instead of the last of --sizes", {
    min: 1,
    max: 4096,
    absent: "as --sizes says",
  });
}

/**
 * The widths for images of `width` pixels. A first width that is the recipe's own follows the images.
 *
 * @param sizes the flag's value
 * @param defaults the flag's default
 * @param width pixels of an image
 * @param code numbers in the code, if not the last width
 * @throws InputError if the user chose another first width than the images have
 */
export function sizesFor(
  sizes: readonly number[],
  defaults: readonly number[],
  width: number,
  code: number = sizes.at(-1)!,
): number[] {
  if (sizes[0] !== width && sizes[0] !== defaults[0]) {
    throw new InputError(
      `Cannot use --sizes ${sizes}: expected the images' ${width} pixels first but received ${sizes[0]}`,
    );
  }
  return [width, ...sizes.slice(1, -1), code];
}

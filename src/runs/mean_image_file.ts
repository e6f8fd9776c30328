/**
 * `mean_image.safetensors`: the mean training image of a run whose network subtracts it, so that the trained model
 * works without its training data.
 * @module
 */
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { readSafetensors, writeSafetensors } from "../files/safetensors.ts";
import type { Run } from "./run_config.ts";

const FILE = "mean_image.safetensors", TENSOR = "mean_image";

/**
 * Saves the mean image in a run folder.
 *
 * @param image [width], in [0, 1]
 */
export function writeMeanImage(folder: string, image: ArrayLike<number>): void {
  writeSafetensors(join(folder, FILE), [{
    name: TENSOR,
    shape: [image.length],
    data: Float32Array.from(image),
  }]);
}

/**
 * Reads the mean image of a run.
 *
 * @returns [width], in [0, 1]
 * @throws InputError if the file is missing, damaged or of another width
 */
export function readMeanImage({ path }: Run, width: number): Float32Array {
  if (![...Deno.readDirSync(path)].some(({ name }) => name === FILE)) {
    throw new InputError(
      `Cannot load "${path}": expected ${FILE}, the mean image that its network subtracts, but found none; ` +
        "train again",
    );
  }
  const [tensor, ...others] = readSafetensors(join(path, FILE)).tensors;
  if (tensor?.name === TENSOR && tensor.shape.join() === `${width}` && others.length === 0) {
    return tensor.data;
  }
  throw new InputError(
    `Cannot load "${path}": expected ${FILE} to hold "${TENSOR}" [${width}] alone; train again`,
  );
}

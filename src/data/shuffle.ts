/**
 * Order of the training images: a pure function of the seed and the epoch, so that runs are reproducible and
 * can be resumed at any epoch.
 * @module
 */
import { RandomStream } from "../random.ts";

/**
 * Random permutation of 0 … count - 1 (Fisher-Yates, unbiased).
 *
 * ```ts
 * import { permutation } from "@bottleneck/bottleneck";
 *
 * const order = permutation(10, 0, 1); // 0 to 9 in the order of epoch 1 under seed 0
 * ```
 *
 * @param count length of the permutation, an integer in [0, 2³²)
 * @param seed the run's seed
 * @param epoch epoch, from 0; epochs have independent orders
 * @param name name of the random stream; streams have independent orders
 * @throws {RangeError} if `count` is not such an integer
 */
export function permutation(
  count: number,
  seed: number,
  epoch: number,
  name: string = "shuffle",
): Uint32Array<ArrayBuffer> {
  if (!Number.isInteger(count) || count < 0 || count >= 2 ** 32) {
    throw new RangeError(`Cannot shuffle: expected a count in [0, 2³²) but received ${count}`);
  }
  const stream = new RandomStream(seed, name, epoch);
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  for (let i = count - 1; i > 0; i--) {
    const j = stream.nextBelow(i + 1);
    const held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
  return order;
}

/**
 * Splits `count` rows into mini-batches of `batchSize` rows, each from position `first` of an epoch's order;
 * the last one contains the remaining rows. The array's length is the number of steps per epoch.
 *
 * ```ts
 * import { batches } from "@bottleneck/bottleneck";
 *
 * console.log(batches(10, 4)); // rows 4, 4 and 2, from 0, 4 and 8
 * ```
 *
 * @throws {RangeError} if `count` is not an integer of at least 0, or `batchSize` not one of at least 1
 */
export function batches(count: number, batchSize: number): { first: number; rows: number }[] {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new RangeError(`Cannot make batches: expected a count of at least 0 but received ${count}`);
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new RangeError(
      `Cannot make batches: expected a batch size of at least 1 but received ${batchSize}`,
    );
  }
  return Array.from({ length: Math.ceil(count / batchSize) }, (_, i) => {
    const first = i * batchSize;
    return { first, rows: Math.min(batchSize, count - first) };
  });
}

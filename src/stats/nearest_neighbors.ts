/**
 * k-nearest-neighbors classification of codes, as a measure of how well they separate the classes.
 * @module
 */

import { InputError } from "../errors.ts";
import { isTurnDue, turnEventLoop } from "../event_loop.ts";

/** Codes with their classes. */
export interface LabeledCodes {
  /** Codes [count, dimensions], row-major. */
  readonly codes: Float32Array;
  /** Class of each code. */
  readonly labels: Uint8Array;
}

function checkCodes(name: string, { codes, labels }: LabeledCodes, dimensions: number): void {
  const action = `Cannot classify by nearest neighbors`;
  if (codes.length !== labels.length * dimensions || labels.length === 0) {
    throw new RangeError(
      `${action}: expected ${dimensions} numbers for each of ${labels.length} ${name} labels but received ${codes.length}`,
    );
  }
  const bad = codes.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new InputError(
      `${action}: expected finite codes but found ${codes[bad]} in ${name} code ${
        Math.floor(bad / dimensions)
      }; training has diverged, lower the learning rate`,
    );
  }
}

/** Dimension with the largest variance of the codes. */
function widestDimension(codes: Float32Array, dimensions: number): number {
  let widest = 0, greatest = -1;
  for (let d = 0; d < dimensions; d++) {
    let count = 0, mean = 0, squares = 0; // Welford's running variance
    for (let at = d; at < codes.length; at += dimensions) {
      const difference = codes[at] - mean;
      mean += difference / ++count;
      squares += difference * (codes[at] - mean);
    }
    if (squares > greatest) [widest, greatest] = [d, squares];
  }
  return widest;
}

/**
 * Returns the accuracy of classifying test codes by a majority vote of their `neighbors` nearest training
 * codes (Euclidean distance). Ties between classes go to the class with the nearest member; ties in distance
 * to the training code with the lower index.
 *
 * The search is exact. Training codes are sorted by the dimension with the largest variance; each search
 * proceeds outward from the test code until the distance in that dimension alone is too large. It is fast in
 * a few dimensions (10,000 against 60,000 in 3-D: one or two seconds), else no slower than all pairs. The event loop
 * turns meanwhile.
 *
 * @param train training codes
 * @param test codes to classify
 * @param dimensions numbers per code
 * @param neighbors number of voting neighbors, limited by the number of training codes
 * @returns the accuracy, in [0, 1]
 * @throws InputError if a code is not finite, because training has diverged
 * @throws RangeError if the arrays' lengths do not match, or `neighbors` is not a positive integer
 */
export async function nearestNeighborAccuracy(
  train: LabeledCodes,
  test: LabeledCodes,
  dimensions: number,
  neighbors: number = 5,
): Promise<number> {
  if (!Number.isSafeInteger(neighbors) || neighbors < 1) {
    throw new RangeError(
      `Cannot classify by nearest neighbors: expected at least 1 neighbor but received ${neighbors}`,
    );
  }
  checkCodes("training", train, dimensions);
  checkCodes("test", test, dimensions);
  const axis = widestDimension(train.codes, dimensions);
  const count = train.labels.length;
  const order = Uint32Array.from(train.labels.keys());
  order.sort((a, b) => train.codes[a * dimensions + axis] - train.codes[b * dimensions + axis] || a - b);
  const sorted = new Float32Array(train.codes.length), along = new Float32Array(count);
  for (let n = 0; n < count; n++) {
    const code = train.codes.subarray(order[n] * dimensions, (order[n] + 1) * dimensions);
    sorted.set(code, n * dimensions);
    along[n] = code[axis];
  }

  const k = Math.min(neighbors, count);
  const distances = new Float64Array(k); // squared distances of the nearest so far, ascending
  const nearest = new Uint32Array(k); // their indices in the training set
  const votes = new Uint32Array(256);
  let correct = 0;
  for (let n = 0; n < test.labels.length; n++) {
    const code = test.codes.subarray(n * dimensions, (n + 1) * dimensions);
    distances.fill(Infinity);
    nearest.fill(0xffffffff);

    /** Compares the training code at a position of the sorted order. */
    const look = (place: number): void => {
      const limit = distances[k - 1];
      let distance = 0;
      for (let d = 0, at = place * dimensions; d < dimensions; d++, at++) {
        const difference = sorted[at] - code[d];
        distance += difference * difference;
        if (distance > limit) return;
      }
      const index = order[place];
      if (distance === limit && index > nearest[k - 1]) return;
      let slot = k - 1;
      while (
        slot > 0 &&
        (distances[slot - 1] > distance || (distances[slot - 1] === distance && nearest[slot - 1] > index))
      ) {
        distances[slot] = distances[slot - 1];
        nearest[slot] = nearest[slot - 1];
        slot--;
      }
      distances[slot] = distance;
      nearest[slot] = index;
    };

    const here = code[axis];
    let low = 0, high = count; // after the search, `high` is the first training code at or above the test code
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (along[middle] < here) low = middle + 1;
      else high = middle;
    }
    let below = high - 1, above = high;
    while (below >= 0 || above < count) {
      const down = below >= 0 ? here - along[below] : Infinity;
      const up = above < count ? along[above] - here : Infinity;
      const step = Math.min(down, up);
      if (step * step > distances[k - 1]) break;
      look(down <= up ? below-- : above++);
    }

    votes.fill(0);
    let most = 0;
    for (const index of nearest) most = Math.max(most, ++votes[train.labels[index]]);
    // sorted by distance: the first neighbor whose class has the most votes decides ties
    const winner = nearest.find((index) => votes[train.labels[index]] === most)!;
    if (train.labels[winner] === test.labels[n]) correct++;
    if (isTurnDue()) await turnEventLoop();
  }
  return correct / test.labels.length;
}

/**
 * The project's only source of randomness: Philox 4x32 with 10 rounds, a counter-based generator (Salmon et
 * al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Every number is a pure function of (seed,
 * stream, counter), so runs are reproducible and can be resumed at any point.
 * @module
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** High 32 bits of the unsigned product of two 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff, aHigh = a >>> 16, bLow = b & 0xffff, bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16); // below 2³², as the next
  const carry = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) >>> 0;
}

/**
 * Philox 4x32-10: turns a 128-bit counter and a 64-bit key into 128 random bits.
 *
 * @param counter four 32-bit words
 * @param key two 32-bit words
 * @returns four 32-bit words, each in [0, 2³²)
 */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  const block = new Uint32Array(4);
  writePhilox(block, ...counter, ...key);
  return [block[0], block[1], block[2], block[3]];
}

/** Writes the words of {@link philox} without making arrays. */
function writePhilox(
  block: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0), low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2), low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  block[0] = c0;
  block[1] = c1;
  block[2] = c2;
  block[3] = c3;
}

/** 32-bit FNV-1a hash of a stream's name, such as "shuffle" or "encoder.0.weight". */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** Philox key of a seed and a stream's name, for shaders that generate the stream on the GPU. */
export function streamKey(seed: number, name: string): readonly [number, number] {
  return [seed >>> 0, hashName(name)];
}

/** A seeded, named stream of random numbers, read in order. Streams with different names are independent. */
export class RandomStream {
  readonly #key: readonly [number, number];
  readonly #substream: number;
  #counter = 0;
  readonly #block = new Uint32Array(4);

  /**
   * Starts at the stream's first number.
   *
   * @param seed an integer in [0, 2³²)
   * @param name the purpose of the numbers, such as "shuffle"
   * @param substream a second index, such as the epoch
   */
  constructor(seed: number, name: string, substream: number = 0) {
    this.#key = streamKey(seed, name);
    this.#substream = substream;
  }

  /** The next integer in [0, 2³²). */
  nextUint32(): number {
    const invocation = this.#counter % 4;
    if (invocation === 0) {
      const block = Math.floor(this.#counter / 4);
      const high = Math.floor(block / 4294967296);
      writePhilox(this.#block, block >>> 0, high, this.#substream >>> 0, 0, this.#key[0], this.#key[1]);
    }
    this.#counter++;
    return this.#block[invocation];
  }

  /** The next number in [0, 1), with 32 random bits. */
  nextUnit(): number {
    return this.nextUint32() / 4294967296;
  }

  /** The next integer in [0, limit), unbiased. `limit` is an integer in [1, 2³²]. */
  nextBelow(limit: number): number {
    const unbiased = 4294967296 - (4294967296 % limit);
    let word = this.nextUint32();
    while (word >= unbiased) word = this.nextUint32();
    return word % limit;
  }
}

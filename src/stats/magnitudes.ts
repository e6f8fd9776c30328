/**
 * Order statistics of magnitudes, by counting instead of sorting.
 * @module
 */

/** Values that a half of a 32-bit float's bits has. */
const HALVES = 2 ** 16;

/**
 * Returns a magnitude of the finite values by its place in ascending order; 0 if there are none. Bits of magnitudes
 * rise with them: one pass counts their upper halves, and a second the lower halves of those that share the wanted one.
 *
 * @param placeOf returns the place, from 0, given the number of finite values
 */
export function magnitudeAt(values: Float32Array, placeOf: (count: number) => number): number {
  const magnitudes = new Float32Array(values.length), bits = new Uint32Array(magnitudes.buffer);
  let count = 0;
  for (let k = 0; k < values.length; k++) {
    const size = Math.abs(values[k]);
    if (size < Infinity) magnitudes[count++] = size;
  }
  if (count === 0) return 0;
  const upper = new Uint32Array(HALVES), lower = new Uint32Array(HALVES);
  for (let k = 0; k < count; k++) upper[bits[k] >>> 16]++;
  const [high, rest] = halfAt(upper, placeOf(count));
  for (let k = 0; k < count; k++) if (bits[k] >>> 16 === high) lower[bits[k] % HALVES]++;
  const [low] = halfAt(lower, rest);
  return new Float32Array(Uint32Array.of(high * HALVES + low).buffer)[0];
}

/** The half that has a place, and the place among those that share it. */
function halfAt(counts: Uint32Array, place: number): [half: number, rest: number] {
  let half = 0;
  while (place >= counts[half]) place -= counts[half++];
  return [half, place];
}

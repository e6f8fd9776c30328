/**
 * Variation of values between images.
 * @module
 */

/**
 * Standard deviation over rows, root mean square over columns: √( Σ_d Var_b V[b,d] / D ); 0 for equal rows.
 *
 * @param values [rows, width], row-major, with at least one row
 * @param width D
 */
export function standardDeviation(values: Float32Array, width: number): number {
  const rows = values.length / width;
  const means = new Float64Array(width);
  for (let k = 0; k < values.length; k++) means[k % width] += values[k] / rows;
  let squares = 0;
  for (let k = 0; k < values.length; k++) squares += (values[k] - means[k % width]) ** 2;
  return Math.sqrt(squares / values.length);
}

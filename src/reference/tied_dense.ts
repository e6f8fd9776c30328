/**
 * Specification of the tied dense layer: a dense layer whose weight is the transpose of another layer's.
 * @module
 */

/**
 * Transpose: result[c, r] = matrix[r, c].
 *
 * @param matrix [rows, columns], row-major
 * @returns [columns, rows], row-major
 */
export function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(matrix.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) result[c * rows + r] = matrix[r * columns + c];
  }
  return result;
}

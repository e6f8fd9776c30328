/**
 * Eigenvectors of a symmetric matrix, computed in one go.
 * @module
 */
import { EigenvalueDecomposition, Matrix } from "../dependencies/ml_matrix.ts";

/** A symmetric matrix, and how many of its eigenvectors are wanted. */
export interface EigenvectorsRequest {
  /** [size, size], row-major. */
  readonly matrix: Float64Array<ArrayBuffer>;
  /** Rows and columns of the matrix. */
  readonly size: number;
  /** How many eigenvectors, at most `size`. */
  readonly count: number;
}

/** The largest eigenvalues of a matrix and their eigenvectors, largest first. */
export interface Eigenvectors {
  /** [count]. */
  readonly values: readonly number[];
  /** [count, size], of length 1. */
  readonly vectors: readonly (readonly number[])[];
}

/** Returns the eigenvectors of the largest eigenvalues. */
export function findEigenvectors({ matrix, size, count }: EigenvectorsRequest): Eigenvectors {
  const rows = Array.from({ length: size }, (_, i) => matrix.subarray(i * size, (i + 1) * size));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(new Matrix(rows), {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b] - realEigenvalues[a])
    .slice(0, count);
  return {
    values: order.map((k) => realEigenvalues[k]),
    vectors: order.map((k) => eigenvectorMatrix.getColumn(k)),
  };
}

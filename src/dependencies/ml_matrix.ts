/**
 * The npm package ml-matrix: eigenvalues, for PCA.
 * @module
 */
export { EigenvalueDecomposition, Matrix } from "npm:ml-matrix@6.15.1";

/**
 * Graphs of forward passes over many rows.
 * @module
 */
import { Graph } from "../graph/graph.ts";

/** Rows of the tallest tile of a product: a batch of a multiple of it is whole tiles, as training batches usually are. */
const TILE = 16;

/**
 * Creates a graph for passes over some rows. Batches of few rows leave a part of the last tile empty instead of using
 * tiles of another height, whose kernels would be compiled for them alone.
 *
 * @param count number of rows of all passes together
 * @param most maximum number of rows of a batch
 */
export function passGraph(count: number, most: number): Graph {
  return new Graph(Math.min(most, TILE * Math.ceil(count / TILE)));
}

/**
 * How matrix products are cut into pieces for a device's lanes.
 * @module
 */
import type { Target } from "./graph.ts";

/** Rows and vec4 columns that one lane computes, as the shaders' constants name them. */
export type Tile = { readonly TILE_ROWS: number; readonly TILE_COLUMNS: number };

/**
 * The tile of a product with as many rows as a batch. A software adapter is bound by loads, so its tiles are as
 * large as registers allow, and no taller than splits the batch evenly; a GPU wants many lanes.
 */
export function batchTile({ isSoftware }: Target, rows: number): Tile {
  if (!isSoftware) return { TILE_ROWS: Math.min(4, rows), TILE_COLUMNS: 1 };
  return { TILE_ROWS: Math.ceil(rows / Math.ceil(rows / 16)), TILE_COLUMNS: 4 };
}

/** The tile of a product that sums over the batch; its rows are counted in vec4 too. */
export function weightTile({ isSoftware }: Target): Tile {
  return isSoftware ? { TILE_ROWS: 4, TILE_COLUMNS: 4 } : { TILE_ROWS: 1, TILE_COLUMNS: 1 };
}

/** How many lanes compute a product of `rows` rows and `columns` vec4 columns. */
export function lanesOf({ TILE_ROWS, TILE_COLUMNS }: Tile, rows: number, columns: number): number {
  return Math.ceil(rows / TILE_ROWS) * Math.ceil(columns / TILE_COLUMNS);
}

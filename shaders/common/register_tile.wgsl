// after common/step.wgsl, common/padding.wgsl
// Tile of Y or dX that one invocation computes in its registers; see forward_tile.wgsl and gradient_tile.wgsl for its
// start and store.
//
// One invocation   TILE_ROWS rows × TILE_COLUMNS vec4 columns; invocations beyond the end do nothing
// Sum order  the bias, or the earlier value of dX, first if there is one
// Edges      rows and columns beyond the last repeat its sum and store, so that no condition is unrolled. The
//            activation is applied in a second pass over the stored values. Drivers then compile 3 times faster

override WORKGROUP_SIZE: u32;        // invocations per workgroup
override TILE_ROWS: u32;    // at most MAX_ROWS
override TILE_COLUMNS: u32; // in vec4; TILE_ROWS · TILE_COLUMNS at most MAX_TILE

const MAX_ROWS = 32u;
const MAX_TILE = 128u;

struct Tile {
  row: u32,     // first row of the tile
  column: u32,  // first vec4 column of the tile
  columns: u32, // vec4 columns of the whole matrix
}

fn tile_of(invocation: u32, width: u32) -> Tile {
  let columns = vec4_count(width);
  let across = (columns + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  return Tile(invocation / across * TILE_ROWS, invocation % across * TILE_COLUMNS, columns);
}

/// Row r of the tile, or the last row of the batch.
fn row_of(tile: Tile, r: u32) -> u32 {
  return min(tile.row + r, step.rows - 1u);
}

/// Vec4 column c of the tile, or the last of the matrix.
fn column_of(tile: Tile, c: u32) -> u32 {
  return min(tile.column + c, tile.columns - 1u);
}

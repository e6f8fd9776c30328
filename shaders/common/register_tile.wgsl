// after common/dense_output.wgsl
// Tile of Y or dX that one invocation computes in its registers: start and store.
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

/// Forward: begins the sums with the bias.
fn begin_with_bias(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let start = bias_of(column_of(tile, c));
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      (*sum)[r * TILE_COLUMNS + c] = start;
    }
  }
}

/// Forward: Y = f(sum).
fn store_activated(tile: Tile, width: u32, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = column_of(tile, c);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      y[row_of(tile, r) * tile.columns + column] = (*sum)[r * TILE_COLUMNS + c];
    }
  }
  for (var row = tile.row; row < min(tile.row + TILE_ROWS, step.rows); row++) {
    for (var column = tile.column; column < min(tile.column + TILE_COLUMNS, tile.columns); column++) {
      let at = row * tile.columns + column;
      y[at] = activated(y[at], column, width);
    }
  }
}

/// Backward: begins the sums with the earlier dX.
fn begin_with_earlier(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  if (layer.accumulate != 0u) {
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      let column = column_of(tile, c);
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        (*sum)[r * TILE_COLUMNS + c] = d_x[row_of(tile, r) * tile.columns + column];
      }
    }
  }
}

/// Backward: dX = f'(X) · sum.
fn store_gradient(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = column_of(tile, c);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      d_x[row_of(tile, r) * tile.columns + column] = (*sum)[r * TILE_COLUMNS + c];
    }
  }
  for (var row = tile.row; row < min(tile.row + TILE_ROWS, step.rows); row++) {
    for (var column = tile.column; column < min(tile.column + TILE_COLUMNS, tile.columns); column++) {
      let at = row * tile.columns + column;
      d_x[at] *= derivative(layer.activation, x[at]);
    }
  }
}

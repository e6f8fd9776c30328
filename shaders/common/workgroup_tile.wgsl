// after common/dense_output.wgsl
// A tile of Y or dX that the lanes of a workgroup compute together: what comes before and after the products.
//
// Workgroup  computes ROWS rows × COLUMNS vec4 columns of Y or dX, DEPTH vec4 of the sum at a time; both parts of them
//            lie in shared memory, at most 16 KiB together
// One lane   computes TILE_ROWS rows × TILE_COLUMNS vec4 columns of it in registers: rows DOWN apart, columns ACROSS
//            apart, so that neighbouring lanes read and write neighbouring vec4s
// Sum order  the bias first, the earlier value of dX last

override LANES: u32;        // lanes of a workgroup
override ACROSS: u32;       // of them side by side, at least 8 on a GPU; LANES / ACROSS are below one another
override TILE_ROWS: u32;    // rows of one lane; at most MAX_ROWS
override TILE_COLUMNS: u32; // vec4 columns of one lane; TILE_ROWS · TILE_COLUMNS at most MAX_TILE
override DEPTH: u32;        // vec4 of the sum that are shared at a time

override DOWN = LANES / ACROSS;
override ROWS = DOWN * TILE_ROWS;         // of the workgroup's tile
override COLUMNS = ACROSS * TILE_COLUMNS; // in vec4

const MAX_ROWS = 8u;
const MAX_TILE = 16u;

struct Tile {
  row: u32,     // the workgroup's first row
  column: u32,  // its first vec4 column
  columns: u32, // vec4 columns of the whole matrix
  lane: u32,    // in the workgroup
}

fn tile_of(workgroup: u32, lane: u32, width: u32) -> Tile {
  let columns = vec4_count(width);
  let across = (columns + COLUMNS - 1u) / COLUMNS;
  return Tile(workgroup / across * ROWS, workgroup % across * COLUMNS, columns, lane);
}

/// Row number r of the tile's lane.
fn row_of(tile: Tile, r: u32) -> u32 {
  return tile.row + tile.lane / ACROSS + r * DOWN;
}

/// Vec4 column number c of the tile's lane.
fn column_of(tile: Tile, c: u32) -> u32 {
  return tile.column + tile.lane % ACROSS + c * ACROSS;
}

/// Forward: begins the sums with the bias.
fn begin_with_bias(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let start = bias_of(min(column_of(tile, c), tile.columns - 1u));
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
      let row = row_of(tile, r);
      if (row < step.rows && column < tile.columns) {
        y[row * tile.columns + column] = activated((*sum)[r * TILE_COLUMNS + c], column, width);
      }
    }
  }
}

/// Backward: dX = f'(X) · ( sum + what other readers of X wrote before ).
fn store_gradient(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = column_of(tile, c);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let row = row_of(tile, r);
      if (row < step.rows && column < tile.columns) {
        let at = row * tile.columns + column;
        var d = (*sum)[r * TILE_COLUMNS + c];
        if (layer.accumulate != 0u) { d += d_x[at]; }
        d_x[at] = d * derivative(layer.activation, x[at]);
      }
    }
  }
}

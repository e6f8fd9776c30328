// after common/dense_output.wgsl
// A tile of Y or dX that the invocations of a workgroup compute together: what comes before and after the products.
//
// Workgroup  computes ROWS rows × COLUMNS vec4 columns of Y or dX, DEPTH vec4 of the sum at a time; both parts of them
//            lie in shared memory, at most 16 KiB together
// One invocation   computes TILE_ROWS rows × TILE_COLUMNS vec4 columns of it in registers: rows DOWN apart, columns ACROSS
//            apart, so that neighboring invocations read and write neighboring vec4s
// Sum order  the bias first, the earlier value of dX last

override WORKGROUP_SIZE: u32;        // invocations of a workgroup
override ACROSS: u32;       // of them side by side, at least 8 on a GPU; WORKGROUP_SIZE / ACROSS are below one another
override TILE_ROWS: u32;    // rows of one invocation; at most MAX_ROWS
override TILE_COLUMNS: u32; // vec4 columns of one invocation; TILE_ROWS · TILE_COLUMNS at most MAX_TILE
override DEPTH: u32;        // vec4 of the sum that are shared at a time

override DOWN = WORKGROUP_SIZE / ACROSS;
override ROWS = DOWN * TILE_ROWS;         // of the workgroup's tile
override COLUMNS = ACROSS * TILE_COLUMNS; // in vec4

const MAX_ROWS = 8u;
const MAX_TILE = 16u;

struct Tile {
  row: u32,     // the workgroup's first row
  column: u32,  // its first vec4 column
  columns: u32, // vec4 columns of the whole matrix
}

/// Without the invocation, as what a barrier's condition depends on must be the same in the whole workgroup.
fn tile_of(workgroup: u32, width: u32) -> Tile {
  let columns = vec4_count(width);
  let across = (columns + COLUMNS - 1u) / COLUMNS;
  return Tile(workgroup / across * ROWS, workgroup % across * COLUMNS, columns);
}

/// Row number r of an invocation.
fn row_of(tile: Tile, invocation: u32, r: u32) -> u32 {
  return tile.row + invocation / ACROSS + r * DOWN;
}

/// Vec4 column number c of an invocation.
fn column_of(tile: Tile, invocation: u32, c: u32) -> u32 {
  return tile.column + invocation % ACROSS + c * ACROSS;
}

/// Forward: begins the sums with the bias.
fn begin_with_bias(tile: Tile, invocation: u32, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let start = bias_of(min(column_of(tile, invocation, c), tile.columns - 1u));
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      (*sum)[r * TILE_COLUMNS + c] = start;
    }
  }
}

/// Forward: Y = f(sum).
fn store_activated(tile: Tile, invocation: u32, width: u32, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = column_of(tile, invocation, c);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let row = row_of(tile, invocation, r);
      if (row < step.rows && column < tile.columns) {
        y[row * tile.columns + column] = activated((*sum)[r * TILE_COLUMNS + c], column, width);
      }
    }
  }
}

/// Backward: dX = f'(X) · ( sum + what other readers of X wrote before ).
fn store_gradient(tile: Tile, invocation: u32, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = column_of(tile, invocation, c);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let row = row_of(tile, invocation, r);
      if (row < step.rows && column < tile.columns) {
        let at = row * tile.columns + column;
        var d = (*sum)[r * TILE_COLUMNS + c];
        if (layer.accumulate != 0u) { d += d_x[at]; }
        d_x[at] = d * derivative(layer.activation, x[at]);
      }
    }
  }
}

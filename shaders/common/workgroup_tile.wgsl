// after common/dense_output.wgsl
// Tile of Y or dX that the invocations of a workgroup compute together: start and store.
//
// Workgroup  computes ROWS rows × COLUMNS vec4 columns of Y or dX, DEPTH vec4 of the sum at a time, with both
//            operands' parts in shared memory, at most 16 KiB together
// One invocation   computes TILE_ROWS rows × TILE_COLUMNS vec4 columns of the tile in registers: rows DOWN
//            apart, columns ACROSS apart, so that neighboring invocations read and write neighboring vec4
// Sum order  the bias first, the earlier value of dX last

override WORKGROUP_SIZE: u32;        // invocations per workgroup
override ACROSS: u32;       // invocations side by side, at least 8 on a GPU, in WORKGROUP_SIZE / ACROSS rows
override TILE_ROWS: u32;    // rows of one invocation; at most MAX_ROWS
override TILE_COLUMNS: u32; // vec4 columns of one invocation; TILE_ROWS · TILE_COLUMNS at most MAX_TILE
override DEPTH: u32;        // vec4 of the sum in shared memory at a time

override DOWN = WORKGROUP_SIZE / ACROSS;
override ROWS = DOWN * TILE_ROWS;         // rows of the workgroup's tile
override COLUMNS = ACROSS * TILE_COLUMNS; // in vec4

const MAX_ROWS = 8u;
const MAX_TILE = 16u;

struct Tile {
  row: u32,     // first row of the workgroup's tile
  column: u32,  // first vec4 column of the workgroup's tile
  columns: u32, // vec4 columns of the whole matrix
}

/// Independent of the invocation, because conditions around barriers must be uniform in a workgroup.
fn tile_of(workgroup: u32, width: u32) -> Tile {
  let columns = vec4_count(width);
  let across = (columns + COLUMNS - 1u) / COLUMNS;
  return Tile(workgroup / across * ROWS, workgroup % across * COLUMNS, columns);
}

/// Row r of an invocation.
fn row_of(tile: Tile, invocation: u32, r: u32) -> u32 {
  return tile.row + invocation / ACROSS + r * DOWN;
}

/// Vec4 column c of an invocation.
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

/// Backward: dX = f'(X) · ( sum + earlier dX ).
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

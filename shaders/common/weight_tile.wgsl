// Tile of dW that one invocation computes in its registers: start and store. Where dW and d_bias are, is written in
// weight_output.wgsl for a single layer, and in dense_chain_weight.wgsl for several.
//
// One invocation   TILE_ROWS vec4 of inputs × TILE_COLUMNS vec4 of outputs of dW; the invocations of the
//            first inputs also write d_bias, which needs no additional load
// Edges      rows and columns beyond the last repeat its sum and store: see register_tile.wgsl

override WORKGROUP_SIZE: u32;        // invocations per workgroup
override TILE_ROWS: u32;    // in vec4; at most MAX_ROWS
override TILE_COLUMNS: u32; // in vec4; 4 · TILE_ROWS · TILE_COLUMNS at most MAX_TILE

const MAX_ROWS = 8u;
const MAX_COLUMNS = 8u;
const MAX_TILE = 128u;

struct Tile {
  row: u32,     // first vec4 of inputs of the tile
  column: u32,  // first vec4 of outputs of the tile
  rows: u32,    // vec4 of inputs of the whole matrix
  columns: u32, // vec4 of outputs of the whole matrix
}

fn tile_of(invocation: u32) -> Tile {
  let columns = vec4_count(layer.outputs);
  let across = (columns + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  return Tile(invocation / across * TILE_ROWS, invocation % across * TILE_COLUMNS, vec4_count(layer.inputs), columns);
}

/// Vec4 of inputs r of the tile, or the last of the matrix.
fn row_of(tile: Tile, r: u32) -> u32 {
  return min(tile.row + r, tile.rows - 1u);
}

/// Vec4 of outputs c of the tile, or the last of the matrix.
fn column_of(tile: Tile, c: u32) -> u32 {
  return min(tile.column + c, tile.columns - 1u);
}

fn store_gradients(
  tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>, bias_sum: ptr<function, array<vec4f, MAX_COLUMNS>>,
) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      for (var k = 0u; k < 4u; k++) { // unroll
        let at = (4u * row_of(tile, r) + k) * tile.columns + column_of(tile, c);
        set_d_w(at, (*sum)[(4u * r + k) * TILE_COLUMNS + c]);
      }
    }
  }
  if (layer.has_bias != 0u && tile.row == 0u) {
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      set_d_bias(column_of(tile, c), (*bias_sum)[c]);
    }
  }
}

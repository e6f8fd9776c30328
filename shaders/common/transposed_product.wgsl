// after common/register_tile.wgsl
// Product with the transposed weights, W [I, O] read in place, in the registers of one invocation.

/// Adds a tile of A·Wᵀ to `sum`: ascending o in blocks of four.
fn add_transposed_product(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  let O4 = vec4_count(layer.outputs);
  for (var o = 0u; o < O4; o++) {
    var a: array<vec4f, MAX_ROWS>;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      a[r] = left_at(row_of(tile, r) * O4 + o);
    }
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      let row = layer.weight_at + 4u * column_of(tile, c) * O4 + o;
      let w0 = right_at(row);
      let w1 = right_at(row + O4);
      let w2 = right_at(row + 2u * O4);
      let w3 = right_at(row + 3u * O4);
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        (*sum)[r * TILE_COLUMNS + c] += vec4f(dot(a[r], w0), dot(a[r], w1), dot(a[r], w2), dot(a[r], w3));
      }
    }
  }
}

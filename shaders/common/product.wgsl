// after common/register_tile.wgsl
// Product with the weights W [I, O], not transposed, in the registers of one invocation.

/// Adds a tile of A·W to `sum`: ascending i in blocks of four.
fn add_product(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  let I4 = vec4_count(layer.inputs);
  let O4 = tile.columns;
  for (var i = 0u; i < I4; i++) {
    var a: array<vec4f, MAX_ROWS>;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      a[r] = left_at(row_of(tile, r) * I4 + i);
    }
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      let column = layer.weight_at + 4u * i * O4 + column_of(tile, c);
      let w0 = right_at(column);
      let w1 = right_at(column + O4);
      let w2 = right_at(column + 2u * O4);
      let w3 = right_at(column + 3u * O4);
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        (*sum)[r * TILE_COLUMNS + c] += a[r].x * w0 + a[r].y * w1 + a[r].z * w2 + a[r].w * w3;
      }
    }
  }
}

// after common/register_tile.wgsl, common/dense_activation.wgsl
// Start and store of a tile of Y. Where bias and Y are, the shader says with bias_of, y_at and set_y.

/// Begins the sums with the bias.
fn begin_with_bias(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let start = bias_of(column_of(tile, c));
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      (*sum)[r * TILE_COLUMNS + c] = start;
    }
  }
}

/// Y = f(sum).
fn store_activated(tile: Tile, width: u32, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = column_of(tile, c);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      set_y(row_of(tile, r) * tile.columns + column, (*sum)[r * TILE_COLUMNS + c]);
    }
  }
  for (var row = tile.row; row < min(tile.row + TILE_ROWS, step.rows); row++) {
    for (var column = tile.column; column < min(tile.column + TILE_COLUMNS, tile.columns); column++) {
      let at = row * tile.columns + column;
      set_y(at, activated(y_at(at), column, width));
    }
  }
}

// after common/register_tile.wgsl, common/activation.wgsl
// Start and store of a tile of dX. Where X and dX are, the shader says with x_at, d_x_at and set_d_x.

/// Begins the sums with the earlier dX.
fn begin_with_earlier(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  if (layer.accumulate != 0u) {
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      let column = column_of(tile, c);
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        (*sum)[r * TILE_COLUMNS + c] = d_x_at(row_of(tile, r) * tile.columns + column);
      }
    }
  }
}

/// dX = f'(X) · sum.
fn store_gradient(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = column_of(tile, c);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      set_d_x(row_of(tile, r) * tile.columns + column, (*sum)[r * TILE_COLUMNS + c]);
    }
  }
  for (var row = tile.row; row < min(tile.row + TILE_ROWS, step.rows); row++) {
    for (var column = tile.column; column < min(tile.column + TILE_COLUMNS, tile.columns); column++) {
      let at = row * tile.columns + column;
      set_d_x(at, d_x_at(at) * derivative(layer.activation, x_at(at)));
    }
  }
}

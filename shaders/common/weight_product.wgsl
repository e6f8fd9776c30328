// after common/weight_tile.wgsl
// Product of the transposed inputs with the gradients of the outputs, in the registers of one invocation.

/// Adds row b's terms of dW and d_bias.
fn add_row(
  b: u32, tile: Tile,
  sum: ptr<function, array<vec4f, MAX_TILE>>, bias_sum: ptr<function, array<vec4f, MAX_COLUMNS>>,
) {
  var a: array<vec4f, MAX_ROWS>;
  for (var r = 0u; r < TILE_ROWS; r++) { // unroll
    a[r] = left_at(b * tile.rows + row_of(tile, r));
  }
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let d = right_at(b * tile.columns + column_of(tile, c));
    (*bias_sum)[c] += d;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      (*sum)[(4u * r + 0u) * TILE_COLUMNS + c] += a[r].x * d;
      (*sum)[(4u * r + 1u) * TILE_COLUMNS + c] += a[r].y * d;
      (*sum)[(4u * r + 2u) * TILE_COLUMNS + c] += a[r].z * d;
      (*sum)[(4u * r + 3u) * TILE_COLUMNS + c] += a[r].w * d;
    }
  }
}

/// Adds the terms of all rows, in ascending order.
fn add_rows(
  tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>, bias_sum: ptr<function, array<vec4f, MAX_COLUMNS>>,
) {
  let rows = step.rows;
  let whole = rows / 4u * 4u; // four rows per iteration save a tenth of the time
  for (var b = 0u; b < whole; b += 4u) {
    for (var k = 0u; k < 4u; k++) { // unroll
      add_row(b + k, tile, sum, bias_sum);
    }
  }
  for (var b = whole; b < rows; b++) { add_row(b, tile, sum, bias_sum); }
}

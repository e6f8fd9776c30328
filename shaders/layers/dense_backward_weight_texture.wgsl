// after common/operands_texture.wgsl, common/weight_earlier.wgsl
// The product of dense_backward_weight.wgsl from textures, four rows at a time, for software adapters.
//
// Backward   dense_backward_weight_texture: dW[i,o] = Σ_b X[b,i]·dZ[b,o],  d_bias[o] = Σ_b dZ[b,o]
// Shapes     those of dense_backward_weight.wgsl
// One invocation   computes a tile of dW: see weight_tile.wgsl
// Sum order  the earlier value first (a weight with two uses gets the sum), then ascending b in blocks of
//            four
// Rows       past step.rows are not read
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46 and algorithm 6.4

/// Adds the terms of rows b to b + 3 to dW and d_bias.
fn add_four_rows(
  b: u32, tile: Tile,
  sum: ptr<function, array<vec4f, MAX_TILE>>, bias_sum: ptr<function, array<vec4f, MAX_COLUMNS>>,
) {
  var a: array<vec4f, 4u * MAX_ROWS>;
  for (var r = 0u; r < TILE_ROWS; r++) { // unroll
    let row = row_of(tile, r);
    for (var k = 0u; k < 4u; k++) { // unroll
      a[4u * r + k] = left_at((b + k) * tile.rows + row);
    }
  }
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = column_of(tile, c);
    let d0 = right_at(b * tile.columns + column);
    let d1 = right_at((b + 1u) * tile.columns + column);
    let d2 = right_at((b + 2u) * tile.columns + column);
    let d3 = right_at((b + 3u) * tile.columns + column);
    (*bias_sum)[c] += d0 + d1 + d2 + d3;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let a0 = a[4u * r];
      let a1 = a[4u * r + 1u];
      let a2 = a[4u * r + 2u];
      let a3 = a[4u * r + 3u];
      (*sum)[(4u * r + 0u) * TILE_COLUMNS + c] += a0.x * d0 + a1.x * d1 + a2.x * d2 + a3.x * d3;
      (*sum)[(4u * r + 1u) * TILE_COLUMNS + c] += a0.y * d0 + a1.y * d1 + a2.y * d2 + a3.y * d3;
      (*sum)[(4u * r + 2u) * TILE_COLUMNS + c] += a0.z * d0 + a1.z * d1 + a2.z * d2 + a3.z * d3;
      (*sum)[(4u * r + 3u) * TILE_COLUMNS + c] += a0.w * d0 + a1.w * d1 + a2.w * d2 + a3.w * d3;
    }
  }
}

/// Adds row b's terms.
fn add_row(
  b: u32, tile: Tile,
  sum: ptr<function, array<vec4f, MAX_TILE>>, bias_sum: ptr<function, array<vec4f, MAX_COLUMNS>>,
) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let d = right_at(b * tile.columns + column_of(tile, c));
    (*bias_sum)[c] += d;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let a = left_at(b * tile.rows + row_of(tile, r));
      (*sum)[(4u * r + 0u) * TILE_COLUMNS + c] += a.x * d;
      (*sum)[(4u * r + 1u) * TILE_COLUMNS + c] += a.y * d;
      (*sum)[(4u * r + 2u) * TILE_COLUMNS + c] += a.z * d;
      (*sum)[(4u * r + 3u) * TILE_COLUMNS + c] += a.w * d;
    }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_backward_weight_texture(@builtin(global_invocation_id) invocation: vec3u) {
  let tile = tile_of(invocation.x);
  if (tile.row >= tile.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  var bias_sum: array<vec4f, MAX_COLUMNS>;
  begin_with_earlier(tile, &sum, &bias_sum);
  let rows = step.rows;
  let whole = rows / 4u * 4u;
  for (var b = 0u; b < whole; b += 4u) {
    add_four_rows(b, tile, &sum, &bias_sum);
  }
  for (var b = whole; b < rows; b++) { add_row(b, tile, &sum, &bias_sum); }
  store_gradients(tile, &sum, &bias_sum);
}

// after common/operands_buffer.wgsl, common/weight_tile.wgsl
// Backward pass of the dense layer to its weights and bias.
//
// Forward    dense_forward.wgsl: Z = X·W + bias
// Backward   dW[i,o] = Σ_b X[b,i]·dZ[b,o],  d_bias[o] = Σ_b dZ[b,o]
// Shapes     X [B, I] on the left, dZ [B, O] on the right, dW [I, O], d_bias [O], row-major, widths
//            zero-padded to multiples of four
// One invocation   computes a tile of dW: see weight_tile.wgsl.
//            dense_backward_bias, for the tied layer: one vec4 of d_bias. Its Y = f(X·Wᵀ + bias) has as many columns
//            as W has rows, so X and dZ swap roles in dW, and d_bias needs a sum of its own
// Sum order  the earlier value first (a weight with two uses gets the sum), then ascending b
// Rows       past step.rows are not read
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46 and algorithm 6.4

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

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_backward_weight(@builtin(global_invocation_id) invocation: vec3u) {
  let tile = tile_of(invocation.x);
  if (tile.row >= tile.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  var bias_sum: array<vec4f, MAX_COLUMNS>;
  begin_with_earlier(tile, &sum, &bias_sum);
  let rows = step.rows;
  let whole = rows / 4u * 4u; // four rows per iteration save a tenth of the time
  for (var b = 0u; b < whole; b += 4u) {
    for (var k = 0u; k < 4u; k++) { // unroll
      add_row(b + k, tile, &sum, &bias_sum);
    }
  }
  for (var b = whole; b < rows; b++) { add_row(b, tile, &sum, &bias_sum); }
  store_gradients(tile, &sum, &bias_sum);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_backward_bias(@builtin(global_invocation_id) invocation: vec3u) {
  let O4 = vec4_count(layer.outputs);
  let column = invocation.x;
  if (column >= O4) { return; }
  var d = vec4f(0.0);
  for (var b = 0u; b < step.rows; b++) { d += right_at(b * O4 + column); }
  if (layer.accumulate_bias != 0u) { d += d_bias[column]; }
  d_bias[column] = d;
}

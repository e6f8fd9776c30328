// after common/operands_buffer.wgsl, common/weight_earlier.wgsl, common/weight_product.wgsl
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

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_backward_weight(@builtin(global_invocation_id) invocation: vec3u) {
  let tile = tile_of(invocation.x);
  if (tile.row >= tile.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  var bias_sum: array<vec4f, MAX_COLUMNS>;
  begin_with_earlier(tile, &sum, &bias_sum);
  add_rows(tile, &sum, &bias_sum);
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

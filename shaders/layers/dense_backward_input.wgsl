// after common/operands, common/register_tile.wgsl
// Products with the transposed weights, which are read in place: the dense layer backward to its input, and the
// tied layer, which decodes with the weights that another layer encodes with, forward.
//
// Forward    tied_forward: Y[b,i] = f( Σ_o A[b,o]·W[i,o] + bias[i] ), A being its input
//            the dense layer's is in dense_forward.wgsl: Z = X·W + bias
// Backward   dense_backward_input: dX[b,i] = f'(X[b,i]) · ( Σ_o dZ[b,o]·W[i,o] + what other readers of X wrote
//            before ); dZ takes the place of A.
//            f is the activation that made X, so that what is written is the gradient before that activation.
//            Only the last of X's readers multiplies by f'; the others have the identity's number.
//            the tied layer's: tied_backward_input in dense_forward.wgsl, dense_backward_weight.wgsl
// Shapes     A or dZ [B, O] on the left, W [I, O] on the right, X, dX, Y [B, I], bias [I], row-major, widths padded with
//            zeros to multiples of four
// One invocation   computes a tile of dX or Y: see register_tile.wgsl
// Sum order  the bias or the earlier value of dX first if there is one, then o upwards in blocks of four
// Padding    tied_forward writes columns past I as exact zeros, also where f(0) is not zero
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46 and algorithm 6.4

// Adds a tile of A·Wᵀ to `sum`.
fn add_product(tile: Tile, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  let O4 = vec4_count(layer.outputs);
  for (var o = 0u; o < O4; o++) {
    var a: array<vec4f, MAX_ROWS>;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      a[r] = left_at(row_of(tile, r) * O4 + o);
    }
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      let row = 4u * column_of(tile, c) * O4 + o;
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

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_backward_input(@builtin(global_invocation_id) invocation: vec3u) {
  let tile = tile_of(invocation.x, layer.inputs);
  if (tile.row >= step.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  begin_with_earlier(tile, &sum);
  add_product(tile, &sum);
  store_gradient(tile, &sum);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn tied_forward(@builtin(global_invocation_id) invocation: vec3u) {
  let tile = tile_of(invocation.x, layer.inputs);
  if (tile.row >= step.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  begin_with_bias(tile, &sum);
  add_product(tile, &sum);
  store_activated(tile, layer.inputs, &sum);
}

// after common/operands, common/dense_output.wgsl, common/forward_tile.wgsl, common/gradient_tile.wgsl, common/transposed_product.wgsl
// Products with the transposed weights, read in place: backward pass to the input of the dense layer, and
// forward pass of the tied layer, which shares the weights of another layer.
//
// Forward    tied_forward: Y[b,i] = f( Σ_o A[b,o]·W[i,o] + bias[i] ), where A is its input
//            dense layer: Z = X·W + bias in dense_forward.wgsl
// Backward   dense_backward_input: dX[b,i] = f'(X[b,i]) · ( Σ_o dZ[b,o]·W[i,o] + earlier dX );
//            dZ takes the place of A; earlier dX is the sum written by other readers of X, if any.
//            f is the activation that computed X, so dX is stored with respect to the pre-activation.
//            Only the last writer of dX multiplies by f'; the others use the identity.
//            tied layer: tied_backward_input in dense_forward.wgsl, dense_backward_weight.wgsl
// Shapes     A or dZ [B, O] on the left, W [I, O] on the right, X, dX, Y [B, I], bias [I], row-major, widths
//            zero-padded to multiples of four
// One invocation   computes a tile of dX or Y: see register_tile.wgsl
// Sum order  the bias or the earlier dX first if there is one, then ascending o in blocks of four
// Padding    tied_forward writes columns past I as exact zeros, even if f(0) is not zero
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46 and algorithm 6.4

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_backward_input(@builtin(global_invocation_id) invocation: vec3u) {
  let tile = tile_of(invocation.x, layer.inputs);
  if (tile.row >= step.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  begin_with_earlier(tile, &sum);
  add_transposed_product(tile, &sum);
  store_gradient(tile, &sum);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn tied_forward(@builtin(global_invocation_id) invocation: vec3u) {
  let tile = tile_of(invocation.x, layer.inputs);
  if (tile.row >= step.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  begin_with_bias(tile, &sum);
  add_transposed_product(tile, &sum);
  store_activated(tile, layer.inputs, &sum);
}

// after common/operands, common/dense_output.wgsl, common/forward_tile.wgsl, common/gradient_tile.wgsl, common/product.wgsl
// Products with the weights, not transposed: forward pass of the dense layer, with bias and activation in one
// pass, and backward pass to the input of the tied layer, which shares the weights of another layer.
//
// Forward    dense_forward: Y[b,o] = f( Σ_i A[b,i]·W[i,o] + bias[o] ), where A is its input X
//            tied layer: Z = X·Wᵀ + bias in dense_backward_input.wgsl
// Backward   tied_backward_input: dX[b,o] = f'(X[b,o]) · ( Σ_i dZ[b,i]·W[i,o] + earlier dX );
//            dZ takes the place of A, and f is the activation that computed X, as in dense_backward_input.wgsl
//            dense layer: dense_backward_input.wgsl, dense_backward_weight.wgsl
// Shapes     A or dZ [B, I] on the left, W [I, O] on the right, bias [O], Y, X, dX [B, O], row-major, widths
//            zero-padded to multiples of four; PyTorch's weight [O, I] is the transpose of W
// One invocation   computes a tile of Y or dX: see register_tile.wgsl
// Sum order  the bias or the earlier dX first if there is one, then ascending i in blocks of four
// Padding    columns past O are written as exact zeros, even if f(0) is not zero
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.36 and algorithm 6.3

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_forward(@builtin(global_invocation_id) invocation: vec3u) {
  let tile = tile_of(invocation.x, layer.outputs);
  if (tile.row >= step.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  begin_with_bias(tile, &sum);
  add_product(tile, &sum);
  store_activated(tile, layer.outputs, &sum);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn tied_backward_input(@builtin(global_invocation_id) invocation: vec3u) {
  let tile = tile_of(invocation.x, layer.outputs);
  if (tile.row >= step.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  begin_with_earlier(tile, &sum);
  add_product(tile, &sum);
  store_gradient(tile, &sum);
}

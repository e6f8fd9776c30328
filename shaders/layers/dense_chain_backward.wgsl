// after common/dense_link.wgsl, common/gradient_tile.wgsl
// Backward pass to the inputs of small dense and tied layers in a row, in one dispatch.
//
// Forward    dense_chain_forward.wgsl
// Backward   dense_chain_backward, layer by layer, from the last: dX = f'(X) · ( dZ·Wᵀ + earlier dX ), or with dZ·W if the
//            layer is tied; the next layers may read dX. The same sums in the same order as in
//            dense_backward_input.wgsl and dense_forward.wgsl, which say what `earlier dX` and f are
//            to the weights: dense_chain_weight.wgsl
// Shapes     `values` has X, `gradients` dZ and dX [B, width] of all layers, the parameters W [I, O], all row-major,
//            widths zero-padded to multiples of four
// One invocation   computes tiles of dX: see register_tile.wgsl
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46 and algorithm 6.4

@group(0) @binding(0) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(1) var<storage, read> links: array<Link>;
@group(0) @binding(2) var<storage, read> values: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> gradients: array<vec4f>;
@group(0) @binding(4) var<storage, read> chain: Chain;
@group(0) @binding(5) var<storage, read> step: Step;

fn left_at(at: u32) -> vec4f { return gradients[link.source + at]; }
fn right_at(at: u32) -> vec4f { return parameters[at]; }
fn x_at(at: u32) -> vec4f { return values[link.x + at]; }
fn d_x_at(at: u32) -> vec4f { return gradients[link.destination + at]; }
fn set_d_x(at: u32, value: vec4f) { gradients[link.destination + at] = value; }

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_chain_backward(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) invocation: u32) {
  for (var l = 0u; l < chain.links; l++) {
    link = links[l];
    layer = link.layer;
    var tile = first_tile(workgroup.x, invocation);
    if (tile.row < step.rows) {
      for (; tile.column < tile.columns; tile.column += ACROSS * TILE_COLUMNS) {
        var sum = array<vec4f, MAX_TILE>(); // Deno clears a variable in a loop only once without "= …()"
        begin_with_earlier(tile, &sum);
        add_link_product(tile, &sum);
        store_gradient(tile, &sum);
      }
    }
    if (ACROSS > 1u) { storageBarrier(); } // the next layer reads what the others wrote
  }
}

// after common/dense_link.wgsl, common/forward_tile.wgsl
// Forward pass of small dense and tied layers in a row, in one dispatch.
//
// Forward    dense_chain_forward, layer by layer: Y = f( X·W + bias ), or f( X·Wᵀ + bias ) if transposed; the next
//            layers may read Y. The same sums in the same order as in dense_forward.wgsl and dense_backward_input.wgsl
// Backward   dense_chain_backward.wgsl, dense_chain_weight.wgsl
// Shapes     `values` has X and Y [B, width] of all layers, the parameters W [I, O] and bias, all row-major, widths
//            zero-padded to multiples of four
// One invocation   computes tiles of Y: see register_tile.wgsl
// Padding    columns past the width of Y are written as exact zeros, even if f(0) is not zero
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.36 and algorithm 6.3

@group(0) @binding(0) var<storage, read> parameters: array<vec4f>;
@group(0) @binding(1) var<storage, read> links: array<Link>;
@group(0) @binding(2) var<storage, read_write> values: array<vec4f>;
@group(0) @binding(3) var<storage, read> chain: Chain;
@group(0) @binding(4) var<storage, read> step: Step;

fn left_at(at: u32) -> vec4f { return values[link.source + at]; }
fn right_at(at: u32) -> vec4f { return parameters[at]; }
fn y_at(at: u32) -> vec4f { return values[link.destination + at]; }
fn set_y(at: u32, value: vec4f) { values[link.destination + at] = value; }

/// Initial value of a column's sums.
fn bias_of(column: u32) -> vec4f {
  var start = vec4f(0.0);
  if (layer.has_bias != 0u) { start = parameters[link.bias + column]; }
  return start;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_chain_forward(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) invocation: u32) {
  for (var l = 0u; l < chain.links; l++) {
    link = links[l];
    layer = link.layer;
    var tile = first_tile(workgroup.x, invocation);
    if (tile.row < step.rows) {
      for (; tile.column < tile.columns; tile.column += ACROSS * TILE_COLUMNS) {
        var sum = array<vec4f, MAX_TILE>(); // Deno clears a variable in a loop only once without "= …()"
        begin_with_bias(tile, &sum);
        add_link_product(tile, &sum);
        store_activated(tile, link_width(), &sum);
      }
    }
    if (ACROSS > 1u) { storageBarrier(); } // the next layer reads what the others wrote
  }
}

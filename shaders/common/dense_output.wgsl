// after common/step.wgsl, common/dense_layer.wgsl, common/dense_activation.wgsl
// Bindings of dense and tied layers besides the product's operands: forward, and backward to the input.
//
// Shapes     [B, width], row-major, with width the columns of the product: O, or I with transposed weights

@group(0) @binding(2) var<storage, read> bias: array<vec4f>;      // [width], forward
@group(0) @binding(2) var<storage, read> x: array<vec4f>;         // [B, width], backward: the layer's input
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;   // [B, width], forward
@group(0) @binding(3) var<storage, read_write> d_x: array<vec4f>; // [B, width], backward
@group(0) @binding(4) var<storage, read> layer: Layer;
@group(0) @binding(5) var<storage, read> step: Step;

/// Initial value of a column's sums in the forward pass.
fn bias_of(column: u32) -> vec4f {
  var start = vec4f(0.0);
  if (layer.has_bias != 0u) { start = bias[column]; }
  return start;
}

// What forward_tile.wgsl and gradient_tile.wgsl read and write.
fn x_at(at: u32) -> vec4f { return x[at]; }
fn y_at(at: u32) -> vec4f { return y[at]; }
fn set_y(at: u32, value: vec4f) { y[at] = value; }
fn d_x_at(at: u32) -> vec4f { return d_x[at]; }
fn set_d_x(at: u32, value: vec4f) { d_x[at] = value; }

// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl
// Activation as a separate node, for example for display while a loss reads the pre-activation.
//
// Forward    Y[b,d] = f(X[b,d])
// Backward   pass_gradient.wgsl: the stored gradient of Y is with respect to the pre-activation, X
// Shapes     X [B, D], Y [B, D], row-major, widths zero-padded to multiples of four
// One invocation   one vec4 of one row
// Padding    columns past D are written as exact zeros, even if f(0) is not zero
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), sections 6.3.1 and 6.3.2

override WORKGROUP_SIZE: u32; // invocations per workgroup

struct Layer {
  width: u32,      // D
  activation: u32, // f: see common/activation.wgsl
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;       // [B, D]
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>; // [B, D]
@group(0) @binding(2) var<storage, read> layer: Layer;
@group(0) @binding(3) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn activation(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, layer.width, step.rows)) { return; }
  let exists = is_column(invocation.x % vec4_count(layer.width), layer.width);
  y[invocation.x] = select(vec4f(0.0), activate(layer.activation, x[invocation.x]), exists);
}

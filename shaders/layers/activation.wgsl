// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl
// An activation by itself, for a value that is shown while a loss reads what is before it.
//
// Forward    Y[b,d] = f(X[b,d])
// Backward   pass_gradient.wgsl: the gradient that Y's readers leave is the one before f, which is X's
// Shapes     X [B, D], Y [B, D], row-major, widths padded with zeros to multiples of four
// One invocation   one vec4 of one row
// Padding    columns past D are written as exact zeros, also where f(0) is not zero
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), sections 6.3.1 and 6.3.2

override WORKGROUP_SIZE: u32; // invocations of a workgroup

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

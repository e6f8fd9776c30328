// after common/step.wgsl, common/padding.wgsl
// Sum of two values.
//
// Forward    Z[b,d] = X[b,d] + Y[b,d]
// Backward   pass_gradient.wgsl, into X and into Y: dX = dZ, dY = dZ
// Shapes     X [B, D], Y [B, D], Z [B, D], row-major, widths zero-padded to multiples of four (0 + 0 is 0)
// One invocation   one vec4 of one row
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46

override WORKGROUP_SIZE: u32; // invocations per workgroup

struct Layer {
  width: u32, // D
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;       // [B, D]
@group(0) @binding(1) var<storage, read> y: array<vec4f>;       // [B, D]
@group(0) @binding(2) var<storage, read_write> z: array<vec4f>; // [B, D]
@group(0) @binding(3) var<storage, read> layer: Layer;
@group(0) @binding(4) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn add(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, layer.width, step.rows)) { return; }
  z[invocation.x] = x[invocation.x] + y[invocation.x];
}

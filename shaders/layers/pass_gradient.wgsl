// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl
// Backward pass of ops whose derivative is 1: sum, difference, additive noise, activation as a separate node.
//
// Forward    Y = X + terms independent of X; or Y = f(X), whose stored gradient is with respect to X
// Backward   dX[b,d] = f'(X[b,d]) · ( dY[b,d] + earlier dX )
//            f is the activation that computed X (see dense_backward_input.wgsl)
// Shapes     dY [B, D], X [B, D], dX [B, D], row-major, widths zero-padded to multiples of four (0 of dY
//            gives 0 of dX)
// One invocation   one vec4 of one row
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46

override WORKGROUP_SIZE: u32; // invocations per workgroup

struct Layer {
  width: u32,      // D
  activation: u32, // f: see common/activation.wgsl
  accumulate: u32, // add to d_x (1) or overwrite it (0)
}

@group(0) @binding(0) var<storage, read> d_y: array<vec4f>;       // [B, D]
@group(0) @binding(1) var<storage, read> x: array<vec4f>;         // [B, D]
@group(0) @binding(2) var<storage, read_write> d_x: array<vec4f>; // [B, D]
@group(0) @binding(3) var<storage, read> layer: Layer;
@group(0) @binding(4) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn pass_gradient(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, layer.width, step.rows)) { return; }
  var d = d_y[invocation.x];
  if (layer.accumulate != 0u) { d += d_x[invocation.x]; }
  d_x[invocation.x] = d * derivative(layer.activation, x[invocation.x]);
}

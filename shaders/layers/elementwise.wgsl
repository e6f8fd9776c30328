// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl, common/logarithm.wgsl
// User-defined function of one number, applied elementwise. The user's expressions precede this file as
// `function_forward(x)` and `function_derivative(x)` (src/elementwise/activation.ts).
//
// Forward    Y[b,d] = g(X[b,d])
// Backward   dX[b,d] = f'(X[b,d]) · ( dY[b,d] · g'(X[b,d]) + earlier dX )
//            f is the activation that computed X (see dense_backward_input.wgsl)
// Shapes     X, Y, dX, dY [B, D], row-major, widths zero-padded to multiples of four
// One invocation   one vec4 of one row, component by component
// Padding    columns past D are written as exact zeros, even if g(0) is not 0 or g'(0) is infinite
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), sections 6.3 and 6.5.6

override WORKGROUP_SIZE: u32; // invocations per workgroup

struct Layer {
  width: u32,      // D
  activation: u32, // f: see common/activation.wgsl; backward only
  accumulate: u32, // add to d_x (1) or overwrite it (0); backward only
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [B, D]
@group(0) @binding(1) var<storage, read> d_y: array<vec4f>;       // [B, D]; backward only
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;   // [B, D]
@group(0) @binding(2) var<storage, read_write> d_x: array<vec4f>; // [B, D], in place of y in the backward pass
@group(0) @binding(3) var<storage, read> layer: Layer;
@group(0) @binding(4) var<storage, read> this_step: Step;         // not `step`: users may call WGSL's function of that name

@compute @workgroup_size(WORKGROUP_SIZE)
fn elementwise(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, layer.width, this_step.rows)) { return; }
  let v = x[invocation.x];
  let g = vec4f(function_forward(v.x), function_forward(v.y), function_forward(v.z), function_forward(v.w));
  y[invocation.x] = select(vec4f(0.0), g, is_column(invocation.x % vec4_count(layer.width), layer.width));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn elementwise_backward(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, layer.width, this_step.rows)) { return; }
  let v = x[invocation.x];
  let slope = vec4f(
    function_derivative(v.x), function_derivative(v.y), function_derivative(v.z), function_derivative(v.w));
  var d = select(vec4f(0.0), d_y[invocation.x] * slope, is_column(invocation.x % vec4_count(layer.width), layer.width));
  if (layer.accumulate != 0u) { d += d_x[invocation.x]; }
  d_x[invocation.x] = d * derivative(layer.activation, v);
}

// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl, common/dense_layer.wgsl
// Specification of all products of dense and tied layers in plain loops: each invocation computes one number.
// Slow; the fast kernels are tested against it (`--kernels naive` trains with it).
//
// Forward    dense_forward_naive: Y[b,o] = f( Σ_i X[b,i]·W[i,o] + bias[o] )
//            tied_forward_naive: Y[b,i] = f( Σ_o X[b,o]·W[i,o] + bias[i] ), with W of another layer
// Backward   dense_backward_input_naive: dX[b,i] = f'(X[b,i]) · ( Σ_o dZ[b,o]·W[i,o] + earlier )
//            tied_backward_input_naive: dX[b,o] = f'(X[b,o]) · ( Σ_i dZ[b,i]·W[i,o] + earlier )
//            dense_backward_weight_naive: dW[i,o] = Σ_b X[b,i]·dZ[b,o] + earlier, d_bias[o] = Σ_b dZ[b,o] + earlier
//            f is the activation that computed X. `earlier` is the gradient written by other readers of X, or other
//            uses of W, and 0 for the first.
// Shapes     as in dense_forward.wgsl: row-major, and each width I or O padded with zeros to a multiple of
//            four, so that row b of X begins at b · 4 · vec4_count(I)
// One invocation   computes one number of Y, dX or dW, including padding; those beyond the end do nothing
// Sum order  the bias first if there is one, then ascending terms, then the earlier value
// Padding    sums over padding add exact zeros; columns past the width of Y are written as exact zeros
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.36 and 6.46, algorithms 6.3 and 6.4

override WORKGROUP_SIZE: u32; // invocations per workgroup

// forward pass, and backward pass to the input
@group(0) @binding(0) var<storage, read> left: array<f32>;      // X forward, dZ backward
@group(0) @binding(1) var<storage, read> w: array<f32>;         // [I, O]
@group(0) @binding(2) var<storage, read> bias: array<f32>;      // [O] or, tied, [I]: forward
@group(0) @binding(2) var<storage, read> x: array<f32>;         // [B, I] or, tied, [B, O]: backward
@group(0) @binding(3) var<storage, read_write> y: array<f32>;   // forward
@group(0) @binding(3) var<storage, read_write> d_x: array<f32>; // backward
@group(0) @binding(4) var<storage, read> layer: Layer;
@group(0) @binding(5) var<storage, read> step: Step;
// backward pass to the weights
@group(0) @binding(0) var<storage, read> x_of_w: array<f32>;       // [B, I]
@group(0) @binding(1) var<storage, read> d_z: array<f32>;          // [B, O]
@group(0) @binding(2) var<storage, read_write> d_w: array<f32>;    // [I, O]
@group(0) @binding(3) var<storage, read_write> d_bias: array<f32>; // [O]
@group(0) @binding(4) var<storage, read> weight_layer: WeightLayer;

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_forward_naive(@builtin(global_invocation_id) invocation: vec3u) {
  let I = 4u * vec4_count(layer.inputs);
  let O = 4u * vec4_count(layer.outputs);
  let b = invocation.x / O;
  let o = invocation.x % O;
  if (b >= step.rows) { return; }

  var z = 0.0;
  if (layer.has_bias != 0u) { z = bias[o]; }
  for (var i = 0u; i < I; i++) { z += left[b * I + i] * w[i * O + o]; }
  y[b * O + o] = select(0.0, activate(layer.activation, vec4f(z)).x, o < layer.outputs);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn tied_forward_naive(@builtin(global_invocation_id) invocation: vec3u) {
  let I = 4u * vec4_count(layer.inputs);
  let O = 4u * vec4_count(layer.outputs);
  let b = invocation.x / I;
  let i = invocation.x % I;
  if (b >= step.rows) { return; }

  var z = 0.0;
  if (layer.has_bias != 0u) { z = bias[i]; }
  for (var o = 0u; o < O; o++) { z += left[b * O + o] * w[i * O + o]; }
  y[b * I + i] = select(0.0, activate(layer.activation, vec4f(z)).x, i < layer.inputs);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_backward_input_naive(@builtin(global_invocation_id) invocation: vec3u) {
  let I = 4u * vec4_count(layer.inputs);
  let O = 4u * vec4_count(layer.outputs);
  let b = invocation.x / I;
  let i = invocation.x % I;
  if (b >= step.rows) { return; }

  var d = 0.0;
  for (var o = 0u; o < O; o++) { d += left[b * O + o] * w[i * O + o]; }
  if (layer.accumulate != 0u) { d += d_x[invocation.x]; }
  d_x[invocation.x] = d * derivative(layer.activation, vec4f(x[invocation.x])).x;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn tied_backward_input_naive(@builtin(global_invocation_id) invocation: vec3u) {
  let I = 4u * vec4_count(layer.inputs);
  let O = 4u * vec4_count(layer.outputs);
  let b = invocation.x / O;
  let o = invocation.x % O;
  if (b >= step.rows) { return; }

  var d = 0.0;
  for (var i = 0u; i < I; i++) { d += left[b * I + i] * w[i * O + o]; }
  if (layer.accumulate != 0u) { d += d_x[invocation.x]; }
  d_x[invocation.x] = d * derivative(layer.activation, vec4f(x[invocation.x])).x;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_backward_weight_naive(@builtin(global_invocation_id) invocation: vec3u) {
  let I = 4u * vec4_count(weight_layer.inputs);
  let O = 4u * vec4_count(weight_layer.outputs);
  let i = invocation.x / O;
  let o = invocation.x % O;
  if (i >= I) { return; }

  var d = 0.0;
  for (var b = 0u; b < step.rows; b++) { d += x_of_w[b * I + i] * d_z[b * O + o]; }
  if (weight_layer.accumulate_weight != 0u) { d += d_w[invocation.x]; }
  d_w[invocation.x] = d;

  if (weight_layer.has_bias != 0u && i == 0u) {
    var d = 0.0;
    for (var b = 0u; b < step.rows; b++) { d += d_z[b * O + o]; }
    if (weight_layer.accumulate_bias != 0u) { d += d_bias[o]; }
    d_bias[o] = d;
  }
}

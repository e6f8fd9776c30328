// The specification of all products of dense and tied layers: one number of the result a lane, in plain loops. Slow
// everywhere, and what the fast kernels are tested against (`--kernels naive` trains with it).
//
// Forward    dense_forward_naive: Y[b,o] = f( Σ_i X[b,i]·W[i,o] + bias[o] )
//            tied_forward_naive: Y[b,i] = f( Σ_o X[b,o]·W[i,o] + bias[i] ), W being another layer's
// Backward   dense_backward_input_naive: dX[b,i] = f'(X[b,i]) · ( Σ_o dZ[b,o]·W[i,o] + earlier )
//            tied_backward_input_naive: dX[b,o] = f'(X[b,o]) · ( Σ_i dZ[b,i]·W[i,o] + earlier )
//            dense_backward_weight_naive: dW[i,o] = Σ_b X[b,i]·dZ[b,o] + earlier, d_bias[o] = Σ_b dZ[b,o] + earlier
//            f' is of the activation that made X: identity 1, sigmoid x(1-x), tanh 1-x², ReLU 1 for x > 0 and 0 for
//            x = 0. `earlier` is what other readers of X, or other uses of W, wrote before; 0 if this is the first.
// Shapes     as in dense_forward.wgsl: row-major, and each width I or O padded with zeros to a multiple of four, so
//            that row b of X begins at b · padded(I)
// One lane   computes one number of Y, dX or dW, padding included; lanes past the end do nothing
// Sum order  the bias first if there is one, then upwards one by one, then the earlier value
// Padding    sums over padding add exact zeros; columns past the width of Y are written as exact zeros
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.36 and 6.46, algorithms 6.3 and 6.4

override LANES: u32; // lanes of a workgroup

struct Layer {
  inputs: u32,     // I
  outputs: u32,    // O
  activation: u32, // f: 0 identity, 1 sigmoid, 2 tanh, 3 ReLU
  has_bias: u32,   // forward: 0 if there is none, and `bias` is bound to something that is not read
  accumulate: u32, // backward: add to d_x (1) or overwrite it (0)
}
struct WeightLayer {
  inputs: u32,            // I
  outputs: u32,           // O
  has_bias: u32,          // 0: there is none, and `d_bias` is bound to something that is not written
  accumulate_weight: u32, // add to d_w (1) or overwrite it (0)
  accumulate_bias: u32,   // the same for d_bias
}
struct Step { rows: u32, first: u32, index: u32, learning_rate: f32, correction_1: f32, correction_2: f32 }

// forward and backward to the input
@group(0) @binding(0) var<storage, read> left: array<f32>;      // X forward, dZ backward
@group(0) @binding(1) var<storage, read> w: array<f32>;         // [I, O]
@group(0) @binding(2) var<storage, read> bias: array<f32>;      // [O] or, tied, [I]: forward
@group(0) @binding(2) var<storage, read> x: array<f32>;         // what dX is the gradient of: backward
@group(0) @binding(3) var<storage, read_write> y: array<f32>;   // forward
@group(0) @binding(3) var<storage, read_write> d_x: array<f32>; // backward
@group(0) @binding(4) var<storage, read> layer: Layer;
@group(0) @binding(5) var<storage, read> step: Step;
// backward to the weights
@group(0) @binding(0) var<storage, read> x_of_w: array<f32>;       // [B, I]
@group(0) @binding(1) var<storage, read> d_z: array<f32>;          // [B, O]
@group(0) @binding(2) var<storage, read_write> d_w: array<f32>;    // [I, O]
@group(0) @binding(3) var<storage, read_write> d_bias: array<f32>; // [O]
@group(0) @binding(4) var<storage, read> weight_layer: WeightLayer;

fn padded(width: u32) -> u32 {
  return (width + 3u) / 4u * 4u;
}

/// tanh, by Lambert's continued fraction near 0: WGSL's own is right to 1e-5 absolute only (1e-7 in Mesa), which is much
/// of a small activation.
fn tanh_of(z: f32) -> f32 {
  let q = z * z;
  let above = 135135.0 + q * (17325.0 + q * (378.0 + q));
  let below = 135135.0 + q * (62370.0 + q * (3150.0 + 28.0 * q));
  return select(tanh(z), z * above / below, abs(z) <= 0.625);
}

fn activate(z: f32) -> f32 {
  switch layer.activation {
    case 1u: { return 1.0 / (1.0 + exp(-z)); }
    case 2u: { return tanh_of(z); }
    case 3u: { return select(z, 0.0, z <= 0.0); } // not max(): that would turn NaN into 0
    default: { return z; }
  }
}

fn derivative(x: f32) -> f32 {
  switch layer.activation {
    case 1u: { return x * (1.0 - x); }
    case 2u: { return 1.0 - x * x; }
    case 3u: { return select(0.0, 1.0, x > 0.0); }
    default: { return 1.0; }
  }
}

@compute @workgroup_size(LANES)
fn dense_forward_naive(@builtin(global_invocation_id) lane: vec3u) {
  let I = padded(layer.inputs);
  let O = padded(layer.outputs);
  let b = lane.x / O;
  let o = lane.x % O;
  if (b >= step.rows) { return; }

  var z = 0.0;
  if (layer.has_bias != 0u) { z = bias[o]; }
  for (var i = 0u; i < I; i++) { z += left[b * I + i] * w[i * O + o]; }
  y[b * O + o] = select(0.0, activate(z), o < layer.outputs);
}

@compute @workgroup_size(LANES)
fn tied_forward_naive(@builtin(global_invocation_id) lane: vec3u) {
  let I = padded(layer.inputs);
  let O = padded(layer.outputs);
  let b = lane.x / I;
  let i = lane.x % I;
  if (b >= step.rows) { return; }

  var z = 0.0;
  if (layer.has_bias != 0u) { z = bias[i]; }
  for (var o = 0u; o < O; o++) { z += left[b * O + o] * w[i * O + o]; }
  y[b * I + i] = select(0.0, activate(z), i < layer.inputs);
}

@compute @workgroup_size(LANES)
fn dense_backward_input_naive(@builtin(global_invocation_id) lane: vec3u) {
  let I = padded(layer.inputs);
  let O = padded(layer.outputs);
  let b = lane.x / I;
  let i = lane.x % I;
  if (b >= step.rows) { return; }

  var d = 0.0;
  for (var o = 0u; o < O; o++) { d += left[b * O + o] * w[i * O + o]; }
  if (layer.accumulate != 0u) { d += d_x[lane.x]; }
  d_x[lane.x] = d * derivative(x[lane.x]);
}

@compute @workgroup_size(LANES)
fn tied_backward_input_naive(@builtin(global_invocation_id) lane: vec3u) {
  let I = padded(layer.inputs);
  let O = padded(layer.outputs);
  let b = lane.x / O;
  let o = lane.x % O;
  if (b >= step.rows) { return; }

  var d = 0.0;
  for (var i = 0u; i < I; i++) { d += left[b * I + i] * w[i * O + o]; }
  if (layer.accumulate != 0u) { d += d_x[lane.x]; }
  d_x[lane.x] = d * derivative(x[lane.x]);
}

@compute @workgroup_size(LANES)
fn dense_backward_weight_naive(@builtin(global_invocation_id) lane: vec3u) {
  let I = padded(weight_layer.inputs);
  let O = padded(weight_layer.outputs);
  let i = lane.x / O;
  let o = lane.x % O;
  if (i >= I) { return; }

  var d = 0.0;
  for (var b = 0u; b < step.rows; b++) { d += x_of_w[b * I + i] * d_z[b * O + o]; }
  if (weight_layer.accumulate_weight != 0u) { d += d_w[lane.x]; }
  d_w[lane.x] = d;

  if (weight_layer.has_bias != 0u && i == 0u) {
    var d = 0.0;
    for (var b = 0u; b < step.rows; b++) { d += d_z[b * O + o]; }
    if (weight_layer.accumulate_bias != 0u) { d += d_bias[o]; }
    d_bias[o] = d;
  }
}

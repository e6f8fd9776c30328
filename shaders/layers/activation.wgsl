// An activation by itself, for a value that is shown while a loss reads what is before it.
//
// Forward    Y[b,d] = f(X[b,d])
// Backward   pass_gradient.wgsl: the gradient that Y's readers leave is the one before f, which is X's
// Shapes     X [B, D], Y [B, D], row-major, widths padded with zeros to multiples of four
// One lane   one vec4 of one row
// Padding    columns past D are written as exact zeros, also where f(0) is not zero
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), sections 6.3.1 and 6.3.2

override LANES: u32; // lanes of a workgroup

struct Layer {
  width: u32,      // D
  activation: u32, // f: 0 identity, 1 sigmoid, 2 tanh, 3 ReLU
}
struct Step { rows: u32, first: u32, index: u32, learning_rate: f32, correction_1: f32, correction_2: f32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;       // [B, D]
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>; // [B, D]
@group(0) @binding(2) var<storage, read> layer: Layer;
@group(0) @binding(3) var<storage, read> step: Step;

/// tanh, by Lambert's continued fraction near 0: WGSL's own is right to 1e-5 absolute only (1e-7 in Mesa), which is much
/// of a small activation.
fn tanh_of(z: vec4f) -> vec4f {
  let q = z * z;
  let above = 135135.0 + q * (17325.0 + q * (378.0 + q));
  let below = 135135.0 + q * (62370.0 + q * (3150.0 + 28.0 * q));
  return select(tanh(z), z * above / below, abs(z) <= vec4f(0.625));
}

fn activate(z: vec4f) -> vec4f {
  switch layer.activation {
    case 1u: { return 1.0 / (1.0 + exp(-z)); }
    case 2u: { return tanh_of(z); }
    case 3u: { return select(z, vec4f(0.0), z <= vec4f(0.0)); } // not max(): that would turn NaN into 0
    default: { return z; }
  }
}

@compute @workgroup_size(LANES)
fn activation(@builtin(global_invocation_id) lane: vec3u) {
  let width4 = (layer.width + 3u) / 4u;
  if (lane.x / width4 >= step.rows) { return; }
  let exists = 4u * (lane.x % width4) + vec4u(0u, 1u, 2u, 3u) < vec4u(layer.width);
  y[lane.x] = select(vec4f(0.0), activate(x[lane.x]), exists);
}

// Activations and their derivatives.
//
// Forward    activate: Y = f(Z), elementwise: identity z, sigmoid 1/(1+e^-z), tanh, ReLU max(z, 0)
// Backward   derivative: f'(Z), from Y = f(Z): identity 1, sigmoid y·(1-y), tanh 1-y², ReLU 1 for y > 0 and 0 for y = 0
// Numbers    ACTIVATION_… come from ACTIVATIONS in src/graph/tensor.ts (src/graph/shader_numbers.ts). A case
//            without a number, or a number without a case, does not compile; an unknown number gives NaN
// Numerics   tanh: Lambert's continued fraction near 0, because WGSL guarantees an absolute error of only
//            1e-5 (1e-7 in Mesa), too much for small values. Beyond ±15, where tanh is ±1 in float32, it is
//            tanh(±15), because WGSL allows sinh/cosh, which is ∞/∞ for large z. NaN propagates: ReLU does
//            not use max(), which may drop it
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), sections 6.3.1 and 6.3.2

const_assert ACTIVATION_COUNT == 4u; // cases of each switch below

fn activate(activation: u32, z: vec4f) -> vec4f {
  switch activation {
    case ACTIVATION_IDENTITY: { return z; }
    case ACTIVATION_SIGMOID: { return 1.0 / (1.0 + exp(-z)); }
    case ACTIVATION_TANH: { return tanh_of(z); }
    case ACTIVATION_RELU: { return select(z, vec4f(0.0), z <= vec4f(0.0)); }
    default: { return unknown_activation(activation); }
  }
}

fn derivative(activation: u32, y: vec4f) -> vec4f {
  switch activation {
    case ACTIVATION_IDENTITY: { return vec4f(1.0); }
    case ACTIVATION_SIGMOID: { return y * (1.0 - y); }
    case ACTIVATION_TANH: { return 1.0 - y * y; }
    case ACTIVATION_RELU: { return select(vec4f(0.0), vec4f(1.0), y > vec4f(0.0)); }
    default: { return unknown_activation(activation); }
  }
}

fn tanh_of(z: vec4f) -> vec4f {
  let q = z * z;
  let above = 135135.0 + q * (17325.0 + q * (378.0 + q));
  let below = 135135.0 + q * (62370.0 + q * (3150.0 + 28.0 * q));
  let saturated = select(z, 15.0 * sign(z), abs(z) > vec4f(15.0));
  return select(tanh(saturated), z * above / below, abs(z) <= vec4f(0.625));
}

/// NaN. Its bits depend on the number, because WGSL rejects a constant NaN.
fn unknown_activation(activation: u32) -> vec4f {
  return vec4f(bitcast<f32>(0x7fc00000u | activation));
}

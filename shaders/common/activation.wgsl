// The activations: each formula and its derivative, once.
//
// Forward    activate: Y = f(Z), element by element: identity z, sigmoid 1/(1+e^-z), tanh, ReLU max(z, 0)
// Backward   derivative: f'(Z), from Y = f(Z): identity 1, sigmoid y·(1-y), tanh 1-y², ReLU 1 for y > 0 and 0 for y = 0
// Numbers    ACTIVATION_… come from ACTIVATIONS in src/graph/tensor.ts (src/graph/shader_numbers.ts). A case without a
//            number does not compile, nor does a number without a case; an unknown number gives NaN
// Numerics   tanh: Lambert's continued fraction near 0, because WGSL's tanh is right to 1e-5 absolute only (1e-7 in
//            Mesa), which is much of a small activation. Beyond ±15, where float32's tanh is ±1, it is tanh(±15),
//            because WGSL allows sinh/cosh, which is ∞/∞ for large z. NaN stays NaN: ReLU is no max(), which would
//            turn it into 0
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

/// NaN. Its bits depend on the number, because WGSL refuses a NaN that is a constant.
fn unknown_activation(activation: u32) -> vec4f {
  return vec4f(bitcast<f32>(0x7fc00000u | activation));
}

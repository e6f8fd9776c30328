// Settings of dense and tied layers.

/// Forward pass, and backward pass to the input.
struct Layer {
  inputs: u32,     // I
  outputs: u32,    // O
  activation: u32, // f: see common/activation.wgsl
  has_bias: u32,   // forward: 0 if there is none, and `bias` is bound to a placeholder
  accumulate: u32, // backward: add to d_x (1) or overwrite it (0)
  weight_at: u32,  // index of W's first vec4 in the right operand, if that is the arena of all parameters; else 0
}

/// Backward pass to the weights.
struct WeightLayer {
  inputs: u32,            // I
  outputs: u32,           // O
  has_bias: u32,          // 0: there is none, and `d_bias` is bound to a placeholder
  accumulate_weight: u32, // add to d_w (1) or overwrite it (0)
  accumulate_bias: u32,   // the same for d_bias
}

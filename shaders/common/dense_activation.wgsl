// after common/activation.wgsl, common/padding.wgsl
// Activation of a dense or tied layer, for shaders with a `layer: Layer`.

/// f(z), and zeros in padding, even if f(0) is not 0.
fn activated(z: vec4f, column: u32, width: u32) -> vec4f {
  return select(vec4f(0.0), activate(layer.activation, z), is_column(column, width));
}

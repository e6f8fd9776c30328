// after common/step.wgsl, common/padding.wgsl, common/dense_layer.wgsl
// Bindings of the weight gradient of dense and tied layers besides the operands X [B, I] and dZ [B, O].

@group(0) @binding(2) var<storage, read_write> d_w: array<vec4f>;    // [I, O]
@group(0) @binding(3) var<storage, read_write> d_bias: array<vec4f>; // [O]
@group(0) @binding(4) var<storage, read> layer: WeightLayer;
@group(0) @binding(5) var<storage, read> step: Step;

// What weight_tile.wgsl writes.
fn set_d_w(at: u32, value: vec4f) { d_w[at] = value; }
fn set_d_bias(at: u32, value: vec4f) { d_bias[at] = value; }

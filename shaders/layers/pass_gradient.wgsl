// The way back through ops whose derivative is 1: a sum, a difference, added noise, an activation by itself.
//
// Forward    Y = X + something that does not depend on X; or Y = f(X), whose gradient lies there as that before f
// Backward   dX[b,d] = f'(X[b,d]) · ( dY[b,d] + what other readers of X wrote before )
//            f is the activation that made X (see dense_backward_input.wgsl)
// Shapes     dY [B, D], X [B, D], dX [B, D], row-major, widths padded with zeros to multiples of four (0 of dY
//            gives 0 of dX)
// One lane   one vec4 of one row
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46

override LANES: u32; // lanes of a workgroup

struct Layer {
  width: u32,      // D
  activation: u32, // f: 0 identity, 1 sigmoid, 2 tanh, 3 ReLU
  accumulate: u32, // add to d_x (1) or overwrite it (0)
}
struct Step { rows: u32, first: u32, index: u32, learning_rate: f32, correction_1: f32, correction_2: f32 }

@group(0) @binding(0) var<storage, read> d_y: array<vec4f>;       // [B, D]
@group(0) @binding(1) var<storage, read> x: array<vec4f>;         // [B, D]
@group(0) @binding(2) var<storage, read_write> d_x: array<vec4f>; // [B, D]
@group(0) @binding(3) var<storage, read> layer: Layer;
@group(0) @binding(4) var<storage, read> step: Step;

fn derivative(x: vec4f) -> vec4f {
  switch layer.activation {
    case 1u: { return x * (1.0 - x); }
    case 2u: { return 1.0 - x * x; }
    case 3u: { return select(vec4f(0.0), vec4f(1.0), x > vec4f(0.0)); }
    default: { return vec4f(1.0); }
  }
}

@compute @workgroup_size(LANES)
fn pass_gradient(@builtin(global_invocation_id) lane: vec3u) {
  if (lane.x / ((layer.width + 3u) / 4u) >= step.rows) { return; }
  var d = d_y[lane.x];
  if (layer.accumulate != 0u) { d += d_x[lane.x]; }
  d_x[lane.x] = d * derivative(x[lane.x]);
}

// Squared error between a prediction and a target: its value and its gradient in one go.
//
// Forward    L = s · Σ_b Σ_d (Y[b,d] - T[b,d])²,  s = 1 for `sum`, 1/(rows·D) for `mean`,
//            1/rows for `sample`
// Backward   dY[b,d] = f'(Y[b,d]) · ( weight·2s·(Y[b,d] - T[b,d]) + what other readers of Y wrote before )
//            f is the activation that made Y (see dense_backward_input.wgsl); `weight` is the term's share of the
//            total loss and is not in the value of L
// Shapes     Y [B, D], T [B, D], dY [B, D], row-major, widths padded with zeros to multiples of four (their
//            difference is 0, so padding adds nothing to either); partial [B, CHUNKS]
// One lane   every CHUNKS-th vec4 of one row
// Sum order  within a lane d upwards, then the four components in pairs; total.wgsl adds the lanes' sums
// Rows       past step.rows are neither read nor written
// Source     Bishop, Pattern Recognition and Machine Learning (2006), eq. 5.14 (there with a factor 1/2)

override LANES: u32;  // lanes of a workgroup
override CHUNKS: u32; // lanes that share a row

struct Loss {
  width: u32,        // D
  reduction: u32,    // 0 sum, 1 mean, 2 sample
  has_gradient: u32, // 0: nobody needs d_y, and it is bound to something that is not written
  activation: u32,   // f: 0 identity, 1 sigmoid, 2 tanh, 3 ReLU
  accumulate: u32,   // add to d_y (1) or overwrite it (0)
  weight: f32,
}
struct Step { rows: u32, first: u32, index: u32, learning_rate: f32, correction_1: f32, correction_2: f32 }

@group(0) @binding(0) var<storage, read> y: array<vec4f>;            // [B, D]
@group(0) @binding(1) var<storage, read> t: array<vec4f>;            // [B, D]
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;  // [B, CHUNKS]
@group(0) @binding(3) var<storage, read_write> d_y: array<vec4f>;    // [B, D]
@group(0) @binding(4) var<storage, read> loss: Loss;
@group(0) @binding(5) var<storage, read> step: Step;

fn derivative(y: vec4f) -> vec4f {
  switch loss.activation {
    case 1u: { return y * (1.0 - y); }
    case 2u: { return 1.0 - y * y; }
    case 3u: { return select(vec4f(0.0), vec4f(1.0), y > vec4f(0.0)); }
    default: { return vec4f(1.0); }
  }
}

fn reduction_scale() -> f32 {
  switch loss.reduction {
    case 1u: { return 1.0 / (f32(step.rows) * f32(loss.width)); }
    case 2u: { return 1.0 / f32(step.rows); }
    default: { return 1.0; }
  }
}

@compute @workgroup_size(LANES)
fn squared_error(@builtin(global_invocation_id) lane: vec3u) {
  let b = lane.x / CHUNKS;
  if (b >= step.rows) { return; }
  let width4 = (loss.width + 3u) / 4u;
  let scale = reduction_scale();

  var sum = vec4f(0.0);
  for (var d = lane.x % CHUNKS; d < width4; d += CHUNKS) {
    let at = b * width4 + d;
    let difference = y[at] - t[at];
    sum += difference * difference;
    if (loss.has_gradient != 0u) {
      var gradient = loss.weight * 2.0 * scale * difference;
      if (loss.accumulate != 0u) { gradient += d_y[at]; }
      d_y[at] = gradient * derivative(y[at]);
    }
  }
  partial[lane.x] = scale * ((sum.x + sum.y) + (sum.z + sum.w));
}

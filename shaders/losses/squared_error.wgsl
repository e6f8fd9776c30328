// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl, common/reductions.wgsl
// Squared error between a prediction and a target: value and gradient in one pass.
//
// Forward    L = s · Σ_b Σ_d (Y[b,d] - T[b,d])²,  s = 1 for `sum`, 1/(rows·D) for `mean`,
//            1/rows for `sample`
// Backward   dY[b,d] = f'(Y[b,d]) · ( weight·2s·(Y[b,d] - T[b,d]) + earlier dY )
//            f is the activation that computed Y (see dense_backward_input.wgsl); `weight` is the term's
//            factor in the total loss, which L excludes
// Shapes     Y [B, D], T [B, D], dY [B, D], row-major, widths zero-padded to multiples of four (their
//            difference is 0, so padding adds nothing); partial [B, CHUNKS]
// One invocation   every CHUNKS-th vec4 of one row
// Sum order  ascending d in an invocation, then the four components in pairs; total.wgsl adds the sums
// Rows       past step.rows are neither read nor written
// Source     Bishop, Pattern Recognition and Machine Learning (2006), eq. 5.14 (with a factor 1/2)

override WORKGROUP_SIZE: u32;  // invocations per workgroup
override CHUNKS: u32;          // invocations per row
override HAS_GRADIENT: bool;   // false: d_y is not needed and bound to a placeholder
override ACCUMULATE: bool;     // add to d_y (true) or overwrite it (false)

struct Loss {
  width: u32,      // D
  reduction: u32,  // see common/reductions.wgsl
  activation: u32, // f: see common/activation.wgsl
  weight: f32,
}

@group(0) @binding(0) var<storage, read> y: array<vec4f>;            // [B, D]
@group(0) @binding(1) var<storage, read> t: array<vec4f>;            // [B, D]
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;  // [B, CHUNKS]
@group(0) @binding(3) var<storage, read_write> d_y: array<vec4f>;    // [B, D]
@group(0) @binding(4) var<storage, read> loss: Loss;
@group(0) @binding(5) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn squared_error(@builtin(global_invocation_id) invocation: vec3u) {
  let loss = loss; // read once, as in adam.wgsl
  let step = step;
  let b = invocation.x / CHUNKS;
  if (b >= step.rows) { return; }
  let width4 = vec4_count(loss.width);
  let scale = reduction_scale(loss.reduction, step.rows, loss.width);

  var sum = vec4f(0.0);
  for (var d = invocation.x % CHUNKS; d < width4; d += CHUNKS) {
    let at = b * width4 + d;
    let difference = y[at] - t[at];
    sum += difference * difference;
    if (HAS_GRADIENT) {
      var gradient = loss.weight * 2.0 * scale * difference;
      if (ACCUMULATE) { gradient += d_y[at]; }
      d_y[at] = gradient * derivative(loss.activation, y[at]);
    }
  }
  partial[invocation.x] = scale * sum_of_four(sum);
}

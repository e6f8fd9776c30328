// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl, common/reductions.wgsl
// KL divergence of a diagonal Gaussian from the standard normal distribution: value and gradients in one pass.
//
// Forward    L = s · Σ_b Σ_j -½·(1 + V - M² - e^V),  M = mean[b,j] and V = log σ²[b,j] of the code
//            s = 1 for `sum`, 1/(rows·J) for `mean`, 1/rows for `sample`; in nats
// Backward   dM[b,j] = f'(M[b,j]) · ( weight·s·M          + earlier dM )
//            dV[b,j] = f'(V[b,j]) · ( weight·s·½·(e^V - 1) + earlier dV )
//            f is the activation that computed M or V (see dense_backward_input.wgsl); `weight` (β) is the
//            term's factor in the total loss, which L excludes
// Shapes     M, V, dM, dV [B, J], row-major; partial [B, CHUNKS]
// One invocation   every CHUNKS-th vec4 of one row
// Sum order  ascending j in an invocation, then the four components in pairs; total.wgsl adds the sums
// Padding    zeros, the standard normal distribution, add exactly 0 to the value; their gradients are 0
// Rows       past step.rows are neither read nor written
// Numerics   -½·(1 + V - M² - e^V) = ½·(M² + (e^V - 1 - V)), two terms that are never negative. For |V| ≤ 1,
//            e^V - 1 - V and e^V - 1 are computed by the exponential's series, as the differences cancel: for
//            unused units (V ≈ 0, M ≈ 0), rounding would exceed the KL. Nothing is clamped: for V above 88,
//            e^V and the loss are infinite in float32
// Source     Kingma and Welling, Auto-Encoding Variational Bayes (2014), appendix B

override WORKGROUP_SIZE: u32;           // invocations per workgroup
override CHUNKS: u32;                   // invocations per row
override INTO_MEAN: bool;               // false: d_mean is not needed and bound to a placeholder
override INTO_LOG_VARIANCE: bool;       // the same for d_log_variance
override ACCUMULATE_MEAN: bool;         // add to d_mean (true) or overwrite it (false)
override ACCUMULATE_LOG_VARIANCE: bool; // the same for d_log_variance

struct Loss {
  width: u32,                   // J
  reduction: u32,               // see common/reductions.wgsl
  activation_mean: u32,         // f of M: see common/activation.wgsl
  activation_log_variance: u32, // f of V
  weight: f32,
}

@group(0) @binding(0) var<storage, read> mean: array<vec4f>;                 // [B, J]
@group(0) @binding(1) var<storage, read> log_variance: array<vec4f>;         // [B, J]
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;          // [B, CHUNKS]
@group(0) @binding(3) var<storage, read_write> d_mean: array<vec4f>;         // [B, J]
@group(0) @binding(4) var<storage, read_write> d_log_variance: array<vec4f>; // [B, J]
@group(0) @binding(5) var<storage, read> loss: Loss;
@group(0) @binding(6) var<storage, read> step: Step;

/// e^v - 1 - v for |v| ≤ 1: v²/2! + v³/3! + … + v¹¹/11!; the truncation error is below 1e-8 of it.
fn exp_beyond_linear(v: vec4f) -> vec4f {
  let fifth = 1.0 / 120.0 + v * (1.0 / 720.0 + v * (1.0 / 5040.0 + v * (1.0 / 40320.0 + v * (1.0 / 362880.0 +
    v * (1.0 / 3628800.0 + v / 39916800.0)))));
  return v * v * (0.5 + v * (1.0 / 6.0 + v * (1.0 / 24.0 + v * fifth)));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn gaussian_kl(@builtin(global_invocation_id) invocation: vec3u) {
  let loss = loss; // read once, as in adam.wgsl
  let step = step;
  let b = invocation.x / CHUNKS;
  if (b >= step.rows) { return; }
  let width4 = vec4_count(loss.width);
  let scale = reduction_scale(loss.reduction, step.rows, loss.width);

  var sum = vec4f(0.0);
  for (var j = invocation.x % CHUNKS; j < width4; j += CHUNKS) {
    let at = b * width4 + j;
    let m = mean[at];
    let v = log_variance[at];
    let beyond = exp_beyond_linear(v);
    let variance = exp(v);
    let is_near = abs(v) <= vec4f(1.0);
    sum += 0.5 * (m * m + select(variance - 1.0 - v, beyond, is_near));
    if (INTO_MEAN) {
      var gradient = loss.weight * scale * m;
      if (ACCUMULATE_MEAN) { gradient += d_mean[at]; }
      d_mean[at] = gradient * derivative(loss.activation_mean, m);
    }
    if (INTO_LOG_VARIANCE) {
      var gradient = loss.weight * scale * 0.5 * select(variance - 1.0, v + beyond, is_near);
      if (ACCUMULATE_LOG_VARIANCE) { gradient += d_log_variance[at]; }
      d_log_variance[at] = gradient * derivative(loss.activation_log_variance, v);
    }
  }
  partial[invocation.x] = scale * sum_of_four(sum);
}

// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl, common/reductions.wgsl, common/logarithm.wgsl
// Sparsity penalty: the KL divergence between a wanted mean activation ρ and each hidden unit's own, ρ̂; value and
// gradient in one go.
//
// Forward    L = Σ_j ( ρ·log(ρ/ρ̂_j) + (1-ρ)·log((1-ρ)/(1-ρ̂_j)) ),  ρ̂_j = mean_activation.wgsl's mean over the rows,
//            held to [CLAMP, 1-CLAMP]; a sum over units, in nats, divided by nothing
// Backward   dH[b,j] = f'(H[b,j]) · ( weight·( -ρ/ρ̂_j + (1-ρ)/(1-ρ̂_j) )/rows + what other readers of H wrote before )
//            and 0 in place of the first term where the clamp holds ρ̂_j;
//            f is the activation that made H (see dense_backward_input.wgsl); `weight` is the term's share of the
//            total loss and is not in the value of L
// Shapes     H [B, J], rho [1, J], dH [B, J], row-major; partial [B, CHUNKS]
// One invocation   every CHUNKS-th vec4 of one row. The value belongs to no row: the invocations of row 0 file it, the others
//            file 0
// Sum order  within an invocation j upwards, then the four components in pairs; total.wgsl adds the invocations' sums
// Padding    columns past J count for nothing (a mean of 0 would count for log(1/CLAMP)), their gradients are 0
// Rows       past step.rows are neither read nor written
// Numerics   CLAMP = 1e-6: in float32 a sigmoid is exactly 1 above 17, where KL and gradient are infinite. With
//            the clamp a unit costs at most 13.8 nats; 1e-6 is 17 steps of float32 away from 1, and a thousand
//            times below any ρ in use. 1-ρ̂ is clamped apart from ρ̂: 1 - (1-1e-6) in float32 is off by 1 %.
//            With x = (ρ̂-ρ)/ρ, y = (ρ-ρ̂)/(1-ρ) and g(x) = x - log(1+x), KL = ρ·g(x) + (1-ρ)·g(y): neither part is
//            ever negative, so that nothing cancels near ρ̂ = ρ; g comes from a series where |x| is small. The
//            gradient is (ρ̂-ρ)/(ρ̂·(1-ρ̂)), which is the same and does not cancel either. NaN passes: the clamp is
//            made of selects
// Source     Ng, Sparse autoencoder (CS294A lecture notes, 2011), section 3: the penalty, and its δ term

override WORKGROUP_SIZE: u32;  // invocations of a workgroup
override CHUNKS: u32; // invocations that share a row

const CLAMP = 1e-6;

struct Loss {
  width: u32,        // J
  has_gradient: u32, // 0: nobody needs d_h, and it is bound to something that is not written
  activation: u32,   // f: see common/activation.wgsl
  accumulate: u32,   // add to d_h (1) or overwrite it (0)
  sparsity: f32,     // ρ
  rest: f32,         // 1-ρ, computed in float64
  weight: f32,
}

@group(0) @binding(0) var<storage, read> h: array<vec4f>;           // [B, J]
@group(0) @binding(1) var<storage, read> rho: array<vec4f>;         // [1, J], means before the clamp
@group(0) @binding(2) var<storage, read_write> partial: array<f32>; // [B, CHUNKS]
@group(0) @binding(3) var<storage, read_write> d_h: array<vec4f>;   // [B, J]
@group(0) @binding(4) var<storage, read> loss: Loss;
@group(0) @binding(5) var<storage, read> step: Step;

/// Held to [CLAMP, 1-CLAMP]; NaN for NaN.
fn clamped(mean: vec4f) -> vec4f {
  let from_below = select(mean, vec4f(CLAMP), mean < vec4f(CLAMP));
  return select(from_below, vec4f(1.0 - CLAMP), from_below > vec4f(1.0 - CLAMP));
}

/// x - log(1 + x), where 1 + x is given too: for |x| ≤ 1/2 by log(1 + x) = 2·artanh(u) with u = x/(2+x), in which
/// x - 2u = x·u; what is left out is below 1e-8 of it.
fn beyond_log(x: vec4f, one_plus_x: vec4f) -> vec4f {
  let u = x / (2.0 + x);
  return select(x - log(one_plus_x), x * u - 2.0 * u * artanh_series(u * u), abs(x) <= vec4f(0.5));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn sparsity_kl(@builtin(global_invocation_id) invocation: vec3u) {
  let b = invocation.x / CHUNKS;
  if (b >= step.rows) { return; }
  let width4 = vec4_count(loss.width);

  var sum = vec4f(0.0);
  for (var j = invocation.x % CHUNKS; j < width4; j += CHUNKS) {
    let at = b * width4 + j;
    let exists = is_column(j, loss.width);
    let mean = clamped(rho[j]);
    let mean_rest = clamped(1.0 - rho[j]);
    let excess = select(loss.rest - mean_rest, mean - loss.sparsity, mean < vec4f(0.5));
    let value = loss.sparsity * beyond_log(excess / loss.sparsity, mean / loss.sparsity) +
      loss.rest * beyond_log(-excess / loss.rest, mean_rest / loss.rest);
    sum += select(vec4f(0.0), value, exists);
    if (loss.has_gradient != 0u) {
      let is_held = (rho[j] < vec4f(CLAMP)) | (1.0 - rho[j] < vec4f(CLAMP));
      var gradient = loss.weight * select(excess / (mean * mean_rest), vec4f(0.0), is_held) / f32(step.rows);
      if (loss.accumulate != 0u) { gradient += d_h[at]; }
      d_h[at] = select(vec4f(0.0), gradient * derivative(loss.activation, h[at]), exists);
    }
  }
  partial[invocation.x] = select(0.0, sum_of_four(sum), b == 0u);
}

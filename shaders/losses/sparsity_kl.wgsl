// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl, common/reductions.wgsl, common/logarithm.wgsl
// Sparsity penalty: KL divergence between a target mean activation ρ and the mean activation ρ̂ of each
// hidden unit; value and gradient in one pass.
//
// Forward    L = Σ_j ( ρ·log(ρ/ρ̂_j) + (1-ρ)·log((1-ρ)/(1-ρ̂_j)) ),
//            ρ̂_j from mean_activation.wgsl, clamped to [CLAMP, 1-CLAMP]; a sum over units, in nats
// Backward   dH[b,j] = f'(H[b,j]) · ( weight·( -ρ/ρ̂_j + (1-ρ)/(1-ρ̂_j) )/rows + earlier dH )
//            with 0 in place of the first term where ρ̂_j is clamped;
//            f is the activation that computed H (see dense_backward_input.wgsl); `weight` is the term's
//            factor in the total loss, which L excludes
// Shapes     H [B, J], rho [1, J], dH [B, J], row-major; partial [B, CHUNKS]
// One invocation   every CHUNKS-th vec4 of one row. The invocations of row 0 write the value, the
//            others write 0, as it is not a sum over rows
// Sum order  ascending j in an invocation, then the four components in pairs; total.wgsl adds the sums
// Padding    columns past J are ignored (a mean of 0 would add log(1/CLAMP)), their gradients are 0
// Rows       past step.rows are neither read nor written
// Numerics   CLAMP = 1e-6: in float32 a sigmoid is exactly 1 above 17, where KL and gradient are infinite. With
//            the clamp, a unit costs at most 13.8 nats; 1-CLAMP is 17 float32 steps below 1, and CLAMP a thousand
//            times below any ρ in use. 1-ρ̂ is clamped separately: 1 - (1-1e-6) in float32 is off by 1 %.
//            With x = (ρ̂-ρ)/ρ, y = (ρ-ρ̂)/(1-ρ) and g(x) = x - log(1+x), KL = ρ·g(x) + (1-ρ)·g(y): neither term
//            is negative, so nothing cancels near ρ̂ = ρ; g is computed by a series for small |x|. The gradient
//            is computed as (ρ̂-ρ)/(ρ̂·(1-ρ̂)), which does not cancel either. NaN propagates: the clamp uses select
// Source     Ng, Sparse autoencoder (CS294A lecture notes, 2011), section 3: the penalty, and its δ term

override WORKGROUP_SIZE: u32; // invocations per workgroup
override CHUNKS: u32;         // invocations per row
override HAS_GRADIENT: bool;  // false: d_h is not needed and bound to a placeholder
override ACCUMULATE: bool;    // add to d_h (true) or overwrite it (false)

const CLAMP = 1e-6;

struct Loss {
  width: u32,      // J
  activation: u32, // f: see common/activation.wgsl
  sparsity: f32,   // ρ
  rest: f32,       // 1-ρ, computed in float64
  weight: f32,
}

@group(0) @binding(0) var<storage, read> h: array<vec4f>;           // [B, J]
@group(0) @binding(1) var<storage, read> rho: array<vec4f>;         // [1, J], means before the clamp
@group(0) @binding(2) var<storage, read_write> partial: array<f32>; // [B, CHUNKS]
@group(0) @binding(3) var<storage, read_write> d_h: array<vec4f>;   // [B, J]
@group(0) @binding(4) var<storage, read> loss: Loss;
@group(0) @binding(5) var<storage, read> step: Step;

/// Clamped to [CLAMP, 1-CLAMP]; NaN for NaN.
fn clamped(mean: vec4f) -> vec4f {
  let from_below = select(mean, vec4f(CLAMP), mean < vec4f(CLAMP));
  return select(from_below, vec4f(1.0 - CLAMP), from_below > vec4f(1.0 - CLAMP));
}

/// x - log(1 + x), given 1 + x too. For |x| ≤ 1/2 by log(1 + x) = 2·artanh(u) with u = x/(2+x), where
/// x - 2u = x·u; the truncation error is below 1e-8 of it.
fn beyond_log(x: vec4f, one_plus_x: vec4f) -> vec4f {
  let u = x / (2.0 + x);
  return select(x - log(one_plus_x), x * u - 2.0 * u * artanh_series(u * u), abs(x) <= vec4f(0.5));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn sparsity_kl(@builtin(global_invocation_id) invocation: vec3u) {
  let loss = loss; // read once, as in adam.wgsl
  let step = step;
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
    if (HAS_GRADIENT) {
      let is_held = (rho[j] < vec4f(CLAMP)) | (1.0 - rho[j] < vec4f(CLAMP));
      var gradient = loss.weight * select(excess / (mean * mean_rest), vec4f(0.0), is_held) / f32(step.rows);
      if (ACCUMULATE) { gradient += d_h[at]; }
      d_h[at] = select(vec4f(0.0), gradient * derivative(loss.activation, h[at]), exists);
    }
  }
  partial[invocation.x] = select(0.0, sum_of_four(sum), b == 0u);
}

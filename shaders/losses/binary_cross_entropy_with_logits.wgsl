// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl, common/reductions.wgsl, common/logarithm.wgsl
// Binary cross-entropy between the sigmoid of logits and a target: value and gradients in one pass.
//
// Forward    L = s · Σ_b Σ_d ( max(Z,0) - Z·T + log(1 + e^-|Z|) ),  Z = Z[b,d], T = T[b,d]
//            s = 1 for `sum`, 1/(rows·D) for `mean`, 1/rows for `sample`; it is
//            -T·log σ(Z) - (1-T)·log(1-σ(Z)) without overflow or clamping
// Backward   dZ[b,d] = f'(Z[b,d]) · ( weight·s·(σ(Z) - T) + earlier dZ )
//            dT[b,d] = f'(T[b,d]) · ( weight·s·(-Z)       + earlier dT )
//            f is the activation that computed Z or T (see dense_backward_input.wgsl); `weight` is the term's
//            factor in the total loss, which L excludes
// Shapes     Z, T, dZ, dT [B, D], row-major; partial [B, CHUNKS]
// One invocation   every CHUNKS-th vec4 of one row
// Sum order  ascending d in an invocation, then the four components in pairs; total.wgsl adds the sums
// Padding    columns past D are ignored (a logit of 0 would add log 2), their gradients are 0
// Rows       past step.rows are neither read nor written
// Numerics   max(Z,0) - Z·T is Z·(1-T) for Z > 0, else -Z·T: no cancellation at T = 1, and NaN propagates.
//            With e = e^-|Z|, σ(-|Z|) = e/(1+e) is small for large |Z|, and σ(Z) - T is (1-T) - e/(1+e) or
//            e/(1+e) - T: accurate for T = 0 and T = 1, where σ(Z) itself would round to 1. log(1+e) is
//            2·artanh(e/(2+e)) by its series, accurate to 2e-7 (relative) for e in [0, 1]: WGSL has no log1p,
//            and log near 1 is accurate only to 1e-7 (absolute), 30 % of log(1 + e^-15)
// Source     Bishop, Pattern Recognition and Machine Learning (2006), eq. 4.90 and 4.91; the form without
//            overflow is that of PyTorch's binary_cross_entropy_with_logits

override WORKGROUP_SIZE: u32; // invocations per workgroup
override CHUNKS: u32;         // invocations per row
override INTO_Z: bool;        // false: d_z is not needed and bound to a placeholder
override INTO_T: bool;        // the same for d_t
override ACCUMULATE_Z: bool;  // add to d_z (true) or overwrite it (false)
override ACCUMULATE_T: bool;  // the same for d_t

struct Loss {
  width: u32,        // D
  reduction: u32,    // see common/reductions.wgsl
  activation_z: u32, // f of Z: see common/activation.wgsl
  activation_t: u32, // f of T
  weight: f32,
}

@group(0) @binding(0) var<storage, read> z: array<vec4f>;           // [B, D]
@group(0) @binding(1) var<storage, read> t: array<vec4f>;           // [B, D]
@group(0) @binding(2) var<storage, read_write> partial: array<f32>; // [B, CHUNKS]
@group(0) @binding(3) var<storage, read_write> d_z: array<vec4f>;   // [B, D]
@group(0) @binding(4) var<storage, read_write> d_t: array<vec4f>;   // [B, D]
@group(0) @binding(5) var<storage, read> loss: Loss;
@group(0) @binding(6) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn binary_cross_entropy_with_logits(@builtin(global_invocation_id) invocation: vec3u) {
  let loss = loss; // read once, as in adam.wgsl
  let step = step;
  let b = invocation.x / CHUNKS;
  if (b >= step.rows) { return; }
  let width4 = vec4_count(loss.width);
  let scale = reduction_scale(loss.reduction, step.rows, loss.width);

  var sum = vec4f(0.0);
  for (var d = invocation.x % CHUNKS; d < width4; d += CHUNKS) {
    let at = b * width4 + d;
    let exists = is_column(d, loss.width);
    let logit = z[at];
    let truth = t[at];
    let e = exp(-abs(logit));
    let positive = logit > vec4f(0.0);
    let value = select(-truth, 1.0 - truth, positive) * logit + log1p_near(e);
    sum += select(vec4f(0.0), value, exists);
    if (INTO_Z) {
      let doubt = e / (1.0 + e);
      var gradient = loss.weight * scale * select(doubt - truth, (1.0 - truth) - doubt, positive);
      if (ACCUMULATE_Z) { gradient += d_z[at]; }
      d_z[at] = select(vec4f(0.0), gradient * derivative(loss.activation_z, logit), exists);
    }
    if (INTO_T) {
      var gradient = loss.weight * scale * -logit;
      if (ACCUMULATE_T) { gradient += d_t[at]; }
      d_t[at] = select(vec4f(0.0), gradient * derivative(loss.activation_t, truth), exists);
    }
  }
  partial[invocation.x] = scale * sum_of_four(sum);
}

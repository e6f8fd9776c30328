// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl, common/reductions.wgsl, common/logarithm.wgsl
// Binary cross-entropy between probabilities and a target: value and gradients in one pass. For the network's
// output use the form with logits; this one is for existing activations, such as hidden layers.
//
// Forward    L = s · Σ_b Σ_d -( T·ln(P) + (1-T)·ln(1-P) ),  ln(x) = max(log x, -100),  P = P[b,d], T = T[b,d]
//            s = 1 for `sum`, 1/(rows·D) for `mean`, 1/rows for `sample`
// Backward   dP[b,d] = f'(P[b,d]) · ( weight·s·(P - T) / max(P·(1-P), 1e-12) + earlier dP )
//            dT[b,d] = f'(T[b,d]) · ( weight·s·(ln(1-P) - ln(P))              + earlier dT )
//            f is the activation that computed P or T (see dense_backward_input.wgsl); `weight` is the term's
//            factor in the total loss, which L excludes
// Shapes     P, T, dP, dT [B, D], row-major; partial [B, CHUNKS]
// One invocation   every CHUNKS-th vec4 of one row
// Sum order  ascending d in an invocation, then the four components in pairs; total.wgsl adds the sums
// Padding    columns past D are ignored, their gradients are 0 (ln(1-0) - ln(0) would be 100)
// Rows       past step.rows are neither read nor written
// Numerics   The clamps are those of torch.nn.BCELoss: -100 keeps the value finite at P = 0 and P = 1, 1e-12
//            the gradient. The smaller of P and 1-P, n, is exact in float32 (a subtraction from 1 is exact
//            above 1/2); log n is WGSL's, log(1-n) is -2·artanh(n/(2-n)) by its series: accurate to 2e-7
//            (relative), whereas WGSL's log near 1 is accurate only to 1e-7 (absolute). n below 1e-30 is
//            scaled up first, as log is inaccurate for subnormal numbers; a GPU that flushes them to 0 gives
//            -100 there. log 0 is never computed. f' is divided by max(P·(1-P), 1e-12) before other factors:
//            after a sigmoid the quotient is exactly 1, and dP is exactly weight·s·(P-T). A saturated P
//            (exactly 0 or 1) has f' = 0 and no gradient, as in PyTorch. NaN propagates; other P give NaN
// Source     Bishop, Pattern Recognition and Machine Learning (2006), eq. 4.90; torch.nn.BCELoss

override WORKGROUP_SIZE: u32; // invocations per workgroup
override CHUNKS: u32;         // invocations per row
override INTO_P: bool;        // false: d_p is not needed and bound to a placeholder
override INTO_T: bool;        // the same for d_t
override ACCUMULATE_P: bool;  // add to d_p (true) or overwrite it (false)
override ACCUMULATE_T: bool;  // the same for d_t

const LOWEST_LOG = -100.0;
const SCALE_UP = 1099511627776.0;      // 2^40
const LOG_SCALE_UP = 27.725887222397812; // 40·log 2
const LOWEST_SCALED = 4.0902669e-32;   // e^-100 · 2^40
const LEAST_VARIANCE = 1e-12;

struct Loss {
  width: u32,        // D
  reduction: u32,    // see common/reductions.wgsl
  activation_p: u32, // f of P: see common/activation.wgsl
  activation_t: u32, // f of T
  weight: f32,
}

@group(0) @binding(0) var<storage, read> p: array<vec4f>;           // [B, D]
@group(0) @binding(1) var<storage, read> t: array<vec4f>;           // [B, D]
@group(0) @binding(2) var<storage, read_write> partial: array<f32>; // [B, CHUNKS]
@group(0) @binding(3) var<storage, read_write> d_p: array<vec4f>;   // [B, D]
@group(0) @binding(4) var<storage, read_write> d_t: array<vec4f>;   // [B, D]
@group(0) @binding(5) var<storage, read> loss: Loss;
@group(0) @binding(6) var<storage, read> step: Step;

/// max(log n, -100), NaN for NaN, which max() may drop.
fn log_clamped(n: vec4f) -> vec4f {
  let small = n < vec4f(1e-30);
  let scaled = select(n, n * SCALE_UP, small);
  let lowest = (scaled < vec4f(LOWEST_SCALED)) & (scaled >= vec4f(0.0));
  let value = log(select(scaled, vec4f(1.0), lowest)) - select(vec4f(0.0), vec4f(LOG_SCALE_UP), small);
  return select(value, vec4f(LOWEST_LOG), lowest);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn binary_cross_entropy(@builtin(global_invocation_id) invocation: vec3u) {
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
    let probability = p[at];
    let truth = t[at];
    let above = probability > vec4f(0.5);
    let smaller = select(probability, 1.0 - probability, above);
    let log_smaller = log_clamped(smaller);
    let log_larger = log1p_near(-smaller);
    let log_p = select(log_smaller, log_larger, above);
    let log_rest = select(log_larger, log_smaller, above);
    sum -= select(vec4f(0.0), truth * log_p + (1.0 - truth) * log_rest, exists);
    if (INTO_P) {
      let slope = derivative(loss.activation_p, probability);
      let variance = max(probability * (1.0 - probability), vec4f(LEAST_VARIANCE));
      var gradient = loss.weight * scale * (probability - truth) * (slope / variance);
      if (ACCUMULATE_P) { gradient += d_p[at] * slope; }
      d_p[at] = select(vec4f(0.0), gradient, exists);
    }
    if (INTO_T) {
      var gradient = loss.weight * scale * (log_rest - log_p);
      if (ACCUMULATE_T) { gradient += d_t[at]; }
      d_t[at] = select(vec4f(0.0), gradient * derivative(loss.activation_t, truth), exists);
    }
  }
  partial[invocation.x] = scale * sum_of_four(sum);
}

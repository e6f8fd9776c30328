// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl, common/reductions.wgsl, common/logarithm.wgsl
// User-defined loss, a sum over elements: value and gradients in one pass. The user's expressions precede this
// file as `loss_value(y, t)`, `loss_by_prediction(y, t)`, `loss_by_target(y, t)` (src/elementwise/loss.ts).
//
// Forward    L = s · Σ_b Σ_d l(Y[b,d], T[b,d]),  s = 1 for `sum`, 1/(rows·D) for `mean`, 1/rows for `sample`
// Backward   dY[b,d] = f'(Y[b,d]) · ( weight·s·∂l/∂y + earlier dY )
//            dT[b,d] = f'(T[b,d]) · ( weight·s·∂l/∂t + earlier dT )
//            f is the activation that computed Y or T (see dense_backward_input.wgsl); `weight` is the term's
//            factor in the total loss, which L excludes
// Shapes     Y, T, dY, dT [B, D], row-major, widths zero-padded to multiples of four; partial [B, CHUNKS]
// One invocation   every CHUNKS-th vec4 of one row, component by component
// Sum order  ascending d in an invocation, then the four components in pairs; total.wgsl adds the sums
// Padding    columns past D are ignored, even if l(0, 0) is not 0; their gradients are 0
// Rows       past step.rows are neither read nor written
// Source     Bishop, Pattern Recognition and Machine Learning (2006), section 1.5.5

override WORKGROUP_SIZE: u32; // invocations per workgroup
override CHUNKS: u32;         // invocations per row
override INTO_Y: bool;        // false: d_y is not needed and bound to a placeholder
override INTO_T: bool;        // the same for d_t
override ACCUMULATE_Y: bool;  // add to d_y (true) or overwrite it (false)
override ACCUMULATE_T: bool;  // the same for d_t

struct Loss {
  width: u32,        // D
  reduction: u32,    // see common/reductions.wgsl
  activation_y: u32, // f of Y: see common/activation.wgsl
  activation_t: u32, // f of T
  weight: f32,
}

@group(0) @binding(0) var<storage, read> y: array<vec4f>;           // [B, D]
@group(0) @binding(1) var<storage, read> t: array<vec4f>;           // [B, D]
@group(0) @binding(2) var<storage, read_write> partial: array<f32>; // [B, CHUNKS]
@group(0) @binding(3) var<storage, read_write> d_y: array<vec4f>;   // [B, D]
@group(0) @binding(4) var<storage, read_write> d_t: array<vec4f>;   // [B, D]
@group(0) @binding(5) var<storage, read> loss: Loss;
@group(0) @binding(6) var<storage, read> this_step: Step;           // not `step`: users may call WGSL's function of that name

@compute @workgroup_size(WORKGROUP_SIZE)
fn elementwise_loss(@builtin(global_invocation_id) invocation: vec3u) {
  let loss = loss; // read once, as in adam.wgsl
  let this_step = this_step;
  let b = invocation.x / CHUNKS;
  if (b >= this_step.rows) { return; }
  let width4 = vec4_count(loss.width);
  let scale = reduction_scale(loss.reduction, this_step.rows, loss.width);

  var sum = vec4f(0.0);
  for (var d = invocation.x % CHUNKS; d < width4; d += CHUNKS) {
    let at = b * width4 + d;
    let exists = is_column(d, loss.width);
    let p = y[at];
    let q = t[at];
    let value = vec4f(loss_value(p.x, q.x), loss_value(p.y, q.y), loss_value(p.z, q.z), loss_value(p.w, q.w));
    sum += select(vec4f(0.0), value, exists);
    if (INTO_Y) {
      let slope = vec4f(
        loss_by_prediction(p.x, q.x), loss_by_prediction(p.y, q.y),
        loss_by_prediction(p.z, q.z), loss_by_prediction(p.w, q.w));
      var gradient = select(vec4f(0.0), loss.weight * scale * slope, exists);
      if (ACCUMULATE_Y) { gradient += d_y[at]; }
      d_y[at] = gradient * derivative(loss.activation_y, p);
    }
    if (INTO_T) {
      let slope = vec4f(
        loss_by_target(p.x, q.x), loss_by_target(p.y, q.y), loss_by_target(p.z, q.z), loss_by_target(p.w, q.w));
      var gradient = select(vec4f(0.0), loss.weight * scale * slope, exists);
      if (ACCUMULATE_T) { gradient += d_t[at]; }
      d_t[at] = gradient * derivative(loss.activation_t, q);
    }
  }
  partial[invocation.x] = scale * sum_of_four(sum);
}

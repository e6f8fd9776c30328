// after common/reductions.wgsl
// Sum over the invocations of a workgroup. WORKGROUP_SIZE must be a power of two.

var<workgroup> sums: array<f32, WORKGROUP_SIZE>;

/// Returns the sum over the invocations to every invocation: a tree reduction in a fixed order.
fn workgroup_sum(invocation: u32, own: vec4f) -> f32 {
  sums[invocation] = sum_of_four(own);
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if (invocation < half) { sums[invocation] += sums[invocation + half]; }
    workgroupBarrier();
  }
  return sums[0];
}

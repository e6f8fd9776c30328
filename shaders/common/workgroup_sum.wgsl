// after common/reductions.wgsl
// The sum over the invocations of a workgroup, whose size WORKGROUP_SIZE must be a power of two.

var<workgroup> sums: array<f32, WORKGROUP_SIZE>;

/// Σ over the invocations, in every invocation: halves are added onto halves, always in the same order.
fn workgroup_sum(invocation: u32, own: vec4f) -> f32 {
  sums[invocation] = sum_of_four(own);
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if (invocation < half) { sums[invocation] += sums[invocation + half]; }
    workgroupBarrier();
  }
  return sums[0];
}

// after common/reductions.wgsl
// The sum over the lanes of a workgroup, whose size LANES must be a power of two.

var<workgroup> sums: array<f32, LANES>;

/// Σ over the lanes, in every lane: halves are added onto halves, always in the same order.
fn workgroup_sum(lane: u32, own: vec4f) -> f32 {
  sums[lane] = sum_of_four(own);
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }
  return sums[0];
}

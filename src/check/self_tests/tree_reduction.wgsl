// Adds up numbers in a tree, as the losses and the gradient norm are added up.
//
// Forward    total[g] = Σ x of workgroup g
// Shapes     x [workgroups, TERMS · LANES], total [workgroups]
// One lane   adds every LANES-th number of its workgroup's row; then a tree adds the lanes
// Sum order  fixed: places upwards in each lane, then halves onto halves

override LANES: u32; // of a workgroup, a power of two
override TERMS: u32; // that a lane adds

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> total: array<f32>;

var<workgroup> sums: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn tree_sum(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) workgroup: vec3u) {
  var sum = 0.0;
  for (var term = 0u; term < TERMS; term++) { sum += x[(workgroup.x * TERMS + term) * LANES + lane]; }
  sums[lane] = sum;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) { total[workgroup.x] = sums[0]; }
}

// Sums numbers in a tree, as for the losses and the gradient norm.
//
// Forward    total[g] = Σ x of workgroup g
// Shapes     x [workgroups, TERMS · WORKGROUP_SIZE], total [workgroups]
// One invocation   adds every WORKGROUP_SIZE-th number of its workgroup's row; then a tree adds the invocations
// Sum order  fixed: places upwards in each invocation, then halves onto halves

override WORKGROUP_SIZE: u32; // of a workgroup, a power of two
override TERMS: u32; // added by each invocation

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> total: array<f32>;

var<workgroup> sums: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn tree_sum(@builtin(local_invocation_index) invocation: u32, @builtin(workgroup_id) workgroup: vec3u) {
  var sum = 0.0;
  for (var term = 0u; term < TERMS; term++) { sum += x[(workgroup.x * TERMS + term) * WORKGROUP_SIZE + invocation]; }
  sums[invocation] = sum;
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if (invocation < half) { sums[invocation] += sums[invocation + half]; }
    workgroupBarrier();
  }
  if (invocation == 0u) { total[workgroup.x] = sums[0]; }
}

// Statistics of a trained tensor: sums of squares of its gradient, its weights and its latest change, and
// counts of numbers that are not finite.
//
// Forward    for each of g, w and w - w_before, and each scale s of 2^60, 1 and 2^-80:  Σ (s·x)²
//            The CPU takes the root of the sum that neither overflowed nor underflowed, and divides by s.
// Backward   none: training does not depend on it
// Shapes     g, w, w_before: slots in three arenas, whole vec4; partial [tensors, invocations]; sums [tensors]
// One invocation   watch_partial: adds every invocations-th vec4 of its tensor
//            watch_total: one workgroup per tensor; invocation l adds every WORKGROUP_SIZE-th sum, then a tree
// Sum order  fixed: ascending index in each invocation, then halves onto halves
// Padding    is 0 in every slot and adds nothing
// Numerics   at 2^60 squares of numbers from 1e-37 to 1e0 are exact enough, at 1 those from 1e-18 to 1e18, at
//            2^-80 those up to float32's largest. Numbers that are not finite are detected by their bits.
// Source     Blue, A portable Fortran program to find the Euclidean norm of a vector (1978)

override WORKGROUP_SIZE: u32; // invocations per workgroup; for watch_total a power of two

const SMALL = 1152921504606846976.0;    // 2^60
const LARGE = 8.271806125530277e-25;    // 2^-80

struct Sums {
  small: vec4f, // at 2^60: of g, w, w - w_before; and numbers of g that are not finite
  plain: vec4f, // at 1: the same; and numbers of w that are not finite
  large: vec4f, // at 2^-80: the same; and 0
}
struct Slot {
  count: u32,  // vec4 in the slot
  invocations: u32,  // invocations per tensor
  tensor: u32, // index of the tensor, from 0
}
struct Total {
  invocations: u32, // invocations per tensor in watch_partial
}

@group(0) @binding(0) var<storage, read> g: array<vec4f>;            // gradients, before clipping
@group(0) @binding(1) var<storage, read> w: array<vec4f>;            // weights after the update
@group(0) @binding(2) var<storage, read> w_before: array<vec4f>;     // weights before the update
@group(0) @binding(3) var<storage, read_write> partial: array<Sums>; // one per invocation
@group(0) @binding(4) var<storage, read> slot: Slot;

@group(0) @binding(0) var<storage, read> sums_of_lanes: array<Sums>;   // partial
@group(0) @binding(1) var<storage, read_write> totals: array<Sums>;    // one per tensor
@group(0) @binding(2) var<storage, read> total: Total;

fn squares(x: vec4f, y: vec4f, z: vec4f) -> vec3f { return vec3f(dot(x, x), dot(y, y), dot(z, z)); }

fn not_finite(x: vec4f) -> f32 {
  let exponents = bitcast<vec4u>(x) & vec4u(0x7f800000u);
  return dot(select(vec4f(0.0), vec4f(1.0), exponents == vec4u(0x7f800000u)), vec4f(1.0));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn watch_partial(@builtin(global_invocation_id) invocation: vec3u) {
  let slot = slot; // read once, as in adam.wgsl
  if (invocation.x >= slot.invocations) { return; }
  var sums = Sums();
  for (var at = invocation.x; at < slot.count; at += slot.invocations) {
    let gradient = g[at];
    let weight = w[at];
    let change = weight - w_before[at];
    sums.small += vec4f(squares(SMALL * gradient, SMALL * weight, SMALL * change), not_finite(gradient));
    sums.plain += vec4f(squares(gradient, weight, change), not_finite(weight));
    sums.large += vec4f(squares(LARGE * gradient, LARGE * weight, LARGE * change), 0.0);
  }
  partial[slot.tensor * slot.invocations + invocation.x] = sums;
}

var<workgroup> shared_sums: array<Sums, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn watch_total(@builtin(workgroup_id) tensor: vec3u, @builtin(local_invocation_index) invocation: u32) {
  var sums = Sums();
  for (var at = invocation; at < total.invocations; at += WORKGROUP_SIZE) {
    let more = sums_of_lanes[tensor.x * total.invocations + at];
    sums.small += more.small;
    sums.plain += more.plain;
    sums.large += more.large;
  }
  shared_sums[invocation] = sums;
  workgroupBarrier();
  for (var half = WORKGROUP_SIZE / 2u; half > 0u; half /= 2u) {
    if (invocation < half) {
      shared_sums[invocation].small += shared_sums[invocation + half].small;
      shared_sums[invocation].plain += shared_sums[invocation + half].plain;
      shared_sums[invocation].large += shared_sums[invocation + half].large;
    }
    workgroupBarrier();
  }
  if (invocation == 0u) { totals[tensor.x] = shared_sums[0]; }
}

// after common/step.wgsl, common/workgroup_sum.wgsl
// Clipping by the global norm: computes the factor of all gradients of a step before the update.
//
// Forward    norm = √( Σ g² ) over all trainable parameters,  factor = min(1, c / (norm + 1e-6))
//            The optimizer's shader applies it; the stored gradients are unchanged.
// Backward   none: the factor belongs to the update, not to the loss
// Shapes     g: a range of the gradient arena, whole vec4; partial: one sum per invocation, range after
//            range, each range padded to whole vec4 with zeros; clip: factor and norm; norms [RING]
// One invocation   clip_partial: adds the squares of every invocations-th vec4 of its range
//            clip_total: one workgroup: invocation l adds every WORKGROUP_SIZE-th vec4 of partial, then a tree
// Sum order  fixed: ascending index in each invocation, then halves onto halves
// Padding    is 0 in every gradient and adds nothing; frozen parameters are in no range
// Numerics   squares overflow above 1.8e19: the norm is then infinite, the factor 0. Squares below 1e-45
//            underflow. If the norm is NaN, so is the factor, as in PyTorch: divergence shows in all
//            parameters at once. NaN is detected by its bits, because it fails every comparison and min may
//            drop it.
// Source     Pascanu, Mikolov, Bengio (2013), algorithm 1, with the 1e-6 of torch.nn.utils.clip_grad_norm_

override WORKGROUP_SIZE: u32; // invocations per workgroup; for clip_total a power of two, and the only workgroup's size

struct Stretch {
  count: u32, // vec4 in the range
  invocations: u32, // invocations per range, a multiple of four
  first: u32, // index of its first partial sum
}
struct Total {
  count: u32, // vec4 in partial
  ring: u32,  // number of steps stored
  most: f32,  // c, the maximum norm
}

@group(0) @binding(0) var<storage, read> g: array<vec4f>;           // gradients of the range
@group(0) @binding(1) var<storage, read_write> partial: array<f32>; // sums of squares, one per invocation
@group(0) @binding(2) var<storage, read> stretch: Stretch;

@group(0) @binding(0) var<storage, read> sums_of_lanes: array<vec4f>;  // partial, four at a time
@group(0) @binding(1) var<storage, read_write> clip: array<f32, 2>;    // factor, norm
@group(0) @binding(2) var<storage, read_write> norms: array<f32>;      // [RING]
@group(0) @binding(3) var<storage, read> total: Total;
@group(0) @binding(4) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn clip_partial(@builtin(global_invocation_id) invocation: vec3u) {
  let stretch = stretch; // read once, as in adam.wgsl
  if (invocation.x >= stretch.invocations) { return; }
  var sum = vec4f(0.0);
  for (var at = invocation.x; at < stretch.count; at += stretch.invocations) { sum += g[at] * g[at]; }
  partial[stretch.first + invocation.x] = sum_of_four(sum);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn clip_total(@builtin(local_invocation_index) invocation: u32) {
  let total = total;
  var sum = vec4f(0.0);
  for (var at = invocation; at < total.count; at += WORKGROUP_SIZE) { sum += sums_of_lanes[at]; }
  let norm = sqrt(workgroup_sum(invocation, sum));
  if (invocation != 0u) { return; }
  let factor = total.most / (norm + 1e-6);
  let is_nan = (bitcast<u32>(norm) & 0x7fffffffu) > 0x7f800000u;
  clip[0] = select(select(1.0, factor, factor < 1.0), norm, is_nan);
  clip[1] = norm;
  norms[step.count % total.ring] = norm;
}

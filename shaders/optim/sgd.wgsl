// after common/step.wgsl
// Stochastic gradient descent with momentum over a range of the parameter arena.
//
// Update     g ← c·g + λ·p                       c = clip[0] is 1 without clipping
//            b ← μ·b + g                         with momentum; b is 0 initially
//            p ← p - η·b                         or, with Nesterov, p ← p - η·(g + μ·b)
//            p ← p - η·g                         without momentum; b is not used
//            η = step.learning_rate
// Shapes     p, g, b: the same range of three arenas with equal offsets; padding is 0 and stays 0
// One workgroup   a share of the range without gaps, its invocations side by side, as in adam.wgsl
// Source     torch.optim.SGD with dampening 0; Sutskever et al. (2013), eq. 1 to 4, in PyTorch's form, where
//            η multiplies the velocity instead of the gradient

override WORKGROUP_SIZE: u32; // invocations per workgroup
override MOVES: bool;         // true: with momentum, false: momentum is 0
override NESTEROV: bool;      // true: Nesterov momentum

struct Sgd {
  count: u32,    // vec4 in the range
  momentum: f32, // μ
  decay: f32,    // λ
}

@group(0) @binding(0) var<storage, read> g: array<vec4f>;       // gradients
@group(0) @binding(1) var<storage, read> clip: array<f32, 2>;   // factor of the gradients, and their norm
@group(0) @binding(2) var<storage, read_write> p: array<vec4f>; // parameters
@group(0) @binding(3) var<storage, read_write> b: array<vec4f>; // velocities
@group(0) @binding(4) var<storage, read> sgd: Sgd;
@group(0) @binding(5) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn sgd_update(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) invocation: u32) {
  let sgd = sgd; // read once, as in adam.wgsl
  let step = step;
  let clip = clip;
  let share = (sgd.count + groups.x - 1u) / groups.x;
  let end = min((group.x + 1u) * share, sgd.count);
  for (var at = group.x * share + invocation; at < end; at += WORKGROUP_SIZE) {
    let parameter = p[at];
    let gradient = clip[0] * g[at] + sgd.decay * parameter;
    var direction = gradient;
    if (MOVES) {
      let velocity = sgd.momentum * b[at] + gradient;
      b[at] = velocity;
      direction = select(velocity, gradient + sgd.momentum * velocity, NESTEROV);
    }
    p[at] = parameter - step.learning_rate * direction;
  }
}

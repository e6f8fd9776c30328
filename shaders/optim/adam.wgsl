// after common/step.wgsl
// Adam over a range of the parameter arena, with PyTorch's L2 weight decay or decoupled weight decay.
//
// Update     g ← c·g, where c = clip[0] is 1 without clipping
//            decoupled:  p ← p - η·λ·p          L2:  g ← g + λ·p
//            m ← β1·m + (1-β1)·g
//            v ← β2·v + (1-β2)·g²
//            p ← p - η/(1-β1^t) · m / ( √v/√(1-β2^t) + ε )
//            η = step.learning_rate, correction_1 = 1/(1-β1^t) and correction_2 = 1/√(1-β2^t) are fields of
//            step, computed in float64
// Shapes     p, g, m, v: the same range of four arenas with equal offsets; padding is 0 and stays 0, as ε > 0
// One workgroup   a share of the range without gaps, its invocations side by side: a processor reads ahead in it
// Source     Kingma and Ba, Adam (2015), algorithm 1, with ε outside the root's correction as in PyTorch;
//            decoupled: Loshchilov and Hutter (2019), algorithm 2

override WORKGROUP_SIZE: u32; // invocations per workgroup
override DECOUPLED: bool;     // true: decay the parameter itself, false: add λ·p to the gradient

struct Adam {
  count: u32, // vec4 in the range
  beta1: f32,
  beta2: f32,
  rest1: f32, // 1-β1, computed in float64: 1-0.999 in float32 is off by 5e-5
  rest2: f32, // 1-β2
  epsilon: f32,
  decay: f32, // λ
}

@group(0) @binding(0) var<storage, read> g: array<vec4f>;       // gradients
@group(0) @binding(1) var<storage, read> clip: array<f32, 2>;   // factor of the gradients, and their norm
@group(0) @binding(2) var<storage, read_write> p: array<vec4f>; // parameters
@group(0) @binding(3) var<storage, read_write> m: array<vec4f>; // first moments
@group(0) @binding(4) var<storage, read_write> v: array<vec4f>; // second moments
@group(0) @binding(5) var<storage, read> adam: Adam;
@group(0) @binding(6) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn adam_update(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) invocation: u32) {
  // read once here, because writes to p, m or v might alias them: saves a quarter of the time
  let adam = adam;
  let step = step;
  let clip = clip;
  let share = (adam.count + groups.x - 1u) / groups.x;
  let end = min((group.x + 1u) * share, adam.count);
  for (var at = group.x * share + invocation; at < end; at += WORKGROUP_SIZE) {
    var parameter = p[at];
    var gradient = clip[0] * g[at];
    if (DECOUPLED) {
      parameter -= step.learning_rate * adam.decay * parameter;
    } else {
      gradient += adam.decay * parameter;
    }
    let first = adam.beta1 * m[at] + adam.rest1 * gradient;
    let second = adam.beta2 * v[at] + adam.rest2 * gradient * gradient;
    m[at] = first;
    v[at] = second;
    p[at] = parameter -
      step.learning_rate * step.correction_1 * first / (sqrt(second) * step.correction_2 + adam.epsilon);
  }
}

// exp, log, tanh, sqrt and division, each over numbers of its own.
//
// Forward    y = [exp(x₀), log(x₁), tanh(x₂), √x₃, 1 / x₄]
// Shapes     x and y [5, COUNT]
// One lane   one number

override COUNT: u32; // numbers for each function, a multiple of 64

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn functions(@builtin(global_invocation_id) lane: vec3u) {
  let number = x[lane.x];
  switch (lane.x / COUNT) {
    case 0u: { y[lane.x] = exp(number); }
    case 1u: { y[lane.x] = log(number); }
    case 2u: { y[lane.x] = tanh(number); }
    case 3u: { y[lane.x] = sqrt(number); }
    default: { y[lane.x] = 1.0 / number; }
  }
}

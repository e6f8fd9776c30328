// exp, log, tanh, sqrt and division, each over its own range of numbers.
//
// Forward    y = [exp(x₀), log(x₁), tanh(x₂), √x₃, 1 / x₄]
// Shapes     x and y [5, COUNT]
// One invocation   one number

override COUNT: u32; // numbers for each function, a multiple of 64

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn functions(@builtin(global_invocation_id) invocation: vec3u) {
  let number = x[invocation.x];
  switch (invocation.x / COUNT) {
    case 0u: { y[invocation.x] = exp(number); }
    case 1u: { y[invocation.x] = log(number); }
    case 2u: { y[invocation.x] = tanh(number); }
    case 3u: { y[invocation.x] = sqrt(number); }
    default: { y[invocation.x] = 1.0 / number; }
  }
}

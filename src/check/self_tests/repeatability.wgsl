// A sum of products through tanh and exp in every invocation: the work of a layer, repeated.
//
// Forward    y[l] = Σ_k tanh(x[k]·x[l]) · exp(−x[k]²)
// Shapes     x and y [workgroups · 64]
// One invocation   one sum over all of x, places upwards

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn repeated_sum(@builtin(global_invocation_id) invocation: vec3u) {
  let own = x[invocation.x];
  var sum = 0.0;
  for (var k = 0u; k < arrayLength(&x); k++) { sum += tanh(x[k] * own) * exp(-x[k] * x[k]); }
  y[invocation.x] = sum;
}

// One link of a chain of dispatches: mixes words written by other workgroups of the previous dispatch.
//
// Forward    y[l] = x[l] · 1664525 + x[(l + 517) mod N]
// Shapes     x and y [N]
// One invocation   one word

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn chain_link(@builtin(global_invocation_id) invocation: vec3u) {
  y[invocation.x] = x[invocation.x] * 1664525u + x[(invocation.x + 517u) % arrayLength(&x)];
}

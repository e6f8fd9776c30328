// Every operation on every pair of 32-bit integers.
//
// Forward    y[i] = [a + b, a − b, a · b, high word of a · b, a << b mod 32, a >> b mod 32, a ⊕ b, a div b, a mod b, f32(a mod 2^24)]
// Shapes     pairs [N, 2], y [N, 10]
// One invocation   one pair; invocations past the last do nothing

@group(0) @binding(0) var<storage, read> pairs: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

// The high word of a · b, from halves of 16 bits, as used by the random number generator.
fn high_word(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let cross = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (cross & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (cross >> 16u) + (other >> 16u);
}

@compute @workgroup_size(64)
fn integer_operations(@builtin(global_invocation_id) invocation: vec3u) {
  if (invocation.x >= arrayLength(&pairs)) { return; }
  let a = pairs[invocation.x].x;
  let b = pairs[invocation.x].y;
  let at = invocation.x * 10u;
  y[at] = a + b;
  y[at + 1u] = a - b;
  y[at + 2u] = a * b;
  y[at + 3u] = high_word(a, b);
  y[at + 4u] = a << (b & 31u);
  y[at + 5u] = a >> (b & 31u);
  y[at + 6u] = a ^ b;
  y[at + 7u] = a / b;
  y[at + 8u] = a % b;
  y[at + 9u] = bitcast<u32>(f32(a & 0xffffffu));
}

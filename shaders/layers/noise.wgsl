// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl
// Noise, drawn in the shader: added to a value, masking some of its elements, or as a value of its own.
//
// Forward    uniform   Y[b,d] = X[b,d] + a·u[b,d]            u uniform on [0, 1)
//            gaussian  Y[b,d] = X[b,d] + a·n[b,d]            n normal, mean 0, variance 1
//            mask      Y[b,d] = 0 where u[b,d] < a, else X[b,d]
//            standard_normal: Y[b,d] = n[b,d]
// Backward   uniform, gaussian: pass_gradient.wgsl, dX = dY
//            mask: dX[b,d] = f'(X[b,d]) · ( dY[b,d] where X was kept, else 0, + earlier dX )
//            f is the activation that computed X (see dense_backward_input.wgsl)
// Shapes     X [B, D], Y [B, D], dY [B, D], dX [B, D], row-major, widths zero-padded to multiples of four
// One invocation   one vec4 of one row, from the four words of one Philox block: counter (its index in the
//            padded Y, 0, step.draw, 0), key (seed, stream). Noise depends on neither B nor the device
// Numerics   u has 24 bits, so that every u is exact in float32: the word's upper 24 bits / 2^24.
//            n by Box and Muller, two from two words: r = √(-2·ln(u + 2^-24)), n = r·cos(2π·u'), r·sin(2π·u'), at
//            most 5.77. WGSL allows errors of 2^-21 in log near 1 and of 2^-11 in sine and cosine; the functions
//            below have errors of about 2^-23, so that noise is nearly independent of the GPU
// Padding    columns past D are written as exact zeros
// Rows       past step.rows are neither read nor written
// Source     Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011), section 3.3; Box and Muller,
//            A note on the generation of random normal deviates (1958); mask: Vincent et al., Extracting and
//            composing robust features with denoising autoencoders (2008), section 2.3

override WORKGROUP_SIZE: u32; // invocations per workgroup
override KIND: u32;           // UNIFORM, GAUSSIAN or MASK, for add_noise: a processor computes all cases of a number

const UNIFORM = 1u;
const GAUSSIAN = 2u;
const MASK = 3u;

struct Noise {
  width: u32,      // D
  seed: u32,       // first word of the key
  stream: u32,     // second word of the key
  activation: u32, // f: see common/activation.wgsl; backward only
  accumulate: u32, // add to d_x (1) or overwrite it (0); backward only
  amount: f32,     // a: amplitude, standard deviation, or fraction of elements set to zero
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [B, D]
@group(0) @binding(1) var<storage, read> d_y: array<vec4f>;       // [B, D]
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;   // [B, D]
@group(0) @binding(2) var<storage, read_write> d_x: array<vec4f>; // [B, D], in place of y in the backward pass
@group(0) @binding(3) var<storage, read> noise: Noise;
@group(0) @binding(4) var<storage, read> step: Step;

// Upper 32 bits of a·b, from 16-bit halves, so that no term exceeds 32 bits.
fn multiply_high(a: u32, b: u32) -> u32 {
  let middle = (a >> 16u) * (b & 0xffffu) + (((a & 0xffffu) * (b & 0xffffu)) >> 16u);
  let carry = (middle & 0xffffu) + (a & 0xffffu) * (b >> 16u);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (carry >> 16u);
}

// Philox 4x32 with ten rounds, the same as in src/random.ts.
fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    c = vec4u(
      multiply_high(0xcd9e8d57u, c.z) ^ c.y ^ k.x,
      0xcd9e8d57u * c.z,
      multiply_high(0xd2511f53u, c.x) ^ c.w ^ k.y,
      0xd2511f53u * c.x,
    );
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

fn words(at: u32) -> vec4u {
  return philox(vec4u(at, 0u, step.draw, 0u), vec2u(noise.seed, noise.stream));
}

// Uniform numbers in [0, 1), in steps of 2^-24.
fn uniforms(word: vec4u) -> vec4f {
  return vec4f(word >> vec4u(8u)) * 0x1p-24f;
}

// ln(u) for normal (not subnormal) u up to 1. With u = m·2^e and m from √½ to √2, the series is that of
// ln(m) = 2·artanh((m - 1)/(m + 1)).
fn logarithm(u: vec2f) -> vec2f {
  let shifted = bitcast<vec2u>(u) + (0x3f800000u - 0x3f3504f3u);
  let e = vec2f(vec2i(shifted >> vec2u(23u)) - 127);
  let m = bitcast<vec2f>((shifted & vec2u(0x7fffffu)) + 0x3f3504f3u);
  let s = (m - 1.0) / (m + 1.0);
  let q = s * s;
  return e * 0.6931471806 + 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (0.2 + q * (1.0 / 7.0 + q * (1.0 / 9.0)))));
}

// Two normal numbers from each pair of words (x with y, z with w).
fn normals(word: vec4u) -> vec4f {
  let r = sqrt(-2.0 * logarithm(vec2f((word.xz >> vec2u(8u)) + 1u) * 0x1p-24f));
  // the angle as the nearest quarter turn plus at most an eighth turn, exact in integers
  let turn = word.yw >> vec2u(8u);
  let quarter = (turn + (1u << 21u)) >> vec2u(22u);
  let rest = vec2f(vec2i(turn) - vec2i(quarter << vec2u(22u))) * (0x1p-22f * 1.5707963268);
  let q = rest * rest;
  let sine = rest * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0))));
  let cosine = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0 * (1.0 - q / 90.0))));
  let is_odd = (quarter & vec2u(1u)) != vec2u(0u);
  let is_left = ((quarter + 1u) & vec2u(2u)) != vec2u(0u);
  let is_down = (quarter & vec2u(2u)) != vec2u(0u);
  let across = select(r, -r, is_left) * select(cosine, sine, is_odd);
  let up = select(r, -r, is_down) * select(sine, cosine, is_odd);
  return vec4f(across.x, up.x, across.y, up.y);
}

fn is_masked(at: u32) -> vec4<bool> {
  return uniforms(words(at)) < vec4f(noise.amount);
}

// Sets padding, the columns past the width, to exact zeros.
fn cut(at: u32, value: vec4f) -> vec4f {
  return select(vec4f(0.0), value, is_column(at % vec4_count(noise.width), noise.width));
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn add_noise(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, noise.width, step.rows)) { return; }
  switch KIND {
    case UNIFORM: { y[invocation.x] = cut(invocation.x, x[invocation.x] + noise.amount * uniforms(words(invocation.x))); }
    case GAUSSIAN: { y[invocation.x] = cut(invocation.x, x[invocation.x] + noise.amount * normals(words(invocation.x))); }
    default: { y[invocation.x] = select(x[invocation.x], vec4f(0.0), is_masked(invocation.x)); }
  }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn mask_backward(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, noise.width, step.rows)) { return; }
  var d = select(d_y[invocation.x], vec4f(0.0), is_masked(invocation.x));
  if (noise.accumulate != 0u) { d += d_x[invocation.x]; }
  d_x[invocation.x] = d * derivative(noise.activation, x[invocation.x]);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn standard_normal(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, noise.width, step.rows)) { return; }
  y[invocation.x] = cut(invocation.x, normals(words(invocation.x)));
}

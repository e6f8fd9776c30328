// The two matrices of a product, in textures of PITCH texels per row, vec4 after vec4; the step copies them
// from their buffers. Mesa's llvmpipe gathers a vec4 of a texture for eight invocations at once, but a vec4
// of a buffer invocation by invocation, with five branches each: products from textures are twice as fast.

const PITCH = 1024u; // as in src/gpu/texture.ts

@group(0) @binding(0) var left: texture_storage_2d<rgba32float, read>;
@group(0) @binding(1) var right: texture_storage_2d<rgba32float, read>;

fn left_at(at: u32) -> vec4f { return textureLoad(left, texel(at)); }
fn right_at(at: u32) -> vec4f { return textureLoad(right, texel(at)); }

/// Texel of the vec4 with index `at` in the buffer.
fn texel(at: u32) -> vec2u { return vec2u(at % PITCH, at / PITCH); }

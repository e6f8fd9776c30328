// The product of dense_backward_weight.wgsl, with X and dZ read as images: for software adapters.
//
// Backward   dense_backward_weight_image: dW[i,o] = Σ_b X[b,i]·dZ[b,o],  d_bias[o] = Σ_b dZ[b,o]
// Images     X and dZ lie in images of PITCH texels a row, vec4 after vec4; a step copies them there from their buffers.
//            Mesa's llvmpipe gathers a vec4 of an image for eight lanes at once, and a vec4 of a buffer lane by lane,
//            with five branches each: products are twice as fast
// Shapes     those of dense_backward_weight.wgsl
// One lane   computes TILE_ROWS vec4 of inputs × TILE_COLUMNS vec4 of outputs of dW in registers; the lanes of the
//            first inputs also write d_bias
// Sum order  the earlier value first (a weight that is used twice gets the sum), then b upwards in blocks of four
// Rows       past step.rows are not read
// Edges      what is past the last row or column of a tile repeats it, sum and store: no condition is unrolled, which
//            compiles three times faster
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46 and algorithm 6.4

override LANES: u32;        // lanes of a workgroup
override TILE_ROWS: u32;    // in vec4; at most MAX_ROWS
override TILE_COLUMNS: u32; // in vec4; 4 · TILE_ROWS · TILE_COLUMNS at most MAX_TILE

const PITCH = 1024u; // as in src/gpu/image.ts
const MAX_ROWS = 8u;
const MAX_COLUMNS = 8u;
const MAX_TILE = 128u;

struct Layer {
  inputs: u32,            // I
  outputs: u32,           // O
  has_bias: u32,          // 0: there is none, and `d_bias` is bound to something that is not written
  accumulate_weight: u32, // add to d_w (1) or overwrite it (0)
  accumulate_bias: u32,   // the same for d_bias
}
struct Step { rows: u32, first: u32, index: u32, learning_rate: f32, correction_1: f32, correction_2: f32 }

@group(0) @binding(0) var x: texture_storage_2d<rgba32float, read>;   // [B, I]
@group(0) @binding(1) var d_z: texture_storage_2d<rgba32float, read>; // [B, O]
@group(0) @binding(2) var<storage, read_write> d_w: array<vec4f>;    // [I, O]
@group(0) @binding(3) var<storage, read_write> d_bias: array<vec4f>; // [O]
@group(0) @binding(4) var<storage, read> layer: Layer;
@group(0) @binding(5) var<storage, read> step: Step;

/// The vec4 of an image that a buffer has at `at`.
fn texel(at: u32) -> vec2u { return vec2u(at % PITCH, at / PITCH); }

/// Adds the shares that rows b to b + 3 have in dW and d_bias.
fn add_four_rows(
  b: u32, I4: u32, O4: u32, first_row: u32, first_column: u32,
  sum: ptr<function, array<vec4f, MAX_TILE>>, bias_sum: ptr<function, array<vec4f, MAX_COLUMNS>>,
) {
  var a: array<vec4f, 4u * MAX_ROWS>;
  for (var r = 0u; r < TILE_ROWS; r++) { // unroll
    let column = min(first_row + r, I4 - 1u);
    for (var k = 0u; k < 4u; k++) { // unroll
      a[4u * r + k] = textureLoad(x, texel((b + k) * I4 + column));
    }
  }
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = min(first_column + c, O4 - 1u);
    let d0 = textureLoad(d_z, texel(b * O4 + column));
    let d1 = textureLoad(d_z, texel((b + 1u) * O4 + column));
    let d2 = textureLoad(d_z, texel((b + 2u) * O4 + column));
    let d3 = textureLoad(d_z, texel((b + 3u) * O4 + column));
    (*bias_sum)[c] += d0 + d1 + d2 + d3;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let a0 = a[4u * r];
      let a1 = a[4u * r + 1u];
      let a2 = a[4u * r + 2u];
      let a3 = a[4u * r + 3u];
      (*sum)[(4u * r + 0u) * TILE_COLUMNS + c] += a0.x * d0 + a1.x * d1 + a2.x * d2 + a3.x * d3;
      (*sum)[(4u * r + 1u) * TILE_COLUMNS + c] += a0.y * d0 + a1.y * d1 + a2.y * d2 + a3.y * d3;
      (*sum)[(4u * r + 2u) * TILE_COLUMNS + c] += a0.z * d0 + a1.z * d1 + a2.z * d2 + a3.z * d3;
      (*sum)[(4u * r + 3u) * TILE_COLUMNS + c] += a0.w * d0 + a1.w * d1 + a2.w * d2 + a3.w * d3;
    }
  }
}

/// Adds row b's share.
fn add_row(
  b: u32, I4: u32, O4: u32, first_row: u32, first_column: u32,
  sum: ptr<function, array<vec4f, MAX_TILE>>, bias_sum: ptr<function, array<vec4f, MAX_COLUMNS>>,
) {
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let d = textureLoad(d_z, texel(b * O4 + min(first_column + c, O4 - 1u)));
    (*bias_sum)[c] += d;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let a = textureLoad(x, texel(b * I4 + min(first_row + r, I4 - 1u)));
      (*sum)[(4u * r + 0u) * TILE_COLUMNS + c] += a.x * d;
      (*sum)[(4u * r + 1u) * TILE_COLUMNS + c] += a.y * d;
      (*sum)[(4u * r + 2u) * TILE_COLUMNS + c] += a.z * d;
      (*sum)[(4u * r + 3u) * TILE_COLUMNS + c] += a.w * d;
    }
  }
}

@compute @workgroup_size(LANES)
fn dense_backward_weight_image(@builtin(global_invocation_id) lane: vec3u) {
  let I4 = (layer.inputs + 3u) / 4u;
  let O4 = (layer.outputs + 3u) / 4u;
  let column_tiles = (O4 + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  let first_row = lane.x / column_tiles * TILE_ROWS;
  let first_column = lane.x % column_tiles * TILE_COLUMNS;
  if (first_row >= I4) { return; }

  var sum: array<vec4f, MAX_TILE>;
  var bias_sum: array<vec4f, MAX_COLUMNS>;
  if (layer.accumulate_weight != 0u) {
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      let column = min(first_column + c, O4 - 1u);
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        for (var k = 0u; k < 4u; k++) { // unroll
          sum[(4u * r + k) * TILE_COLUMNS + c] = d_w[(4u * min(first_row + r, I4 - 1u) + k) * O4 + column];
        }
      }
    }
  }
  if (layer.accumulate_bias != 0u) {
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      bias_sum[c] = d_bias[min(first_column + c, O4 - 1u)];
    }
  }
  let rows = step.rows;
  let whole = rows / 4u * 4u;
  for (var b = 0u; b < whole; b += 4u) {
    add_four_rows(b, I4, O4, first_row, first_column, &sum, &bias_sum);
  }
  for (var b = whole; b < rows; b++) { add_row(b, I4, O4, first_row, first_column, &sum, &bias_sum); }

  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = min(first_column + c, O4 - 1u);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      for (var k = 0u; k < 4u; k++) { // unroll
        d_w[(4u * min(first_row + r, I4 - 1u) + k) * O4 + column] = sum[(4u * r + k) * TILE_COLUMNS + c];
      }
    }
  }
  if (layer.has_bias != 0u && first_row == 0u) {
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      d_bias[min(first_column + c, O4 - 1u)] = bias_sum[c];
    }
  }
}

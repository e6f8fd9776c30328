// The products of dense_backward_input.wgsl, with A or dZ and W read as images: for software adapters.
//
// Forward    tied_forward_image: Y[b,i] = f( Σ_o A[b,o]·W[i,o] + bias[i] )
// Backward   dense_backward_input_image: dX[b,i] = f'(X[b,i]) · ( Σ_o dZ[b,o]·W[i,o] + what other readers of X wrote
//            before ), dZ in the place of A
// Images     A and W lie in images of PITCH texels a row, vec4 after vec4; a step copies them there from their buffers.
//            Mesa's llvmpipe gathers a vec4 of an image for eight lanes at once, and a vec4 of a buffer lane by lane,
//            with five branches each: products are twice as fast
// Shapes     those of dense_backward_input.wgsl
// One lane   computes TILE_ROWS rows × TILE_COLUMNS vec4 columns of dX or Y in registers
// Sum order  the bias or the earlier value of dX first if there is one, then o upwards in blocks of four
// Padding    columns past I are written as exact zeros, also where f(0) is not zero
// Rows       past step.rows are neither read nor written
// Edges      what is past the last row or column of a tile repeats it, sum and store: no condition is unrolled, which
//            compiles three times faster. The activation is a second walk over what was stored
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46 and algorithm 6.4

override LANES: u32;        // lanes of a workgroup
override TILE_ROWS: u32;    // at most MAX_ROWS
override TILE_COLUMNS: u32; // in vec4; TILE_ROWS · TILE_COLUMNS at most MAX_TILE

const PITCH = 1024u; // as in src/gpu/image.ts
const MAX_ROWS = 32u;
const MAX_TILE = 128u;

struct Layer {
  inputs: u32,     // I
  outputs: u32,    // O
  activation: u32, // f: 0 identity, 1 sigmoid, 2 tanh, 3 ReLU
  has_bias: u32,   // forward: 0 if there is none, and `bias` is bound to something that is not read
  accumulate: u32, // backward: add to d_x (1) or overwrite it (0)
}
struct Step { rows: u32, first: u32, index: u32, learning_rate: f32, correction_1: f32, correction_2: f32 }

@group(0) @binding(0) var left: texture_storage_2d<rgba32float, read>; // [B, O]: dZ, or the tied layer's input
@group(0) @binding(1) var w: texture_storage_2d<rgba32float, read>;    // [I, O]
@group(0) @binding(2) var<storage, read> x: array<vec4f>;         // [B, I], backward
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;      // [I], forward
@group(0) @binding(3) var<storage, read_write> d_x: array<vec4f>; // [B, I], backward
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;   // [B, I], forward
@group(0) @binding(4) var<storage, read> layer: Layer;
@group(0) @binding(5) var<storage, read> step: Step;

/// The vec4 of an image that a buffer has at `at`.
fn texel(at: u32) -> vec2u { return vec2u(at % PITCH, at / PITCH); }

fn derivative(x: vec4f) -> vec4f {
  switch layer.activation {
    case 1u: { return x * (1.0 - x); }
    case 2u: { return 1.0 - x * x; }
    case 3u: { return select(vec4f(0.0), vec4f(1.0), x > vec4f(0.0)); }
    default: { return vec4f(1.0); }
  }
}

/// tanh, by Lambert's continued fraction near 0: WGSL's own is right to 1e-5 absolute only (1e-7 in Mesa), which is much
/// of a small activation.
fn tanh_of(z: vec4f) -> vec4f {
  let q = z * z;
  let above = 135135.0 + q * (17325.0 + q * (378.0 + q));
  let below = 135135.0 + q * (62370.0 + q * (3150.0 + 28.0 * q));
  return select(tanh(z), z * above / below, abs(z) <= vec4f(0.625));
}

fn activate(z: vec4f) -> vec4f {
  switch layer.activation {
    case 1u: { return 1.0 / (1.0 + exp(-z)); }
    case 2u: { return tanh_of(z); }
    case 3u: { return select(z, vec4f(0.0), z <= vec4f(0.0)); } // not max(): that would turn NaN into 0
    default: { return z; }
  }
}

// Adds a tile of A·Wᵀ to `sum`.
fn add_product(first_row: u32, first_column: u32, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  let I4 = (layer.inputs + 3u) / 4u;
  let O4 = (layer.outputs + 3u) / 4u;
  for (var o = 0u; o < O4; o++) {
    var a: array<vec4f, MAX_ROWS>;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      a[r] = textureLoad(left, texel(min(first_row + r, step.rows - 1u) * O4 + o));
    }
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      let row = 4u * min(first_column + c, I4 - 1u) * O4 + o;
      let w0 = textureLoad(w, texel(row));
      let w1 = textureLoad(w, texel(row + O4));
      let w2 = textureLoad(w, texel(row + 2u * O4));
      let w3 = textureLoad(w, texel(row + 3u * O4));
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        (*sum)[r * TILE_COLUMNS + c] += vec4f(dot(a[r], w0), dot(a[r], w1), dot(a[r], w2), dot(a[r], w3));
      }
    }
  }
}

@compute @workgroup_size(LANES)
fn dense_backward_input_image(@builtin(global_invocation_id) lane: vec3u) {
  let I4 = (layer.inputs + 3u) / 4u;
  let column_tiles = (I4 + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  let first_row = lane.x / column_tiles * TILE_ROWS;
  let first_column = lane.x % column_tiles * TILE_COLUMNS;
  if (first_row >= step.rows) { return; }

  var sum: array<vec4f, MAX_TILE>;
  if (layer.accumulate != 0u) {
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      let column = min(first_column + c, I4 - 1u);
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        sum[r * TILE_COLUMNS + c] = d_x[min(first_row + r, step.rows - 1u) * I4 + column];
      }
    }
  }
  add_product(first_row, first_column, &sum);

  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = min(first_column + c, I4 - 1u);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      d_x[min(first_row + r, step.rows - 1u) * I4 + column] = sum[r * TILE_COLUMNS + c];
    }
  }
  for (var row = first_row; row < min(first_row + TILE_ROWS, step.rows); row++) {
    for (var column = first_column; column < min(first_column + TILE_COLUMNS, I4); column++) {
      let at = row * I4 + column;
      d_x[at] *= derivative(x[at]);
    }
  }
}

@compute @workgroup_size(LANES)
fn tied_forward_image(@builtin(global_invocation_id) lane: vec3u) {
  let I4 = (layer.inputs + 3u) / 4u;
  let column_tiles = (I4 + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  let first_row = lane.x / column_tiles * TILE_ROWS;
  let first_column = lane.x % column_tiles * TILE_COLUMNS;
  if (first_row >= step.rows) { return; }

  var sum: array<vec4f, MAX_TILE>;
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    var start = vec4f(0.0);
    if (layer.has_bias != 0u) { start = bias[min(first_column + c, I4 - 1u)]; }
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      sum[r * TILE_COLUMNS + c] = start;
    }
  }
  add_product(first_row, first_column, &sum);

  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = min(first_column + c, I4 - 1u);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      y[min(first_row + r, step.rows - 1u) * I4 + column] = sum[r * TILE_COLUMNS + c];
    }
  }
  for (var row = first_row; row < min(first_row + TILE_ROWS, step.rows); row++) {
    for (var column = first_column; column < min(first_column + TILE_COLUMNS, I4); column++) {
      let exists = 4u * column + vec4u(0u, 1u, 2u, 3u) < vec4u(layer.inputs);
      let at = row * I4 + column;
      y[at] = select(vec4f(0.0), activate(y[at]), exists);
    }
  }
}

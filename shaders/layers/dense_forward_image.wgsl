// The products of dense_forward.wgsl, with A and W read as images: for software adapters.
//
// Forward    dense_forward_image: Y[b,o] = f( Σ_i A[b,i]·W[i,o] + bias[o] )
// Backward   tied_backward_input_image: dX[b,o] = f'(X[b,o]) · ( Σ_i dZ[b,i]·W[i,o] + what other readers of X wrote
//            before ), dZ in the place of A
// Images     A and W lie in images of PITCH texels a row, vec4 after vec4; a step copies them there from their buffers.
//            Mesa's llvmpipe gathers a vec4 of an image for eight lanes at once, and a vec4 of a buffer lane by lane,
//            with five branches each: products are twice as fast
// Shapes     those of dense_forward.wgsl
// One lane   computes TILE_ROWS rows × TILE_COLUMNS vec4 columns of Y or dX in registers
// Sum order  the bias or the earlier value of dX first if there is one, then i upwards in blocks of four
// Padding    columns past O are written as exact zeros, also where f(0) is not zero
// Rows       past step.rows are neither read nor written
// Edges      what is past the last row or column of a tile repeats it, sum and store: no condition is unrolled, which
//            compiles three times faster. The activation is a second walk over what was stored
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.36 and algorithm 6.3

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

@group(0) @binding(0) var left: texture_storage_2d<rgba32float, read>; // [B, I]: X, or the tied layer's dZ
@group(0) @binding(1) var w: texture_storage_2d<rgba32float, read>;    // [I, O]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;      // [O], forward
@group(0) @binding(2) var<storage, read> x: array<vec4f>;         // [B, O], backward
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;   // [B, O], forward
@group(0) @binding(3) var<storage, read_write> d_x: array<vec4f>; // [B, O], backward
@group(0) @binding(4) var<storage, read> layer: Layer;
@group(0) @binding(5) var<storage, read> step: Step;

/// The vec4 of an image that a buffer has at `at`.
fn texel(at: u32) -> vec2u { return vec2u(at % PITCH, at / PITCH); }

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

fn derivative(x: vec4f) -> vec4f {
  switch layer.activation {
    case 1u: { return x * (1.0 - x); }
    case 2u: { return 1.0 - x * x; }
    case 3u: { return select(vec4f(0.0), vec4f(1.0), x > vec4f(0.0)); }
    default: { return vec4f(1.0); }
  }
}

// Adds a tile of A·W to `sum`.
fn add_product(first_row: u32, first_column: u32, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  let I4 = (layer.inputs + 3u) / 4u;
  let O4 = (layer.outputs + 3u) / 4u;
  for (var i = 0u; i < I4; i++) {
    var a: array<vec4f, MAX_ROWS>;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      a[r] = textureLoad(left, texel(min(first_row + r, step.rows - 1u) * I4 + i));
    }
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      let column = 4u * i * O4 + min(first_column + c, O4 - 1u);
      let w0 = textureLoad(w, texel(column));
      let w1 = textureLoad(w, texel(column + O4));
      let w2 = textureLoad(w, texel(column + 2u * O4));
      let w3 = textureLoad(w, texel(column + 3u * O4));
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        (*sum)[r * TILE_COLUMNS + c] += a[r].x * w0 + a[r].y * w1 + a[r].z * w2 + a[r].w * w3;
      }
    }
  }
}

@compute @workgroup_size(LANES)
fn dense_forward_image(@builtin(global_invocation_id) lane: vec3u) {
  let O4 = (layer.outputs + 3u) / 4u;
  let column_tiles = (O4 + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  let first_row = lane.x / column_tiles * TILE_ROWS;
  let first_column = lane.x % column_tiles * TILE_COLUMNS;
  if (first_row >= step.rows) { return; }

  var sum: array<vec4f, MAX_TILE>;
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    var start = vec4f(0.0);
    if (layer.has_bias != 0u) { start = bias[min(first_column + c, O4 - 1u)]; }
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      sum[r * TILE_COLUMNS + c] = start;
    }
  }
  add_product(first_row, first_column, &sum);

  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = min(first_column + c, O4 - 1u);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      y[min(first_row + r, step.rows - 1u) * O4 + column] = sum[r * TILE_COLUMNS + c];
    }
  }
  for (var row = first_row; row < min(first_row + TILE_ROWS, step.rows); row++) {
    for (var column = first_column; column < min(first_column + TILE_COLUMNS, O4); column++) {
      let exists = 4u * column + vec4u(0u, 1u, 2u, 3u) < vec4u(layer.outputs);
      let at = row * O4 + column;
      y[at] = select(vec4f(0.0), activate(y[at]), exists);
    }
  }
}

@compute @workgroup_size(LANES)
fn tied_backward_input_image(@builtin(global_invocation_id) lane: vec3u) {
  let O4 = (layer.outputs + 3u) / 4u;
  let column_tiles = (O4 + TILE_COLUMNS - 1u) / TILE_COLUMNS;
  let first_row = lane.x / column_tiles * TILE_ROWS;
  let first_column = lane.x % column_tiles * TILE_COLUMNS;
  if (first_row >= step.rows) { return; }

  var sum: array<vec4f, MAX_TILE>;
  if (layer.accumulate != 0u) {
    for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
      let column = min(first_column + c, O4 - 1u);
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        sum[r * TILE_COLUMNS + c] = d_x[min(first_row + r, step.rows - 1u) * O4 + column];
      }
    }
  }
  add_product(first_row, first_column, &sum);

  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = min(first_column + c, O4 - 1u);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      d_x[min(first_row + r, step.rows - 1u) * O4 + column] = sum[r * TILE_COLUMNS + c];
    }
  }
  for (var row = first_row; row < min(first_row + TILE_ROWS, step.rows); row++) {
    for (var column = first_column; column < min(first_column + TILE_COLUMNS, O4); column++) {
      let at = row * O4 + column;
      d_x[at] *= derivative(x[at]);
    }
  }
}

// The products of dense_forward.wgsl, whose header has the maths, for GPUs: the lanes of a workgroup load what they all
// need into its shared memory once, and compute a tile together.
//
// Shapes     as in dense_forward.wgsl
// Workgroup  computes ROWS rows × COLUMNS vec4 columns of Y or dX, DEPTH vec4 of the sum at a time; both parts of them
//            lie in shared memory, at most 16 KiB together
// One lane   computes TILE_ROWS rows × TILE_COLUMNS vec4 columns of it in registers: rows DOWN apart, columns ACROSS
//            apart, so that neighbouring lanes read and write neighbouring vec4s, and no two of the eight lanes that a
//            bank of shared memory serves at once ask it for different words: eight lanes in a row read the same vec4
//            of A and eight neighbouring ones of W
// Sum order  as in dense_forward.wgsl: the bias, then i upwards in blocks of four, then the earlier value of dX
// Padding    columns past O are written as exact zeros; what is past the end of the sum is shared as zeros
// Rows       past step.rows are neither read nor written

override LANES: u32;        // lanes of a workgroup
override ACROSS: u32;       // of them side by side, at least 8 on a GPU; LANES / ACROSS are below one another
override TILE_ROWS: u32;    // rows of one lane; at most MAX_ROWS
override TILE_COLUMNS: u32; // vec4 columns of one lane; TILE_ROWS · TILE_COLUMNS at most MAX_TILE
override DEPTH: u32;        // vec4 of the sum that are shared at a time

override DOWN = LANES / ACROSS;
override ROWS = DOWN * TILE_ROWS;         // of the workgroup's tile
override COLUMNS = ACROSS * TILE_COLUMNS; // in vec4

const MAX_ROWS = 8u;
const MAX_TILE = 16u;

struct Layer {
  inputs: u32,     // I
  outputs: u32,    // O
  activation: u32, // f: 0 identity, 1 sigmoid, 2 tanh, 3 ReLU
  has_bias: u32,   // forward: 0 if there is none, and `bias` is bound to something that is not read
  accumulate: u32, // backward: add to d_x (1) or overwrite it (0)
}
struct Step { rows: u32, first: u32, index: u32, learning_rate: f32, correction_1: f32, correction_2: f32 }

@group(0) @binding(0) var<storage, read> left: array<vec4f>;      // [B, I]: X, or the tied layer's dZ
@group(0) @binding(1) var<storage, read> w: array<vec4f>;         // [I, O]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;      // [O], forward
@group(0) @binding(2) var<storage, read> x: array<vec4f>;         // [B, O], backward
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;   // [B, O], forward
@group(0) @binding(3) var<storage, read_write> d_x: array<vec4f>; // [B, O], backward
@group(0) @binding(4) var<storage, read> layer: Layer;
@group(0) @binding(5) var<storage, read> step: Step;

var<workgroup> left_tile: array<vec4f, ROWS * DEPTH>;      // [row][i]
var<workgroup> w_tile: array<vec4f, 4u * DEPTH * COLUMNS>; // [i][column]

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

/// Adds the workgroup's tile of A·W to `sum`, each lane its own part.
fn add_product(first_row: u32, first_column: u32, lane: u32, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  let I4 = (layer.inputs + 3u) / 4u;
  let O4 = (layer.outputs + 3u) / 4u;
  let row = lane / ACROSS;
  let column = lane % ACROSS;
  for (var start = 0u; start < I4; start += DEPTH) {
    for (var at = lane; at < ROWS * DEPTH; at += LANES) {
      let b = min(first_row + at / DEPTH, step.rows - 1u);
      let i = start + at % DEPTH;
      left_tile[at] = select(vec4f(0.0), left[b * I4 + min(i, I4 - 1u)], i < I4);
    }
    for (var at = lane; at < 4u * DEPTH * COLUMNS; at += LANES) {
      let i = 4u * start + at / COLUMNS;
      let o = min(first_column + at % COLUMNS, O4 - 1u);
      w_tile[at] = select(vec4f(0.0), w[min(i, 4u * I4 - 1u) * O4 + o], i < 4u * I4);
    }
    workgroupBarrier();
    for (var i = 0u; i < DEPTH; i++) {
      var a: array<vec4f, MAX_ROWS>;
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        a[r] = left_tile[(row + r * DOWN) * DEPTH + i];
      }
      for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
        let at = 4u * i * COLUMNS + column + c * ACROSS;
        let w0 = w_tile[at];
        let w1 = w_tile[at + COLUMNS];
        let w2 = w_tile[at + 2u * COLUMNS];
        let w3 = w_tile[at + 3u * COLUMNS];
        for (var r = 0u; r < TILE_ROWS; r++) { // unroll
          (*sum)[r * TILE_COLUMNS + c] += a[r].x * w0 + a[r].y * w1 + a[r].z * w2 + a[r].w * w3;
        }
      }
    }
    workgroupBarrier();
  }
}

@compute @workgroup_size(LANES)
fn dense_forward_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let O4 = (layer.outputs + 3u) / 4u;
  let column_tiles = (O4 + COLUMNS - 1u) / COLUMNS;
  let first_row = workgroup.x / column_tiles * ROWS;
  let first_column = workgroup.x % column_tiles * COLUMNS;
  if (first_row >= step.rows) { return; }

  var sum: array<vec4f, MAX_TILE>;
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    var start = vec4f(0.0);
    if (layer.has_bias != 0u) { start = bias[min(first_column + lane % ACROSS + c * ACROSS, O4 - 1u)]; }
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      sum[r * TILE_COLUMNS + c] = start;
    }
  }
  add_product(first_row, first_column, lane, &sum);

  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = first_column + lane % ACROSS + c * ACROSS;
    let exists = 4u * column + vec4u(0u, 1u, 2u, 3u) < vec4u(layer.outputs);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let row = first_row + lane / ACROSS + r * DOWN;
      if (row < step.rows && column < O4) {
        y[row * O4 + column] = select(vec4f(0.0), activate(sum[r * TILE_COLUMNS + c]), exists);
      }
    }
  }
}

@compute @workgroup_size(LANES)
fn tied_backward_input_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let O4 = (layer.outputs + 3u) / 4u;
  let column_tiles = (O4 + COLUMNS - 1u) / COLUMNS;
  let first_row = workgroup.x / column_tiles * ROWS;
  let first_column = workgroup.x % column_tiles * COLUMNS;
  if (first_row >= step.rows) { return; }

  var sum: array<vec4f, MAX_TILE>;
  add_product(first_row, first_column, lane, &sum);

  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = first_column + lane % ACROSS + c * ACROSS;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let row = first_row + lane / ACROSS + r * DOWN;
      if (row < step.rows && column < O4) {
        let at = row * O4 + column;
        var d = sum[r * TILE_COLUMNS + c];
        if (layer.accumulate != 0u) { d += d_x[at]; }
        d_x[at] = d * derivative(x[at]);
      }
    }
  }
}

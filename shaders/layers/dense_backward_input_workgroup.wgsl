// The products of dense_backward_input.wgsl, whose header has the maths, for GPUs: the lanes of a workgroup load what
// they all need into its shared memory once, and compute a tile together.
//
// Shapes     as in dense_backward_input.wgsl
// Workgroup  computes ROWS rows × COLUMNS vec4 columns of dX or Y, DEPTH vec4 of the sum at a time; both parts of them
//            lie in shared memory, at most 16 KiB together
// One lane   computes TILE_ROWS rows × TILE_COLUMNS vec4 columns of it in registers: rows DOWN apart, columns ACROSS
//            apart, so that neighbouring lanes write neighbouring vec4s and read them from shared memory. There the
//            rows of W lie apart by what they are modulo four, in stretches of one vec4 more than there are columns:
//            eight lanes load eight vec4 along W's rows, and store them into different banks
// Sum order  as in dense_backward_input.wgsl: the bias, then o upwards in blocks of four, then the earlier value of dX
// Padding    tied_forward writes columns past I as exact zeros; what is past the end of the sum is shared as zeros
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

@group(0) @binding(0) var<storage, read> left: array<vec4f>;      // [B, O]: dZ, or the tied layer's input
@group(0) @binding(1) var<storage, read> w: array<vec4f>;         // [I, O]
@group(0) @binding(2) var<storage, read> x: array<vec4f>;         // [B, I], backward
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;      // [I], forward
@group(0) @binding(3) var<storage, read_write> d_x: array<vec4f>; // [B, I], backward
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;   // [B, I], forward
@group(0) @binding(4) var<storage, read> layer: Layer;
@group(0) @binding(5) var<storage, read> step: Step;

var<workgroup> left_tile: array<vec4f, ROWS * DEPTH>;              // [row][o]
var<workgroup> w_tile: array<vec4f, 4u * DEPTH * (COLUMNS + 1u)>; // [i modulo 4][o][i / 4, and one that is not used]

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

/// Adds the workgroup's tile of A·Wᵀ to `sum`, each lane its own part.
fn add_product(first_row: u32, first_column: u32, lane: u32, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  let I4 = (layer.inputs + 3u) / 4u;
  let O4 = (layer.outputs + 3u) / 4u;
  let row = lane / ACROSS;
  let column = lane % ACROSS;
  for (var start = 0u; start < O4; start += DEPTH) {
    for (var at = lane; at < ROWS * DEPTH; at += LANES) {
      let b = min(first_row + at / DEPTH, step.rows - 1u);
      let o = start + at % DEPTH;
      left_tile[at] = select(vec4f(0.0), left[b * O4 + min(o, O4 - 1u)], o < O4);
    }
    for (var at = lane; at < 4u * COLUMNS * DEPTH; at += LANES) {
      let i = at / DEPTH; // in the tile
      let o = at % DEPTH;
      let place = min(4u * first_column + i, 4u * I4 - 1u) * O4 + min(start + o, O4 - 1u);
      w_tile[(i % 4u * DEPTH + o) * (COLUMNS + 1u) + i / 4u] = select(vec4f(0.0), w[place], start + o < O4);
    }
    workgroupBarrier();
    for (var o = 0u; o < DEPTH; o++) {
      var a: array<vec4f, MAX_ROWS>;
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        a[r] = left_tile[(row + r * DOWN) * DEPTH + o];
      }
      for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
        let at = column + c * ACROSS;
        let w0 = w_tile[o * (COLUMNS + 1u) + at];
        let w1 = w_tile[(DEPTH + o) * (COLUMNS + 1u) + at];
        let w2 = w_tile[(2u * DEPTH + o) * (COLUMNS + 1u) + at];
        let w3 = w_tile[(3u * DEPTH + o) * (COLUMNS + 1u) + at];
        for (var r = 0u; r < TILE_ROWS; r++) { // unroll
          (*sum)[r * TILE_COLUMNS + c] += vec4f(dot(a[r], w0), dot(a[r], w1), dot(a[r], w2), dot(a[r], w3));
        }
      }
    }
    workgroupBarrier();
  }
}

@compute @workgroup_size(LANES)
fn dense_backward_input_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let I4 = (layer.inputs + 3u) / 4u;
  let column_tiles = (I4 + COLUMNS - 1u) / COLUMNS;
  let first_row = workgroup.x / column_tiles * ROWS;
  let first_column = workgroup.x % column_tiles * COLUMNS;
  if (first_row >= step.rows) { return; }

  var sum: array<vec4f, MAX_TILE>;
  add_product(first_row, first_column, lane, &sum);

  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = first_column + lane % ACROSS + c * ACROSS;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let row = first_row + lane / ACROSS + r * DOWN;
      if (row < step.rows && column < I4) {
        let at = row * I4 + column;
        var d = sum[r * TILE_COLUMNS + c];
        if (layer.accumulate != 0u) { d += d_x[at]; }
        d_x[at] = d * derivative(x[at]);
      }
    }
  }
}

@compute @workgroup_size(LANES)
fn tied_forward_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let I4 = (layer.inputs + 3u) / 4u;
  let column_tiles = (I4 + COLUMNS - 1u) / COLUMNS;
  let first_row = workgroup.x / column_tiles * ROWS;
  let first_column = workgroup.x % column_tiles * COLUMNS;
  if (first_row >= step.rows) { return; }

  var sum: array<vec4f, MAX_TILE>;
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    var start = vec4f(0.0);
    if (layer.has_bias != 0u) { start = bias[min(first_column + lane % ACROSS + c * ACROSS, I4 - 1u)]; }
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      sum[r * TILE_COLUMNS + c] = start;
    }
  }
  add_product(first_row, first_column, lane, &sum);

  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let column = first_column + lane % ACROSS + c * ACROSS;
    let exists = 4u * column + vec4u(0u, 1u, 2u, 3u) < vec4u(layer.inputs);
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let row = first_row + lane / ACROSS + r * DOWN;
      if (row < step.rows && column < I4) {
        y[row * I4 + column] = select(vec4f(0.0), activate(sum[r * TILE_COLUMNS + c]), exists);
      }
    }
  }
}

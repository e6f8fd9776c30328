// Dense layer, backward to its weights and bias.
//
// Forward    dense_forward.wgsl: Z = X·W + bias
// Backward   dW[i,o] = Σ_b X[b,i]·dZ[b,o],  d_bias[o] = Σ_b dZ[b,o]
// Shapes     X [B, I], dZ [B, O], dW [I, O], d_bias [O], row-major, widths padded with zeros to multiples of four
// One lane   computes TILE_ROWS vec4 of inputs × TILE_COLUMNS vec4 of outputs of dW in registers;
//            the lanes of the first inputs also write d_bias, which costs no load of its own.
//            dense_backward_bias, for the tied layer: one vec4 of d_bias. There Y = f(X·Wᵀ + bias) has as many columns
//            as W has rows, so dZ stands in X's place in dW and X in dZ's, and d_bias is summed by itself
// Sum order  the earlier value first (a weight that is used twice gets the sum), then b upwards
// Rows       past step.rows are not read
// Edges      what is past the last row or column of a tile repeats it, sum and store: see dense_forward.wgsl
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46 and algorithm 6.4

override LANES: u32;        // lanes of a workgroup
override TILE_ROWS: u32;    // in vec4; at most MAX_ROWS
override TILE_COLUMNS: u32; // in vec4; 4 · TILE_ROWS · TILE_COLUMNS at most MAX_TILE

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

@group(0) @binding(0) var<storage, read> x: array<vec4f>;            // [B, I]
@group(0) @binding(1) var<storage, read> d_z: array<vec4f>;          // [B, O]
@group(0) @binding(2) var<storage, read_write> d_w: array<vec4f>;    // [I, O]
@group(0) @binding(3) var<storage, read_write> d_bias: array<vec4f>; // [O]
@group(0) @binding(4) var<storage, read> layer: Layer;
@group(0) @binding(5) var<storage, read> step: Step;

/// Adds row b's share of dW and d_bias.
fn add_row(
  b: u32, I4: u32, O4: u32, first_row: u32, first_column: u32,
  sum: ptr<function, array<vec4f, MAX_TILE>>, bias_sum: ptr<function, array<vec4f, MAX_COLUMNS>>,
) {
  var a: array<vec4f, MAX_ROWS>;
  for (var r = 0u; r < TILE_ROWS; r++) { // unroll
    a[r] = x[b * I4 + min(first_row + r, I4 - 1u)];
  }
  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let d = d_z[b * O4 + min(first_column + c, O4 - 1u)];
    (*bias_sum)[c] += d;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      (*sum)[(4u * r + 0u) * TILE_COLUMNS + c] += a[r].x * d;
      (*sum)[(4u * r + 1u) * TILE_COLUMNS + c] += a[r].y * d;
      (*sum)[(4u * r + 2u) * TILE_COLUMNS + c] += a[r].z * d;
      (*sum)[(4u * r + 3u) * TILE_COLUMNS + c] += a[r].w * d;
    }
  }
}

@compute @workgroup_size(LANES)
fn dense_backward_weight(@builtin(global_invocation_id) lane: vec3u) {
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
  let whole = rows / 4u * 4u; // four rows a turn: a tenth less time than one
  for (var b = 0u; b < whole; b += 4u) {
    for (var k = 0u; k < 4u; k++) { // unroll
      add_row(b + k, I4, O4, first_row, first_column, &sum, &bias_sum);
    }
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

@compute @workgroup_size(LANES)
fn dense_backward_bias(@builtin(global_invocation_id) lane: vec3u) {
  let O4 = (layer.outputs + 3u) / 4u;
  let column = lane.x;
  if (column >= O4) { return; }
  var d = vec4f(0.0);
  for (var b = 0u; b < step.rows; b++) { d += d_z[b * O4 + column]; }
  if (layer.accumulate_bias != 0u) { d += d_bias[column]; }
  d_bias[column] = d;
}

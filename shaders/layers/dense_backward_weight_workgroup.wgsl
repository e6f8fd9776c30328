// after common/operands_buffer.wgsl, common/weight_output.wgsl
// The product of dense_backward_weight.wgsl, whose header has the formulas, for GPUs: the invocations of a
// workgroup load their common operands into shared memory once, and compute a tile together.
//
// Shapes     as in dense_backward_weight.wgsl
// Workgroup  computes ROWS vec4 of inputs × COLUMNS vec4 of outputs of dW, DEPTH rows of the batch at a time,
//            with both operands' parts in shared memory, at most 16 KiB together. Workgroups of the first
//            inputs also write d_bias
// One invocation   computes TILE_ROWS × TILE_COLUMNS vec4 of the tile in registers: inputs DOWN vec4 apart,
//            outputs ACROSS vec4 apart, so that neighboring invocations read and write neighboring vec4,
//            without bank conflicts among the eight invocations that shared memory serves at once
// Sum order  ascending b, then the earlier value (a weight with two uses gets the sum)
// Rows       past step.rows are not read; shared memory has zeros for them

override WORKGROUP_SIZE: u32;        // invocations per workgroup
override ACROSS: u32;       // invocations side by side, at least 8 on a GPU, in WORKGROUP_SIZE / ACROSS rows
override TILE_ROWS: u32;    // vec4 of inputs of one invocation; at most MAX_ROWS
override TILE_COLUMNS: u32; // vec4 of outputs of one invocation; 4 · TILE_ROWS · TILE_COLUMNS at most MAX_TILE
override DEPTH: u32;        // rows of the batch in shared memory at a time

override DOWN = WORKGROUP_SIZE / ACROSS;
override ROWS = DOWN * TILE_ROWS;         // rows of the workgroup's tile, in vec4
override COLUMNS = ACROSS * TILE_COLUMNS; // in vec4

const MAX_ROWS = 2u;
const MAX_COLUMNS = 2u;
const MAX_TILE = 16u;

var<workgroup> x_tile: array<vec4f, DEPTH * ROWS>;     // [b][input]
var<workgroup> d_z_tile: array<vec4f, DEPTH * COLUMNS>; // [b][output]

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_backward_weight_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let I4 = vec4_count(layer.inputs);
  let O4 = vec4_count(layer.outputs);
  let column_tiles = (O4 + COLUMNS - 1u) / COLUMNS;
  let first_row = workgroup.x / column_tiles * ROWS;
  let first_column = workgroup.x % column_tiles * COLUMNS;
  if (first_row >= I4) { return; }
  let has_bias = layer.has_bias != 0u && first_row == 0u;
  let row = invocation / ACROSS;
  let column = invocation % ACROSS;

  var sum: array<vec4f, MAX_TILE>;
  var bias_sum: array<vec4f, MAX_COLUMNS>;
  for (var start = 0u; start < step.rows; start += DEPTH) {
    for (var at = invocation; at < DEPTH * ROWS; at += WORKGROUP_SIZE) {
      let b = start + at / ROWS;
      let place = min(b, step.rows - 1u) * I4 + min(first_row + at % ROWS, I4 - 1u);
      x_tile[at] = select(vec4f(0.0), left_at(place), b < step.rows);
    }
    for (var at = invocation; at < DEPTH * COLUMNS; at += WORKGROUP_SIZE) {
      let b = start + at / COLUMNS;
      let place = min(b, step.rows - 1u) * O4 + min(first_column + at % COLUMNS, O4 - 1u);
      d_z_tile[at] = select(vec4f(0.0), right_at(place), b < step.rows);
    }
    workgroupBarrier();
    for (var b = 0u; b < DEPTH; b++) {
      var a: array<vec4f, MAX_ROWS>;
      for (var r = 0u; r < TILE_ROWS; r++) { // unroll
        a[r] = x_tile[b * ROWS + row + r * DOWN];
      }
      for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
        let d = d_z_tile[b * COLUMNS + column + c * ACROSS];
        if (has_bias) { bias_sum[c] += d; }
        for (var r = 0u; r < TILE_ROWS; r++) { // unroll
          sum[(4u * r + 0u) * TILE_COLUMNS + c] += a[r].x * d;
          sum[(4u * r + 1u) * TILE_COLUMNS + c] += a[r].y * d;
          sum[(4u * r + 2u) * TILE_COLUMNS + c] += a[r].z * d;
          sum[(4u * r + 3u) * TILE_COLUMNS + c] += a[r].w * d;
        }
      }
    }
    workgroupBarrier();
  }

  for (var c = 0u; c < TILE_COLUMNS; c++) { // unroll
    let o = first_column + column + c * ACROSS;
    for (var r = 0u; r < TILE_ROWS; r++) { // unroll
      let i = first_row + row + r * DOWN;
      if (i < I4 && o < O4) {
        for (var k = 0u; k < 4u; k++) { // unroll
          let at = (4u * i + k) * O4 + o;
          var d = sum[(4u * r + k) * TILE_COLUMNS + c];
          if (layer.accumulate_weight != 0u) { d += d_w[at]; }
          d_w[at] = d;
        }
      }
    }
    if (has_bias && row == 0u && o < O4) {
      var d = bias_sum[c];
      if (layer.accumulate_bias != 0u) { d += d_bias[o]; }
      d_bias[o] = d;
    }
  }
}

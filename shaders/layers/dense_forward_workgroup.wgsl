// after common/operands_buffer.wgsl, common/workgroup_tile.wgsl
// The products of dense_forward.wgsl, whose header has the formulas, for GPUs: the invocations of a workgroup
// load their common operands into shared memory once, and compute a tile together.
//
// Shapes     as in dense_forward.wgsl
// Workgroup  computes a tile of Y or dX: see workgroup_tile.wgsl. Shared memory serves eight invocations at
//            once, without bank conflicts: neighbors read the same vec4 of A and adjacent ones of W
// Sum order  as in dense_forward.wgsl: the bias, then ascending i in blocks of four, then the earlier dX
// Padding    columns past O are written as exact zeros; shared memory has zeros past the sum's end
// Rows       past step.rows are neither read nor written

var<workgroup> left_tile: array<vec4f, ROWS * DEPTH>;      // [row][i]
var<workgroup> w_tile: array<vec4f, 4u * DEPTH * COLUMNS>; // [i][column]

/// Adds the workgroup's tile of A·W to `sum`, each invocation its own part.
fn add_product(tile: Tile, invocation: u32, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  let I4 = vec4_count(layer.inputs);
  let O4 = vec4_count(layer.outputs);
  let row = invocation / ACROSS;
  let column = invocation % ACROSS;
  for (var start = 0u; start < I4; start += DEPTH) {
    for (var at = invocation; at < ROWS * DEPTH; at += WORKGROUP_SIZE) {
      let b = min(tile.row + at / DEPTH, step.rows - 1u);
      let i = start + at % DEPTH;
      left_tile[at] = select(vec4f(0.0), left_at(b * I4 + min(i, I4 - 1u)), i < I4);
    }
    for (var at = invocation; at < 4u * DEPTH * COLUMNS; at += WORKGROUP_SIZE) {
      let i = 4u * start + at / COLUMNS;
      let o = min(tile.column + at % COLUMNS, O4 - 1u);
      w_tile[at] = select(vec4f(0.0), right_at(min(i, 4u * I4 - 1u) * O4 + o), i < 4u * I4);
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

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_forward_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let tile = tile_of(workgroup.x, layer.outputs);
  if (tile.row >= step.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  begin_with_bias(tile, invocation, &sum);
  add_product(tile, invocation, &sum);
  store_activated(tile, invocation, layer.outputs, &sum);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn tied_backward_input_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let tile = tile_of(workgroup.x, layer.outputs);
  if (tile.row >= step.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  add_product(tile, invocation, &sum);
  store_gradient(tile, invocation, &sum);
}

// after common/operands_buffer.wgsl, common/workgroup_tile.wgsl
// The products of dense_backward_input.wgsl, whose header has the formulas, for GPUs: the invocations of a
// workgroup load their common operands into shared memory once, and compute a tile together.
//
// Shapes     as in dense_backward_input.wgsl
// Workgroup  computes a tile of dX or Y: see workgroup_tile.wgsl. In shared memory, the rows of W are grouped
//            by their index modulo four, with a pitch of one vec4 more than the columns: eight invocations
//            load eight vec4 along W's rows, and store them into different banks
// Sum order  as in dense_backward_input.wgsl: the bias, then ascending o in blocks of four, then earlier dX
// Padding    tied_forward writes columns past I as exact zeros; shared memory has zeros past the sum's end
// Rows       past step.rows are neither read nor written

var<workgroup> left_tile: array<vec4f, ROWS * DEPTH>;              // [row][o]
var<workgroup> w_tile: array<vec4f, 4u * DEPTH * (COLUMNS + 1u)>; // [i modulo 4][o][i / 4, and one unused]

/// Adds the workgroup's tile of A·Wᵀ to `sum`, each invocation its own part.
fn add_product(tile: Tile, invocation: u32, sum: ptr<function, array<vec4f, MAX_TILE>>) {
  let I4 = vec4_count(layer.inputs);
  let O4 = vec4_count(layer.outputs);
  let row = invocation / ACROSS;
  let column = invocation % ACROSS;
  for (var start = 0u; start < O4; start += DEPTH) {
    for (var at = invocation; at < ROWS * DEPTH; at += WORKGROUP_SIZE) {
      let b = min(tile.row + at / DEPTH, step.rows - 1u);
      let o = start + at % DEPTH;
      left_tile[at] = select(vec4f(0.0), left_at(b * O4 + min(o, O4 - 1u)), o < O4);
    }
    for (var at = invocation; at < 4u * COLUMNS * DEPTH; at += WORKGROUP_SIZE) {
      let i = at / DEPTH; // in the tile
      let o = at % DEPTH;
      let place = min(4u * tile.column + i, 4u * I4 - 1u) * O4 + min(start + o, O4 - 1u);
      w_tile[(i % 4u * DEPTH + o) * (COLUMNS + 1u) + i / 4u] = select(vec4f(0.0), right_at(place), start + o < O4);
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

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_backward_input_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let tile = tile_of(workgroup.x, layer.inputs);
  if (tile.row >= step.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  add_product(tile, invocation, &sum);
  store_gradient(tile, invocation, &sum);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn tied_forward_workgroup(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let tile = tile_of(workgroup.x, layer.inputs);
  if (tile.row >= step.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  begin_with_bias(tile, invocation, &sum);
  add_product(tile, invocation, &sum);
  store_activated(tile, invocation, layer.inputs, &sum);
}

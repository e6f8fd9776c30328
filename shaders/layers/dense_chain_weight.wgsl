// after common/step.wgsl, common/padding.wgsl, common/dense_layer.wgsl, common/weight_product.wgsl
// Backward pass of several small dense and tied layers to their weights and biases, in one dispatch.
//
// Forward    dense_chain_forward.wgsl
// Backward   dense_chain_weight, for each layer: dW[i,o] = Σ_b X[b,i]·dZ[b,o],  d_bias[o] = Σ_b dZ[b,o];
//            for a tied layer, whose W is that of another layer: dW[i,o] = Σ_b dZ[b,i]·X[b,o], added first
// Shapes     `values` has X, `gradients` dZ [B, width], `d_parameters` dW [I, O] and d_bias of all layers, all
//            row-major, widths zero-padded to multiples of four
// One invocation   computes a tile of one layer's dW, see weight_tile.wgsl, or one vec4 of a tied layer's d_bias
// Sum order  as in dense_backward_weight.wgsl
// Rows       past step.rows are not read
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.46 and algorithm 6.4

/// A layer's weight and bias, or a tied layer's bias. Places are indices of vec4.
struct Job {
  layer: WeightLayer, // accumulate_… are 0: all uses of a weight are in one job
  first: u32,      // its first invocation
  is_bias: u32,    // 1: d_bias of a tied layer only
  has_use: u32,    // 1: the weight's own layer is trained
  x: u32,          // place of that layer's X in `values`
  d_z: u32,        // place of its dZ in `gradients`
  has_tied: u32,   // 1: a tied layer uses the weight
  x_tied: u32,     // place of that layer's X in `values`
  d_z_tied: u32,   // place of its dZ in `gradients`
  d_w: u32,        // place of dW in `d_parameters`
  d_bias: u32,     // place of d_bias in `d_parameters`
}

struct Jobs { jobs: u32 }

@group(0) @binding(0) var<storage, read> values: array<vec4f>;
@group(0) @binding(1) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(2) var<storage, read> jobs: array<Job>;
@group(0) @binding(3) var<storage, read_write> d_parameters: array<vec4f>;
@group(0) @binding(4) var<storage, read> job_count: Jobs;
@group(0) @binding(5) var<storage, read> step: Step;

var<private> job: Job;
var<private> layer: WeightLayer; // of `job`
var<private> is_tied: bool;      // X and dZ in swapped roles

fn left_at(at: u32) -> vec4f {
  if (is_tied) { return gradients[job.d_z_tied + at]; }
  return values[job.x + at];
}

fn right_at(at: u32) -> vec4f {
  if (is_tied) { return values[job.x_tied + at]; }
  return gradients[job.d_z + at];
}

fn set_d_w(at: u32, value: vec4f) { d_parameters[job.d_w + at] = value; }
fn set_d_bias(at: u32, value: vec4f) { d_parameters[job.d_bias + at] = value; }

/// Computes vec4 number `column` of a tied layer's d_bias.
fn add_bias(column: u32) {
  let O4 = vec4_count(layer.outputs);
  if (column >= O4) { return; }
  var d = vec4f(0.0);
  for (var b = 0u; b < step.rows; b++) { d += gradients[job.d_z + b * O4 + column]; }
  set_d_bias(column, d);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn dense_chain_weight(@builtin(global_invocation_id) invocation: vec3u) {
  var j = 0u;
  while (j + 1u < job_count.jobs && invocation.x >= jobs[j + 1u].first) { j++; }
  job = jobs[j];
  layer = job.layer;
  let at = invocation.x - job.first;
  if (job.is_bias != 0u) {
    add_bias(at);
    return;
  }
  let tile = tile_of(at);
  if (tile.row >= tile.rows) { return; }
  var sum: array<vec4f, MAX_TILE>;
  var bias_sum: array<vec4f, MAX_COLUMNS>;
  var unused: array<vec4f, MAX_COLUMNS>; // sums of X
  if (job.has_tied != 0u) {
    is_tied = true;
    add_rows(tile, &sum, &unused);
  }
  if (job.has_use != 0u) {
    is_tied = false;
    add_rows(tile, &sum, &bias_sum);
  }
  store_gradients(tile, &sum, &bias_sum);
}

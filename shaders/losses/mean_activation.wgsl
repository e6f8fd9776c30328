// after common/step.wgsl, common/padding.wgsl
// Mean of each hidden unit over the rows of a batch, for sparsity_kl.wgsl and for reports.
//
// Forward    rho[j] = 1/rows · Σ_b H[b,j]
// Backward   in sparsity_kl.wgsl, the only reader
// Shapes     H [B, J], rho [1, J], row-major, widths zero-padded to multiples of four
// One invocation   one vec4 of units
// Sum order  ascending b
// Padding    the mean of zeros is 0
// Rows       past step.rows are not read
// Source     Ng, Sparse autoencoder (CS294A lecture notes, 2011), section 3, the definition of ρ̂_j

override WORKGROUP_SIZE: u32; // invocations per workgroup

struct Layer { width: u32 } // J

@group(0) @binding(0) var<storage, read> h: array<vec4f>;         // [B, J]
@group(0) @binding(1) var<storage, read_write> rho: array<vec4f>; // [1, J]
@group(0) @binding(2) var<storage, read> layer: Layer;
@group(0) @binding(3) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn mean_activation(@builtin(global_invocation_id) invocation: vec3u) {
  let j = invocation.x;
  let width4 = vec4_count(layer.width);
  if (j >= width4) { return; }
  let step = step; // read once, as in adam.wgsl
  var sum = vec4f(0.0);
  for (var b = 0u; b < step.rows; b++) { sum += h[b * width4 + j]; }
  rho[j] = sum / f32(step.rows);
}

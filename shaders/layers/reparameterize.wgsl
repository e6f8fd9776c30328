// after common/step.wgsl, common/activation.wgsl, common/padding.wgsl
// Reparameterization: a normal sample as a differentiable function of its mean and log-variance.
//
// Forward    Z[b,j] = M[b,j] + exp(V[b,j] / 2) · epsilon[b,j],  M = mean, V = log_variance
// Backward   dM = dZ, by pass_gradient.wgsl
//            dV[b,j] = f'(V[b,j]) · ( dZ[b,j]·epsilon[b,j]·exp(V[b,j] / 2) / 2 + earlier dV )
//            d_epsilon[b,j] = f'(epsilon[b,j]) · ( dZ[b,j]·exp(V[b,j] / 2) + the earlier gradient )
//            f is the activation that computed the value (see dense_backward_input.wgsl)
// Shapes     all [B, J], row-major, widths zero-padded to multiples of four: 0 + exp(0)·0 is 0, and gradients
//            of zeros are zeros
// One invocation   one vec4 of one row
// Numerics   nothing is clamped: for V above 177, exp and Z overflow
// Rows       past step.rows are neither read nor written
// Source     Kingma and Welling, Auto-Encoding Variational Bayes (2014), eq. 10

override WORKGROUP_SIZE: u32; // invocations per workgroup

struct Layer {
  width: u32,      // J
  activation: u32, // f: see common/activation.wgsl; backward only
  accumulate: u32, // add to the gradient (1) or overwrite it (0); backward only
}

@group(0) @binding(0) var<storage, read> mean: array<vec4f>;         // [B, J]
@group(0) @binding(0) var<storage, read> d_z: array<vec4f>;          // [B, J], in place of mean in the backward pass
@group(0) @binding(1) var<storage, read> log_variance: array<vec4f>; // [B, J]
@group(0) @binding(2) var<storage, read> epsilon: array<vec4f>;      // [B, J]
@group(0) @binding(3) var<storage, read_write> z: array<vec4f>;      // [B, J]
@group(0) @binding(3) var<storage, read_write> d: array<vec4f>;      // dV or d_epsilon [B, J], in the backward pass
@group(0) @binding(4) var<storage, read> layer: Layer;
@group(0) @binding(5) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn reparameterize(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, layer.width, step.rows)) { return; }
  z[invocation.x] = mean[invocation.x] + exp(0.5 * log_variance[invocation.x]) * epsilon[invocation.x];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn reparameterize_backward_log_variance(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, layer.width, step.rows)) { return; }
  var gradient = d_z[invocation.x] * epsilon[invocation.x] * (0.5 * exp(0.5 * log_variance[invocation.x]));
  if (layer.accumulate != 0u) { gradient += d[invocation.x]; }
  d[invocation.x] = gradient * derivative(layer.activation, log_variance[invocation.x]);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn reparameterize_backward_epsilon(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, layer.width, step.rows)) { return; }
  var gradient = d_z[invocation.x] * exp(0.5 * log_variance[invocation.x]);
  if (layer.accumulate != 0u) { gradient += d[invocation.x]; }
  d[invocation.x] = gradient * derivative(layer.activation, epsilon[invocation.x]);
}

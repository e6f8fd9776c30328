// after common/step.wgsl, common/padding.wgsl
// Subtracts a fixed row from every row, for example the mean image.
//
// Forward    Y[b,d] = X[b,d] - m[d]
// Backward   pass_gradient.wgsl: dX = dY; m is constant and has no gradient
// Shapes     X [B, D], m [D], Y [B, D], row-major, widths zero-padded to multiples of four (0 - 0 is 0)
// One invocation   one vec4 of one row
// Rows       past step.rows are neither read nor written
// Source     LeCun, Bottou, Orr, Müller, Efficient BackProp (1998), section 4.3

override WORKGROUP_SIZE: u32; // invocations per workgroup

struct Layer {
  width: u32, // D
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;       // [B, D]
@group(0) @binding(1) var<storage, read> m: array<vec4f>;       // [D]
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>; // [B, D]
@group(0) @binding(3) var<storage, read> layer: Layer;
@group(0) @binding(4) var<storage, read> step: Step;

@compute @workgroup_size(WORKGROUP_SIZE)
fn subtract_row(@builtin(global_invocation_id) invocation: vec3u) {
  if (!is_in_rows(invocation.x, layer.width, step.rows)) { return; }
  y[invocation.x] = x[invocation.x] - m[invocation.x % vec4_count(layer.width)];
}

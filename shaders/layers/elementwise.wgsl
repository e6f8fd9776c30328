// after common/step.wgsl
// A function of one number, applied to every element. The function is the user's own: two expressions in x, which
// stand before this file as `function_forward(x)` and `function_derivative(x)`.
//
// Forward    Y[b,d] = g(X[b,d])
// Backward   dX[b,d] = f'(X[b,d]) · ( dY[b,d] · g'(X[b,d]) + what other readers of X wrote before )
//            f is the activation that made X (see dense_backward_input.wgsl)
// Shapes     X, Y, dX, dY [B, D], row-major, widths padded with zeros to multiples of four
// One lane   one vec4 of one row, component by component
// Padding    columns past D are written as exact zeros, also where g(0) is not 0 or g'(0) is infinite
// Rows       past step.rows are neither read nor written
// Source     Goodfellow, Bengio, Courville, Deep Learning (2016), sections 6.3 and 6.5.6

override LANES: u32; // lanes of a workgroup

struct Layer {
  width: u32,      // D
  activation: u32, // f: 0 identity, 1 sigmoid, 2 tanh, 3 ReLU; backward only
  accumulate: u32, // add to d_x (1) or overwrite it (0); backward only
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;         // [B, D]
@group(0) @binding(1) var<storage, read> d_y: array<vec4f>;       // [B, D]; backward only
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;   // [B, D]
@group(0) @binding(2) var<storage, read_write> d_x: array<vec4f>; // [B, D], in place of y on the way back
@group(0) @binding(3) var<storage, read> layer: Layer;
@group(0) @binding(4) var<storage, read> this_step: Step;         // not `step`: users may call WGSL's function of that name

fn derivative(x: vec4f) -> vec4f {
  switch layer.activation {
    case 1u: { return x * (1.0 - x); }
    case 2u: { return 1.0 - x * x; }
    case 3u: { return select(vec4f(0.0), vec4f(1.0), x > vec4f(0.0)); }
    default: { return vec4f(1.0); }
  }
}

/// Which components of a vec4 are columns and not padding.
fn existing(at: u32) -> vec4<bool> {
  return 4u * (at % ((layer.width + 3u) / 4u)) + vec4u(0u, 1u, 2u, 3u) < vec4u(layer.width);
}

@compute @workgroup_size(LANES)
fn elementwise(@builtin(global_invocation_id) lane: vec3u) {
  if (lane.x / ((layer.width + 3u) / 4u) >= this_step.rows) { return; }
  let v = x[lane.x];
  let g = vec4f(function_forward(v.x), function_forward(v.y), function_forward(v.z), function_forward(v.w));
  y[lane.x] = select(vec4f(0.0), g, existing(lane.x));
}

@compute @workgroup_size(LANES)
fn elementwise_backward(@builtin(global_invocation_id) lane: vec3u) {
  if (lane.x / ((layer.width + 3u) / 4u) >= this_step.rows) { return; }
  let v = x[lane.x];
  let slope = vec4f(function_derivative(v.x), function_derivative(v.y), function_derivative(v.z), function_derivative(v.w));
  var d = select(vec4f(0.0), d_y[lane.x] * slope, existing(lane.x));
  if (layer.accumulate != 0u) { d += d_x[lane.x]; }
  d_x[lane.x] = d * derivative(v);
}

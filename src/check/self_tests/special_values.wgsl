// NaN, infinities and large numbers in the expressions that the project's shaders use, and in a few that they
// avoid.
//
// Forward    y[i] = [select(x, 0, x ≤ 0), 2·x + 1, exp(x), 1 / (1 + exp(−x)), tanh(x), √x, log(x), is NaN by bits,
//            max(x, 0), min(x, 0), clamp(x, 0, 1), x ≠ x]
// Shapes     x [N], y [N, 12]
// One invocation   one number; invocations past the last do nothing

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn special_values(@builtin(global_invocation_id) invocation: vec3u) {
  if (invocation.x >= arrayLength(&x)) { return; }
  let number = x[invocation.x];
  let at = invocation.x * 12u;
  y[at] = select(number, 0.0, number <= 0.0);
  y[at + 1u] = 2.0 * number + 1.0;
  y[at + 2u] = exp(number);
  y[at + 3u] = 1.0 / (1.0 + exp(-number));
  y[at + 4u] = tanh(select(number, 15.0 * sign(number), abs(number) > 15.0)); // as in common/activation.wgsl
  y[at + 5u] = sqrt(number);
  y[at + 6u] = log(number);
  y[at + 7u] = select(0.0, 1.0, (bitcast<u32>(number) & 0x7fffffffu) > 0x7f800000u);
  y[at + 8u] = max(number, 0.0);
  y[at + 9u] = min(number, 0.0);
  y[at + 10u] = clamp(number, 0.0, 1.0);
  y[at + 11u] = select(0.0, 1.0, number != number);
}

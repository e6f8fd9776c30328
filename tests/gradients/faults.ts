/**
 * All planted faults, which prove that the checks can fail: description, location, original and faulty text.
 *
 * - {@link SHADER_FAULTS}: in a function or constant of a shader. If it is in a file of `shaders/common/`, the fault is
 *   planted for this shader alone, so that the use of shared code is checked in each shader.
 * - {@link LOOP_FAULTS}: in the loops of the recipes' scripts, their inputs and their measurements.
 * - {@link DEVICE_FAULTS}: in the shaders of self-tests, as a faulty device or driver might compute.
 *
 * @module
 */
import type { KernelKind } from "../../src/gpu/product_kernel.ts";

/** A fault in a shader. */
export interface ShaderFault {
  /** Path of the shader in `shaders/`. */
  readonly shader: string;
  /** Kind of kernel with the fault, if several kinds share the shader's file. */
  readonly kind?: KernelKind;
  /** Function or constant with the fault. */
  readonly place: string;
  readonly fault: string;
  /** Original text. */
  readonly text: string;
  /** Faulty text. */
  readonly becomes: string;
}

/** Description, original and faulty text, by shader (and kind of kernel) and function. */
type Faults = Readonly<
  Record<string, Readonly<Record<string, readonly (readonly [string, string, string])[]>>>
>;

/** Faults of functions with an activation's derivative. */
const DERIVATIVE = [
  ["wrong derivative of the sigmoid: y·(1+y)", "* (1.0 -", "* (1.0 +"],
  ["wrong derivative of tanh: 1+y²", "return 1.0 - ", "return 1.0 + "],
  [
    "wrong derivative of ReLU: 1 everywhere",
    "select(vec4f(0.0), vec4f(1.0)",
    "select(vec4f(1.0), vec4f(1.0)",
  ],
] as const;

/** The same, and a wrong derivative with the right sign. */
const DERIVATIVE_MORE = [
  ...DERIVATIVE,
  ["wrong derivative of tanh: 1-y", "return 1.0 - y * y;", "return 1.0 - y;"],
] as const;

const ACTIVATE = [
  ["wrong sign in the sigmoid", "exp(-z)", "exp(z)"],
  ["ReLU of the wrong sign", "z <= vec4f(0.0)", "z >= vec4f(0.0)"],
] as const;

const SCALE = [
  ["mean over rows only", " * f32(width)", ""],
  ["padding counted in the mean", "f32(width)", "f32((width + 3u) / 4u * 4u)"],
  ["sample divided by columns", "return 1.0 / f32(rows);", "return 1.0 / f32(width);"],
  ["sum divided", "SUM: { return 1.0; }", "SUM: { return 0.5; }"],
  ["sample not divided", "SAMPLE: { return 1.0 / f32(rows); }", "SAMPLE: { return 1.0; }"],
] as const;

const PRODUCT_FORWARD = [
  ["transposed index", "a[r].y * w1 + a[r].z * w2", "a[r].z * w1 + a[r].y * w2"],
  ["missing factor", "a[r].w * w3", "w3"],
] as const;

const PRODUCT_BACKWARD = [
  ["wrong sign", "vec4f(dot(a[r], w0)", "vec4f(-dot(a[r], w0)"],
  ["one column left out", "dot(a[r], w3)", "0.0"],
  ["transposed index", "dot(a[r], w1), dot(a[r], w2)", "dot(a[r], w2), dot(a[r], w1)"],
  ["missing factor", "dot(a[r], w3)", "dot(vec4f(1.0), w3)"],
] as const;

const BIAS = [["dropped bias", "start = bias[", "start = 0.0 * bias["]] as const;
const FORWARD = [
  ["bias left out", "begin_with_bias(", "// begin_with_bias("],
  ["product left out", "add_product(", "// add_product("],
] as const;
const TRANSPOSED_LEFT_OUT = [
  ["product left out", "add_transposed_product(", "// add_transposed_product("],
] as const;
const BACKWARD = [["product left out", "add_product(", "// add_product("]] as const;
const ACTIVATED = [
  ["activation left out", "activate(layer.activation, z)", "z"],
  ["padding not zeroed", "is_column(column, width)", "vec4<bool>(true)"],
] as const;

/** Faults in the beginning and end of register and texture kernels, in both of their files. */
const REGISTER_TILE = {
  bias_of: BIAS,
  activated: ACTIVATED,
  begin_with_earlier: [
    ["= for +=", "= d_x_at(", "= 0.0 * d_x_at("],
    ["+= for =", "layer.accumulate != 0u", "true"],
  ],
  store_gradient: [
    ["wrong sign", "* derivative(", "* -derivative("],
    ["activation left out", " * derivative(layer.activation, x_at(at))", ""],
  ],
} as const;

const WORKGROUP_TILE = {
  bias_of: BIAS,
  activated: ACTIVATED,
  store_gradient: [
    ["wrong sign", "var d = (*sum)[", "var d = -(*sum)["],
    ["= for +=", "{ d += d_x[at]; }", "{ }"],
    ["+= for =", "layer.accumulate != 0u", "true"],
    ["activation left out", "d * derivative(layer.activation, x[at])", "d"],
  ],
} as const;

const WEIGHT_TILE = {
  begin_with_earlier: [
    ["= for +=", "= d_w[", "= 0.0 * d_w["],
    ["+= for =", "layer.accumulate_weight != 0u", "true"],
    ["bias: = for +=", "= d_bias[", "= 0.0 * d_bias["],
    ["bias: += for =", "layer.accumulate_bias != 0u", "true"],
  ],
  store_gradients: [
    ["dropped bias", ", (*bias_sum)[c]);", ", 0.0 * (*bias_sum)[c]);"],
    ["a half too much", "(at, (*sum)[", "(at, 0.5 + (*sum)["],
    ["NaN", "(at, (*sum)[", "(at, sqrt(-1.0 - f32(step.rows)) + (*sum)["],
    ["infinity", "(at, (*sum)[", "(at, exp(1000.0 * f32(step.rows)) + (*sum)["],
  ],
} as const;

/** Faults of the rows' terms of weight gradients, from buffers. */
const WEIGHT_ROWS = {
  add_row: [
    ["wrong sign", "+= a[r].x * d", "-= a[r].x * d"],
    ["transposed index", "+= a[r].y * d", "+= a[r].z * d"],
    ["missing factor", "+= a[r].w * d", "+= d"],
    ["bias of the last row only", "(*bias_sum)[c] += d;", "(*bias_sum)[c] = d;"],
  ],
  add_rows: [
    ["one row short", "let rows = step.rows;", "let rows = step.rows - 1u;"],
    ["one row too many", "let rows = step.rows;", "let rows = step.rows + 1u;"],
    ["rows beyond the last four left out", "b < rows; b++", "b < whole; b++"],
    ["the same row four times", "add_row(b + k,", "add_row(b,"],
    [
      "the third of the last rows left out",
      "b = whole; b < rows; b++",
      "b = whole; b < min(rows, whole + 2u); b++",
    ],
  ],
} as const;

const SERIES = [
  ["a term of the series left out", "1.0 / 3.0 + ", ""],
  ["the next term left out", "1.0 / 5.0", "0.0"],
] as const;
const LOG1P = [["missing factor 2", "return 2.0 * u", "return u"]] as const;
const FOUR = [["a component left out", "(x.z + x.w)", "x.z"]] as const;
const TREE = [
  ["one level of the tree left out", "half > 0u", "half > 1u"],
  [
    "one half only",
    "sums[invocation] += sums[invocation + half]",
    "sums[invocation] = sums[invocation + half]",
  ],
] as const;

/** Faults of losses with reductions, besides their formulas. */
const LOSS_ROWS = [
  ["rows past the end written too", "b >= step.rows", "b > step.rows"],
  ["value: scale left out", "= scale * sum_of_four(", "= sum_of_four("],
] as const;

const TEXEL = [["always in the first texels", "at % PITCH", "at % 8u"]] as const;

const SCALAR_TO_INPUT = [
  ["wrong sign", "{ d += left", "{ d -= left"],
  ["missing factor", " * w[i * O + o]", ""],
  ["= for +=", "{ d += d_x[invocation.x]; }", "{ }"],
  ["+= for =", "layer.accumulate != 0u", "true"],
  ["activation left out", "d * derivative(layer.activation, vec4f(x[invocation.x])).x", "d"],
] as const;

const SCALAR_FORWARD = [
  ["dropped bias", "{ z = bias[", "{ z = 0.0 * bias["],
  ["missing factor", " * w[i * O + o]", ""],
] as const;

/** Faults of products with the weights, in register and texture kernels. */
const DENSE_FORWARD = {
  activate: [...ACTIVATE, ["ReLU as the magnitude", "select(z, vec4f(0.0), z <= vec4f(0.0))", "abs(z)"]],
  derivative: DERIVATIVE,
  ...REGISTER_TILE,
  add_product: PRODUCT_FORWARD,
  dense_forward: FORWARD,
  tied_backward_input: BACKWARD,
} as const;

/** Faults of products with the transposed weights. */
const DENSE_BACKWARD_INPUT = {
  activate: ACTIVATE,
  derivative: DERIVATIVE_MORE,
  ...REGISTER_TILE,
  add_transposed_product: PRODUCT_BACKWARD,
  dense_backward_input: TRANSPOSED_LEFT_OUT,
  tied_forward: [FORWARD[0], ...TRANSPOSED_LEFT_OUT],
};

/** Faults of the links of a chain. */
const LINK = {
  add_product: PRODUCT_FORWARD,
  add_transposed_product: PRODUCT_BACKWARD,
  first_tile: [["only the first workgroup's rows", "(workgroup * ", "(0u * workgroup * "]],
  add_link_product: [
    ["never transposed", "link.transposed != 0u", "false"],
    ["always transposed", "link.transposed != 0u", "true"],
  ],
} as const;

/** Faults by shader. */
const IN_SHADERS: Faults = {
  "data/gather_batch.wgsl": {
    gather_batch: [
      ["order left out", "order[step.first + b]", "(step.first + b)"],
      ["always the first batch", "step.first + b", "b"],
      ["index in the chunk left out", " - batch.first", ""],
      ["rows of other chunks written too", "image >= batch.count", "false"],
    ],
    gather_batch_float: [
      ["order left out", "order[step.first + b]", "(step.first + b)"],
      ["always the first batch", "step.first + b", "b"],
      ["index in the chunk left out", " - batch.first", ""],
      ["rows of other chunks written too", "image >= batch.count", "false"],
      ["the same word of a row", "image * batch.words + word]", "image * batch.words]"],
    ],
  },
  "layers/activation.wgsl": {
    activate: ACTIVATE,
    activation: [
      ["activation left out", "activate(layer.activation, x[invocation.x])", "x[invocation.x]"],
      ["padding not zeroed", "x[invocation.x]), exists", "x[invocation.x]), true"],
    ],
  },
  "layers/add.wgsl": {
    add: [
      ["wrong sign", "+ y[invocation.x]", "- y[invocation.x]"],
      ["dropped summand", " + y[invocation.x]", ""],
    ],
  },
  "layers/subtract_row.wgsl": {
    subtract_row: [
      ["wrong sign", "- m[", "+ m["],
      ["transposed index", "m[invocation.x % vec4_count", "m[invocation.x / vec4_count"],
      ["always the first columns", "invocation.x % vec4_count(layer.width)", "0u"],
    ],
  },
  "layers/pass_gradient.wgsl": {
    derivative: DERIVATIVE_MORE,
    pass_gradient: [
      ["wrong sign", "var d = d_y", "var d = -d_y"],
      ["transposed index", "var d = d_y[invocation.x]", "var d = d_y[invocation.x].yxzw"],
      ["= for +=", "{ d += d_x[invocation.x]; }", "{ }"],
      ["+= for =", "layer.accumulate != 0u", "true"],
      ["activation left out", "d * derivative(layer.activation, x[invocation.x])", "d"],
    ],
  },
  "layers/reparameterize.wgsl": {
    derivative: DERIVATIVE,
    reparameterize: [
      ["missing factor ½", "exp(0.5 * log_variance[invocation.x])", "exp(log_variance[invocation.x])"],
      ["dropped mean", "mean[invocation.x] + ", ""],
    ],
    reparameterize_backward_log_variance: [
      ["wrong sign", "gradient = d_z", "gradient = -d_z"],
      ["missing factor ½", "(0.5 * exp(", "(exp("],
      ["missing factor: the noise", "* epsilon[invocation.x] ", ""],
      ["transposed index", "d_z[invocation.x]", "d_z[invocation.x].yxzw"],
      ["= for +=", "{ gradient += d[invocation.x]; }", "{ }"],
      ["+= for =", "layer.accumulate != 0u", "true"],
      ["activation left out", " * derivative(layer.activation, log_variance[invocation.x])", ""],
    ],
    reparameterize_backward_epsilon: [
      ["wrong sign", "gradient = d_z", "gradient = -d_z"],
      ["missing factor: the deviation", " * exp(0.5 * log_variance[invocation.x])", ""],
      ["= for +=", "{ gradient += d[invocation.x]; }", "{ }"],
      ["+= for =", "layer.accumulate != 0u", "true"],
      ["activation left out", " * derivative(layer.activation, epsilon[invocation.x])", ""],
    ],
  },
  "layers/noise.wgsl": {
    derivative: DERIVATIVE,
    add_noise: [
      ["wrong sign", "x[invocation.x] + noise.amount * normals", "x[invocation.x] - noise.amount * normals"],
      ["missing factor", "noise.amount * uniforms", "uniforms"],
      [
        "the mask's other elements",
        "select(x[invocation.x], vec4f(0.0)",
        "select(vec4f(0.0), x[invocation.x]",
      ],
      ["missing factor of normal noise", "noise.amount * normals", "normals"],
    ],
    mask_backward: [
      ["wrong sign", "select(d_y", "select(-d_y"],
      ["mask left out", "is_masked(invocation.x)", "vec4<bool>(false)"],
      ["= for +=", "{ d += d_x[invocation.x]; }", "{ }"],
      ["+= for =", "noise.accumulate != 0u", "true"],
      ["activation left out", "d * derivative(noise.activation, x[invocation.x])", "d"],
      [
        "everything passes",
        "select(d_y[invocation.x], vec4f(0.0), is_masked(invocation.x))",
        "d_y[invocation.x]",
      ],
    ],
    standard_normal: [["wrong sign", "cut(invocation.x, normals", "cut(invocation.x, -normals"]],
    philox: [
      ["nine rounds", "round < 10u", "round < 9u"],
    ],
    multiply_high: [
      ["a carry left out", " + (carry >> 16u)", ""],
    ],
    words: [
      ["the same in every step", "0u, step.draw, 0u", "0u, 1u, 0u"],
    ],
    normals: [
      ["wrong quadrant", "(quarter + 1u) & vec2u(2u)", "quarter & vec2u(2u)"],
    ],
    cut: [
      ["padding not zeroed", "is_column(at % vec4_count(noise.width), noise.width)", "true"],
    ],
    is_masked: [
      ["the others masked", "uniforms(words(at)) < vec4f", "uniforms(words(at)) >= vec4f"],
    ],
  },
  "layers/dense_forward.wgsl": DENSE_FORWARD,
  "layers/dense_forward.wgsl, texture": { texel: TEXEL, ...DENSE_FORWARD },
  "layers/dense_backward_input.wgsl": DENSE_BACKWARD_INPUT,
  "layers/dense_backward_input.wgsl, texture": { texel: TEXEL, ...DENSE_BACKWARD_INPUT },
  "layers/dense_naive.wgsl": {
    activate: ACTIVATE,
    derivative: DERIVATIVE,
    dense_forward_naive: [...SCALAR_FORWARD, ["padding not zeroed", "o < layer.outputs)", "true)"]],
    tied_forward_naive: [...SCALAR_FORWARD, ["padding not zeroed", "i < layer.inputs)", "true)"]],
    dense_backward_input_naive: SCALAR_TO_INPUT,
    tied_backward_input_naive: SCALAR_TO_INPUT,
    dense_backward_weight_naive: [
      ["transposed index", "x_of_w[b * I + i]", "x_of_w[b * I + (i ^ 1u)]"],
      ["one row too many", "b < step.rows; b++) { d += x_of_w", "b < step.rows + 1u; b++) { d += x_of_w"],
      ["= for +=", "{ d += d_w[invocation.x]; }", "{ }"],
      ["+= for =", "weight_layer.accumulate_weight != 0u", "true"],
      ["dropped bias", "d_bias[o] = d;", ""],
      ["bias: one row too many", "b < step.rows; b++) { d += d_z", "b < step.rows + 1u; b++) { d += d_z"],
      ["bias: = for +=", "{ d += d_bias[o]; }", "{ }"],
      ["bias: += for =", "weight_layer.accumulate_bias != 0u", "true"],
      [
        "the third of the last rows left out",
        "{ d += x_of_w[",
        "{ d += select(1.0, 0.0, b % 4u == 2u && b + 1u == step.rows) * x_of_w[",
      ],
    ],
  },
  "layers/dense_forward_workgroup.wgsl": {
    activate: ACTIVATE,
    derivative: DERIVATIVE,
    add_product: [
      ...PRODUCT_FORWARD,
      ["the wrong invocation's row", "(row + r * DOWN) * DEPTH", "(r * DOWN) * DEPTH"],
      ["only the first part of the sum", "start < I4", "start < min(I4, DEPTH)"],
    ],
    ...WORKGROUP_TILE,
    dense_forward_workgroup: FORWARD,
    tied_backward_input_workgroup: BACKWARD,
  },
  "layers/dense_backward_input_workgroup.wgsl": {
    activate: ACTIVATE,
    derivative: DERIVATIVE,
    add_product: [
      ...PRODUCT_BACKWARD,
      ["the wrong invocation's row", "(row + r * DOWN) * DEPTH", "(r * DOWN) * DEPTH"],
      ["only the first part of the sum", "start < O4", "start < min(O4, DEPTH)"],
    ],
    ...WORKGROUP_TILE,
    dense_backward_input_workgroup: BACKWARD,
    tied_forward_workgroup: FORWARD,
  },
  "layers/dense_backward_weight_workgroup.wgsl": {
    dense_backward_weight_workgroup: [
      ["wrong sign", "+= a[r].x * d", "-= a[r].x * d"],
      ["transposed index", "+= a[r].y * d", "+= a[r].z * d"],
      ["missing factor", "+= a[r].w * d", "+= d"],
      ["one row too many", "right_at(place), b < step.rows", "right_at(place), b < step.rows + 1u"],
      ["only the first rows", "start < step.rows", "start < min(step.rows, DEPTH)"],
      ["= for +=", "{ d += d_w[at]; }", "{ }"],
      ["+= for =", "layer.accumulate_weight != 0u", "true"],
      ["bias of the last row only", "bias_sum[c] += d;", "bias_sum[c] = d;"],
      ["dropped bias", "d_bias[o] = d;", ""],
      ["bias: = for +=", "{ d += d_bias[o]; }", "{ }"],
      ["bias: += for =", "layer.accumulate_bias != 0u", "true"],
      [
        "the third of the last rows left out",
        "left_at(place), b < step.rows)",
        "left_at(place), b < step.rows && !(b % 4u == 2u && b + 1u == step.rows))",
      ],
    ],
  },
  "layers/dense_chain_forward.wgsl": {
    activate: ACTIVATE,
    bias_of: [["dropped bias", "start = parameters[", "start = 0.0 * parameters["]],
    activated: ACTIVATED,
    ...LINK,
    dense_chain_forward: [
      ["the last layer left out", "l < chain.links", "l + 1u < chain.links"],
      ["bias left out", "begin_with_bias(", "// begin_with_bias("],
      ["product left out", "add_link_product(", "// add_link_product("],
      [
        "the first columns only",
        "; tile.column < tile.columns;",
        "; tile.column < min(tile.columns, TILE_COLUMNS);",
      ],
    ],
  },
  "layers/dense_chain_backward.wgsl": {
    derivative: DERIVATIVE_MORE,
    begin_with_earlier: REGISTER_TILE.begin_with_earlier,
    store_gradient: REGISTER_TILE.store_gradient,
    ...LINK,
    dense_chain_backward: [
      ["the last layer left out", "l < chain.links", "l + 1u < chain.links"],
      ["product left out", "add_link_product(", "// add_link_product("],
      [
        "the first columns only",
        "; tile.column < tile.columns;",
        "; tile.column < min(tile.columns, TILE_COLUMNS);",
      ],
      [
        "not cleared for the next tile",
        "var sum = array<vec4f, MAX_TILE>();",
        "var sum: array<vec4f, MAX_TILE>;",
      ],
    ],
  },
  "layers/dense_chain_weight.wgsl": {
    ...WEIGHT_ROWS,
    store_gradients: WEIGHT_TILE.store_gradients,
    add_bias: [
      ["wrong sign", "d += gradients", "d -= gradients"],
      ["one row too many", "b < step.rows", "b < step.rows + 1u"],
      ["dropped bias", "set_d_bias(column, d);", ""],
    ],
    dense_chain_weight: [
      ["the first layer for all", "invocation.x >= jobs[j + 1u].first", "false"],
      ["use of the tied layer left out", "job.has_tied != 0u", "false"],
      ["use of the weight's own layer left out", "job.has_use != 0u", "false"],
      ["operands not swapped for the tied layer", "is_tied = true;", "is_tied = false;"],
    ],
  },
  "layers/dense_backward_weight.wgsl": {
    dense_backward_weight: [["product left out", "add_rows(", "// add_rows("]],
    ...WEIGHT_ROWS,
    ...WEIGHT_TILE,
    dense_backward_bias: [
      ["wrong sign", "d += right_at", "d -= right_at"],
      ["transposed index", "right_at(b * O4 + column)", "right_at(b * O4 + column).yxzw"],
      ["one row too many", "b < step.rows", "b < step.rows + 1u"],
      ["dropped bias", "d_bias[column] = d;", ""],
      ["= for +=", "{ d += d_bias[column]; }", "{ }"],
      ["+= for =", "layer.accumulate_bias != 0u", "true"],
    ],
  },
  "layers/dense_backward_weight_texture.wgsl": {
    texel: TEXEL,
    add_four_rows: [
      ["wrong sign", "a0.x * d0 +", "-a0.x * d0 +"],
      ["transposed index", "a0.y * d0 +", "a0.z * d0 +"],
      ["missing factor", "a3.w * d3", "d3"],
      ["the same row twice", "(b + 1u) * tile.columns", "b * tile.columns"],
      ["bias of three rows", "d0 + d1 + d2 + d3;", "d0 + d1 + d2;"],
    ],
    add_row: [
      ["wrong sign", "+= a.x * d", "-= a.x * d"],
      ["bias of the last row only", "(*bias_sum)[c] += d;", "(*bias_sum)[c] = d;"],
    ],
    dense_backward_weight_texture: [
      ["one row short", "let rows = step.rows;", "let rows = step.rows - 1u;"],
      ["one row too many", "let rows = step.rows;", "let rows = step.rows + 1u;"],
      ["rows beyond the last four left out", "b < rows; b++", "b < whole; b++"],
      [
        "the third of the last rows left out",
        "b = whole; b < rows; b++",
        "b = whole; b < min(rows, whole + 2u); b++",
      ],
    ],
    ...WEIGHT_TILE,
  },
  "losses/squared_error.wgsl": {
    derivative: [...DERIVATIVE_MORE, ["wrong derivative of the sigmoid: y", " * (1.0 - y)", ""]],
    reduction_scale: SCALE,
    sum_of_four: FOUR,
    squared_error: [
      ["wrong sign", "y[at] - t[at]", "t[at] - y[at]"],
      ["missing factor 2", "2.0 * scale", "scale"],
      ["missing weight", "loss.weight * 2.0", "2.0"],
      ["transposed index", "scale * difference", "scale * difference.yxzw"],
      ["= for +=", "{ gradient += d_y[at]; }", "{ }"],
      ["+= for =", "if (ACCUMULATE)", "if (true)"],
      ["activation left out", "gradient * derivative(loss.activation, y[at])", "gradient"],
      ["value not squared", "sum += difference * difference", "sum += difference"],
      ...LOSS_ROWS,
      ["value: magnitude instead of square", "sum += difference * difference", "sum += abs(difference)"],
    ],
  },
  "losses/binary_cross_entropy_with_logits.wgsl": {
    derivative: DERIVATIVE_MORE,
    artanh_series: SERIES,
    log1p_near: LOG1P,
    is_column: [["padding counts", "vec4u(width)", "vec4u(width + 3u)"]],
    reduction_scale: SCALE,
    sum_of_four: FOUR,
    binary_cross_entropy_with_logits: [
      ["wrong sign of positive logits", "(1.0 - truth) - doubt", "doubt - (1.0 - truth)"],
      ["wrong sign of negative logits", "select(doubt - truth", "select(truth - doubt"],
      ["missing weight", "loss.weight * scale * select", "scale * select"],
      ["missing scale", "loss.weight * scale * select", "loss.weight * select"],
      ["= for +=", "{ gradient += d_z[at]; }", "{ }"],
      ["+= for =", "if (ACCUMULATE_Z)", "if (true)"],
      ["activation left out", "gradient * derivative(loss.activation_z, logit)", "gradient"],
      ["target: wrong sign", "scale * -logit", "scale * logit"],
      ["target: missing weight", "loss.weight * scale * -logit", "scale * -logit"],
      ["target: = for +=", "{ gradient += d_t[at]; }", "{ }"],
      ["target: += for =", "if (ACCUMULATE_T)", "if (true)"],
      ["target: activation left out", "gradient * derivative(loss.activation_t, truth)", "gradient"],
      ["value: dropped logarithm", " + log1p_near(e)", ""],
      ...LOSS_ROWS,
      [
        "wrong sign of the target",
        "doubt - truth, (1.0 - truth) - doubt",
        "doubt + truth, (1.0 - truth) - doubt",
      ],
      ["sides exchanged", "doubt - truth, (1.0 - truth) - doubt", "(1.0 - truth) - doubt, doubt - truth"],
      ["cancelling form of σ(Z) - T", "(1.0 - truth) - doubt, positive", "1.0 / (1.0 + e) - truth, positive"],
      [
        "gradient in the padding",
        "gradient * derivative(loss.activation_z, logit), exists",
        "gradient * derivative(loss.activation_z, logit), vec4<bool>(true)",
      ],
      ["value: padding counted", "vec4f(0.0), value, exists", "vec4f(0.0), value, vec4<bool>(true)"],
      ["value: log for log1p", "log1p_near(e);", "log(1.0 + e);"],
      ["exp that overflows", "exp(-abs(logit))", "exp(-logit)"],
    ],
  },
  "losses/binary_cross_entropy.wgsl": {
    derivative: DERIVATIVE_MORE,
    artanh_series: SERIES,
    log1p_near: LOG1P,
    reduction_scale: SCALE,
    sum_of_four: FOUR,
    binary_cross_entropy: [
      ["wrong sign", "(probability - truth) *", "(truth - probability) *"],
      ["missing factor: the variance", "(slope / variance)", "slope"],
      ["missing weight", "loss.weight * scale * (probability", "scale * (probability"],
      ["= for +=", "{ gradient += d_p[at] * slope; }", "{ }"],
      ["+= for =", "if (ACCUMULATE_P)", "if (true)"],
      ["activation left out", "(slope / variance)", "(1.0 / variance)"],
      ["target: wrong sign", "(log_rest - log_p)", "(log_p - log_rest)"],
      ["target: dropped term", "(log_rest - log_p)", "(-log_p)"],
      ["target: missing weight", "loss.weight * scale * (log_rest", "scale * (log_rest"],
      ["target: = for +=", "{ gradient += d_t[at]; }", "{ }"],
      ["target: += for =", "if (ACCUMULATE_T)", "if (true)"],
      ["target: activation left out", "gradient * derivative(loss.activation_t, truth)", "gradient"],
      ["value: dropped term", " + (1.0 - truth) * log_rest", ""],
      ...LOSS_ROWS,
      [
        "variance not clamped",
        "max(probability * (1.0 - probability), vec4f(LEAST_VARIANCE))",
        "probability * (1.0 - probability)",
      ],
      ["activation left out of what is added to", "d_p[at] * slope", "d_p[at]"],
      [
        "target: gradient in the padding",
        "gradient * derivative(loss.activation_t, truth), exists",
        "gradient * derivative(loss.activation_t, truth), vec4<bool>(true)",
      ],
      ["log for log1p", "log1p_near(-smaller);", "log(1.0 - smaller);"],
      [
        "logarithms exchanged",
        "select(log_smaller, log_larger, above)",
        "select(log_larger, log_smaller, above)",
      ],
    ],
    LOWEST_LOG: [
      ["another clamp", "-100.0", "-90.0"],
    ],
    log_clamped: [
      ["no clamp", "select(value, vec4f(LOWEST_LOG), lowest)", "value"],
      ["scaled up but not down", "LOG_SCALE_UP), small", "0.0), small"],
    ],
  },
  "losses/gaussian_kl.wgsl": {
    derivative: DERIVATIVE_MORE,
    reduction_scale: SCALE,
    sum_of_four: FOUR,
    gaussian_kl: [
      ["mean: wrong sign", "scale * m;", "scale * -m;"],
      ["mean: missing weight", "loss.weight * scale * m;", "scale * m;"],
      ["mean: = for +=", "{ gradient += d_mean[at]; }", "{ }"],
      ["mean: += for =", "if (ACCUMULATE_MEAN)", "if (true)"],
      ["mean: activation left out", "gradient * derivative(loss.activation_mean, m)", "gradient"],
      ["log-variance: wrong sign", "variance - 1.0, v + beyond", "1.0 - variance, -v - beyond"],
      ["log-variance: missing factor ½", "scale * 0.5 *", "scale *"],
      ["log-variance: missing weight", "loss.weight * scale * 0.5", "scale * 0.5"],
      ["log-variance: dropped term", "v + beyond, is_near", "beyond, is_near"],
      ["log-variance: = for +=", "{ gradient += d_log_variance[at]; }", "{ }"],
      ["log-variance: += for =", "if (ACCUMULATE_LOG_VARIANCE)", "if (true)"],
      ["log-variance: activation left out", " * derivative(loss.activation_log_variance, v)", ""],
      ["value: missing factor ½", "sum += 0.5 * (", "sum += ("],
      ...LOSS_ROWS,
      ["log-variance: dropped -1", "select(variance - 1.0, v", "select(variance, v"],
      [
        "log-variance: wrong sign near 0",
        "select(variance - 1.0, v + beyond",
        "select(variance - 1.0, -v - beyond",
      ],
      ["deviation for variance", "exp(v);", "exp(0.5 * v);"],
      ["value: mean not squared", "(m * m + ", "(abs(m) + "],
      ["value: log-variance dropped", "variance - 1.0 - v, beyond", "variance - 1.0, beyond"],
      ["no series", "abs(v) <= vec4f(1.0)", "abs(v) < vec4f(0.0)"],
    ],
    exp_beyond_linear: [
      ["a term of the series left out", "v * fifth", "0.0"],
    ],
  },
  "losses/mean_activation.wgsl": {
    mean_activation: [
      ["not divided by rows", "sum / f32(step.rows)", "sum"],
      ["last row only", "sum += h", "sum = h"],
      ["one row too many", "b < step.rows", "b < step.rows + 1u"],
      ["one row short", "b < step.rows", "b < step.rows - 1u"],
    ],
  },
  "losses/sparsity_kl.wgsl": {
    derivative: DERIVATIVE_MORE,
    sum_of_four: FOUR,
    artanh_series: SERIES,
    sparsity_kl: [
      ["wrong sign", "select(excess /", "select(-excess /"],
      ["missing factor ρ̂", "(mean * mean_rest)", "mean_rest"],
      ["missing factor 1-ρ̂", "(mean * mean_rest)", "mean"],
      ["missing weight", "loss.weight * select", "select"],
      ["not divided by rows", " / f32(step.rows);", ";"],
      ["= for +=", "{ gradient += d_h[at]; }", "{ }"],
      ["+= for =", "if (ACCUMULATE)", "if (true)"],
      ["activation left out", "gradient * derivative(loss.activation, h[at])", "gradient"],
      ["value: dropped term", "loss.rest * beyond_log", "0.0 * beyond_log"],
      ["gradient where ρ̂ is clamped", "vec4f(0.0), is_held", "vec4f(0.0), vec4<bool>(false)"],
      ["gradient where ρ̂ is clamped near 1", " | (1.0 - rho[j] < vec4f(CLAMP))", ""],
      ["clamp near 1 rounded", "clamped(1.0 - rho[j])", "1.0 - mean"],
      ["value in every row", "b == 0u);", "true);"],
      ["value: padding counted", "vec4f(0.0), value, exists", "vec4f(0.0), value, vec4<bool>(true)"],
      ["rows past the end written too", "b >= step.rows", "b > step.rows"],
    ],
    CLAMP: [
      ["another clamp", "1e-6", "1e-7"],
    ],
    beyond_log: [
      ["no logarithm, as in the tutorial", "x - log(one_plus_x)", "x - one_plus_x"],
      ["cancelling near ρ", "abs(x) <= vec4f(0.5)", "abs(x) < vec4f(0.0)"],
    ],
  },
  "losses/total.wgsl": {
    loss_total: [
      ["one row too many", "at < step.rows * CHUNKS", "at < (step.rows + 1u) * CHUNKS"],
      ["another in each step", "= total;", "= total * (1.0 + 3e-7 * f32(step.count));"],
      ["stored under another step", "step.count % RING", "(step.count + 1u) % RING"],
      ["the first term twice", "partial(term.x, at)", "partial(0u, at)"],
      ["stored under another term", "terms.first + term.x", "term.x"],
    ],
    workgroup_sum: TREE,
    sum_of_four: FOUR,
  },
  "optim/sgd.wgsl": {
    sgd_update: [
      ["wrong sign", "p[at] = parameter -", "p[at] = parameter +"],
      ["missing factor: the learning rate", "step.learning_rate * direction", "direction"],
      ["dropped weight decay", " + sgd.decay * parameter", ""],
      ["dropped clipping", "clip[0] * g[at]", "g[at]"],
      ["dropped momentum", "sgd.momentum * b[at] + gradient", "gradient"],
      ["velocity forgotten", "b[at] = velocity;", ""],
      ["Nesterov momentum left out", "velocity, NESTEROV)", "velocity, false)"],
      ["half of the range", "share, sgd.count)", "share, sgd.count / 2u)"],
      ["every workgroup in the first share", "var at = group.x * share", "var at = 0u"],
      ["weight decay of the wrong sign", "+ sgd.decay * parameter", "- sgd.decay * parameter"],
      [
        "gradient of the wrong sign in the velocity",
        "sgd.momentum * b[at] + gradient",
        "sgd.momentum * b[at] - gradient",
      ],
      [
        "Nesterov: velocity for gradient",
        "gradient + sgd.momentum * velocity",
        "velocity + sgd.momentum * velocity",
      ],
    ],
  },
  "optim/adam.wgsl": {
    adam_update: [
      ["wrong sign", "p[at] = parameter -", "p[at] = parameter +"],
      ["missing factor: the learning rate", "step.learning_rate * step.correction_1", "step.correction_1"],
      ["missing factor: first correction", "step.correction_1 * first", "first"],
      ["missing factor: second correction", "sqrt(second) * step.correction_2", "sqrt(second)"],
      ["missing factor 1-β1", "adam.rest1 * gradient", "gradient"],
      ["missing factor 1-β2", "adam.rest2 * gradient", "gradient"],
      ["no root", "sqrt(second)", "second"],
      ["dropped ε", " + adam.epsilon", ""],
      ["dropped clipping", "clip[0] * g[at]", "g[at]"],
      ["dropped L2 decay", "gradient += adam.decay * parameter;", ""],
      ["dropped decoupled decay", "parameter -= step.learning_rate * adam.decay * parameter;", ""],
      ["one decay for the other", "if (DECOUPLED)", "if (!DECOUPLED)"],
      ["first moment forgotten", "m[at] = first;", ""],
      ["second moment forgotten", "v[at] = second;", ""],
      ["half of the range", "share, adam.count)", "share, adam.count / 2u)"],
      ["every workgroup in the first share", "var at = group.x * share", "var at = 0u"],
      [
        "ε inside the root",
        "(sqrt(second) * step.correction_2 + adam.epsilon)",
        "(sqrt(second + adam.epsilon) * step.correction_2)",
      ],
      ["gradient not squared", "adam.rest2 * gradient * gradient", "adam.rest2 * abs(gradient)"],
      ["β1 and β2 exchanged", "adam.beta1 * m[at]", "adam.beta2 * m[at]"],
    ],
  },
  "optim/clip.wgsl": {
    clip_partial: [
      ["not squared", "g[at] * g[at]", "g[at]"],
      ["every range at the first one's index", "stretch.first + invocation.x", "invocation.x"],
      ["the last term only", "sum += g[at]", "sum = g[at]"],
    ],
    clip_total: [
      ["no root", "sqrt(workgroup_sum(invocation, sum))", "workgroup_sum(invocation, sum)"],
      ["missing factor: the norm", "total.most / (norm + 1e-6)", "total.most"],
      ["scaled up too", "factor, factor < 1.0", "factor, true"],
      ["the last sums only", "sum += sums_of_lanes", "sum = sums_of_lanes"],
      ["always stored first", "step.count % total.ring", "0u"],
      ["NaN scales by 1", ", norm, is_nan", ", norm, false"],
    ],
    workgroup_sum: TREE,
    sum_of_four: FOUR,
  },
  "optim/watch.wgsl": {
    squares: [["not squared", "dot(y, y)", "dot(y, vec4f(1.0))"]],
    not_finite: [["infinity passes", "exponents == vec4u(0x7f800000u)", "exponents > vec4u(0x7f800000u)"]],
    watch_partial: [
      ["wrong sign", "weight - w_before[at]", "weight + w_before[at]"],
      [
        "every tensor at the first one's index",
        "slot.tensor * slot.invocations + invocation.x",
        "invocation.x",
      ],
      ["half of the slot", "at < slot.count", "at < slot.count / 2u"],
      ["gradients' count left out", "not_finite(gradient)", "0.0"],
      ["weights' count left out", "not_finite(weight)", "0.0"],
    ],
    watch_total: [
      ["always the first tensor", "tensor.x * total.invocations + at", "at"],
      ["invocations overwrite each other", "sums.plain += more.plain", "sums.plain = more.plain"],
      ["one level of the tree left out", "half > 0u", "half > 1u"],
    ],
  },
  // user-defined functions
  "layers/elementwise.wgsl": {
    derivative: DERIVATIVE,
    elementwise: [
      ["one component twice", "function_forward(v.y)", "function_forward(v.x)"],
      ["transposed index", "y[invocation.x] =", "y[invocation.x ^ 1u] ="],
      [
        "f(0) in the padding",
        ", is_column(invocation.x % vec4_count(layer.width), layer.width)",
        ", vec4<bool>(true)",
      ],
      ["one row short", "this_step.rows", "this_step.rows - 1u"],
    ],
    elementwise_backward: [
      ["wrong sign", "select(vec4f(0.0), d_y", "select(vec4f(0.0), -d_y"],
      ["derivative left out", "d_y[invocation.x] * slope", "d_y[invocation.x]"],
      ["one component twice", "function_derivative(v.z)", "function_derivative(v.x)"],
      ["transposed index", "d_y[invocation.x]", "d_y[invocation.x].yxzw"],
      ["= for +=", "{ d += d_x[invocation.x]; }", "{ }"],
      ["+= for =", "layer.accumulate != 0u", "true"],
      ["activation left out", "d * derivative(layer.activation, v)", "d"],
      ["one row short", "this_step.rows", "this_step.rows - 1u"],
    ],
  },
  "losses/elementwise_loss.wgsl": {
    derivative: DERIVATIVE,
    reduction_scale: SCALE,
    sum_of_four: FOUR,
    elementwise_loss: [
      ["value: one component twice", "loss_value(p.y, q.y)", "loss_value(p.x, q.x)"],
      ["value: prediction and target swapped", "loss_value(p.z, q.z)", "loss_value(q.z, p.z)"],
      ["value: padding counted", "sum += select(vec4f(0.0), value, exists)", "sum += value"],
      ["value: not divided", "= scale * sum_of_four", "= sum_of_four"],
      ["one row short", "b >= this_step.rows", "b + 1u >= this_step.rows"],
      [
        "wrong sign",
        "weight * scale * slope, exists);\n      if (ACCUMULATE_Y",
        "weight * scale * -slope, exists);\n      if (ACCUMULATE_Y",
      ],
      [
        "missing weight",
        "loss.weight * scale * slope, exists);\n      if (ACCUMULATE_Y",
        "scale * slope, exists);\n      if (ACCUMULATE_Y",
      ],
      ["= for +=", "{ gradient += d_y[at]; }", "{ }"],
      ["+= for =", "if (ACCUMULATE_Y)", "if (true)"],
      ["activation left out", "gradient * derivative(loss.activation_y, p)", "gradient"],
      ["derivative by the target instead", "loss_by_prediction(p.z, q.z)", "loss_by_target(p.z, q.z)"],
      [
        "target: wrong sign",
        "weight * scale * slope, exists);\n      if (ACCUMULATE_T",
        "weight * scale * -slope, exists);\n      if (ACCUMULATE_T",
      ],
      [
        "target: missing scale",
        "loss.weight * scale * slope, exists);\n      if (ACCUMULATE_T",
        "loss.weight * slope, exists);\n      if (ACCUMULATE_T",
      ],
      ["target: one component twice", "loss_by_target(p.w, q.w)", "loss_by_target(p.x, q.x)"],
      ["target: = for +=", "{ gradient += d_t[at]; }", "{ }"],
      ["target: += for =", "if (ACCUMULATE_T)", "if (true)"],
      ["target: activation left out", "gradient * derivative(loss.activation_t, q)", "gradient"],
    ],
  },
};

export const SHADER_FAULTS: readonly ShaderFault[] = Object.entries(IN_SHADERS).flatMap(([key, places]) => {
  const [shader, kind] = key.split(", ") as [string, KernelKind?];
  return Object.entries(places).flatMap(([place, faults]) =>
    faults.map(([fault, text, becomes]) => ({
      shader,
      ...(kind && { kind }),
      place,
      fault,
      text,
      becomes,
    }))
  );
});

/** Key of a shader's faults: its file, and the kind of kernel if several kinds share the file. */
export function nameOf({ shader, kind }: ShaderFault): string {
  return kind ? `${shader}, ${kind}` : shader;
}

/**
 * Plants a fault in a part of a shader; returns other parts, without the function or constant, unchanged.
 *
 * @throws Error if the function does not contain the text exactly once
 */
export function plant(code: string, fault: ShaderFault): string {
  const { place, text, becomes } = fault;
  const start = Math.max(code.indexOf(`fn ${place}(`), code.indexOf(`const ${place} =`));
  if (start < 0) return code;
  const end = code.indexOf(code.startsWith("fn", start) ? "\n}\n" : "\n", start);
  const body = code.slice(start, end < 0 ? undefined : end);
  const count = body.split(text).length - 1;
  if (count !== 1) throw new Error(`${describe(fault)}: expected "${text}" once but found it ${count} times`);
  return code.slice(0, start) + body.replace(text, () => becomes) + code.slice(start + body.length);
}

/** Formats a fault: shader, function and description. */
export function describe(fault: ShaderFault): string {
  return `${nameOf(fault)}, ${fault.place}: ${fault.fault}`;
}

/**
 * Looks up a fault by the result of {@link describe}.
 *
 * @throws Error if not exactly one fault matches
 */
export function faultNamed(description: string): ShaderFault {
  const found = SHADER_FAULTS.filter((fault) => describe(fault) === description);
  if (found.length !== 1) throw new Error(`${found.length} faults are called "${description}"`);
  return found[0];
}

/** A planted fault in a loop, its inputs or its final measurements. */
export interface LoopFault {
  /** Path of the file from the project's root. */
  readonly file: string;
  readonly fault: string;
  /** Original text, unique in the file. */
  readonly text: string;
  /** Faulty text. */
  readonly becomes: string;
  /** Training trace that shows the fault. */
  readonly trace: string;
}

/** Description, original and faulty text, by trace and file. */
const IN_LOOPS: Faults = {
  "deep": {
    "scripts/deep.ts": [["half the batch", "batchSize: 64", "batchSize: 32"]],
  },
  "deep-silu": {
    "scripts/deep.ts": [
      ["no shuffle", "openTraining(deep, config)", "openTraining(deep, config, { shuffles: false })"],
      ["a tenth of the learning rate", "learningRate: 5e-3", "learningRate: 5e-4"],
      ["another activation of the code", 'codeActivation: "identity"', 'codeActivation: "tanh"'],
      ["the first report left out", "if (run.isDue(step))", "if (step.count > 1 && run.isDue(step))"],
    ],
    "src/evaluate/evaluate.ts": [
      ["4 neighbors instead of 5", "NEIGHBOURS = 5", "NEIGHBOURS = 4"],
      ["PCA with a component less", "Math.min(codeSize, width)", "Math.min(codeSize, width) - 1"],
      ["the mean of the test images", "baselines(train.images,", "baselines(data.test.images,"],
      [
        "the codes of the last partial batch left 0",
        "codes.set(some, batch.first * code.width);",
        "if (batch.rows === graph.batchSize) codes.set(some, batch.first * code.width);",
      ],
    ],
    "src/graph/parameters.ts": [
      [
        "half the range of first weights",
        "range = 1 / Math.sqrt(inputs);",
        "range = 0.5 / Math.sqrt(inputs);",
      ],
    ],
    "src/evaluate/test_losses.ts": [[
      "batches weighted equally",
      "(isSum ? 1 : rows)",
      "(isSum ? 1 : count / some.length)",
    ]],
    "src/optim/adam.ts": [["no weight decay", "decay: weightDecay }", "decay: 0 }"]],
  },
  "basic": {
    "scripts/basic.ts": [
      ["all images instead of one batch", "...(fullData ? {} : oneBatch)", "...{}"],
      ["a second batch", "images: batchSize,", "images: 2 * batchSize,"],
    ],
  },
  "basic-all": {
    "src/graph/parameters.ts": [["Glorot's range with 5 for 6", "Math.sqrt(6 /", "Math.sqrt(5 /"]],
    "src/evaluate/stage_ends.ts": [[
      "the first report instead of the last",
      "reports.findLast(",
      "reports.find(",
    ]],
  },
  "denoising-tanh": {
    "src/evaluate/layerwise.ts": [
      ["the error from noisy images without noise", '{ purpose: "test" }', '{ purpose: "encode" }'],
    ],
  },
  "denoising-at-once": {
    "src/optim/adam.ts": [["L2 instead of decoupled decay", 'decay === "decoupled" ? 1 : 0', "0"]],
  },
  "sparse": {
    "src/step/compile.ts": [[
      "Adam's moments kept from stage to stage",
      "arenas.moments.map((buffer, k) =>",
      "((globalThis as { kept?: GPUBuffer[] }).kept ??= arenas.moments).map((buffer, k) =>",
    ]],
    "src/train/training.ts": [
      [
        "stages one step short",
        "steps: epochs * epochBatches.length }",
        "steps: epochs * epochBatches.length - 1 }",
      ],
    ],
    "src/evaluate/stage_ends.ts": [
      ["the mean over all epochs", "if (line.epoch !== last.epoch) continue;", ""],
    ],
    "src/train/training_run.ts": [[
      "epochs counted from 0",
      "run.epoch = 1 + Math.floor",
      "run.epoch = Math.floor",
    ]],
    "scripts/stacked.ts": [
      [
        "the noisy pixels as target",
        "squaredError(graph, output, pixels,",
        "squaredError(graph, output, input ?? pixels,",
      ],
    ],
    "src/recipe/recipe_noise.ts": [
      ["one noise stream for all stages", "`noise of stage ${stage}`", '"noise of stage 0"'],
      ["the noise of training when testing", 'purpose === "test" ? "noise of the test" : ', ""],
    ],
    "src/step/step.ts": [["the same noise at every step", "draw ?? this.#count", "draw ?? 1"]],
    "scripts/sparse.ts": [
      ["another reduction", 'reduction: "mean"', 'reduction: "sum"'],
      ["a penalty ten times as large", "number(7.5e-5,", "number(7.5e-4,"],
      ["mean activations of clean images", '{ purpose: "test", stage }', '{ purpose: "encode", stage }'],
    ],
    "src/evaluate/layerwise.ts": [
      ["a stage's end without its penalty", "reconstruction + penalty * sparsity", "reconstruction"],
    ],
  },
  "sparse-mask": {
    "src/train/training.ts": [
      ["nothing frozen", "config.freeze === true", "false"],
      ["one schedule for all stages", "this.#rate(stepsOf(stage))", "this.#rate(this.steps)"],
    ],
    "src/optim/schedule.ts": [
      ["warm-up off by one", "(step + 1) / warmUpSteps", "step / warmUpSteps"],
      ["a cosine one step ahead", "Math.min(1, step / steps)", "Math.min(1, (step + 1) / steps)"],
      ["a cosine that counts the warm-up", "then(step - warmUpSteps, ", "then(step, "],
    ],
    "src/step/compile.ts": [[
      "clipping after the update",
      "dispatches.push(optimizer.update(",
      "dispatches.splice(dispatches.length - (clipping ? trained.length + 1 : 0), 0, optimizer.update(",
    ]],
    "src/evaluate/sparsity.ts": [
      ["the mean activation of the last batch", "units[unit] += share * value", "units[unit] = value"],
    ],
  },
  "tied": {
    "src/recipe/recipe.ts": [[
      "centered by the first image",
      "meanImage(train.images, width)",
      "meanImage(train.images.subarray(0, width), width)",
    ]],
    "src/train/training_run.ts": [["the same shuffle each epoch", "seed, run.epoch)", "seed, 1)"]],
    "src/data/shuffle.ts": [
      ["the last partial batch left out", "Math.ceil(count / batchSize)", "Math.floor(count / batchSize)"],
    ],
    "src/data/own_data.ts": [[
      "another split",
      'permutation(count, seed, 0, "split")',
      'permutation(count, seed, 1, "split")',
    ]],
    "scripts/tied.ts": [["the mean instead of the sum", 'reduction: "sum"', 'reduction: "mean"']],
  },
  "tied-gelu": {
    "scripts/tied.ts": [
      [
        "Adam's flags ignored",
        "optimizer: adam,",
        "optimizer: ({ learningRate }) => adam({ learningRate }),",
      ],
    ],
    "src/optim/adam.ts": [[
      "β1 and β2 exchanged",
      "const [beta1, beta2] = betas",
      "const [beta2, beta1] = betas",
    ]],
  },
  "vae": {
    "src/evaluate/variational.ts": [
      ["the bound without noise", 'network({ purpose: "test" })', 'network({ purpose: "encode" })'],
    ],
    "src/evaluate/code_space.ts": [
      ["units that hardly vary counted as active", "ACTIVE_VARIANCE = 0.01", "ACTIVE_VARIANCE = 0.0001"],
    ],
    "scripts/vae.ts": [[
      "losses of a batch, not of an image",
      "step.readLosses().then(perImage)",
      "step.readLosses()",
    ]],
  },
  "vae-beta": {
    "scripts/vae.ts": [["β left out", "reduction, weight: beta }", "reduction }"]],
    "src/graph/parameters.ts": [
      ["weights of seed 0", "new RandomStream(this.seed, name)", "new RandomStream(0, name)"],
    ],
    "src/optim/clip.ts": [["clipped to twice the norm", "most: maxNorm }", "most: 2 * maxNorm }"]],
  },
  "matched": {
    "scripts/matched.ts": [
      ["PyTorch's ε instead of the page's", "adamFlags({ epsilon: 1e-7 })", "adamFlags()"],
      ["the innermost level left out", "for (let k = 1; k < depth &&", "for (let k = 1; k < depth - 1 &&"],
      ["levels in the wrong order", "decoded: mirrors[k] }", "decoded: values[k] }"],
    ],
    "src/stats/standard_deviation.ts": [[
      "the spread without its mean",
      "(values[k] - means[k % width])",
      "values[k]",
    ]],
  },
  "matched-bce-local": {
    "scripts/matched.ts": [[
      "gradients through all levels",
      "local ? detach(graph,",
      "!local ? detach(graph,",
    ]],
  },
};

export const LOOP_FAULTS: readonly LoopFault[] = Object.entries(IN_LOOPS).flatMap(([trace, files]) =>
  Object.entries(files).flatMap(([file, faults]) =>
    faults.map(([fault, text, becomes]) => ({ trace, file, fault, text, becomes }))
  )
);

/**
 * Faults that a device or driver might have: name of the self-test that must notice it, the test's shader in
 * `src/check/self_tests/`, description, original and faulty text.
 */
export const DEVICE_FAULTS = [
  [
    "workgroup barriers",
    "barriers",
    "no barrier before the rounds",
    /workgroupBarrier\(\);(?= \/\/ before)/,
    "",
  ],
  [
    "workgroup barriers",
    "barriers",
    "no barrier after reading",
    /workgroupBarrier\(\); \/\/ after reading/,
    "",
  ],
  [
    "workgroup barriers",
    "barriers",
    "no barrier after writing",
    /workgroupBarrier\(\); \/\/ after writing/,
    "",
  ],
  ["order of dispatches", "dispatch_order", "other words are stale", "* 1664525u + x[", "* 1664525u + y["],
  [
    "tree reduction",
    "tree_reduction",
    "no barrier in the tree",
    /(\+ half\]; \}\n.*)workgroupBarrier\(\);/,
    "$1",
  ],
  ["tree reduction", "tree_reduction", "one term lost", "var term = 0u", "var term = 1u"],
  ["tree reduction", "tree_reduction", "additions rounded too early", "sum += x[", "sum += 1e-7 + x["],
  ["exact integers", "integers", "products computed in float32", "= a * b;", "= u32(f32(a) * f32(b));"],
  ["exact integers", "integers", "sums that saturate", "= a + b;", "= a + min(b, 0xffffffffu - a);"],
  ["exact integers", "integers", "a lost carry", " + (other >> 16u)", ""],
  [
    "exact integers",
    "integers",
    "arithmetic right shift",
    "a >> (b & 31u)",
    "bitcast<u32>(bitcast<i32>(a) >> (b & 31u))",
  ],
  ["exact integers", "integers", "conversion that truncates", "f32(a & 0xffffffu)", "f32(a & 0xfffffeu)"],
  ["functions", "functions", "inaccurate exp", "exp(number)", "exp(number) * 1.0001"],
  ["functions", "functions", "inaccurate log", "log(number)", "log(number) + 1e-6"],
  ["functions", "functions", "inaccurate tanh", "tanh(number)", "tanh(number) + 2e-5"],
  ["functions", "functions", "inaccurate sqrt", "sqrt(number)", "sqrt(number) * 1.000001"],
  ["functions", "functions", "inaccurate division", "1.0 / number", "1.000001 / number"],
  ["functions", "functions", "NaN where a number should be", "exp(number)", "sqrt(-1.0 - abs(number))"],
  [
    "NaN and infinity",
    "special_values",
    "ReLU that saturates",
    "select(number, 0.0, number <= 0.0)",
    "min(select(number, 0.0, number <= 0.0), 3e38)",
  ],
  ["NaN and infinity", "special_values", "sums that drop NaN", "2.0 * number", "2.0 * max(number, -3e38)"],
  [
    "NaN and infinity",
    "special_values",
    "NaN tested by comparison",
    /\(bitcast<u32>\(number\).*0x7f800000u\b/,
    "number != number",
  ],
  [
    "NaN and infinity",
    "special_values",
    "tanh computed by exp",
    /tanh\(select\(.*\)\)(?=;)/,
    "(exp(2.0 * number) - 1.0) / (exp(2.0 * number) + 1.0)",
  ],
  [
    "NaN and infinity",
    "special_values",
    "overflow that saturates",
    "= exp(number);",
    "= min(exp(number), 3e38);",
  ],
  [
    "repeatability",
    "repeatability",
    "the earlier contents remain",
    "y[invocation.x] =",
    "y[invocation.x] +=",
  ],
  ["bounds", "bounds", "reads reach foreign words", "= inside[place];", "= guard[place % 64u];"],
  ["bounds", "bounds", "writes reach foreign words", "inside[place] = MARK;", "guard[place % 64u] = MARK;"],
  [
    "bounds",
    "bounds",
    "a shader that does not compile",
    "seen[invocation.x] =",
    "seen[invocation.x] = 1.0 +",
  ],
] as const;

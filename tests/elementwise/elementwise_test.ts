// Activations and losses that users write, on the GPU, and refused where they are wrong.
// tests/gradients/kernels_test.ts holds them to the reference.
import assert from "node:assert/strict";
import { formatGradcheck } from "../../src/check/format_gradcheck.ts";
import { gradcheck } from "../../src/check/gradcheck.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { activationOf, type ElementwiseActivation } from "../../src/elementwise/activation.ts";
import {
  ACTIVATION_NAMES,
  type ActivationLike,
  type ActivationName,
  resolveActivation,
} from "../../src/elementwise/activation_names.ts";

import { gelu } from "../../src/elementwise/gelu.ts";
import { huber } from "../../src/elementwise/huber.ts";
import { leakyRelu } from "../../src/elementwise/leaky_relu.ts";
import { lossOf } from "../../src/elementwise/loss.ts";
import { silu } from "../../src/elementwise/silu.ts";
import { softplus } from "../../src/elementwise/softplus.ts";
import { SPECIAL_FUNCTIONS } from "../../src/elementwise/special_functions.ts";
import { InputError, ShaderError } from "../../src/errors.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph, type LossTerm } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { formatPlan } from "../../src/step/plan.ts";
import type { Value } from "../../src/graph/tensor.ts";
import { activation } from "../../src/layers/activation.ts";
import { add } from "../../src/layers/add.ts";
import { dense } from "../../src/layers/dense.ts";
import { detach } from "../../src/layers/detach.ts";
import { tiedDense } from "../../src/layers/tied_dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { BELL, OFFSET } from "../../src/check/every_op.ts";
import { LEAKY, measure } from "../helpers/activation.ts";
import { assertAgreesWithReference } from "../helpers/agreement.ts";
import { assertAllClose, gpuTest, randomFloats, withGpu } from "../helpers/gpu.ts";

gpuTest("NaN passes the Huber loss", async (gpu) => {
  const graph = new Graph(1);
  using parameters = new Parameters(0);
  const [y, t] = [graph.input("y", 2), graph.input("t", 2)];
  const losses = [huber(graph, y, t, { label: "loss", reduction: "sum" })];
  using step = await compile(gpu, graph, parameters, { label: "poisoned", losses, gradients: [y, t] });
  step.upload(y, Float32Array.of(NaN, 1));
  step.run({ first: 0, rows: 1 });
  const gradients = await step.readValueGradients([y, t], 1);
  assert.deepEqual(gradients.map((d) => [...d]), [[NaN, 1], [NaN, -1]]);
  await assert.rejects(step.readLosses(), /loss "loss" is NaN/);
});

gpuTest("a loss between a value and itself never binds one gradient twice", async (gpu) => {
  const graph = new Graph(2);
  using parameters = new Parameters(0);
  const x = graph.input("x", 3);
  const losses = [OFFSET(graph, x, x, { label: "loss", reduction: "sum" })];
  using step = await compile(gpu, graph, parameters, { label: "itself", losses, gradients: [x] });
  const written = step.dispatches.map(({ writes }) =>
    writes.filter((tensor) => tensor === x.gradient).length
  );
  assert.deepEqual(written, [1, 1, 0], "one by one, and the loss's total");
});

gpuTest("padding stays 0 where f and f' are infinite at 0", async (gpu) => {
  const logarithm = activationOf({
    name: "logarithm",
    forward: "log(x)",
    derivative: "1.0 / x",
    reference: { forward: Math.log, derivative: (x) => 1 / x },
  });
  const graph = new Graph(4);
  using parameters = new Parameters(0);
  const x = graph.input("x", 3), target = graph.input("target", 3);
  const sum = add(graph, activation(graph, x, { label: "y", activation: logarithm }), x, { label: "sum" });
  const losses = [huber(graph, sum, target, { label: "loss", reduction: "mean" })];
  const given = new Map([[x, randomFloats("x", 9, 0.5, 2)], [target, randomFloats("target", 9)]]);
  await assertAgreesWithReference(gpu, graph, parameters, { losses, inputs: given }, 3, "logarithm");
});

gpuTest("rows past the batch's are neither read nor written", async (gpu) => {
  const graph = new Graph(4);
  using parameters = new Parameters(0);
  const x = graph.input("x", 5), target = graph.input("target", 5);
  const y = activation(graph, x, { label: "y", activation: BELL });
  const losses = [OFFSET(graph, y, target, { label: "loss", reduction: "sum" })];
  using step = await compile(gpu, graph, parameters, { label: "rows", losses, gradients: [x, target] });
  const run = async (name: string, rows: number) => {
    step.upload(x, randomFloats(`x ${name}`, 20));
    step.upload(target, randomFloats(`target ${name}`, 20));
    step.run({ first: 0, rows });
    const [[made], gradients] = await Promise.all([
      step.read([y], 4),
      step.readValueGradients([x, y, target], 4),
    ]);
    return [made, ...gradients];
  };
  const first = await run("first", 4), second = await run("second", 3);
  first.forEach((before, k) => {
    assert.deepEqual(second[k].subarray(15), before.subarray(15), "the last row is as it was");
    assert.notDeepEqual(second[k].subarray(10, 15), before.subarray(10, 15), "the one before is new");
  });
});

gpuTest("two ops stay two: of one name with other texts, and of one text with other names", async (gpu) => {
  const scaled = (name: string, factor: string, k: number) =>
    activationOf({
      name,
      forward: `${factor} * x`,
      derivative: factor,
      reference: { forward: (x) => k * x, derivative: () => k },
    });
  const x = Float32Array.of(1, -2, 3);
  const pairs = [[scaled("a", "2.0", 2), 2], [scaled("a", "3.0", 3), 3], [scaled("b", "3.0", 3), 3]] as const;
  const graph = new Graph(3);
  using parameters = new Parameters(0);
  const input = graph.input("x", 1);
  const values = pairs.map(([f], k) => activation(graph, input, { label: `y${k}`, activation: f }));
  using step = await compile(gpu, graph, parameters, { label: "two", outputs: values });
  step.upload(input, x);
  step.run({ first: 0, rows: 3 });
  const read = await step.read(values, 3);
  assert.deepEqual(read.map((y) => [...y]), pairs.map(([, k]) => [...x].map((number) => k * number)));
});

gpuTest("constants are the same float32 on the GPU and in the reference", async (gpu) => {
  const f = activationOf({
    name: "constants",
    forward: "x * (small + large) + whole",
    derivative: "small + large",
    constants: { small: 1.1e-30, large: 1.1e30, whole: -3 },
    reference: {
      forward: (x, c) => x * (c.small + c.large) + c.whole,
      derivative: (_x, c) => c.small + c.large,
    },
  });
  const [y, slope] = await measure(gpu, f, Float32Array.of(0, 1));
  assert.deepEqual([...y], [0, 1].map((x) => Math.fround(f.reference.forward(x))));
  assert.equal(slope[0], Math.fround(f.reference.derivative(0)));
  assert.notEqual(f.reference.derivative(0), 1.1e30, "the reference has it rounded");
});

gpuTest("a layer with an op has a fused layer's parameters, and a plan that reads well", async (gpu) => {
  const graph = new Graph(2);
  using parameters = new Parameters(0);
  const x = graph.input("x", 3);
  const options = { outputs: 5, activation: LEAKY, initializer: "pytorch-linear" } as const;
  const h = dense(graph, parameters, x, { label: "encoder.0", ...options });
  const y = dense(graph, parameters, h, { label: "decoder", name: "decoder.0", ...options, outputs: 3 });
  assert.deepEqual(parameters.all.map(({ name }) => name), [
    "encoder.0.weight",
    "encoder.0.bias",
    "decoder.0.weight",
    "decoder.0.bias",
  ]);
  assert.deepEqual([h.label, y.label], ["encoder.0", "decoder"]);
  const losses = [huber(graph, y, x, { label: "loss", reduction: "mean" })];
  using step = await compile(gpu, graph, parameters, { label: "plan", losses, trainable: parameters.all });
  const labels = formatPlan(step, Infinity).split("\n").map((line) => line.split(/ {2,}/)[1]);
  assert.deepEqual(labels.filter((label) => label.startsWith("encoder")), [
    "encoder.0 sums forward",
    "encoder.0 leaky forward",
    "encoder.0 leaky backward",
    "encoder.0 sums backward weight",
  ]);
});

/** What is wrong with a declaration, and what the error says. */
const DECLARATIONS: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
  [
    "no derivative",
    { derivative: undefined },
    /"leaky": expected "derivative" to be a WGSL expression in x but/,
  ],
  ["an empty expression", { forward: " // nothing" }, /expected "forward" to be a WGSL expression in x but/],
  [
    "a function for an expression",
    { forward: () => 1 },
    /"forward" to be a WGSL expression in x but received a fun/,
  ],
  ["a statement", { forward: "return x;" }, /"forward" to be one WGSL expression .* leave out ; \{ and \}/],
  ["a missing parenthesis", { forward: "max(x, 0.0" }, /received "max\(x, 0.0"; add the missing \)$/],
  ["a parenthesis too many", { forward: "x) + (1.0" }, /remove the extra \)$/],
  [
    "an expression in the kernel's own variables",
    { derivative: "1.0 - y * y" },
    /"derivative" without the kernel's own "y" but received "1.0 - y \* y"; use the arguments/,
  ],
  [
    "functions in the kernel's own variables",
    { functions: "fn f(a: vec4f) -> f32 { return a.y + d_x[0].y; }" },
    /"functions" without the kernel's own "d_x" but/,
  ],
  ["no name", { name: "" }, /^Cannot make activation: expected a name of up to 40 characters without/],
  ["a name of two lines", { name: "a\nb" }, /expected a name .* received "a\\nb"/],
  [
    "no twin",
    { reference: { forward: () => 0 } },
    /"reference.derivative" to be a function of x but received nothing/,
  ],
  [
    "no reference",
    { reference: undefined },
    /"reference.forward" to be a function of x but received nothing/,
  ],
  [
    "a field that nobody knows",
    { kink: [0] },
    /expected only name, .* but received "kink"; see how it is spelled/,
  ],
  [
    "a constant that is infinite in float32",
    { constants: { a: 1e39 } },
    /constant "a" to be a number that float32/,
  ],
  [
    "a constant that is 0 in float32",
    { constants: { a: 1e-60 } },
    /constant "a" to be a number that float32 holds/,
  ],
  [
    "a constant that is no number",
    { constants: { a: "1" } },
    /constant "a" to be a number that float32 holds/,
  ],
  [
    "a constant named as the argument",
    { constants: { x: 1 } },
    /names .* other than the arguments' but received "x"/,
  ],
  [
    "a constant that is no identifier",
    { constants: { "a b": 1 } },
    /to be WGSL identifiers but received "a b"/,
  ],
  [
    "a constant that the shader uses",
    { constants: { layer: 1 } },
    /that the shader does not use but received "layer"/,
  ],
  [
    "a constant named as a function",
    { constants: { select: 1 } },
    /the shader does not use but received "select"/,
  ],
  [
    "a helper that the shader has",
    { functions: "fn derivative(x: f32) -> f32 { return x; }" },
    /"derivative"; choose/,
  ],
  ["kinks that are no numbers", { kinks: [NaN] }, /"kinks" to be finite numbers but received \[null\]/],
];

Deno.test.each(DECLARATIONS)("activationOf refuses %s", (_what, change, message) => {
  const declaration = {
    name: "leaky",
    forward: "x",
    derivative: "1.0",
    reference: { forward: (x: number) => x, derivative: () => 1 },
  };
  activationOf(declaration);
  assert.throws(() => activationOf({ ...declaration, ...change }), (error: unknown) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, message);
    return true;
  });
});

Deno.test("names that the text declares itself are its own, whatever the kernel calls so", () => {
  activationOf({
    name: "own names",
    forward: "f(x) // y",
    derivative: "1.0",
    functions:
      "fn f(y: f32) -> f32 { let layer = vec2f(y); return layer.x + layer.y - y; } /* WORKGROUP_SIZE */",
    reference: { forward: (x) => x, derivative: () => 1 },
  });
});

Deno.test("lossOf refuses a derivative without its twin, and a twin without its derivative", () => {
  const declaration = {
    name: "l",
    value: "y",
    byPrediction: "1.0",
    reference: { value: (y: number) => y, byPrediction: () => 1 },
  };
  const twin = { ...declaration.reference, byTarget: () => 0 };
  lossOf({ ...declaration, byTarget: "0.0", reference: twin });
  assert.throws(
    () => lossOf({ ...declaration, byTarget: "0.0" }),
    /loss "l": expected "reference.byTarget" to be a/,
  );
  assert.throws(
    () => lossOf({ ...declaration, reference: twin }),
    /loss "l": expected "byTarget" to be a WGSL expression in y and t/,
  );
});

Deno.test("shipped functions refuse settings that they have no meaning for", () => {
  const graph = new Graph(1);
  const x = graph.input("x", 1);
  assert.throws(() => softplus({ beta: 0 }), /Cannot make softplus: expected beta above 0 but received 0/);
  assert.throws(
    () => huber(graph, x, x, { label: "l", reduction: "sum", delta: NaN }),
    /expected delta above 0/,
  );
  assert.throws(() => leakyRelu({ slope: Infinity }), /constant "slope" to be a number that float32 holds/);
});

Deno.test("layers refuse activations that nobody made", () => {
  const graph = new Graph(1);
  using parameters = new Parameters(0);
  const x = graph.input("x", 2);
  dense(graph, parameters, x, { label: "w", outputs: 2, activation: "tanh", initializer: "pytorch-linear" });
  for (const wrong of ["gelo", "constructor", undefined, { name: "gelu", forward: "x" }]) {
    const made = wrong as ActivationLike;
    const options = { label: "h", outputs: 2, activation: made, initializer: "pytorch-linear" } as const;
    const message =
      /Cannot record "h": expected an activation \(identity, sigmoid, tanh, relu, leaky-relu, .*, or a result of activationOf/;
    assert.throws(() => dense(graph, parameters, x, options), message);
    assert.throws(() => tiedDense(graph, parameters, x, { ...options, weight: "w.weight" }), message);
    assert.throws(() => activation(graph, x, options), message);
  }
});

Deno.test("layers take every shipped activation by its name", () => {
  const named: Partial<Record<ActivationName, string>> = {
    "leaky-relu": "leaky ReLU",
    elu: "ELU",
    softplus: "softplus",
    silu: "SiLU",
    gelu: "GELU",
    "gelu-tanh": "GELU tanh",
  };
  for (const name of ACTIVATION_NAMES) {
    const graph = new Graph(1);
    using parameters = new Parameters(0);
    const x = graph.input("x", 2);
    const options = { label: "h", outputs: 2, activation: name, initializer: "pytorch-linear" } as const;
    dense(graph, parameters, x, options);
    tiedDense(graph, parameters, x, { ...options, label: "t", weight: "h.weight" });
    activation(graph, x, { label: "a", activation: name });
    for (const label of ["h", "t", "a"]) {
      const node = graph.nodes.find((node) => node.label === label)!;
      assert.equal(node.elementwise?.name ?? node.attributes.activation, named[name] ?? name, label);
    }
  }
  assert.equal(resolveActivation("h", "gelu"), gelu);
});

/** Where a mistake is, in a declaration that is right otherwise, and where the error points. */
const MISTAKES: readonly (readonly [string, Record<string, unknown>, string, string])[] = [
  [
    "an unknown name",
    { forward: "max(slop * x, x)" },
    'forward of activation "leaky":1:5: no definition in scope for identifier: `slop`',
    "max(slop * x, x)\n        ^",
  ],
  [
    "a mistake in a second line",
    { derivative: "select(\n  1.0,\n  select(0.5, y0, x > 1.0), x > 0.0)" },
    'derivative of activation "leaky":3:15: ',
    "select(0.5, y0, x > 1.0), x > 0.0)\n                ^",
  ],
  ["a syntax error", { forward: "x * * 2.0 +" }, 'forward of activation "leaky":', "^"],
  [
    "a number of another type",
    { forward: "x > 0.0" },
    'forward of activation "leaky":1:1: ',
    "the type of `forward` is expected to be `f32`, but got `bool`",
  ],
  [
    "a mistake in a helper",
    { functions: "\nfn double(x: f32) -> f32 {\n  return two * x;\n}", forward: "double(x)" },
    'functions of activation "leaky":3:10: no definition in scope for identifier: `two`',
    "return two * x;\n           ^",
  ],
  [
    "an expression that stops too early",
    { forward: "select(slope, 1.0, x > 0.0)\n  + x *", constants: { slope: 0.5 } },
    'forward of activation "leaky":2:8: ',
    "+ x *\n         ^",
  ],
  [
    "a helper that is not closed",
    { functions: "fn twice(x: f32) -> f32 {\n  return 2.0 * x;\n", forward: "twice(x)" },
    'functions of activation "leaky":1:25: this { is not closed',
    "fn twice(x: f32) -> f32 {",
  ],
  [
    "a comment that is not closed",
    { forward: "x /* the identity" },
    'forward of activation "leaky":1:3: this comment is not closed',
    "x /*",
  ],
  [
    "a reserved word",
    { constants: { target: 1 } },
    'constants of activation "leaky":1:7: name `target` is a reserved keyword',
    "target: f32 = 1.0;\n          ^",
  ],
];

Deno.test.each(MISTAKES)(
  "an error points into the expression: %s",
  (_what, change, place, excerpt) =>
    withGpu(async (gpu) => {
      const wrong = activationOf({
        name: "leaky",
        forward: "x",
        derivative: "1.0",
        reference: { forward: (x) => x, derivative: () => 1 },
        ...change,
      });
      const graph = new Graph(1);
      using parameters = new Parameters(0);
      const y = activation(graph, graph.input("x", 1), { label: "y", activation: wrong });
      await assert.rejects(
        compile(gpu, graph, parameters, { label: "wrong", outputs: [y] }),
        (error: unknown) => {
          assert.ok(error instanceof ShaderError, String(error));
          assert.ok(error.message.startsWith(`Cannot compile ${place}`), error.message);
          assert.ok(error.message.includes(excerpt), error.message);
          return true;
        },
      );
    }),
);

gpuTest("a target's gradient that a loss lacks is an error that says what to add", async (gpu) => {
  const absolute = lossOf({
    name: "absolute error",
    value: "abs(y - t)",
    byPrediction: "sign(y - t)",
    reference: { value: (y, t) => Math.abs(y - t), byPrediction: (y, t) => Math.sign(y - t) },
    kinks: [0],
  });
  const graph = new Graph(2);
  using parameters = new Parameters(0);
  const x = graph.input("x", 3);
  const layer = { outputs: 3, activation: "tanh", initializer: "pytorch-linear" } as const;
  const [a, b] = ["a", "b"].map((label) => dense(graph, parameters, x, { label, ...layer }));
  const losses = [absolute(graph, a, b, { label: "match", reduction: "mean" })];
  const options = { label: "step", trainable: parameters.all };
  await assert.rejects(compile(gpu, graph, parameters, { ...options, losses }), (error: unknown) => {
    assert.ok(error instanceof InputError);
    assert.match(
      error.message,
      /^Cannot compile absolute error "match": its target "b" needs a gradient, .* "byTarget"/,
    );
    return true;
  });
  const still = detach(graph, b, { label: "still" });
  const others = [absolute(graph, a, still, { label: "other", reduction: "mean" })];
  using step = await compile(gpu, graph, parameters, {
    label: "step",
    trainable: parameters.all.filter(({ name }) => name.startsWith("a.")),
    losses: others,
  });
  step.run({ first: 0, rows: 2 });
  await step.readLosses();
  assert.throws(
    () => absolute(graph, a, graph.input("wide", 4), { label: "l", reduction: "sum" }),
    TypeError,
  );
});

/** gradcheck of a network with one op and one loss. */
function check(gpu: Gpu, f: ElementwiseActivation, loss: typeof OFFSET) {
  return gradcheck(gpu, () => (graph, parameters, pixels) => {
    const layer = (label: string, x: Value, outputs: number, activation: ActivationLike) =>
      dense(graph, parameters, x, { label, outputs, activation, initializer: "pytorch-linear" });
    const code = layer("encoder", pixels, 5, f);
    const output = layer("decoder", code, pixels.width, "sigmoid");
    return { code, output, losses: [loss(graph, output, pixels, { label: "loss", reduction: "mean" })] };
  }, { widths: [9], rows: [5], seed: 1, steps: 10, optimizer: adam({ learningRate: 1e-2 }) });
}

gpuTest(
  "gradcheck passes a user's op and loss, and fails a wrong derivative at its parameters",
  async (gpu) => {
    const right = { name: "squares", value: "(y - t) * (y - t)" } as const;
    const squares = (byPrediction: string) =>
      lossOf({
        ...right,
        byPrediction,
        reference: { value: (y, t) => (y - t) ** 2, byPrediction: (y, t) => 2 * (y - t) },
      });
    const swish = (derivative: string) =>
      activationOf({
        name: "swish",
        forward: "x * logistic(x)",
        derivative,
        functions: SPECIAL_FUNCTIONS,
        reference: silu.reference,
      });
    const f = swish("logistic(x) * (1.0 + x * logistic(-x))"), l = squares("2.0 * (y - t)");
    const passed = await check(gpu, f, l);
    assert.ok(passed.passed, formatGradcheck(passed));
    const wrongOp = await check(gpu, swish("logistic(x) * (1.0 - x * logistic(-x))"), l);
    assert.deepEqual(failures(wrongOp), ["encoder.weight", "encoder.bias"]);
    const wrongLoss = await check(gpu, f, squares("y - t"));
    assert.deepEqual(failures(wrongLoss), [
      "encoder.weight",
      "encoder.bias",
      "decoder.weight",
      "decoder.bias",
    ]);
    function failures(report: typeof passed): string[] {
      assert.equal(report.passed, false, formatGradcheck(report));
      const initial = report.rows.filter(({ state }) => state === "initial");
      return initial.filter(({ verdict }) => verdict === "FAILED").map(({ parameter }) => parameter);
    }
  },
);

gpuTest("training with an op repeats to the bit and learns", async (gpu) => {
  const train = async () => {
    const graph = new Graph(8);
    using parameters = new Parameters(3);
    const x = graph.input("x", 7);
    const layer = { activation: gelu, initializer: "pytorch-linear" } as const;
    const h = dense(graph, parameters, x, { label: "h", outputs: 5, ...layer });
    const y = dense(graph, parameters, h, { label: "y", outputs: 7, ...layer, activation: "sigmoid" });
    const losses = [squaredError(graph, y, x, { label: "loss", reduction: "mean" })] as readonly LossTerm[];
    using step = await compile(gpu, graph, parameters, {
      label: "trained",
      losses,
      trainable: parameters.all,
      optimizer: adam({ learningRate: 0.02 }),
    });
    step.upload(x, randomFloats("trained", 56, 0, 1));
    for (let k = 0; k < 60; k++) step.run({ first: 0, rows: 8 });
    return [...(await step.readLosses()).values.loss];
  };
  const first = await train();
  assert.deepEqual(await train(), first);
  assert.ok(first[59] < 0.5 * first[0], `${first[0]} → ${first[59]}`);
  assertAllClose("loss", [first[0]], [0.09], [1], 0.05 + TOLERANCES.forwardElement);
});

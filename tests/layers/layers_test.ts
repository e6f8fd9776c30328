import assert from "node:assert/strict";
import { formatGradcheck } from "../../src/check/format_gradcheck.ts";
import { gradcheck } from "../../src/check/gradcheck.ts";
import { runReference } from "../../src/check/reference_graph.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph, type LossTerm } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Activation, Value } from "../../src/graph/tensor.ts";
import { activation } from "../../src/layers/activation.ts";
import { add } from "../../src/layers/add.ts";
import { dense } from "../../src/layers/dense.ts";
import { detach } from "../../src/layers/detach.ts";
import { addNoise, parseNoise, standardNormal } from "../../src/layers/noise.ts";
import { reparameterize } from "../../src/layers/reparameterize.ts";
import { subtractRow } from "../../src/layers/subtract_row.ts";
import { tiedDense } from "../../src/layers/tied_dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import {
  assertAllClose,
  bitsOf,
  gpuTest,
  randomFloats,
  relabel,
  retile,
  withKernels,
} from "../helpers/gpu.ts";

const ACTIVATIONS: readonly Activation[] = ["identity", "sigmoid", "tanh", "relu"];
const LAYER = { initializer: "pytorch-linear" } as const;

/** Inputs as images have them: exact zeros and ones among others, and negatives. */
function awkward(name: string, count: number): Float32Array<ArrayBuffer> {
  return randomFloats(name, count).map((x, k) => k % 5 === 1 ? 0 : k % 7 === 2 ? 1 : x);
}

const BATCH = 16;

gpuTest("tiedDense() trains what is trainable: the bias alone, or the weight alone", async (gpu) => {
  const graph = new Graph(BATCH);
  using parameters = new Parameters(4);
  const x = graph.input("x", 6);
  const code = dense(graph, parameters, x, { ...LAYER, label: "e", outputs: 3, activation: "tanh" });
  const y = tiedDense(graph, parameters, code, {
    ...LAYER,
    label: "d",
    weight: "e.weight",
    activation: "tanh",
  });
  const losses = [squaredError(graph, y, x, { label: "loss", reduction: "sum" })];
  const given = randomFloats("x", 5 * 6);
  const reference = runReference(graph, losses, {
    parameters: new Map([...await parameters.read()].map(([name, v]) => [name, Float64Array.from(v)])),
    inputs: new Map([["x", Float64Array.from(given)]]),
    rows: 5,
  });
  for (const name of ["d.bias", "e.weight"]) {
    const trainable = parameters.all.filter((parameter) => parameter.name === name);
    using step = await compile(gpu, graph, parameters, { label: name, losses, trainable });
    step.upload(x, given);
    step.run({ first: 0, rows: 5 });
    const expected = reference.gradients.get(name)!;
    assertAllClose(name, (await step.readGradients()).get(name)!, expected, [expected.length], 1e-5);
    const entries = step.dispatches.map(({ entryPoint }) => entryPoint);
    assert.equal(entries.includes("dense_backward_weight"), name === "e.weight");
    assert.equal(entries.includes("dense_backward_bias"), name === "d.bias");
  }
});

Deno.test("tiedDense() names the weight that it cannot use", () => {
  const graph = new Graph(1);
  const parameters = new Parameters(0);
  const x = graph.input("x", 6);
  const code = dense(graph, parameters, x, { ...LAYER, label: "e", outputs: 3, activation: "tanh" });
  const options = { ...LAYER, label: "d", activation: "tanh" } as const;
  assert.throws(() => tiedDense(graph, parameters, code, { ...options, weight: "f.weight" }), {
    name: "TypeError",
    message: 'Cannot tie "d" to "f.weight": expected a weight [3, outputs] but found none of that name',
  });
  assert.throws(() => tiedDense(graph, parameters, x, { ...options, weight: "e.weight" }), {
    name: "TypeError",
    message: 'Cannot tie "d" to "e.weight": expected a weight [6, outputs] but found [3, 6]',
  });
  assert.throws(() => tiedDense(graph, parameters, code, { ...options, weight: "e.bias" }), /found \[3\]/);
});

Deno.test("layers refuse values of other widths", () => {
  const graph = new Graph(1);
  const [two, three] = [graph.input("two", 2), graph.input("three", 3)];
  assert.throws(() => add(graph, two, three, { label: "sum" }), {
    name: "TypeError",
    message: 'Cannot record add "sum": expected a second value [B, 2] but received [B, 3]',
  });
  assert.throws(
    () => reparameterize(graph, two, three, two, { label: "z" }),
    /TypeError.*\[B, 3\] and \[B, 2\]/,
  );
  assert.throws(
    () => reparameterize(graph, two, two, three, { label: "z" }),
    /TypeError.*\[B, 2\] and \[B, 3\]/,
  );
});

gpuTest("subtractRow() refuses a row of another width", () => {
  const row = [1, 2, 3];
  const graph = new Graph(1);
  assert.throws(() => subtractRow(graph, graph.input("x", 2), { label: "y", row }), {
    name: "TypeError",
    message: 'Cannot record subtract row "y": expected a row [2] but received [3]',
  });
});

gpuTest(
  "detach() needs no dispatch and no memory, and nobody computes a gradient for it",
  (gpu) =>
    withKernels(gpu, "register", async () => {
      const graph = new Graph(4);
      using parameters = new Parameters(0);
      const x = graph.input("x", 4);
      const h = dense(graph, parameters, x, { ...LAYER, label: "h", outputs: 4, activation: "tanh" });
      const still = detach(graph, h, { label: "still" });
      const y = dense(graph, parameters, still, { ...LAYER, label: "y", outputs: 4, activation: "tanh" });
      const loss = squaredError(graph, y, x, { label: "loss", reduction: "sum" });
      const trainable = parameters.all.filter(({ name }) => name.startsWith("y"));
      using step = await compile(gpu, graph, parameters, { label: "detached", losses: [loss], trainable });
      assert.deepEqual(step.dispatches.map(({ label }) => label), [
        "h forward",
        "y forward",
        "loss and its gradient to y",
        "y backward weight",
        "loss total",
      ]);
      step.upload(x, awkward("x", 16));
      step.run({ first: 0, rows: 4 });
      const [of, same] = await step.read([h, still], 4);
      assert.deepEqual(bitsOf(same), bitsOf(of));
      // where h is trained by a loss of its own, that loss alone makes its gradient, whoever wants to see y's
      const own = squaredError(graph, h, x, { label: "own", reduction: "sum" });
      for (const [gradients, reader] of [[[], 0], [[still], 1]] as const) {
        using both = await compile(gpu, graph, parameters, {
          label: "both",
          losses: [loss, own],
          trainable: parameters.all,
          gradients,
        });
        const labels = both.dispatches.map(({ label }) => label);
        assert.equal(labels.filter((label) => label === "y backward input").length, reader);
        both.upload(x, awkward("x", 16));
        both.run({ first: 0, rows: 4 });
        const [gradient] = await both.readValueGradients([h], 4);
        const expected = of.map((y, k) => 2 * (y - awkward("x", 16)[k]) * (1 - y * y));
        assertAllClose("d_h", gradient, expected, [4, 4], 1e-6);
      }
      await assert.rejects(
        compile(gpu, graph, parameters, { label: "both", losses: [loss], trainable: parameters.all }),
        /TypeError: Cannot train "h.weight" in both: no loss depends on it/,
      );
    }),
);

gpuTest("a held value keeps what it is given, whatever it was made of", async (gpu) => {
  const graph = new Graph(4);
  using parameters = new Parameters(0);
  const x = graph.input("x", 2);
  const still = detach(graph, x, { label: "still" });
  const sum = add(graph, x, still, { label: "sum" });
  using step = await compile(gpu, graph, parameters, {
    label: "held",
    outputs: [sum, still],
    frozenValues: [still],
  });
  step.upload(still, Float32Array.of(10, 20));
  step.upload(x, Float32Array.of(1, 2));
  step.run({ first: 0, rows: 1 });
  const read = await step.read([sum, still, x], 1);
  assert.deepEqual(read.map((numbers) => [...numbers]), [[11, 22], [10, 20], [1, 2]]);
  using computed = await compile(gpu, graph, parameters, { label: "computed", outputs: [sum] });
  assert.throws(() => computed.upload(still, Float32Array.of(10, 20)), /RangeError: Cannot upload "still"/);
});

gpuTest("activation() passes NaN on and saturates at ±100", async (gpu) => {
  for (const f of ACTIVATIONS) {
    const graph = new Graph(1);
    using parameters = new Parameters(0);
    const x = graph.input("x", 4);
    const y = activation(graph, x, { label: "y", activation: f });
    using step = await compile(gpu, graph, parameters, { label: f, outputs: [y] });
    step.upload(x, Float32Array.of(NaN, 100, -100, 0));
    step.run({ first: 0, rows: 1 });
    const [[nan, high, low, zero]] = await step.read([y], 1);
    assert.ok(Number.isNaN(nan), f);
    const expected =
      { identity: [100, -100, 0], sigmoid: [1, 0, 0.5], tanh: [1, -1, 0], relu: [100, 0, 0] }[f];
    assertAllClose(f, [high, low, zero], expected, [3], 1e-6);
  }
});

gpuTest("tanh is right to float32's rounding near 0, wherever it is computed", async (gpu) => {
  const small = [1e-20, 1e-6, 1e-4, 1e-3, -3e-3, 0.01, 0.1, 0.3, -0.5, 0.62, 0.63, 0.7];
  const one = { outputs: 1, activation: "tanh", initializer: "glorot-uniform", bias: false } as const;
  const graph = new Graph(small.length);
  using parameters = new Parameters(0);
  const x = graph.input("x", 1);
  const y = activation(graph, x, { label: "y", activation: "tanh" });
  const z = dense(graph, parameters, x, { ...one, label: "z" });
  const t = tiedDense(graph, parameters, x, { ...one, label: "t", weight: "z.weight" });
  using step = await compile(gpu, graph, parameters, { label: "tanh", outputs: [y, z, t] });
  parameters.write("z.weight", Float32Array.of(1));
  step.upload(x, Float32Array.from(small));
  step.run({ first: 0, rows: small.length });
  for (const read of await step.read([y, z, t], small.length)) {
    read.forEach((value, k) => {
      const expected = Math.tanh(Math.fround(small[k]));
      const error = Math.abs(value / expected - 1);
      assert.ok(error < (Math.abs(small[k]) > 0.625 ? 1e-6 : 3e-7), `tanh(${small[k]}): off by ${error}`);
    });
  }
});

/** A network in which every path of every layer's shaders carries something. */
function everyLayer(graph: Graph, parameters: Parameters, pixels: Value, row: ArrayLike<number>): LossTerm[] {
  const seed = 6;
  const noisy = addNoise(graph, pixels, { label: "noisy", noise: parseNoise("uniform:1"), seed });
  const h = dense(graph, parameters, noisy, { ...LAYER, label: "encoder.0", outputs: 7, activation: "tanh" });
  const masked = addNoise(graph, h, { label: "masked", noise: parseNoise("mask:0.25"), seed });
  const again = addNoise(graph, h, { label: "masked again", noise: parseNoise("mask:0.4"), seed });
  const blurred = addNoise(graph, h, { label: "blurred", noise: parseNoise("gaussian:0.3"), seed });
  const centred = subtractRow(graph, add(graph, masked, again, { label: "both" }), { label: "centred", row });
  const sum = add(graph, centred, blurred, { label: "sum" });
  const layer = { ...LAYER, outputs: 5, activation: "tanh" } as const;
  const mean = dense(graph, parameters, sum, { ...layer, label: "mean" });
  const logVariance = dense(graph, parameters, sum, { ...layer, label: "log_variance" });
  const epsilon = dense(graph, parameters, standardNormal(graph, 5, { label: "normal", seed }), {
    ...layer,
    label: "epsilon",
  });
  const z = add(
    graph,
    reparameterize(graph, mean, logVariance, epsilon, { label: "z" }),
    reparameterize(graph, mean, logVariance, epsilon, { label: "z again" }),
    { label: "z twice" },
  );
  const hidden = addNoise(graph, z, { label: "hidden", noise: parseNoise("mask:0.1"), seed });
  const up = dense(graph, parameters, hidden, { ...LAYER, label: "up", outputs: 7, activation: "sigmoid" });
  const tied = { ...LAYER, label: "decoder.0", weight: "encoder.0.weight" } as const;
  const y = tiedDense(graph, parameters, up, { ...tied, activation: "sigmoid" });
  const logits = tiedDense(relabel(graph, " again"), parameters, up, { ...tied, activation: "identity" });
  const shown = activation(graph, logits, { label: "shown", activation: "sigmoid" });
  const bent = activation(graph, logits, { label: "bent", activation: "tanh" });
  const rectified = activation(graph, y, { label: "rectified", activation: "relu" });
  const still = detach(graph, h, { label: "still" });
  const side = dense(graph, parameters, still, {
    ...LAYER,
    label: "side",
    outputs: 7,
    activation: "sigmoid",
  });
  const loss = (label: string, of: Value, to: Value, weight: number) =>
    squaredError(graph, of, to, { label, reduction: "sum", weight });
  return [
    loss("of y", y, pixels, 0.5),
    loss("of shown", shown, pixels, 0.4),
    loss("of bent", bent, pixels, 0.2),
    loss("of rectified", rectified, pixels, 0.1),
    loss("of side", side, still, 0.3),
  ];
}

const ROW = Float32Array.from({ length: 7 }, (_, k) => 0.1 * k - 0.2);

gpuTest("gradcheck() passes a network of every layer, noise and detached values included", async (gpu) => {
  const row = ROW;
  const report = await gradcheck(
    gpu,
    () => (graph, parameters, pixels) => {
      const losses = everyLayer(graph, parameters, pixels, row);
      retile(graph, 3, 2);
      return { code: pixels, output: pixels, losses };
    },
    { widths: [18], rows: [4], seed: 3, steps: 5, optimizer: adam({ learningRate: 1e-2 }) },
  );
  assert.ok(report.passed, formatGradcheck(report));
});

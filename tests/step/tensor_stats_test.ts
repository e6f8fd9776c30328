// What is watched of the trained tensors, and what happens when a number is none.
import assert from "node:assert/strict";
import { Diverged } from "../../src/errors.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Step } from "../../src/step/step.ts";
import type { Activation, Value } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { sgd } from "../../src/optim/sgd.ts";
import { tensorNorm, updateRatio } from "../../src/reference/watch.ts";
import { bitsOf, gpuTest, randomFloats } from "../helpers/gpu.ts";
import type { Optimizer } from "../../src/step/update.ts";

const ROWS = 6, RATE = { learningRate: 0.01 };

interface Net {
  readonly step: Step;
  readonly x: Value;
}

interface Options {
  readonly optimizer?: Optimizer;
  /** Every step is watched if absent; null: `watch` is not given. */
  readonly watch?: ((index: number) => boolean) | null;
  readonly activation?: Activation;
  /** Weight of the loss: gradients are that much larger. */
  readonly weight?: number;
  /** Widths of the layers, of which the second is frozen. */
  readonly widths?: readonly number[];
}

async function net(
  gpu: Gpu,
  parameters: Parameters,
  { optimizer = adam(RATE), watch = () => true, activation = "tanh", weight = 1, widths = [9, 5, 7, 9] }:
    Options = {},
): Promise<Net> {
  const graph = new Graph(ROWS);
  const x = graph.input("x", widths[0]);
  let y = x;
  for (const [k, outputs] of widths.slice(1).entries()) {
    const label = k === 1 ? "frozen" : `layer ${k}`;
    y = dense(graph, parameters, y, { label, outputs, activation, initializer: "pytorch-linear" });
  }
  const loss = squaredError(graph, y, x, { label: "loss", reduction: "sum", weight });
  const trainable = parameters.all.filter(({ name }) => !name.startsWith("frozen"));
  const step = await compile(gpu, graph, parameters, {
    label: "net",
    losses: [loss],
    trainable,
    optimizer,
    watch: watch ?? undefined,
  });
  step.upload(x, randomFloats("x", ROWS * x.width));
  return { step, x };
}

function assertNear(actual: number, expected: number, what: string): void {
  // a thousand float32 roundings of 6e-8 at the very most, in sums of positive numbers
  assert.ok(Math.abs(actual - expected) <= 1e-5 * expected, `${what}: ${actual}, expected ${expected}`);
}

const SIZES = [[1, 1, 1, 1], [9, 5, 7, 9], [300, 97, 5, 300]];
// gradients from below what squares keep to above what they hold
const WEIGHTS = [1, 1e-25, 1e22, 1e33];

for (const widths of SIZES) {
  for (const weight of WEIGHTS) {
    gpuTest(`norms and ratios are the reference's: ${widths}, gradients times ${weight}`, async (gpu) => {
      using parameters = new Parameters(3);
      const optimizer = sgd({ learningRate: 0.01 / weight });
      const { step } = await net(gpu, parameters, { optimizer, weight, widths });
      using _step = step;
      step.run({ first: 0, rows: ROWS });
      const before = await parameters.read();
      step.run({ first: 0, rows: ROWS });
      const [{ tensors }, gradients, after] = [
        await step.readLosses(),
        await step.readGradients(),
        await parameters.read(),
      ];
      assert.deepEqual(tensors?.map(({ name }) => name), [
        "layer 0.weight",
        "layer 0.bias",
        "layer 2.weight",
        "layer 2.bias",
      ]);
      for (const { name, gradientNorm, weightNorm, updateRatio: ratio } of tensors ?? []) {
        const [gradient, earlier, later] = [gradients, before, after].map((of) =>
          Float64Array.from(of.get(name)!)
        );
        assertNear(gradientNorm, tensorNorm(gradient), `gradient of ${name}`);
        assertNear(weightNorm, tensorNorm(later), name);
        // the difference is rounded once more, to a share of the weights that are its operands
        const expected = updateRatio(earlier, later);
        assert.ok(Math.abs(ratio - expected) <= 1e-5 * expected + 1e-7, `${name}: ${ratio}, ${expected}`);
        assert.ok(ratio > 0, `${name} has moved`);
      }
    });
  }
}

gpuTest("watching changes no bit of what is learned, and repeats to the bit", async (gpu) => {
  const train = async (watch: ((index: number) => boolean) | undefined) => {
    using parameters = new Parameters(3);
    const options = watch ? { watch } : {};
    const { step } = await net(gpu, parameters, options);
    using _step = step;
    for (let k = 0; k < 7; k++) step.run({ first: 0, rows: ROWS });
    const { tensors } = await step.readLosses();
    return { tensors, values: [...(await parameters.read()).values()].map((floats) => [...bitsOf(floats)]) };
  };
  const [without, always, again] = [
    await train(() => false),
    await train(() => true),
    await train((k) => k === 7),
  ];
  assert.deepEqual(without.values, always.values);
  assert.deepEqual(again.values, always.values);
  assert.equal(without.tensors, undefined);
  assert.deepEqual(again.tensors, always.tensors);
});

gpuTest("a reading has the tensors of its latest step, if that one was watched", async (gpu) => {
  using parameters = new Parameters(3);
  const { step } = await net(gpu, parameters, { watch: (index) => index % 3 === 0 });
  using _step = step;
  const found: boolean[] = [];
  for (let k = 1; k <= 6; k++) {
    step.run({ first: 0, rows: ROWS });
    found.push((await step.readLosses()).tensors !== undefined);
  }
  assert.deepEqual(found, [false, false, true, false, false, true]);
  assert.equal((await step.readLosses()).tensors, undefined, "no step since the last reading");
});

gpuTest("a tensor that does not move has the ratio 0, also if it is 0", async (gpu) => {
  using parameters = new Parameters(3);
  const { step } = await net(gpu, parameters, { optimizer: sgd({ learningRate: 1e-30 }) });
  using _step = step;
  parameters.write("layer 0.bias", new Float32Array(5));
  parameters.write("layer 2.weight", new Float32Array(63));
  step.run({ first: 0, rows: ROWS }, 0);
  const { tensors } = await step.readLosses();
  assert.deepEqual(tensors?.map(({ updateRatio }) => updateRatio), [0, 0, 0, 0]);
  assert.equal(tensors?.[1].weightNorm, 0);
});

/** The message with which a step diverges. */
async function messageOf(step: Step): Promise<string> {
  try {
    await step.readLosses();
  } catch (error) {
    assert.ok(error instanceof Diverged, `${error}`);
    return error.message;
  }
  return "nothing was noticed";
}

const ADVICE = "try a smaller learning rate, or clip gradients";

gpuTest("NaN in the data is noticed in the loss of its step", async (gpu) => {
  using parameters = new Parameters(3);
  const { step, x } = await net(gpu, parameters, { watch: () => false });
  using _step = step;
  step.run({ first: 0, rows: ROWS });
  step.upload(x, randomFloats("x", ROWS * x.width).with(4, NaN));
  step.run({ first: 0, rows: ROWS });
  step.run({ first: 0, rows: ROWS });
  assert.equal(
    await messageOf(step),
    'Training of "net" diverged: loss "loss" is NaN at step 2; the gradient of "layer 0.weight" (and 3 more) ' +
      `and parameter "layer 0.weight" (and 3 more) are not finite at step 3; ${ADVICE}`,
  );
});

gpuTest("an infinite parameter behind a finite loss is noticed where its step is watched", async (gpu) => {
  using parameters = new Parameters(3);
  const { step } = await net(gpu, parameters);
  using _step = step;
  parameters.write("layer 2.bias", new Float32Array(9).fill(Infinity)); // tanh(∞) is 1, with the derivative 0
  step.run({ first: 0, rows: ROWS });
  assert.equal(
    await messageOf(step),
    `Training of "net" diverged: parameter "layer 2.bias" is not finite at step 1; ${ADVICE}`,
  );
});

for (const watch of [null, () => false]) {
  gpuTest(
    `without watched steps (watch: ${watch}), a reading checks gradients and parameters`,
    async (gpu) => {
      using parameters = new Parameters(3);
      const { step } = await net(gpu, parameters, { watch });
      using _step = step;
      step.run({ first: 0, rows: ROWS });
      assert.equal((await step.readLosses()).tensors, undefined);
      parameters.write("layer 2.bias", new Float32Array(9).fill(Infinity)); // as above
      step.run({ first: 0, rows: ROWS });
      assert.equal(
        await messageOf(step),
        `Training of "net" diverged: parameter "layer 2.bias" is not finite at step 2; ${ADVICE}`,
      );
    },
  );
}

Deno.test("NaN is found by its bits on a device that does not keep it", async () => {
  const kept = "return 1.0 / (1.0 + exp(-z));",
    isNaN = "(bitcast<vec4u>(z) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u)";
  let isRewritten = false;
  using gpu = await openGpu({
    rewriteShader(_path, code) { // SwiftShader's sigmoid of NaN is 0
      isRewritten ||= code.includes(kept);
      return code.replace(kept, `return select(1.0 / (1.0 + exp(-z)), vec4f(0.0), ${isNaN});`);
    },
  });
  using parameters = new Parameters(3);
  const { step } = await net(gpu, parameters, { activation: "sigmoid", optimizer: sgd(RATE), watch: null });
  using _step = step;
  step.run({ first: 0, rows: ROWS });
  await step.readLosses();
  assert.ok(isRewritten);
  parameters.write("layer 2.bias", new Float32Array(9).fill(NaN)); // sigmoid'(NaN) is then 0, too
  step.run({ first: 0, rows: ROWS });
  assert.equal(
    await messageOf(step),
    `Training of "net" diverged: parameter "layer 2.bias" is not finite at step 2; ${ADVICE}`,
  );
});

gpuTest("gradients of before a restored state are not blamed on it", async (gpu) => {
  using parameters = new Parameters(3);
  const { step, x } = await net(gpu, parameters, { watch: null });
  using _step = step;
  step.run({ first: 0, rows: ROWS });
  const [state, values] = await Promise.all([step.readState(), parameters.read()]); // one step is unread
  step.upload(x, new Float32Array(ROWS * x.width).fill(NaN));
  step.run({ first: 0, rows: ROWS });
  assert.match(await messageOf(step), /at step 2;/);
  step.restoreState(state);
  for (const [name, data] of values) parameters.write(name, data);
  assert.equal((await step.readLosses()).steps, 1);
});

gpuTest("a gradient that is too large for its kind of number is noticed and named", async (gpu) => {
  using parameters = new Parameters(3);
  const { step } = await net(gpu, parameters, { optimizer: sgd({ learningRate: 1e-38 }), weight: 3e38 });
  using _step = step;
  step.run({ first: 0, rows: ROWS });
  assert.match(
    await messageOf(step),
    /^Training of "net" diverged: the gradient of "layer [02]\.\w+".* not finite at step 1; try/,
  );
});

gpuTest("the loss of the earliest step is named", async (gpu) => {
  const graph = new Graph(1);
  using parameters = new Parameters(1);
  const [a, b] = [graph.input("a", 1), graph.input("b", 1)];
  const y = dense(graph, parameters, a, {
    label: "y",
    outputs: 1,
    activation: "tanh",
    initializer: "glorot-uniform",
  });
  const losses = [
    squaredError(graph, y, a, { label: "first", reduction: "sum" }),
    squaredError(graph, y, b, { label: "second", reduction: "sum" }),
  ];
  using step = await compile(gpu, graph, parameters, { label: "two", losses });
  const batch = { first: 0, rows: 1 };
  for (const [left, right] of [[0, 0], [0, NaN], [NaN, NaN]]) {
    step.upload(a, Float32Array.of(left));
    step.upload(b, Float32Array.of(right));
    step.run(batch);
  }
  assert.equal(
    await messageOf(step),
    `Measuring "two" failed: loss "second" is NaN in batch 2; ${ADVICE}`,
  );
});

import assert from "node:assert/strict";
import { InputError } from "../../src/errors.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { padded } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam, type AdamOptions } from "../../src/optim/adam.ts";
import { clipByGlobalNorm } from "../../src/optim/clip.ts";
import { constant, cosine, parseSchedule, type Schedule, warmUp } from "../../src/optim/schedule.ts";
import { sgd, type SgdOptions } from "../../src/optim/sgd.ts";
import { adamUpdate } from "../../src/reference/adam.ts";
import { UPDATED_ROWS, updatedNetwork } from "../gradients/kernel_checks.ts";
import { complaints, fileOf, runTask, withFolder } from "../helpers/commands.ts";
import { assertAllClose, bitsOf, gpuTest, randomFloats } from "../helpers/gpu.ts";

gpuTest("an infinite norm stops the finite gradients", async (gpu) => {
  using parameters = new Parameters(5);
  const options = { optimizer: sgd({ learningRate: 0.1 }), clip: clipByGlobalNorm(1) };
  const made = await updatedNetwork(gpu, parameters, [["a", 1, 1]], options, "identity");
  using step = made.step;
  const start = await parameters.read();
  step.upload(made.x, new Float32Array(UPDATED_ROWS).fill(1e12));
  step.upload(made.target, new Float32Array(UPDATED_ROWS).fill(0));
  step.run({ first: 0, rows: UPDATED_ROWS });
  const gradients = await step.readGradients();
  assert.ok([...gradients.values()].flatMap((g) => [...g]).every(Number.isFinite));
  assert.deepEqual(await parameters.read(), start, "1e24 squared is infinite, 1 / infinity is 0");
});

gpuTest(
  "gradients of zero are not divided by their norm, and a partial batch counts its rows only",
  async (gpu) => {
    using parameters = new Parameters(5);
    const options = { optimizer: sgd({ learningRate: 0.1 }), clip: clipByGlobalNorm(1e-9) };
    const made = await updatedNetwork(gpu, parameters, [["a", 3, 2]], options, "identity");
    using step = made.step;
    parameters.write("a.weight", new Float32Array(6));
    parameters.write("a.bias", new Float32Array(2));
    step.upload(made.x, new Float32Array(UPDATED_ROWS * 3).fill(NaN).fill(1, 0, 6));
    step.upload(made.target, new Float32Array(UPDATED_ROWS * 2).fill(NaN).fill(0, 0, 4));
    step.run({ first: 0, rows: 2 });
    assert.deepEqual([...(await step.readLosses()).gradientNorms!], [0]);
    for (const [name, values] of await parameters.read()) assert.ok(values.every((v) => v === 0), name);
  },
);

gpuTest("clipping is two dispatches more, none without it, and a run repeats to the bit", async (gpu) => {
  const train = async (maxNorm: number | undefined) => {
    using parameters = new Parameters(5);
    const clip = maxNorm === undefined ? {} : { clip: clipByGlobalNorm(maxNorm) };
    const made = await updatedNetwork(gpu, parameters, [["a", 11, 13], ["b", 13, 5]], {
      optimizer: adam({ learningRate: 0.01 }),
      ...clip,
    });
    using step = made.step;
    for (let k = 0; k < 20; k++) step.run({ first: 0, rows: UPDATED_ROWS });
    const values = await parameters.read();
    return {
      dispatches: step.dispatches.length,
      bits: [...values.values()].map(bitsOf),
      step: await step.readLosses(),
    };
  };
  const [without, unreached, once, twice] = [
    await train(undefined),
    await train(1e6),
    await train(0.1),
    await train(0.1),
  ];
  assert.equal(once.dispatches, without.dispatches + 2);
  assert.deepEqual(unreached.bits, without.bits, "a factor of 1 changes nothing");
  assert.deepEqual(once.bits, twice.bits);
  assert.deepEqual(once.step.gradientNorms, twice.step.gradientNorms);
  assert.notDeepEqual(once.bits, without.bits);
});

gpuTest("norms are remembered as long as losses, and read once", async (gpu) => {
  using parameters = new Parameters(5);
  const options = { optimizer: sgd({ learningRate: 1e-6 }), clip: clipByGlobalNorm(1) };
  const made = await updatedNetwork(gpu, parameters, [["a", 1, 1]], options, "identity");
  using step = made.step;
  for (let k = 0; k < 1000; k++) step.run({ first: 0, rows: 1 + k % 2 });
  const first = (await step.readLosses()).gradientNorms!;
  for (let k = 0; k < 50; k++) step.run({ first: 0, rows: 1 + k % 2 });
  const second = (await step.readLosses()).gradientNorms!;
  assert.deepEqual([first.length, second.length], [1000, 50]);
  for (let k = 0; k < 50; k++) assert.ok(Math.abs(second[k] / first[k % 2] - 1) < 0.01, `step ${1000 + k}`);
  assert.ok(Math.abs(first[0] / first[1] - 1) > 0.02, "the two batches differ");
  assert.equal((await step.readLosses()).gradientNorms!.length, 0);
});

gpuTest(
  "adam_update reaches all of a stretch of several shares, and keeps padding at 0",
  async (gpu) => {
    const graph = new Graph(1);
    using parameters = new Parameters(6);
    const x = graph.input("x", 131), target = graph.input("target", 150);
    const y = dense(graph, parameters, x, {
      label: "y",
      outputs: 150,
      activation: "identity",
      initializer: "pytorch-linear",
    });
    const loss = squaredError(graph, y, target, { label: "loss", reduction: "sum" });
    const figures = {
      learningRate: 0.01,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      weightDecay: 0.1,
      decay: "l2",
    } as const;
    using step = await compile(gpu, graph, parameters, {
      label: "long",
      losses: [loss],
      trainable: parameters.all,
      optimizer: adam(figures),
    });
    const start = await parameters.read();
    step.upload(x, randomFloats("x", 131, 0.1, 1));
    step.upload(target, randomFloats("target", 150));
    step.run({ first: 0, rows: 1 });
    const [gradients, end] = [await step.readGradients(), await parameters.read()];
    for (const { name, shape } of parameters.all) {
      const value = Float64Array.from(start.get(name)!);
      const [first, second] = [value.map(() => 0), value.map(() => 0)];
      adamUpdate(value, Float64Array.from(gradients.get(name)!), first, second, 1, figures);
      assertAllClose(name, end.get(name)!, value, shape, 1e-6); // one rounding of numbers below 1, and slack
    }
    const { buffer, offset } = parameters.all[0].tensor.location!;
    const [slot] = await gpu.read([{ buffer, offset, size: 4 * padded(131) * padded(150) }], "a test");
    for (let i = 0; i < padded(131); i++) {
      for (let o = 0; o < padded(150); o++) {
        if (i >= 131 || o >= 150) {
          assert.equal(
            Math.abs(slot[i * padded(150) + o]),
            0,
            `padding at [${i}, ${o}]`,
          );
        }
      }
    }
  },
);

Deno.test.each([
  [{ learningRate: 0 }, "expected learning rate above 0 but received 0"],
  [{ learningRate: NaN }, "expected learning rate above 0 but received NaN"],
  [{ learningRate: 1, betas: [1, 0.999] }, "expected beta1 in [0, 1) but received 1"],
  [{ learningRate: 1, betas: [0.9, -0.1] }, "expected beta2 in [0, 1) but received -0.1"],
  [{ learningRate: 1, epsilon: 0 }, "expected epsilon above 0 but received 0"],
  [{ learningRate: 1, epsilon: 1e-50 }, "expected epsilon above 0 but received 1e-50"],
  [{ learningRate: 1, weightDecay: -1 }, "expected weight decay at least 0 but received -1"],
  [{ learningRate: 1, weightDecay: Infinity }, "expected weight decay at least 0 but received Infinity"],
] as [AdamOptions, string][])("adam() refuses %j", (options, message) => {
  assert.throws(() => adam(options), { name: "RangeError", message: `Cannot make Adam: ${message}` });
});

Deno.test.each([
  [{ learningRate: 0 }, "expected learning rate above 0 but received 0"],
  [{ learningRate: Infinity }, "expected learning rate above 0 but received Infinity"],
  [{ learningRate: 1, momentum: 1 }, "expected momentum in [0, 1) but received 1"],
  [{ learningRate: 1, momentum: NaN }, "expected momentum in [0, 1) but received NaN"],
  [{ learningRate: 1, nesterov: true }, "expected momentum with Nesterov above 0 but received 0"],
  [{ learningRate: 1, weightDecay: -1 }, "expected weight decay at least 0 but received -1"],
] as [SgdOptions, string][])("sgd() refuses %j", (options, message) => {
  assert.throws(() => sgd(options), { name: "RangeError", message: `Cannot make SGD: ${message}` });
});

Deno.test.each([0, -1, NaN, Infinity, 1e-60, 1e39])("clipByGlobalNorm() refuses %j", (norm) => {
  assert.throws(() => clipByGlobalNorm(norm), /^RangeError: Cannot clip gradients: .* above 0 and finite/);
});

Deno.test("optimizers say what they are", () => {
  assert.equal(sgd({ learningRate: 0.1 }).name, "SGD (learning rate 0.1)");
  assert.equal(
    sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-4 }).name,
    "SGD (learning rate 0.1, Nesterov momentum 0.9, weight decay 0.0001)",
  );
  assert.deepEqual([sgd({ learningRate: 0.1 }).moments, sgd({ learningRate: 0.1, momentum: 0.9 }).moments], [
    0,
    1,
  ]);
});

const shares = (schedule: Schedule, steps: number) =>
  Array.from({ length: steps }, (_, k) => schedule(k, steps));

Deno.test("constant() and cosine() follow their formulas", () => {
  assert.deepEqual(shares(constant, 3), [1, 1, 1]);
  const [a, b, c, d] = shares(cosine(), 4);
  assert.deepEqual([a, c], [1, 0.5]);
  assert.ok(Math.abs(b - (1 + Math.SQRT1_2) / 2) < 1e-15 && Math.abs(d - (1 - Math.SQRT1_2) / 2) < 1e-15);
  assert.equal(cosine()(4, 4), 0);
  assert.equal(cosine(0.1)(4, 4), 0.1);
  assert.equal(cosine(0.1)(9, 4), 0.1, "past the end it stays at the floor");
  assert.ok(Math.abs(cosine(0.1)(2, 4) - 0.55) < 1e-15);
  const falling = shares(cosine(0.2), 100);
  assert.ok(falling.every((share, k) => share >= 0.2 && share <= 1 && (k === 0 || share < falling[k - 1])));
});

Deno.test("warmUp() rises in equal steps and hands over what is left", () => {
  assert.deepEqual(shares(warmUp(4, constant), 6), [0.25, 0.5, 0.75, 1, 1, 1]);
  assert.deepEqual(shares(warmUp(2, cosine()), 4), [0.5, 1, 1, 0.5]);
  assert.deepEqual(shares(warmUp(0, cosine()), 4), shares(cosine(), 4));
  assert.deepEqual(shares(warmUp(4, cosine()), 4), [0.25, 0.5, 0.75, 1], "nothing is left");
  assert.equal(warmUp(4, cosine(0.5))(4, 4), 1, "and nothing is divided by 0");
});

Deno.test("parseSchedule() knows the names and refuses the rest in one line", () => {
  assert.deepEqual(shares(parseSchedule("constant"), 3), [1, 1, 1]);
  assert.deepEqual(shares(parseSchedule("cosine", { floor: 0.5 }), 4), shares(cosine(0.5), 4));
  assert.deepEqual(
    shares(parseSchedule("cosine", { warmUp: 2, steps: 4 }), 4),
    shares(warmUp(2, cosine()), 4),
  );
  const refused: [() => Schedule, string][] = [
    [() => parseSchedule("step"), 'expected one of constant, cosine but received "step"'],
    [() => parseSchedule(""), 'received ""'],
    [() => parseSchedule("toString"), 'received "toString"'],
    [() => parseSchedule("cosine", { floor: 1.1 }), "expected a floor in [0, 1] but received 1.1"],
    [() => parseSchedule("cosine", { warmUp: 1.5 }), "whole number of warm-up steps"],
    [() => parseSchedule("cosine", { warmUp: 5, steps: 4 }), "expected a warm-up of at most 4 steps"],
  ];
  for (const [make, part] of refused) {
    assert.throws(
      make,
      (error: unknown) =>
        error instanceof InputError && error.message.includes(part) && !error.message.includes("\n"),
    );
  }
  assert.throws(() => cosine(NaN), RangeError);
  assert.throws(() => warmUp(-1, constant), RangeError);
});

gpuTest("a step takes the rate that a schedule gives it", async (gpu) => {
  using parameters = new Parameters(5);
  const made = await updatedNetwork(
    gpu,
    parameters,
    [["a", 1, 1]],
    { optimizer: sgd({ learningRate: 0.5 }) },
    "identity",
  );
  using step = made.step;
  const schedule = parseSchedule("cosine", { warmUp: 2 });
  for (let k = 0; k < 5; k++) {
    const rate = 0.01 * schedule(step.count, 5);
    const before = (await parameters.read()).get("a.bias")![0];
    step.run({ first: 0, rows: 1 }, rate);
    const [gradient] = (await step.readGradients()).get("a.bias")!;
    const after = (await parameters.read()).get("a.bias")![0];
    assert.ok(Math.abs(before - rate * gradient - after) < 1e-7, `step ${k}`);
    assert.ok(Math.abs(gradient) > 0.1);
  }
});

Deno.test("train takes a schedule, a warm-up and a norm, and files the norms", () =>
  withFolder(async (folder) => {
    const train = async (name: string, flags: readonly string[]) => {
      const run = `${folder}/${name}`;
      const small = ["--limit", "320", "--epochs", "2", "--log-every", "5", "--out", run];
      const outcome = await runTask("train", [...small, ...flags], folder);
      assert.deepEqual(complaints(outcome), []);
      const lines = new TextDecoder().decode(await fileOf(run, "metrics.jsonl")).trimEnd().split("\n");
      return { first: JSON.parse(lines[0]), model: (await fileOf(run, "model.safetensors")).length };
    };
    const plain = await train("plain", []);
    const shaped = await train("shaped", ["--schedule", "cosine", "--warmup", "5", "--clip-norm", "0.01"]);
    assert.ok(!("gradientNorm" in plain.first));
    assert.ok(
      shaped.first.gradientNorm > 0 && shaped.first.gradientNorm < 10,
      `${shaped.first.gradientNorm}`,
    );
    assert.ok(shaped.first.loss > plain.first.loss, "a warm-up is slower at first");
    const long = await runTask("train", ["--epochs", "1", "--limit", "64", "--warmup", "9", "--dry-run"]);
    assert.deepEqual([long.code, complaints(long).length], [1, 1]);
    assert.match(long.stderr, /a warm-up of at most 1 steps/);
  }));

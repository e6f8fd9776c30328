import assert from "node:assert/strict";
import { InputError } from "../../src/errors.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Step } from "../../src/graph/step.ts";
import type { Activation, Value } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { clipByGlobalNorm } from "../../src/optim/clip.ts";
import { constant, cosine, parseSchedule, type Schedule, warmUp } from "../../src/optim/schedule.ts";
import { sgd, type SgdOptions } from "../../src/optim/sgd.ts";
import { adamUpdate } from "../../src/reference/adam.ts";
import { clipFactor, globalNorm } from "../../src/reference/clip.ts";
import { type SgdFigures, sgdUpdate } from "../../src/reference/sgd.ts";
import { complaints, fileOf, runTask, withFolder } from "../helpers/commands.ts";
import { assertAllClose, bitsOf, gpuTest, largest, randomFloats } from "../helpers/gpu.ts";
import type { GradientClip, Optimizer } from "../../src/graph/update.ts";

/** Updates one parameter by the reference; `moments` are kept from step to step. */
type Update = (
  value: Float64Array,
  gradient: Float64Array,
  moments: Float64Array[],
  t: number,
  lr: number,
) => void;

interface Case {
  readonly optimizer: Optimizer;
  readonly update: Update;
  readonly clip?: GradientClip;
  readonly maxNorm?: number;
}

interface Net {
  readonly graph: Graph;
  readonly x: Value;
  readonly target: Value;
  readonly step: Step;
}

const ROWS = 8;

/** Layers of the given widths, of which those whose label begins with "frozen" are not trained. */
async function net(
  gpu: Gpu,
  parameters: Parameters,
  layers: readonly (readonly [label: string, inputs: number, outputs: number])[],
  { optimizer, clip }: Pick<Case, "optimizer" | "clip">,
  activation: Activation = "tanh",
): Promise<Net> {
  const graph = new Graph(ROWS);
  const x = graph.input("x", layers[0][1]);
  const target = graph.input("target", layers.at(-1)![2]);
  let y = x;
  for (const [label, , outputs] of layers) {
    y = dense(graph, parameters, y, { label, outputs, activation, initializer: "pytorch-linear" });
  }
  const loss = squaredError(graph, y, target, { label: "loss", reduction: "sum" });
  const trainable = parameters.all.filter(({ name }) => !name.startsWith("frozen"));
  const step = await compile(gpu, graph, parameters, {
    label: "net",
    losses: [loss],
    trainable,
    optimizer,
    clip,
  });
  step.upload(x, randomFloats("x", ROWS * x.width));
  step.upload(target, randomFloats("target", ROWS * target.width, 1, 3));
  return { graph, x, target, step };
}

const LAYERS = [["first", 7, 5], ["frozen", 5, 6], ["last", 6, 3]] as const;

/** Runs steps on the GPU and updates by the reference beside it, from the GPU's own gradients. */
async function assertUpdatesAgree(
  gpu: Gpu,
  { optimizer, update, clip, maxNorm = Infinity }: Case,
): Promise<void> {
  using parameters = new Parameters(5);
  const made = await net(gpu, parameters, LAYERS, { optimizer, ...(clip ? { clip } : {}) });
  using step = made.step;
  const trainable = parameters.all.filter(({ name }) => !name.startsWith("frozen"));
  const start = await parameters.read();
  const states = trainable.map(({ name }) => {
    const value = Float64Array.from(start.get(name)!);
    return { name, value, moments: [value.map(() => 0), value.map(() => 0)] };
  });
  const norms: number[] = [];
  for (let t = 1; t <= 8; t++) {
    const learningRate = t > 4 ? 0.005 : optimizer.learningRate; // a schedule changes it between steps
    step.run({ first: 0, rows: ROWS }, t > 4 ? learningRate : undefined);
    const gradients = await step.readGradients();
    const of = (name: string) => Float64Array.from(gradients.get(name)!);
    const norm = globalNorm(trainable.map(({ name }) => of(name)));
    norms.push(norm);
    for (const { name, value, moments } of states) {
      const factor = clip ? clipFactor(norm, maxNorm) : 1;
      update(value, of(name).map((g) => g * factor), moments, t, learningRate);
    }
  }
  const reading = await step.readLosses();
  if (clip) assertAllClose("norms", reading.gradientNorms!, norms, [8], 1e-6 * largest(norms));
  else assert.equal(reading.gradientNorms, undefined);
  const end = await parameters.read();
  for (const { name, value } of states) {
    assert.ok(largest(value.map((v, k) => v - start.get(name)![k])) > 0.01, `${name} has moved`);
    assertAllClose(name, end.get(name)!, value, [value.length], 3e-6); // 8 roundings of numbers of 1, and slack
  }
  for (const name of ["frozen.weight", "frozen.bias"]) {
    assert.deepEqual(bitsOf(end.get(name)!), bitsOf(start.get(name)!), `${name} has not moved`);
  }
}

function sgdCase(options: Partial<SgdFigures>, maxNorm?: number): Case {
  const figures = { learningRate: 0.02, momentum: 0, nesterov: false, weightDecay: 0, ...options };
  return {
    optimizer: sgd(figures),
    update: (value, gradient, [velocity], _t, learningRate) =>
      sgdUpdate(value, gradient, velocity, { ...figures, learningRate }),
    ...(maxNorm === undefined ? {} : { clip: clipByGlobalNorm(maxNorm), maxNorm }),
  };
}

function adamCase(maxNorm: number, decay: "l2" | "decoupled"): Case {
  const figures = {
    learningRate: 0.02,
    betas: [0.8, 0.95],
    epsilon: 1e-3,
    weightDecay: 0.03,
    decay,
  } as const;
  return {
    optimizer: adam(figures),
    update: (value, gradient, [first, second], t, learningRate) =>
      adamUpdate(value, gradient, first, second, t, { ...figures, learningRate }),
    clip: clipByGlobalNorm(maxNorm),
    maxNorm,
  };
}

const CASES: Readonly<Record<string, Case>> = {
  "plain": sgdCase({}),
  "weight decay": sgdCase({ weightDecay: 0.3 }),
  "momentum": sgdCase({ momentum: 0.9 }),
  "momentum and weight decay": sgdCase({ momentum: 0.8, weightDecay: 0.3 }),
  "Nesterov": sgdCase({ momentum: 0.9, nesterov: true }),
  "momentum, clipped": sgdCase({ momentum: 0.9, weightDecay: 0.3 }, 0.5),
  "plain, clipped at a norm that is never reached": sgdCase({}, 1e4),
  "Adam with L2, clipped": adamCase(0.02, "l2"),
  "Adam with decoupled decay, clipped": adamCase(0.02, "decoupled"),
};
for (const [name, one] of Object.entries(CASES)) {
  gpuTest(`updates agree with the reference over 8 steps: ${name}`, (gpu) => assertUpdatesAgree(gpu, one));
}

// One fault at a time, each in a case that must see it.
const MUTANTS: readonly (readonly [path: string, from: string, to: string, seenBy: string])[] = [
  ["optim/sgd.wgsl", "p[at] -=", "p[at] +=", "plain"],
  ["optim/sgd.wgsl", "step.learning_rate * direction", "direction", "plain"],
  ["optim/sgd.wgsl", "+ sgd.decay * p[at]", "", "weight decay"],
  ["optim/sgd.wgsl", "+ sgd.decay * p[at]", "- sgd.decay * p[at]", "weight decay"],
  ["optim/sgd.wgsl", "clip[0] * g[at]", "g[at]", "momentum, clipped"],
  ["optim/sgd.wgsl", "sgd.momentum * b[at] + gradient", "gradient", "momentum"],
  ["optim/sgd.wgsl", "sgd.momentum * b[at] + gradient", "sgd.momentum * b[at] - gradient", "momentum"],
  ["optim/sgd.wgsl", "b[at] = velocity;", "", "momentum"],
  ["optim/sgd.wgsl", "sgd.nesterov != 0u", "false", "Nesterov"],
  ["optim/sgd.wgsl", "gradient + sgd.momentum * velocity", "velocity + sgd.momentum * velocity", "Nesterov"],
  ["optim/adam.wgsl", "clip[0] * g[at]", "g[at]", "Adam with L2, clipped"],
  ["optim/clip.wgsl", "g[at] * g[at]", "g[at]", "momentum, clipped"],
  ["optim/clip.wgsl", "sum += g[at]", "sum = g[at]", "a long stretch"],
  ["optim/clip.wgsl", "partial[stretch.first + invocation.x]", "partial[invocation.x]", "momentum, clipped"],
  ["optim/clip.wgsl", "sum += sums_of_lanes", "sum = sums_of_lanes", "a long stretch"],
  [
    "optim/clip.wgsl",
    "sums[invocation] += sums[invocation + half]",
    "sums[invocation] = sums[invocation + half]",
    "momentum, clipped",
  ],
  [
    "optim/clip.wgsl",
    "sqrt(workgroup_sum(invocation, sum))",
    "workgroup_sum(invocation, sum)",
    "momentum, clipped",
  ],
  ["optim/clip.wgsl", "total.most / (norm + 1e-6)", "total.most", "momentum, clipped"],
  [
    "optim/clip.wgsl",
    "factor, factor < 1.0",
    "factor, true",
    "plain, clipped at a norm that is never reached",
  ],
  ["optim/clip.wgsl", "step.count % total.ring", "0u", "momentum, clipped"],
  ["optim/clip.wgsl", ", norm, is_nan", ", norm, false", "a NaN"],
];

async function caught(gpu: Gpu, seenBy: string): Promise<boolean> {
  const check = seenBy === "a long stretch"
    ? assertLongStretch(gpu)
    : seenBy === "a NaN"
    ? assertNaNSpreads(gpu)
    : assertUpdatesAgree(gpu, CASES[seenBy]);
  return await check.then(() => false, (error: unknown) => {
    if (error instanceof assert.AssertionError || error instanceof InputError) return true; // or: it diverged
    throw error;
  });
}

Deno.test("every fault planted in the optimizers' shaders is caught", async () => {
  const survivors: string[] = [];
  for (const [path, from, to, seenBy] of MUTANTS) {
    let isPlanted = false;
    using gpu = await openGpu({
      rewriteShader: (_part, code, shader) => {
        if (shader !== `shaders/${path}` || !code.includes(from)) return code;
        assert.equal(code.split(from).length, 2, `${path} has "${from}" once`);
        isPlanted = true;
        return code.replace(from, to);
      },
    });
    const isCaught = await caught(gpu, seenBy);
    assert.ok(isPlanted, `${path} has ${from}`);
    if (!isCaught) survivors.push(`${path}: ${from} → ${to}, by "${seenBy}"`);
  }
  assert.deepEqual(survivors, []);
});

/** 131·150 weights are 4,950 vec4: more than the invocations that share them. */
async function assertLongStretch(gpu: Gpu): Promise<void> {
  using parameters = new Parameters(6);
  const options = { optimizer: sgd({ learningRate: 0.1 }), clip: clipByGlobalNorm(1) };
  const made = await net(gpu, parameters, [["y", 131, 150]], options, "identity");
  using step = made.step;
  assert.equal(step.dispatches.filter(({ entryPoint }) => entryPoint === "clip_partial").length, 1);
  const norms: number[] = [];
  for (let k = 0; k < 2; k++) {
    step.run({ first: 0, rows: ROWS });
    norms.push(globalNorm([...(await step.readGradients()).values()].map((g) => Float64Array.from(g))));
  }
  const { gradientNorms } = await step.readLosses();
  assert.ok(norms[0] > 10, `${norms}`);
  assertAllClose("norms", gradientNorms!, norms, [2], 1e-6 * norms[0]);
}

gpuTest("the norm counts all of a stretch that is longer than its invocations", assertLongStretch);

/** PyTorch's factor is NaN where the norm is: every parameter becomes NaN, not only those whose gradient is. */
async function assertNaNSpreads(gpu: Gpu): Promise<void> {
  using parameters = new Parameters(5);
  const graph = new Graph(1);
  const inputs = ["good", "bad"].map((label) => graph.input(label, 2));
  const losses = inputs.map((x) => {
    const y = dense(graph, parameters, x, {
      label: `${x.label} layer`,
      outputs: 2,
      activation: "identity",
      initializer: "pytorch-linear",
    });
    return squaredError(graph, y, x, { label: `${x.label} loss`, reduction: "sum" });
  });
  using step = await compile(gpu, graph, parameters, {
    label: "two halves",
    losses,
    trainable: parameters.all,
    optimizer: sgd({ learningRate: 0.1 }),
    clip: clipByGlobalNorm(1),
  });
  inputs.forEach((x) => step.upload(x, Float32Array.of(1, x.label === "bad" ? NaN : 2)));
  step.run({ first: 0, rows: 1 });
  const gradients = await step.readGradients();
  assert.ok(gradients.get("good layer.weight")!.every(Number.isFinite));
  assert.ok(gradients.get("bad layer.bias")!.every(Number.isNaN));
  for (const [name, values] of await parameters.read()) {
    assert.ok(values.every(Number.isNaN), `${name}: ${values}`);
  }
}

gpuTest("a norm of NaN shows in every parameter", assertNaNSpreads);

gpuTest("an infinite norm stops the finite gradients", async (gpu) => {
  using parameters = new Parameters(5);
  const options = { optimizer: sgd({ learningRate: 0.1 }), clip: clipByGlobalNorm(1) };
  const made = await net(gpu, parameters, [["a", 1, 1]], options, "identity");
  using step = made.step;
  const start = await parameters.read();
  step.upload(made.x, new Float32Array(ROWS).fill(1e12));
  step.upload(made.target, new Float32Array(ROWS).fill(0));
  step.run({ first: 0, rows: ROWS });
  const gradients = await step.readGradients();
  assert.ok([...gradients.values()].flatMap((g) => [...g]).every(Number.isFinite));
  assert.deepEqual(await parameters.read(), start, "1e24 squared is infinite, 1 / infinity is 0");
});

gpuTest(
  "gradients of zero are not divided by their norm, and a partial batch counts its rows only",
  async (gpu) => {
    using parameters = new Parameters(5);
    const options = { optimizer: sgd({ learningRate: 0.1 }), clip: clipByGlobalNorm(1e-9) };
    const made = await net(gpu, parameters, [["a", 3, 2]], options, "identity");
    using step = made.step;
    parameters.write("a.weight", new Float32Array(6));
    parameters.write("a.bias", new Float32Array(2));
    step.upload(made.x, new Float32Array(ROWS * 3).fill(NaN).fill(1, 0, 6));
    step.upload(made.target, new Float32Array(ROWS * 2).fill(NaN).fill(0, 0, 4));
    step.run({ first: 0, rows: 2 });
    assert.deepEqual([...(await step.readLosses()).gradientNorms!], [0]);
    for (const [name, values] of await parameters.read()) assert.ok(values.every((v) => v === 0), name);
  },
);

gpuTest("clipping is two dispatches more, none without it, and a run repeats to the bit", async (gpu) => {
  const train = async (maxNorm: number | undefined) => {
    using parameters = new Parameters(5);
    const clip = maxNorm === undefined ? {} : { clip: clipByGlobalNorm(maxNorm) };
    const made = await net(gpu, parameters, [["a", 11, 13], ["b", 13, 5]], {
      optimizer: adam({ learningRate: 0.01 }),
      ...clip,
    });
    using step = made.step;
    for (let k = 0; k < 20; k++) step.run({ first: 0, rows: ROWS });
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
  const made = await net(gpu, parameters, [["a", 1, 1]], options, "identity");
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

Deno.test("sgdUpdate() follows PyTorch's definition by hand", () => {
  const run = (figures: Partial<SgdFigures>) => {
    const [p, v] = [Float64Array.of(1), Float64Array.of(0)];
    const all = { learningRate: 0.5, momentum: 0, nesterov: false, weightDecay: 0, ...figures };
    for (const g of [2, 4]) sgdUpdate(p, Float64Array.of(g), v, all);
    return p[0];
  };
  assert.equal(run({}), 1 - 0.5 * 2 - 0.5 * 4);
  assert.equal(run({ momentum: 0.5 }), 1 - 0.5 * 2 - 0.5 * (0.5 * 2 + 4)); // the first velocity is the gradient
  assert.equal(
    run({ momentum: 0.5, nesterov: true }),
    1 - 0.5 * (2 + 0.5 * 2) - 0.5 * (4 + 0.5 * (0.5 * 2 + 4)),
  );
  assert.equal(run({ weightDecay: 0.5 }), -0.25 - 0.5 * (4 + 0.5 * -0.25)); // 1 - 0.5·(2 + 0.5·1) is -0.25
});

Deno.test("clipFactor() is that of clip_grad_norm_", () => {
  assert.equal(globalNorm([Float64Array.of(3, 0), Float64Array.of(-4)]), 5);
  assert.equal(globalNorm([]), 0);
  assert.equal(clipFactor(5, 1), 1 / 5.000001);
  assert.equal(clipFactor(1, 1), 1 / 1.000001, "also at the norm itself");
  assert.equal(clipFactor(0.9, 1), 1);
  assert.equal(clipFactor(0, 1e-9), 1e-9 / 1e-6, "times gradients of 0");
  assert.equal(clipFactor(Infinity, 1), 0);
  assert.ok(Number.isNaN(clipFactor(NaN, 1)));
});

Deno.test.each([
  [{ learningRate: 0 }, "learning rate must be above 0, received 0"],
  [{ learningRate: Infinity }, "learning rate must be above 0, received Infinity"],
  [{ learningRate: 1, momentum: 1 }, "momentum must be in [0, 1), received 1"],
  [{ learningRate: 1, momentum: NaN }, "momentum must be in [0, 1), received NaN"],
  [{ learningRate: 1, nesterov: true }, "momentum with Nesterov must be above 0, received 0"],
  [{ learningRate: 1, weightDecay: -1 }, "weight decay must be at least 0, received -1"],
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
  const made = await net(
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

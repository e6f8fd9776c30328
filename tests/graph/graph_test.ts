import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { type Initializer, Parameters } from "../../src/graph/parameters.ts";
import { formatPlan } from "../../src/step/plan.ts";
import type { Step } from "../../src/step/step.ts";
import { padded } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { bitsOf, gpuTest, randomFloats, withKernels } from "../helpers/gpu.ts";
import type { CompileOptions } from "../../src/step/plan_dispatches.ts";
import { LOSS_RING } from "../../src/step/loss_ring.ts";

// One batch size throughout, and with it one height of tiles: each is a kernel to compile.
const BATCH = 4;

/** x [B, 6] → first [B, 5] tanh → second [B, 3] identity → third [B, 6] sigmoid, and its squared error. */
function chain(seed = 1) {
  const graph = new Graph(BATCH);
  const parameters = new Parameters(seed);
  const x = graph.input("x", 6);
  const initializer: Initializer = "pytorch-linear";
  const first = dense(graph, parameters, x, { label: "first", outputs: 5, activation: "tanh", initializer });
  const second = dense(graph, parameters, first, {
    label: "second",
    outputs: 3,
    activation: "identity",
    initializer,
  });
  const third = dense(graph, parameters, second, {
    label: "third",
    outputs: 6,
    activation: "sigmoid",
    initializer,
  });
  const loss = squaredError(graph, third, x, { label: "loss", reduction: "mean" });
  const named = (...stems: string[]) =>
    parameters.all.filter(({ name }) => stems.includes(name.split(".")[0]));
  return { graph, parameters, x, first, second, third, loss, named };
}

function labels(step: Step): string[] {
  return step.dispatches.map(({ label }) => label);
}

Deno.test.each([[0], [-1], [1.5], [NaN]])("Graph refuses a batch size of %d", (batchSize) => {
  assert.throws(() => new Graph(batchSize), {
    name: "RangeError",
    message: `Cannot record a graph: expected a positive integer batch size but received ${batchSize}`,
  });
});

Deno.test("Graph refuses widths that are no positive integers, and says whose", () => {
  const graph = new Graph(BATCH);
  assert.throws(() => graph.input("x", 0), {
    name: "RangeError",
    message: 'Cannot record "x": expected a positive integer width but received 0',
  });
  const x = graph.input("x", 2);
  const options = {
    label: "layer",
    outputs: 2.5,
    activation: "tanh",
    initializer: "pytorch-linear",
  } as const;
  const parameters = new Parameters(1);
  assert.throws(() => dense(graph, parameters, x, options), {
    name: "RangeError",
    message: 'Cannot record "layer": expected a positive integer width but received 2.5',
  });
  assert.equal(parameters.all.length, 0, "a refused layer leaves no parameters");
});

Deno.test("Graph refuses two nodes of one name", () => {
  const { graph, parameters, x, third } = chain();
  const options = { outputs: 5, activation: "tanh", initializer: "pytorch-linear" } as const;
  assert.throws(() => dense(graph, parameters, x, { ...options, label: "first" }), {
    name: "TypeError",
    message: 'Cannot record dense "first": the graph already has a node of that name',
  });
  assert.throws(() => squaredError(graph, third, x, { label: "loss", reduction: "sum" }), {
    name: "TypeError",
    message: 'Cannot record squared error "loss": the graph already has a node of that name',
  });
  assert.throws(() => graph.input("x", 6), {
    message: 'Cannot record input "x": the graph already has a node of that name',
  });
});

Deno.test("squaredError() refuses sides of different widths", () => {
  const { graph, x, second } = chain();
  assert.throws(() => squaredError(graph, second, x, { label: "wrong", reduction: "mean" }), {
    name: "TypeError",
    message: 'Cannot apply squared error "wrong": expected a target [B, 3] but received [B, 6]',
  });
});

gpuTest("compile() refuses to train a parameter that no loss depends on", async (gpu) => {
  const { graph, parameters, first, loss, named } = chain();
  using _parameters = parameters;
  const initializer = "pytorch-linear";
  dense(graph, parameters, first, { label: "side", outputs: 2, activation: "tanh", initializer });
  const options: CompileOptions = { label: "deep", losses: [loss], trainable: parameters.all };
  await assert.rejects(compile(gpu, graph, parameters, options), {
    name: "TypeError",
    message: 'Cannot train "side.weight" in deep: no loss depends on it',
  });
  await assert.rejects(
    compile(gpu, graph, parameters, { label: "deep", trainable: named("first") }),
    TypeError,
  );
});

gpuTest(
  "compile() computes only what losses and outputs need",
  (gpu) =>
    withKernels(gpu, "register", async () => {
      const { graph, parameters, second, loss } = chain();
      using _parameters = parameters;
      using codes = await compile(gpu, graph, parameters, { label: "codes", outputs: [second] });
      assert.deepEqual(labels(codes), ["first forward", "second forward"]);
      using losses = await compile(gpu, graph, parameters, { label: "evaluate", losses: [loss] });
      assert.deepEqual(labels(losses), [
        "first forward",
        "second forward",
        "third forward",
        "loss",
        "loss total",
      ]);
    }),
);

gpuTest("compile() spends nothing on frozen parameters", (gpu) =>
  withKernels(gpu, "register", async () => {
    const { graph, parameters, x, loss, named } = chain();
    using _parameters = parameters;
    const forward = ["first forward", "second forward", "third forward"];
    const seen = async (
      trainable: CompileOptions["trainable"],
      gradients: CompileOptions["gradients"] = [],
    ) => {
      using step = await compile(gpu, graph, parameters, {
        label: "frozen",
        losses: [loss],
        ...(trainable ? { trainable } : {}),
        gradients,
      });
      assert.deepEqual(labels(step).slice(0, 3), forward);
      assert.equal(labels(step).at(-1), "loss total");
      return labels(step).slice(3, -1);
    };
    const toThird = "loss and its gradient to third", toX = "loss and its gradient to x";
    // only the last layer: nothing goes back past it
    assert.deepEqual(await seen(named("third")), [toThird, "third backward weight"]);
    // only the middle one: the last passes gradients on, and has none of its own; the first is not reached
    assert.deepEqual(await seen(named("second")), [
      toThird,
      "third backward input",
      "second backward weight",
    ]);
    assert.deepEqual(await seen(named("first", "third")), [
      toThird,
      "third backward weight",
      "third backward input",
      "second backward input",
      "first backward weight",
    ]);
    // a gradient of the input is computed when asked for, on both sides of the loss
    assert.deepEqual(await seen([], [x]), [
      toThird,
      toX,
      "third backward input",
      "second backward input",
      "first backward input",
    ]);
    assert.deepEqual(await seen([]), ["loss"]);
  }));

gpuTest(
  "compile() has the first writer overwrite, the others add, and the last apply the activation",
  (gpu) =>
    withKernels(gpu, "register", async () => {
      const { graph, parameters, first, loss } = chain();
      using _parameters = parameters;
      const initializer = "pytorch-linear", outputs = 5;
      const side = dense(graph, parameters, first, {
        label: "side",
        outputs,
        activation: "relu",
        initializer,
      });
      const losses = [loss, squaredError(graph, side, first, { label: "side loss", reduction: "sum" })];
      using step = await compile(gpu, graph, parameters, {
        label: "writers",
        losses,
        trainable: parameters.all,
      });
      const writers = step.dispatches.filter(({ writes }) => writes.includes(first.gradient));
      assert.deepEqual(
        writers.map((
          { label, constants, settings: { u32: { accumulate = constants?.ACCUMULATE, activation } } },
        ) => [label, accumulate, activation]),
        [
          ["side loss and its gradient to first", 0, 0],
          ["side backward input", 1, 0],
          ["second backward input", 1, 2], // tanh
        ],
      );
      const ofSide = step.dispatches.filter(({ writes }) => writes.includes(side.gradient));
      assert.deepEqual(
        ofSide.map(({ constants, settings: { u32 } }) => [constants?.ACCUMULATE, u32.activation]),
        [[0, 3]],
      ); // ReLU
    }),
);

gpuTest(
  "formatPlan() shows what runs, in order, and keeps to the width of a line",
  (gpu) =>
    withKernels(gpu, "register", async () => {
      const graph = new Graph(2);
      using parameters = new Parameters(1);
      using images = new DeviceImages(gpu, "train", new Uint8Array(12), 6);
      const pixels = gatherBatch(graph, "pixels", images);
      const layer = { activation: "sigmoid", initializer: "pytorch-linear" } as const;
      const code = dense(graph, parameters, pixels, { ...layer, label: "encoder", outputs: 3 });
      const output = dense(graph, parameters, code, { ...layer, label: "decoder", outputs: 6, bias: false });
      const loss = squaredError(graph, output, pixels, { label: "loss", reduction: "mean" });
      using step = await compile(gpu, graph, parameters, {
        label: "basic",
        losses: [loss],
        trainable: parameters.all,
        optimizer: adam({ learningRate: 0.1 }),
      });
      const narrow = formatPlan(step, 100),
        words = (text: string) => text.split(/\s+/).filter(Boolean).sort();
      assert.ok(
        formatPlan(step, Infinity).split("\n").some((line) => line.length > 100),
        "there is something to wrap",
      );
      assert.ok(narrow.split("\n").every((line) => line.length <= 100), narrow);
      assert.deepEqual(words(narrow), words(formatPlan(step, Infinity)), "no word is lost");
      const cells = formatPlan(step, Infinity).split("\n").map((line) => line.split(/ {2,}/));
      const workgroups = step.dispatches.map((dispatch) => String(dispatch.workgroups));
      const weights = "encoder.weight … decoder.weight";
      const [forward, input, weight] = ["dense_forward", "dense_backward_input", "dense_backward_weight"];
      const rows = [
        ["pixels gather", "gather_batch", "train images, train order", "pixels"],
        ["encoder forward", forward, "pixels, encoder.weight, encoder.bias", "encoder"],
        ["decoder forward", forward, "encoder, decoder.weight", "decoder"],
        [
          "loss and its gradient to decoder",
          "squared_error",
          "decoder, pixels",
          "loss partial sums, d_decoder",
        ],
        ["decoder backward weight", weight, "encoder, d_decoder", "d_decoder.weight"],
        ["decoder backward input", input, "d_decoder, decoder.weight, encoder", "d_encoder"],
        ["encoder backward weight", weight, "pixels, d_encoder", "d_encoder.weight, d_encoder.bias"],
        ["loss total", "loss_total", "loss partial sums", "losses"],
        [
          `update ${weights}`,
          "adam_update",
          `gradients of ${weights}, clip`,
          `parameters of ${weights}, moment 1 of ${weights}, moment 2 of ${weights}`,
        ],
      ];
      assert.deepEqual(cells, [
        ["#", "label", "entry point", "reads", "writes", "workgroups"],
        ...rows.map((row, at) => [String(at), ...row, workgroups[at]]),
      ]);
    }),
);

gpuTest("a step remembers nothing of the batches before", async (gpu) => {
  const results = [];
  for (const earlier of [true, false]) {
    const { graph, parameters, x, first, second, third, loss } = chain();
    using _parameters = parameters;
    using step = await compile(gpu, graph, parameters, {
      label: "stale",
      losses: [loss],
      trainable: parameters.all,
      gradients: [x],
    });
    if (earlier) {
      step.upload(x, randomFloats("before", BATCH * 6, -9, 9));
      step.run({ first: 0, rows: BATCH });
      step.run({ first: 0, rows: BATCH });
      await step.readLosses();
    }
    step.upload(x, randomFloats("now", 3 * 6));
    step.run({ first: 0, rows: 3 });
    results.push([
      (await step.readLosses()).values.loss,
      ...(await step.readGradients()).values(),
      ...await step.read([first, second, third], 3),
      ...await step.readValueGradients([x, first, second, third], 3),
    ].map((floats) => [...floats]));
  }
  assert.equal(results[0].length, 1 + 6 + 3 + 4);
  assert.deepEqual(results[0], results[1]);
});

/** Trains a chain for 20 steps, and gives the bits of all losses and parameters. */
async function trainingBits(gpu: Gpu): Promise<number[]> {
  const { graph, parameters, x, loss } = chain(7);
  using _parameters = parameters;
  using step = await compile(gpu, graph, parameters, {
    label: "repeat",
    losses: [loss],
    trainable: parameters.all,
    optimizer: adam({ learningRate: 0.05 }),
  });
  for (let t = 0; t < 20; t++) {
    step.upload(x, randomFloats(`batch ${t}`, BATCH * 6, 0, 1));
    step.run({ first: 0, rows: t % 5 === 4 ? 3 : BATCH });
  }
  const losses = (await step.readLosses()).values.loss;
  const trained = await parameters.read();
  return [Float32Array.from(losses), ...trained.values()].flatMap((floats) => [...bitsOf(floats)]);
}

gpuTest("10 runs of 20 training steps give the same bits", async (gpu) => {
  const first = await trainingBits(gpu);
  assert.equal(new Set(first.slice(0, 20)).size, 20, "every step has a loss of its own");
  for (let run = 2; run <= 10; run++) assert.deepEqual(await trainingBits(gpu), first, `run ${run}`);
});

gpuTest("readLosses() gives the steps since the last reading, in order, round the ring", async (gpu) => {
  const graph = new Graph(1);
  using parameters = new Parameters(1);
  const y = graph.input("y", 1), zero = graph.input("zero", 1);
  const losses = [
    squaredError(graph, y, zero, { label: "a", reduction: "sum" }),
    squaredError(graph, zero, y, { label: "b", reduction: "mean", weight: 100 }),
  ];
  using step = await compile(gpu, graph, parameters, { label: "ring", losses });
  let taken = 0;
  const advance = (steps: number) => {
    for (let k = 0; k < steps; k++) {
      step.upload(y, Float32Array.of(++taken));
      step.run({ first: 0, rows: 1 });
    }
  };
  const squares = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, k) => (from + k) ** 2);
  for (const steps of [1, 3, 700, LOSS_RING, 5]) {
    const from = taken + 1;
    advance(steps);
    const reading = await step.readLosses();
    assert.deepEqual([reading.steps, reading.rows], [steps, steps]);
    assert.deepEqual([...reading.values.a], squares(from, taken).map(Math.fround), `${steps} steps`);
    assert.deepEqual(reading.values.b, reading.values.a, "without its weight");
    const mean = squares(from, taken).reduce((sum, n) => sum + n, 0) / steps;
    assert.ok(Math.abs(reading.mean.a - mean) <= 1e-6 * mean);
  }
  assert.equal(step.count, taken);
  advance(LOSS_RING + 1);
  await assert.rejects(step.readLosses(), {
    name: "RangeError",
    message: `Cannot read the losses of "ring": expected at most ${LOSS_RING} steps since the last reading ` +
      `but there were ${LOSS_RING + 1}; read them more often`,
  });
});

gpuTest("Step.run() refuses rows that do not exist", async (gpu) => {
  using images = new DeviceImages(gpu, "train", new Uint8Array(7 * 6), 6);
  const graph = new Graph(BATCH);
  using parameters = new Parameters(1);
  const x = gatherBatch(graph, "pixels", images);
  using step = await compile(gpu, graph, parameters, { label: "bounds", outputs: [x] });
  const refused: [number, number][] = [
    [0, 0],
    [0, -1],
    [0, 1.5],
    [0, NaN],
    [0, BATCH + 1],
    [-1, 1],
    [4, 4],
    [7, 1],
    [0.5, 1],
    [NaN, 1],
  ];
  for (const [first, rows] of refused) {
    assert.throws(() => step.run({ first, rows }), {
      name: "RangeError",
      message: `Cannot run "bounds": expected 1 to 4 rows below row 7 but received ${rows} from row ${first}`,
    });
  }
  assert.equal(step.count, 0, "a refused step does not count");
  step.run({ first: 3, rows: 4 });
  step.run({ first: 6, rows: 1 });
  assert.equal(step.count, 2);
});

gpuTest("Step.upload() and Step.read() refuse what the step does not have", async (gpu) => {
  const { graph, parameters, x, first, third } = chain();
  using _parameters = parameters;
  using step = await compile(gpu, graph, parameters, { label: "codes", outputs: [first] });
  const expected = "expected up to [4, 6] numbers of an input of this step but received";
  assert.throws(() => step.upload(x, new Float32Array(7)), {
    name: "RangeError",
    message: `Cannot upload "x": ${expected} 7`,
  });
  assert.throws(() => step.upload(x, new Float32Array(30)), { message: `Cannot upload "x": ${expected} 30` });
  assert.throws(() => step.upload(third, new Float32Array(6)), {
    message: `Cannot upload "third": ${expected} 6`,
  });
  await assert.rejects(async () => await step.read([third], 1), {
    name: "TypeError",
    message: 'Cannot read "third": "codes" does not compute it',
  });
  await assert.rejects(async () => await step.readValueGradients([first], 1), {
    name: "TypeError",
    message: 'Cannot read "d_first": "codes" does not compute it',
  });
});

gpuTest(
  "formatPlan() shows each copy into a texture where it is made",
  (gpu) =>
    withKernels(gpu, "texture", async () => {
      const { graph, parameters, loss } = chain();
      using arena = parameters;
      const trainable = arena.all;
      using step = await compile(gpu, graph, arena, { label: "test", losses: [loss], trainable });
      const lines = formatPlan(step, Infinity).split("\n").map((line) => line.split(/ {2,}/));
      const copied = lines.filter((cells) => cells[0] === "");
      assert.deepEqual(
        copied.slice(0, 2),
        [
          ["", "x into a texture", "copy of 128 bytes", "x", "texture of x"],
          ["", "parameters into a texture", "copy of 1,536 bytes", "parameters", "texture of parameters"],
        ],
      );
      const place = (name: string) => lines.findIndex((cells) => cells.includes(name));
      assert.equal(place("first into a texture"), place("first forward") + 1, "right behind its writer");
      assert.equal(copied.length, step.dispatches.reduce((sum, { copies }) => sum + copies.length, 0));
    }),
);

gpuTest("Step.profile() times each dispatch", async (gpu) => {
  const { graph, parameters, x, loss } = chain();
  using _parameters = parameters;
  using step = await compile(gpu, graph, parameters, {
    label: "times",
    losses: [loss],
    trainable: parameters.all,
  });
  step.upload(x, randomFloats("x", BATCH * 6));
  const times = await step.profile({ first: 0, rows: BATCH });
  assert.deepEqual(times.map(({ dispatch }) => dispatch), step.dispatches);
  for (const { microseconds } of times) {
    assert.ok(microseconds >= 0, String(microseconds));
  }
});

Deno.test("Parameters starts them as their initializers say", async () => {
  const cases: [Initializer, number, number][] = [
    ["pytorch-linear", 1 / Math.sqrt(200), 1 / Math.sqrt(200)],
    ["glorot-uniform", Math.sqrt(6 / 300), 0],
    [{ uniform: 0.005 }, 0.005, 0],
  ];
  for (const [initializer, range, biasRange] of cases) {
    const parameters = new Parameters(3);
    const graph = new Graph(1);
    dense(graph, parameters, graph.input("x", 200), {
      label: "y",
      outputs: 100,
      activation: "tanh",
      initializer,
    });
    const drawn = await parameters.read();
    const weight = drawn.get("y.weight")!, bias = drawn.get("y.bias")!;
    assert.deepEqual([weight.length, bias.length, parameters.count], [20_000, 100, 20_100]);
    for (const [values, r] of [[weight, range], [bias, biasRange]] as const) {
      const most = Math.max(...values.map(Math.abs));
      assert.ok(most <= Math.fround(r), `${most} is outside ±${r}`);
      assert.ok(most >= 0.9 * r, `${most} does not fill ±${r}`);
    }
    // uniform: mean 0 and variance r²/3, each within 5 standard errors of 20,000 draws
    const mean = weight.reduce((sum, w) => sum + w, 0) / weight.length;
    const variance = weight.reduce((sum, w) => sum + w * w, 0) / weight.length;
    assert.ok(Math.abs(mean) < 5 * range / Math.sqrt(3 * 20_000), `mean ${mean}`);
    assert.ok(
      Math.abs(variance / (range ** 2 / 3) - 1) < 5 * Math.sqrt(0.8 / 20_000),
      `variance ${variance}`,
    );
  }
});

Deno.test("Parameters draws a parameter from the seed and its name, whatever else there is", async () => {
  const draw = async (seed: number, names: readonly string[]) => {
    const parameters = new Parameters(seed);
    for (const name of names) parameters.declare(name, [3, 5], "pytorch-linear", 5);
    return await parameters.read();
  };
  const both = await draw(1, ["a", "b"]), reversed = await draw(1, ["b", "a"]);
  assert.deepEqual(both.get("a"), reversed.get("a"));
  assert.deepEqual(both.get("b"), reversed.get("b"));
  assert.notDeepEqual(both.get("a"), both.get("b"));
  assert.notDeepEqual(both.get("a"), (await draw(2, ["a"])).get("a"));
});

gpuTest(
  "Parameters keeps PyTorch's layout outside and [inputs, outputs] with padding on the GPU",
  async (gpu) => {
    using parameters = new Parameters(1);
    const weight = parameters.declare("weight", [3, 5], "pytorch-linear", 5);
    const bias = parameters.declare("bias", [3], "pytorch-linear", 5);
    assert.deepEqual([weight.offset, weight.bytes, bias.offset, bias.bytes], [0, 4 * 8 * 4, 256, 4 * 4]);
    const numbers = Float32Array.from({ length: 15 }, (_, k) => k + 1);
    parameters.write("weight", numbers); // before and after the arena is laid out
    parameters.allocate(gpu);
    parameters.write("bias", [0.5, -0, 7]);
    const read = await parameters.read();
    assert.deepEqual([...read.keys()], ["weight", "bias"]);
    assert.deepEqual(read.get("weight"), numbers);
    assert.deepEqual(read.get("bias"), Float32Array.of(0.5, -0, 7));
    const { buffer } = weight.tensor.location!;
    const [slot] = await gpu.read([{ buffer, offset: 0, size: weight.bytes }], "a test");
    const expected = new Float32Array(8 * 4);
    for (let o = 0; o < 3; o++) for (let i = 0; i < 5; i++) expected[i * padded(3) + o] = numbers[o * 5 + i];
    assert.deepEqual(slot, expected);
  },
);

gpuTest(
  "Parameters shares by name, and refuses another shape, a late comer, and wrong values",
  async (gpu) => {
    using parameters = new Parameters(1);
    const weight = parameters.declare("tied", [3, 5], "pytorch-linear", 5);
    assert.equal(parameters.declare("tied", [3, 5], "glorot-uniform", 5), weight);
    assert.throws(() => parameters.declare("tied", [5, 3], "pytorch-linear", 3), {
      name: "TypeError",
      message: 'Cannot share parameter "tied": expected [3, 5] but received [5, 3]',
    });
    assert.throws(() => parameters.write("tide", [1]), {
      name: "TypeError",
      message: 'Cannot set parameter "tide": expected one of tied',
    });
    assert.throws(() => parameters.write("tied", [1, 2]), {
      name: "TypeError",
      message: 'Cannot set parameter "tied": expected [3, 5] but received 2 values',
    });
    parameters.allocate(gpu);
    parameters.allocate(gpu);
    assert.equal(parameters.declare("tied", [3, 5], "pytorch-linear", 5), weight);
    assert.throws(() => parameters.declare("late", [1], "pytorch-linear", 1), {
      name: "TypeError",
      message: 'Cannot add parameter "late": record every graph before the first is compiled',
    });
    await parameters.read();
  },
);

gpuTest("two graphs share parameters: what one trains, the other computes with", async (gpu) => {
  const { graph, parameters, x, loss } = chain();
  using _parameters = parameters;
  const other = new Graph(BATCH);
  const z = other.input("z", 6);
  const options = { label: "first", outputs: 5, activation: "tanh", initializer: "pytorch-linear" } as const;
  const y = dense(other, parameters, z, options);
  using train = await compile(gpu, graph, parameters, {
    label: "train",
    losses: [loss],
    trainable: parameters.all,
    optimizer: adam({ learningRate: 0.1 }),
  });
  using evaluate = await compile(gpu, other, parameters, { label: "evaluate", outputs: [y] });
  const batch = randomFloats("shared", BATCH * 6);
  train.upload(x, batch);
  evaluate.upload(z, batch);
  evaluate.run({ first: 0, rows: BATCH });
  const [before] = await evaluate.read([y], BATCH);
  train.run({ first: 0, rows: BATCH });
  evaluate.run({ first: 0, rows: BATCH });
  const [after] = await evaluate.read([y], BATCH);
  assert.ok(after.some((number, k) => Math.abs(number - before[k]) > 0.01));
});

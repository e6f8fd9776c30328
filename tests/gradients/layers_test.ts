import assert from "node:assert/strict";
import { formatGradcheck } from "../../src/check/format_gradcheck.ts";
import { gradcheck } from "../../src/check/gradcheck.ts";
import { runReference } from "../../src/check/reference_graph.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { InputError } from "../../src/errors.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { createPipeline } from "../../src/gpu/kernel.ts";
import { KERNEL_KINDS } from "../../src/gpu/product_kernel.ts";
import { compile } from "../../src/graph/compile.ts";
import { Graph, type LossTerm } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { SHADER_NUMBERS } from "../../src/graph/shader_numbers.ts";
import { type Activation, padded, type Value } from "../../src/graph/tensor.ts";
import { activation } from "../../src/layers/activation.ts";
import { add } from "../../src/layers/add.ts";
import { dense } from "../../src/layers/dense.ts";
import { detach } from "../../src/layers/detach.ts";
import { addNoise, noiseFor, type NoiseSpec, parseNoise, standardNormal } from "../../src/layers/noise.ts";
import { reparameterize } from "../../src/layers/reparameterize.ts";
import { subtractRow } from "../../src/layers/subtract_row.ts";
import { tiedDense } from "../../src/layers/tied_dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { philox, RandomStream } from "../../src/random.ts";
import { noiseBackward, noiseForward } from "../../src/reference/noise.ts";
import { reparameterizeBackward, reparameterizeForward } from "../../src/reference/reparameterize.ts";
import { transposed } from "../../src/reference/tied_dense.ts";
import noiseCode from "../../shaders/layers/noise.wgsl" with { type: "text" };
import { withFault } from "../helpers/faults.ts";
import {
  assertAllClose,
  bitsOf,
  gpuTest,
  largest,
  randomFloats,
  relabel,
  retile,
  withGpu,
  withKernels,
} from "../helpers/gpu.ts";

const ACTIVATIONS: readonly Activation[] = ["identity", "sigmoid", "tanh", "relu"];
const NOISES: readonly NoiseSpec[] = ["uniform:1", "gaussian:0.3", "mask:0.25"].map(parseNoise);
const LAYER = { initializer: "pytorch-linear" } as const;

/** A gradient that is 0 in float64 need not be 0 in float32: 1e-7 is float32's rounding of numbers of about 1. */
const GRADIENT_FLOOR = 1e-7;

/** A recorded network with what its inputs are given, [rows, width] each. */
interface Recorded {
  readonly losses: readonly LossTerm[];
  readonly inputs: ReadonlyMap<Value, Float32Array>;
}

/**
 * Runs a network on a full batch and then, so that gradients meet what that left, on one whose rows past the end are
 * NaN, and holds values, losses, and the gradients of values and parameters to the f64 reference. Padding must be exactly
 * 0, and every gradient must be computed but those of noise and of detached values.
 */
async function assertAgrees(
  gpu: Gpu,
  graph: Graph,
  parameters: Parameters,
  { losses, inputs }: Recorded,
  rows: number,
  of: string,
): Promise<void> {
  using step = await compile(gpu, graph, parameters, {
    label: of,
    losses,
    trainable: parameters.all,
    gradients: [...inputs.keys()],
  });
  for (const [past, count] of [[3, graph.batchSize], [NaN, rows]]) {
    for (const [value, given] of inputs) {
      const batch = new Float32Array(graph.batchSize * value.width).fill(past);
      batch.set(given);
      step.upload(value, batch);
    }
    step.run({ first: 0, rows: count });
  }
  const reference = runReference(graph, losses, {
    parameters: new Map(
      [...await parameters.read()].map(([name, floats]) => [name, Float64Array.from(floats)]),
    ),
    inputs: new Map([...inputs].map(([value, given]) => [value.label, Float64Array.from(given)])),
    rows,
    draw: 2,
  });
  const values = graph.nodes.flatMap(({ output }) => output ? [output] : []);
  const isWritten = ({ gradient }: Value) => step.dispatches.some(({ writes }) => writes.includes(gradient));
  const differentiated = values.filter(isWritten);
  // the same tensors as they lie in memory, padding and all
  const wide = (value: Value) => ({ ...value, width: padded(value.width) });
  const read = await step.read(values.map(wide), rows);
  const gradients = await step.readValueGradients(differentiated.map(wide), rows);
  // all values before all gradients, so that the first difference is where it arises
  values.forEach((value, k) => {
    const expected = reference.values.get(value)!;
    const tolerance = TOLERANCES.forwardElement * Math.max(1, largest(expected));
    assertWide(`${of}: ${value.label}`, read[k], expected, rows, value.width, tolerance);
  });
  for (const { output, inputs, parameters, stopsGradient } of graph.nodes) {
    if (!output || isWritten(output)) continue;
    assert.ok(
      stopsGradient || inputs.length + parameters.length === 0,
      `${of}: d_${output.label} is not computed`,
    );
  }
  // from the last to the first, for the same reason
  differentiated.toReversed().forEach((value) => {
    const gradient = reference.valueGradients.get(value)!;
    const tolerance = TOLERANCES.gpuAgainstReference * largest(gradient) + GRADIENT_FLOOR;
    const found = gradients[differentiated.indexOf(value)];
    assertWide(`${of}: d_${value.label}`, found, gradient, rows, value.width, tolerance);
  });
  const parameterGradients = await step.readGradients();
  for (const { name, shape } of parameters.all) {
    const expected = reference.gradients.get(name)!;
    const tolerance = TOLERANCES.gpuAgainstReference * largest(expected) + GRADIENT_FLOOR;
    assertAllClose(`${of}: d_${name}`, parameterGradients.get(name)!, expected, shape, tolerance);
  }
  const reading = await step.readLosses();
  for (const { label } of losses) {
    const expected = reference.losses.get(label)!;
    const tolerance = TOLERANCES.lossAgainstReference * Math.abs(expected) + GRADIENT_FLOOR;
    assertAllClose(`${of}: ${label}`, reading.values[label].subarray(1), [expected], [1], tolerance);
  }
}

function assertWide(
  of: string,
  wide: Float32Array,
  expected: Float64Array,
  rows: number,
  width: number,
  tolerance: number,
): void {
  const narrow = Float32Array.from(
    { length: rows * width },
    (_, k) => wide[Math.floor(k / width) * padded(width) + k % width],
  );
  assertAllClose(of, narrow, expected, [rows, width], tolerance);
  for (let b = 0; b < rows; b++) {
    for (let column = width; column < padded(width); column++) {
      assert.equal(Math.abs(wide[b * padded(width) + column]), 0, `${of}: padding at [${b}, ${column}]`);
    }
  }
}

/** Inputs as images have them: exact zeros and ones among others, and negatives. */
function awkward(name: string, count: number): Float32Array<ArrayBuffer> {
  return randomFloats(name, count).map((x, k) => k % 5 === 1 ? 0 : k % 7 === 2 ? 1 : x);
}

const BATCH = 16;
const SHAPES = [[1, 1], [7, 5], [16, 16], [13, 3], [5, 17], [11, 7]] as const;

/** An op on one value; it must record a node of its own at each call. */
type Unary = (graph: Graph, h: Value, label: string) => Value;

/**
 * x → h = f(x·W) → op, twice, each with a loss. `between` puts a loss of h itself before the ops (then the second op
 * writes h's gradient first, and the first adds to it) or after them (then the first op writes last, and goes back
 * through f).
 */
async function checkUnary(gpu: Gpu, op: Unary, of: string): Promise<void> {
  for (const [rows, width] of SHAPES) {
    for (const f of rows === 7 ? ACTIVATIONS : ["tanh" as const]) {
      for (const between of ["before", "after"]) {
        const graph = new Graph(BATCH);
        using parameters = new Parameters(rows * 100 + width);
        const x = graph.input("x", 3), target = graph.input("target", width);
        const h = dense(graph, parameters, x, { ...LAYER, label: "h", outputs: width, activation: f });
        const own = () => squaredError(graph, h, target, { label: "of h", reduction: "sum", weight: 0.2 });
        const losses: LossTerm[] = [];
        if (between === "before") losses.push(own());
        for (const [label, weight] of [["once", 0.7], ["twice", -0.4]] as const) {
          const y = op(graph, h, label);
          losses.push(squaredError(graph, y, target, { label: `of ${label}`, reduction: "sum", weight }));
        }
        if (between === "after") losses.push(own());
        const inputs = new Map([
          [x, awkward(`x ${of}`, rows * 3)],
          [target, randomFloats(`t ${of}`, rows * width)],
        ]);
        const name = `${of} of [${rows}, ${width}], h by ${f}, loss ${between}`;
        await assertAgrees(gpu, graph, parameters, { losses, inputs }, rows, name);
      }
    }
  }
}

for (const f of ACTIVATIONS) {
  gpuTest(`activation() agrees with the reference: ${f}`, async (gpu) => {
    await checkUnary(gpu, (graph, h, label) => activation(graph, h, { label, activation: f }), f);
  });
}

for (const noise of NOISES) {
  gpuTest(`addNoise() agrees with the reference: ${noise.kind}`, async (gpu) => {
    await checkUnary(gpu, (graph, h, label) => addNoise(graph, h, { label, noise, seed: 5 }), noise.kind);
  });
}

gpuTest("detach() agrees with the reference", async (gpu) => {
  await checkUnary(gpu, (graph, h, label) => detach(graph, h, { label }), "detach");
});

gpuTest("add() agrees with the reference, also of a value with itself", async (gpu) => {
  await checkUnary(gpu, (graph, h, label) => add(graph, h, h, { label }), "add of itself");
  await checkUnary(gpu, (graph, h, label) => {
    const noise = standardNormal(graph, h.width, { label: `${label} noise`, seed: 3 });
    return add(graph, noise, h, { label });
  }, "add of noise");
});

gpuTest("subtractRow() agrees with the reference, and its row is freed", async (gpu) => {
  for (const [rows, width] of SHAPES) {
    const row = randomFloats("row", width);
    const graph = new Graph(BATCH);
    using parameters = new Parameters(1);
    const x = graph.input("x", width), target = graph.input("target", width);
    const h = dense(graph, parameters, x, { ...LAYER, label: "h", outputs: width, activation: "sigmoid" });
    const once = subtractRow(graph, h, { label: "once", row });
    const twice = subtractRow(graph, h, { label: "twice", row });
    const centered = subtractRow(graph, target, { label: "centered", row });
    const losses = [
      squaredError(graph, once, centered, { label: "of once", reduction: "sum" }),
      squaredError(graph, twice, target, { label: "of twice", reduction: "mean" }),
    ];
    const inputs = new Map([
      [x, awkward("x", rows * width)],
      [target, randomFloats("t", rows * width)],
    ]);
    await assertAgrees(gpu, graph, parameters, { losses, inputs }, rows, `row of [${rows}, ${width}]`);
  }
});

gpuTest("reparameterize() agrees with the reference, with noise that is given", async (gpu) => {
  for (const [rows, width] of SHAPES) {
    for (const f of rows === 7 ? ACTIVATIONS : ["tanh" as const]) {
      const graph = new Graph(BATCH);
      using parameters = new Parameters(width);
      const x = graph.input("x", 3), epsilon = graph.input("epsilon", width);
      const target = graph.input("target", width);
      const layer = { ...LAYER, outputs: width, activation: f };
      const mean = dense(graph, parameters, x, { ...layer, label: "mean" });
      const logVariance = dense(graph, parameters, x, { ...layer, label: "log_variance" });
      const noise = dense(graph, parameters, epsilon, { ...layer, label: "noise" });
      const losses = ["once", "twice"].map((label) => {
        const z = reparameterize(graph, mean, logVariance, noise, { label });
        return squaredError(graph, z, target, { label: `of ${label}`, reduction: "sum", weight: 0.6 });
      });
      const inputs = new Map([
        [x, awkward("x", rows * 3)],
        [epsilon, randomFloats("epsilon", rows * width, -2, 2)],
        [target, randomFloats("t", rows * width)],
      ]);
      await assertAgrees(gpu, graph, parameters, { losses, inputs }, rows, `[${rows}, ${width}] by ${f}`);
    }
  }
});

gpuTest("reparameterize() holds at log-variances of ±20 and 0", async (gpu) => {
  for (const extreme of [-20, 0, 20]) {
    const graph = new Graph(BATCH);
    using parameters = new Parameters(0);
    const [mean, logVariance, epsilon, target] = ["mean", "log_variance", "epsilon", "target"].map((label) =>
      graph.input(label, 3)
    );
    const z = reparameterize(graph, mean, logVariance, epsilon, { label: "z" });
    const losses = [squaredError(graph, z, target, { label: "loss", reduction: "mean" })];
    const inputs = new Map([
      [mean, randomFloats("mean", 12)],
      [logVariance, new Float32Array(12).fill(extreme)],
      [epsilon, randomFloats("epsilon", 12, -3, 3)],
      [target, randomFloats("t", 12)],
    ]);
    await assertAgrees(gpu, graph, parameters, { losses, inputs }, 4, `log-variance ${extreme}`);
  }
});

Deno.test.each(KERNEL_KINDS.map((kind) => [kind] as const))(
  "tiedDense() agrees with the reference: %s kernels",
  (kind) =>
    withGpu((gpu) =>
      withKernels(gpu, kind, async () => {
        const shapes = [[1, 1, 1], [7, 13, 5], [16, 16, 16], [13, 5, 17], [11, 33, 6], [16, 3, 70]] as const;
        for (const [rows, wide, narrow] of shapes) {
          for (const f of ACTIVATIONS) {
            for (const bias of [true, false]) await checkTied(gpu, rows, wide, narrow, f, bias);
          }
        }
      })
    ),
);

/** wide → narrow, and back twice with the same weight. */
async function checkTied(
  gpu: Gpu,
  rows: number,
  wide: number,
  narrow: number,
  f: Activation,
  bias: boolean,
): Promise<void> {
  const graph = new Graph(BATCH);
  using parameters = new Parameters(wide);
  const x = graph.input("x", wide), target = graph.input("target", wide);
  const code = dense(graph, parameters, x, {
    ...LAYER,
    label: "encoder.0",
    outputs: narrow,
    activation: f,
    bias,
  });
  const options = { ...LAYER, label: "decoder.0", weight: "encoder.0.weight", bias } as const;
  const y = tiedDense(graph, parameters, code, { ...options, activation: f });
  // once more, so that the weight has three uses, the bias two, and the code two readers
  const again = tiedDense(relabel(graph, " again"), parameters, code, {
    ...options,
    activation: "identity",
  });
  const losses = [
    squaredError(graph, y, target, { label: "loss", reduction: "sum", weight: 0.7 }),
    squaredError(graph, again, x, { label: "more", reduction: "mean", weight: 2 }),
  ];
  assert.equal(parameters.all.length, bias ? 3 : 1);
  const inputs = new Map([
    [x, awkward("x", rows * wide)],
    [target, randomFloats("t", rows * wide)],
  ]);
  const of = `tied by ${f} ${bias ? "with" : "without"} bias, ${rows} rows, ${wide} → ${narrow} → back`;
  await assertAgrees(gpu, graph, parameters, { losses, inputs }, rows, of);
}

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
    message: 'Cannot tie "d" to "f.weight": expected a weight [3, outputs], found none of that name',
  });
  assert.throws(() => tiedDense(graph, parameters, x, { ...options, weight: "e.weight" }), {
    name: "TypeError",
    message: 'Cannot tie "d" to "e.weight": expected a weight [6, outputs], found [3, 6]',
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

gpuTest("detach() needs no dispatch and no memory, and nobody computes a gradient for it", async (gpu) => {
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
});

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

// Noise: the generator, the distributions, what they depend on.

/** Runs `body` once a invocation, on a GPU of which nothing but the generator's functions are used. */
async function probe(gpu: Gpu, body: string, words: Uint32Array, invocations: number): Promise<Uint32Array> {
  const code = `${noiseCode}
@group(0) @binding(0) var<storage, read> given: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4u>;
@compute @workgroup_size(WORKGROUP_SIZE)
fn probe(@builtin(global_invocation_id) invocation: vec3u) { ${body} }`;
  const pipeline = await createPipeline(gpu, {
    shader: { path: `a test: ${body}`, code, before: [SHADER_NUMBERS] },
    entryPoint: "probe",
    constants: { WORKGROUP_SIZE: 1 },
    access: ["read", "write"],
  });
  const given = gpu.upload("given", words), result = gpu.createBuffer("result", 16 * invocations);
  try {
    const bindGroup = gpu.device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [given, result].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(invocations);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    const [floats] = await gpu.read([{ buffer: result, offset: 0, size: 16 * invocations }], "a test");
    return bitsOf(floats);
  } finally {
    gpu.destroyBuffer(given);
    gpu.destroyBuffer(result);
  }
}

gpuTest(
  "philox() in WGSL gives the published answers, and TypeScript's for any counter and key",
  async (gpu) => {
    const random = new RandomStream(1, "philox");
    const cases: [number[], number[]][] = [
      [[0, 0, 0, 0], [0, 0]],
      [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff]],
      [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]],
    ];
    while (cases.length < 2000) {
      cases.push([[0, 0, 0, 0].map(() => random.nextUint32()), [0, 0].map(() => random.nextUint32())]);
    }
    const words = Uint32Array.from(cases.flatMap(([counter, key]) => [...counter, ...key, 0, 0]));
    const found = await probe(
      gpu,
      "result[invocation.x] = philox(given[2u * invocation.x], given[2u * invocation.x + 1u].xy);",
      words,
      cases.length,
    );
    // Random123, file kat_vectors
    assert.deepEqual([...found.subarray(0, 12)], [
      ...[0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
      ...[0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
      ...[0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ]);
    cases.forEach(([[a, b, c, d], [k, l]], at) => {
      assert.deepEqual([...found.subarray(4 * at, 4 * at + 4)], philox([a, b, c, d], [k, l]), `case ${at}`);
    });
  },
);

gpuTest("normals() in WGSL are good to 1e-6 at the edges of their words", async (gpu) => {
  const edges = [0, 1, 255, 256, 0x1fffffff, 0x20000000, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000];
  edges.push(0xb504f200, 0xb504f300, 0xb504f400, 0xdfffffff, 0xe0000000, 0xfffffe00, 0xffffff00, 0xffffffff);
  const pairs = edges.flatMap((first) => edges.map((second) => [first, second]));
  const words = Uint32Array.from(pairs.flatMap(([first, second]) => [first, second, second, first]));
  const bits = await probe(
    gpu,
    "result[invocation.x] = bitcast<vec4u>(normals(given[invocation.x]));",
    words,
    pairs.length,
  );
  const normal = (first: number, second: number) => {
    const radius = Math.sqrt(-2 * Math.log(((first >>> 8) + 1) / 2 ** 24));
    const angle = 2 * Math.PI * (second >>> 8) / 2 ** 24;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  };
  const expected = pairs.flatMap(([first, second]) => [...normal(first, second), ...normal(second, first)]);
  assertAllClose("normals", new Float32Array(bits.buffer), expected, [pairs.length, 4], 1e-6);
});

/** What a noise layer makes of zeros (or of ones, where it masks). */
async function drawn(
  gpu: Gpu,
  noise: NoiseSpec,
  { seed = 9, stream = "noise", batchSize = 16, width = 7, rows = 16, draw }: {
    seed?: number;
    stream?: string;
    batchSize?: number;
    width?: number;
    rows?: number;
    draw?: number;
  } = {},
): Promise<Float32Array<ArrayBuffer>> {
  const graph = new Graph(batchSize);
  using parameters = new Parameters(0);
  const x = graph.input("x", width);
  const y = addNoise(graph, x, { label: "y", noise, seed, stream });
  using step = await compile(gpu, graph, parameters, { label: "noise", outputs: [y] });
  step.upload(x, new Float32Array(rows * width).fill(noise.kind === "mask" ? 1 : 0));
  step.run(draw === undefined ? { first: 0, rows } : { first: 0, rows, draw });
  const [read] = await step.read([y], rows);
  return read;
}

gpuTest("noiseFor() gives the GPU's numbers: uniform and mask to the bit, gaussian to 1e-6", async (gpu) => {
  for (const noise of [...NOISES, parseNoise("uniform:0.3"), parseNoise("gaussian:1")]) {
    for (const [rows, width] of [[16, 7], [5, 784], [1, 1]]) {
      const found = await drawn(gpu, noise, { rows, width });
      const expected = noiseFor(noise, { seed: 9, stream: "noise" }, 1, rows, width);
      const of = `${noise.kind}:${noise.amount}`;
      if (noise.kind === "gaussian") assertAllClose(of, found, expected, [rows, width], 1e-6);
      else assert.deepEqual(bitsOf(found), bitsOf(Float32Array.from(expected)), of);
    }
  }
});

gpuTest("noise depends on seed, stream and draw, and on nothing else", async (gpu) => {
  for (const noise of NOISES) {
    const base = await drawn(gpu, noise);
    assert.deepEqual(await drawn(gpu, noise, { draw: 1 }), base, "the first step's draw is 1");
    assert.deepEqual(await drawn(gpu, noise, { batchSize: 64 }), base, "not on the batch size");
    assert.deepEqual(await drawn(gpu, noise, { rows: 3 }), base.slice(0, 21), "not on the number of rows");
    for (const other of [{ seed: 10 }, { stream: "other" }, { draw: 2 }, { draw: 0xffffffff }]) {
      assert.notDeepEqual(await drawn(gpu, noise, other), base, JSON.stringify(other));
    }
  }
  assert.deepEqual(
    bitsOf(await drawn(gpu, NOISES[0], { draw: 0xffffffff })),
    bitsOf(Float32Array.from(noiseFor(NOISES[0], { seed: 9, stream: "noise" }, 0xffffffff, 16, 7))),
  );
});

gpuTest("a step refuses a draw that is none", async (gpu) => {
  for (const draw of [-1, 0.5, NaN, 2 ** 32]) {
    await assert.rejects(drawn(gpu, NOISES[0], { draw }), {
      name: "RangeError",
      message: `Cannot run "noise": draw must be an integer in [0, 2³²), received ${draw}`,
    });
  }
});

gpuTest("standardNormal() gives noiseFor()'s numbers, others at every step", async (gpu) => {
  const graph = new Graph(16);
  using parameters = new Parameters(0);
  const y = standardNormal(graph, 5, { label: "epsilon", seed: 2 });
  using step = await compile(gpu, graph, parameters, { label: "normal", outputs: [y] });
  for (let draw = 1; draw <= 3; draw++) {
    step.run({ first: 0, rows: 16 });
    const [read] = await step.read([{ ...y, width: 8 }], 16);
    const expected = noiseFor(parseNoise("gaussian:1"), { seed: 2, stream: "epsilon" }, draw, 16, 5);
    assertWide(`draw ${draw}`, read, expected, 16, 5, 1e-6);
  }
});

Deno.test("noiseFor() has the moments of its distribution", () => {
  const count = 100_000;
  const moments = (text: string) => {
    const numbers = noiseFor(parseNoise(text), { seed: 1, stream: "moments" }, 1, 1, count);
    const mean = numbers.reduce((sum, n) => sum + n, 0) / count;
    const about = (k: number) => numbers.reduce((sum, n) => sum + (n - mean) ** k, 0) / count;
    return { numbers, mean, variance: about(2), kurtosis: about(4) / about(2) ** 2 };
  };
  const near = (actual: number, expected: number, deviation: number) =>
    assert.ok(Math.abs(actual - expected) < 4 * deviation, `${actual} is not ${expected}`);
  const uniform = moments("uniform:2");
  near(uniform.mean, 1, 2 / Math.sqrt(12 * count));
  near(uniform.variance, 4 / 12, 4 * Math.sqrt(1 / 180 / count));
  assert.ok(uniform.numbers.every((n) => n >= 0 && n < 2));
  const gaussian = moments("gaussian:0.5");
  near(gaussian.mean, 0, 0.5 / Math.sqrt(count));
  near(gaussian.variance, 0.25, 0.25 * Math.sqrt(2 / count));
  near(gaussian.kurtosis, 3, Math.sqrt(24 / count));
  const correlation = gaussian.numbers.reduce((sum, n, k) => sum + n * (gaussian.numbers[k + 1] ?? 0), 0);
  near(correlation / count, 0, 0.25 / Math.sqrt(count));
  const mask = moments("mask:0.25");
  near(mask.mean, 0.75, Math.sqrt(0.25 * 0.75 / count));
  assert.ok(mask.numbers.every((n) => n === 0 || n === 1));
});

gpuTest("a mask of 0 keeps everything, a mask of 1 nothing, NaN included", async (gpu) => {
  for (const [amount, expected] of [[0, [1, NaN, -3]], [1, [0, 0, 0]]] as const) {
    const graph = new Graph(1);
    using parameters = new Parameters(0);
    const x = graph.input("x", 3);
    const y = addNoise(graph, x, { label: "y", noise: { kind: "mask", amount }, seed: 0 });
    using step = await compile(gpu, graph, parameters, { label: "mask", outputs: [y] });
    step.upload(x, Float32Array.of(1, NaN, -3));
    step.run({ first: 0, rows: 1 });
    const [read] = await step.read([y], 1);
    assert.deepEqual([...read], [...expected]);
  }
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

Deno.test.each([
  ["uniform:1", "uniform", 1],
  ["gaussian:0.3", "gaussian", 0.3],
  ["mask:.25", "mask", 0.25],
  [" Mask:1 ", "mask", 1],
  ["uniform:0", "uniform", 0],
  ["gaussian:1e-3", "gaussian", 0.001],
] as [string, string, number][])("parseNoise() reads %s", (text, kind, amount) => {
  assert.deepEqual(parseNoise(text), { kind, amount });
});

Deno.test.each([
  ["", "expected uniform:AMPLITUDE"],
  ["uniform", "expected uniform:AMPLITUDE"],
  ["uniform:", "expected uniform:AMPLITUDE"],
  ["salt:1", "expected uniform:AMPLITUDE, gaussian:DEVIATION or mask:SHARE, such as uniform:1"],
  ["gaussian:-1", "expected uniform:AMPLITUDE"],
  ["gaussian:NaN", "expected uniform:AMPLITUDE"],
  ["gaussian:1 2", "expected uniform:AMPLITUDE"],
  ["mask:1.5", "the share must be 0 to 1"],
  ["gaussian:1e60", "the standard deviation must be at least 0, and a float32"],
  ["uniform:1e999", "the amplitude must be at least 0, and a float32"],
])("parseNoise() refuses %j", (text, message) => {
  assert.throws(() => parseNoise(text), (error: unknown) => {
    return error instanceof InputError && error.message.startsWith(`Cannot read noise "${text}": ${message}`);
  });
});

Deno.test("addNoise() refuses an amount out of its range", () => {
  const graph = new Graph(1);
  const x = graph.input("x", 2);
  for (const noise of [{ kind: "mask", amount: -0.1 }, { kind: "uniform", amount: NaN }] as const) {
    assert.throws(
      () => addNoise(graph, x, { label: "y", noise, seed: 0 }),
      /^RangeError: Cannot add noise "y": /,
    );
  }
});

// The reference's own gradients, against central differences.

Deno.test("the references of noise and reparameterisation agree with differences", () => {
  const numbers = (name: string) => Float64Array.from(randomFloats(name, 12));
  const upstream = numbers("upstream");
  const dot = (y: Float64Array) => y.reduce((sum, v, k) => sum + v * upstream[k], 0);
  function assertGradient(of: string, gradient: Float64Array, at: Float64Array, loss: () => number): void {
    at.forEach((kept, k) => {
      at[k] = kept + 1e-5;
      const above = loss();
      at[k] = kept - 1e-5;
      const difference = (above - loss()) / 2e-5;
      at[k] = kept;
      assert.ok(Math.abs(difference - gradient[k]) < 1e-8, `${of}[${k}]: ${gradient[k]}, not ${difference}`);
    });
  }
  for (const { kind } of NOISES) {
    const x = numbers("x"), noise = noiseFor({ kind, amount: 0.5 }, { seed: 0, stream: "n" }, 1, 3, 4);
    const loss = () => dot(noiseForward(x, noise, kind));
    assertGradient(kind, noiseBackward(upstream, noise, kind), x, loss);
  }
  const [mean, logVariance, epsilon] = ["mean", "log_variance", "epsilon"].map(numbers);
  const loss = () => dot(reparameterizeForward(mean, logVariance, epsilon));
  const { dMean, dLogVariance, dEpsilon } = reparameterizeBackward(logVariance, epsilon, upstream);
  assertGradient("mean", dMean, mean, loss);
  assertGradient("log_variance", dLogVariance, logVariance, loss);
  assertGradient("epsilon", dEpsilon, epsilon, loss);
  assert.deepEqual([...transposed(Float64Array.of(1, 2, 3, 4, 5, 6), 2, 3)], [1, 4, 2, 5, 3, 6]);
  assert.deepEqual([...noiseForward(Float64Array.of(2, 3), Float64Array.of(0, 1), "mask")], [0, 3]);
});

// Every layer in one network, for gradcheck and for planted faults.

/** A network in which every path of every layer's shaders carries something. */
function everyLayer(graph: Graph, parameters: Parameters, pixels: Value, row: ArrayLike<number>): LossTerm[] {
  const seed = 6;
  const noisy = addNoise(graph, pixels, { label: "noisy", noise: parseNoise("uniform:1"), seed });
  const h = dense(graph, parameters, noisy, { ...LAYER, label: "encoder.0", outputs: 7, activation: "tanh" });
  const masked = addNoise(graph, h, { label: "masked", noise: parseNoise("mask:0.25"), seed });
  const again = addNoise(graph, h, { label: "masked again", noise: parseNoise("mask:0.4"), seed });
  const blurred = addNoise(graph, h, { label: "blurred", noise: parseNoise("gaussian:0.3"), seed });
  const centered = subtractRow(graph, add(graph, masked, again, { label: "both" }), {
    label: "centered",
    row,
  });
  const sum = add(graph, centered, blurred, { label: "sum" });
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

/** Holds the network of every layer to the reference on a device with a fault in one shader; says what was wrong. */
function findingOf(path: string, text: string, becomes: string): Promise<string> {
  return withFault({ path, text, becomes }, async (gpu) => {
    try {
      const row = ROW;
      const graph = new Graph(5);
      using parameters = new Parameters(8);
      const pixels = graph.input("pixels", 18);
      const losses = everyLayer(graph, parameters, pixels, row);
      retile(graph, 3, 2);
      const inputs = new Map([[pixels, randomFloats("pixels", 4 * 18, 0, 1)]]);
      await assertAgrees(gpu, graph, parameters, { losses, inputs }, 4, "fault");
      return "nothing";
    } catch (error) {
      return (error as Error).message;
    }
  });
}

Deno.test("without a fault the faulty device agrees with the reference", async () => {
  assert.equal(await findingOf("shaders/layers/add.wgsl", "z", "z"), "nothing");
});

const PASS = "shaders/layers/pass_gradient.wgsl";
const REPARAMETERIZE = "shaders/layers/reparameterize.wgsl";
const NOISE = "shaders/layers/noise.wgsl";
const ACTIVATION = "shaders/layers/activation.wgsl";
const TIED = "shaders/layers/dense_backward_input.wgsl";
const TIED_BACK = "shaders/layers/dense_forward.wgsl";
const WEIGHT = "shaders/layers/dense_backward_weight.wgsl";

Deno.test.each([
  ["add: wrong sign", "shaders/layers/add.wgsl", "x[invocation.x] + y", "x[invocation.x] - y", "both"],
  [
    "subtract row: wrong sign",
    "shaders/layers/subtract_row.wgsl",
    "x[invocation.x] - m",
    "x[invocation.x] + m",
    "centered",
  ],
  [
    "subtract row: wrong column",
    "shaders/layers/subtract_row.wgsl",
    "invocation.x % vec4_count(layer.width)",
    "0u",
    "centered",
  ],
  ["activation: wrong sign", ACTIVATION, "exp(-z)", "exp(z)", "shown"],
  [
    "activation: padding not zeroed",
    ACTIVATION,
    "x[invocation.x]), exists",
    "x[invocation.x]), true",
    "shown",
  ],
  ["pass: wrong sign", PASS, "var d = d_y", "var d = -d_y", "d_"],
  ["pass: = for +=", PASS, "{ d += d_x[invocation.x]; }", "{ }", "d_"],
  ["pass: += for =", PASS, "layer.accumulate != 0u", "true", "d_"],
  ["pass: activation left out", PASS, "d * derivative(layer.activation, x[invocation.x])", "d", "d_"],
  ["pass: wrong derivative of tanh", PASS, "1.0 - y * y", "1.0 - y", "d_"],
  ["pass: wrong derivative of the sigmoid", PASS, "y * (1.0 - y)", "y * (1.0 + y)", "d_"],
  [
    "reparameterize: factor ½ left out",
    REPARAMETERIZE,
    "exp(0.5 * log_variance[invocation.x]) * eps",
    "exp(log_variance[invocation.x]) * eps",
    "z",
  ],
  ["reparameterize: mean left out", REPARAMETERIZE, "mean[invocation.x] + exp", "exp", "z"],
  [
    "to log-variance: wrong sign",
    REPARAMETERIZE,
    "d_z[invocation.x] * epsilon",
    "-d_z[invocation.x] * epsilon",
    "d_log_variance",
  ],
  ["to log-variance: factor ½ left out", REPARAMETERIZE, "(0.5 * exp(", "(exp(", "d_log_variance"],
  [
    "to log-variance: noise left out",
    REPARAMETERIZE,
    "d_z[invocation.x] * epsilon[invocation.x] *",
    "d_z[invocation.x] *",
    "d_log_variance",
  ],
  [
    "to log-variance: activation left out",
    REPARAMETERIZE,
    " * derivative(layer.activation, log_variance[invocation.x])",
    "",
    "d_log_variance",
  ],
  [
    "to epsilon: wrong sign",
    REPARAMETERIZE,
    "d_z[invocation.x] * exp",
    "-d_z[invocation.x] * exp",
    "d_epsilon",
  ],
  [
    "to epsilon: deviation left out",
    REPARAMETERIZE,
    "d_z[invocation.x] * exp(0.5 * log_variance[invocation.x])",
    "d_z[invocation.x]",
    "d_epsilon",
  ],
  [
    "to epsilon: activation left out",
    REPARAMETERIZE,
    " * derivative(layer.activation, epsilon[invocation.x])",
    "",
    "d_epsilon",
  ],
  ["reparameterize: = for +=", REPARAMETERIZE, "{ gradient += d[invocation.x]; }", "{ }", "d_"],
  ["reparameterize: += for =", REPARAMETERIZE, "layer.accumulate != 0u", "true", "d_"],
  ["noise: nine rounds", NOISE, "round < 10u", "round < 9u", "noisy"],
  ["noise: a carry left out", NOISE, " + (carry >> 16u)", "", "noisy"],
  ["noise: not another every step", NOISE, "0u, step.draw, 0u", "0u, 1u, 0u", "noisy"],
  ["noise: wrong quadrant", NOISE, "(quarter + 1u) & vec2u(2u)", "quarter & vec2u(2u)", "blurred"],
  ["noise: amount left out", NOISE, "noise.amount * normals", "normals", "blurred"],
  [
    "noise: padding not zeroed",
    NOISE,
    "is_column(at % vec4_count(noise.width), noise.width)",
    "true",
    "noisy|blurred",
  ],
  [
    "mask: the other elements",
    NOISE,
    "uniforms(words(at)) < vec4f",
    "uniforms(words(at)) >= vec4f",
    "masked",
  ],
  [
    "to mask: wrong sign",
    NOISE,
    "var d = select(d_y[invocation.x]",
    "var d = select(-d_y[invocation.x]",
    "d_",
  ],
  [
    "to mask: everything",
    NOISE,
    "var d = select(d_y[invocation.x], vec4f(0.0), is_masked(invocation.x))",
    "var d = d_y[invocation.x]",
    "d_",
  ],
  ["to mask: = for +=", NOISE, "{ d += d_x[invocation.x]; }", "{ }", "d_"],
  ["to mask: += for =", NOISE, "noise.accumulate != 0u", "true", "d_"],
  ["to mask: activation left out", NOISE, "d * derivative(noise.activation, x[invocation.x])", "d", "d_"],
  ["tied: dropped bias", TIED, "start = bias[column];", "", "decoder"],
  ["tied: wrong sign in the sigmoid", TIED, "exp(-z)", "exp(z)", "decoder"],
  [
    "tied: padding not zeroed",
    TIED,
    "z), is_column(column, width)",
    "z), vec4<bool>(true)",
    "decoder",
  ],
  ["tied to input: = for +=", TIED_BACK, "= d_x[row_of", "= 0.0 * d_x[row_of", "d_"],
  ["tied to input: += for =", TIED_BACK, "layer.accumulate != 0u", "true", "d_"],
  ["tied to input: wrong sign", TIED_BACK, "*= derivative(", "*= -derivative(", "d_"],
  ["tied to input: activation left out", TIED_BACK, "*= derivative(layer.activation, x[at])", "*= 1.0", "d_"],
  ["tied to input: wrong derivative", TIED_BACK, "y * (1.0 - y)", "y * (1.0 + y)", "d_"],
  [
    "tied to bias: wrong sign",
    WEIGHT,
    "{ d += right_at(b * O4 + column); }",
    "{ d -= right_at(b * O4 + column); }",
    "d_decoder.0.bias",
  ],
  [
    "tied to bias: one row too many",
    WEIGHT,
    "b < step.rows; b++) { d +=",
    "b < step.rows + 1u; b++) { d +=",
    "d_decoder.0.bias",
  ],
  [
    "tied to bias: = for +=",
    WEIGHT,
    "if (layer.accumulate_bias != 0u) { d += d_bias[column]; }\n  d_bias",
    "d_bias",
    "d_decoder.0.bias",
  ],
  ["tied to weight: = for +=", WEIGHT, "= d_w[", "= 0.0 * d_w[", "d_encoder.0.weight"],
] as [string, string, string, string, string][])(
  "planted fault in a layer is caught: %s",
  async (_name, path, text, becomes, where) => {
    const message = await findingOf(path, text, becomes);
    assert.match(message, new RegExp(`^fault: (${where})`));
  },
);

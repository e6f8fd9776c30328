// Noise: the generator, the distributions, what they depend on.
import assert from "node:assert/strict";
import noiseCode from "../../shaders/layers/noise.wgsl" with { type: "text" };
import { InputError } from "../../src/errors.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { createPipeline } from "../../src/gpu/kernel.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { SHADER_NUMBERS } from "../../src/graph/shader_numbers.ts";

import { addNoise, noiseFor, type NoiseSpec, parseNoise, standardNormal } from "../../src/layers/noise.ts";
import { philox, RandomStream } from "../../src/random.ts";
import { assertPaddingIsZero, narrow } from "../helpers/agreement.ts";
import { assertAllClose, bitsOf, gpuTest } from "../helpers/gpu.ts";

const NOISES: readonly NoiseSpec[] = ["uniform:1", "gaussian:0.3", "mask:0.25"].map(parseNoise);

/** Runs `body` once per invocation, on a GPU of which nothing but the generator's functions are used. */
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
      message: `Cannot run "noise": expected draw to be an integer in [0, 2³²) but received ${draw}`,
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
    assertAllClose(`draw ${draw}`, narrow(read, 16, 5), expected, [16, 5], 1e-6);
    assertPaddingIsZero(`draw ${draw}`, read, 16, 5);
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
  ["mask:1.5", "expected a share in [0, 1] but received 1.5"],
  ["gaussian:1e60", "expected a standard deviation of at least 0 within float32's range but received 1e+60"],
  ["uniform:1e999", "expected an amplitude of at least 0 within float32's range but received Infinity"],
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
      /^RangeError: Cannot add noise "y": expected .* but received/,
    );
  }
});

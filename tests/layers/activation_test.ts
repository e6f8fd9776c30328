// Activations at their extremes, through every kernel that goes through one, and the numbers that shaders know them by.
import assert from "node:assert/strict";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { createPipeline, kernelText } from "../../src/gpu/kernel.ts";
import { KERNEL_KINDS, type KernelKind } from "../../src/gpu/product_kernel.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { SHADER_NUMBERS } from "../../src/graph/shader_numbers.ts";
import { type Activation, ACTIVATIONS } from "../../src/graph/tensor.ts";
import { activation as activationLayer } from "../../src/layers/activation.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { activate, activationDerivative } from "../../src/reference/dense.ts";
import { findWrongExtremes } from "../helpers/extremes.ts";
import { gpuTest, retile, withGpu, withKernels } from "../helpers/gpu.ts";
import type { RewriteShader } from "../../src/gpu/shader.ts";

const NAMES = Object.keys(ACTIVATIONS) as Activation[];
/** WGSL's functions are right to about 1e-7 of 1. */
const TOLERANCE = 1e-6;

/** What is wrong at the extremes with a kind of kernel. */
async function extremes(gpu: Gpu, kind: KernelKind, activation: Activation): Promise<string[]> {
  let found: string[] = [];
  await withKernels(gpu, kind, async () => {
    found = await findWrongExtremes(gpu, activation, (graph) => retile(graph, 3, 2)); // small tiles compile fast
  });
  return found;
}

const CASES = KERNEL_KINDS.flatMap((kind) => NAMES.map((name) => [name, kind] as const));

Deno.test.each(CASES)(
  "an activation saturates, and NaN stays NaN: %s, %s kernels",
  (name, kind) => withGpu(async (gpu) => assert.deepEqual(await extremes(gpu, kind, name), [])),
);

// Mesa's tanh holds its argument to ±10 by itself, so that nothing is noticed here if the guard is missing. WGSL allows
// the quotient instead, which SwiftShader and Metal compute: NaN where both sides are infinite.
const AS_QUOTIENT = [["tanh(saturated)", "sinh(saturated) / cosh(saturated)"]] as const;
const NO_GUARD = [["abs(z) > vec4f(15.0)", "vec4<bool>(false)"]] as const;

/** What is noticed while texts of `common/activation.wgsl` are others. */
async function noticed(changes: readonly (readonly [string, string])[], name: Activation, kind: KernelKind) {
  const rewriteShader: RewriteShader = (path, code) => {
    if (path !== "shaders/common/activation.wgsl") return code;
    return changes.reduce((text, [from, to]) => {
      assert.equal(text.split(from).length, 2, `"${from}" stands there once`);
      return text.replace(from, to);
    }, code);
  };
  using gpu = await openGpu({ rewriteShader });
  return await extremes(gpu, kind, name);
}

Deno.test.each(KERNEL_KINDS.map((kind) => [kind] as const))(
  "tanh saturates where the device computes sinh/cosh, and only because of its guard: %s kernels",
  async (kind) => {
    assert.deepEqual(await noticed(AS_QUOTIENT, "tanh", kind), []);
    const found = await noticed([...AS_QUOTIENT, ...NO_GUARD], "tanh", kind);
    for (const op of ["activation", "dense", "tied dense"]) {
      for (const z of [100, -100, 1000, -1000, 3e38, -3e38]) {
        assert.ok(
          found.some((line) => line.startsWith(`${op} forward at z = ${Math.fround(z)}:`)),
          `${op}, ${z}\n${found.join("\n")}`,
        );
      }
    }
  },
);

Deno.test.each(
  [
    [
      "tanh",
      "the guard takes NaN for a large number",
      "select(z, 15.0 * sign(z), abs(z) > vec4f(15.0))",
      "clamp(z, vec4f(-15.0), vec4f(15.0))",
    ],
    ["relu", "max", "return select(z, vec4f(0.0), z <= vec4f(0.0));", "return max(z, vec4f(0.0));"],
    ["sigmoid", "an exponent that is held", "exp(-z)", "exp(min(-z, vec4f(80.0)))"],
  ] as [Activation, string, string, string][],
)("NaN that becomes a number is noticed: %s, %s", async (name, _fault, from, to) => {
  const found = await noticed([[from, to]], name, "register");
  for (const op of ["activation", "dense", "tied dense"]) {
    assert.ok(found.some((line) => line.startsWith(`${op} forward at z = NaN:`)), found.join("\n"));
  }
});

/** What a shader that has nothing but activate() and derivative() makes of a number and z = 0.5. */
async function ofNumber(gpu: Gpu, number: number): Promise<number[]> {
  const code = `// after common/activation.wgsl
@group(0) @binding(0) var<storage, read> number: u32;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;
@compute @workgroup_size(1)
fn both() {
  result[0] = activate(number, vec4f(0.5));
  result[1] = derivative(number, vec4f(0.5));
}
`;
  const pipeline = await createPipeline(gpu, {
    shader: { path: "a test", code, before: [SHADER_NUMBERS] },
    entryPoint: "both",
    constants: {},
    access: ["read", "write"],
  });
  using made = new DisposableStack();
  const given = made.adopt(
    gpu.upload("number", Uint32Array.of(number)),
    (buffer) => gpu.destroyBuffer(buffer),
  );
  const result = made.adopt(gpu.createBuffer("result", 32), (buffer) => gpu.destroyBuffer(buffer));
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    gpu.device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [given, result].map((buffer, binding) => ({ binding, resource: { buffer } })),
    }),
  );
  pass.dispatchWorkgroups(1);
  pass.end();
  gpu.device.queue.submit([encoder.finish()]);
  const [numbers] = await gpu.read([{ buffer: result, offset: 0, size: 32 }], "a test");
  return [...numbers];
}

gpuTest(
  "every activation has its number and its formulas in WGSL, and other numbers give NaN",
  async (gpu) => {
    for (const [name, number] of Object.entries(ACTIVATIONS)) {
      const y = activate(name as Activation, 0.5), d = activationDerivative(name as Activation, 0.5);
      const expected = [y, y, y, y, d, d, d, d];
      const actual = await ofNumber(gpu, number);
      assert.ok(actual.every((one, k) => Math.abs(one - expected[k]) <= TOLERANCE), `${name}: ${actual}`);
    }
    for (const number of [NAMES.length, 99, 0x7fffffff, 0xffffffff]) {
      assert.deepEqual(await ofNumber(gpu, number), new Array(8).fill(NaN), `number ${number}`);
    }
  },
);

// Either table without the other does not compile, though nothing uses the new activation yet.
Deno.test.each([
  ["TypeScript alone knows it", {
    path: SHADER_NUMBERS.path,
    text: "const ACTIVATION_COUNT = 4u;",
    becomes: "const ACTIVATION_GELU = 4u;\nconst ACTIVATION_COUNT = 5u;",
  }, /common\/activation\.wgsl:\d+:\d+: `const_assert` failure\n {4}const_assert ACTIVATION_COUNT == 4u;/],
  ["WGSL alone knows it", {
    path: "shaders/common/activation.wgsl",
    text: "    case ACTIVATION_RELU: { return select(z",
    becomes: "    case ACTIVATION_GELU: { return z; }\n    case ACTIVATION_RELU: { return select(z",
  }, /common\/activation\.wgsl:\d+:10: .*`ACTIVATION_GELU`/],
  ["TypeScript alone knows a reduction", {
    path: SHADER_NUMBERS.path,
    text: "const REDUCTION_COUNT = 3u;",
    becomes: "const REDUCTION_MEDIAN = 3u;\nconst REDUCTION_COUNT = 4u;",
  }, /common\/reductions\.wgsl:\d+:\d+: `const_assert` failure\n {4}const_assert REDUCTION_COUNT == 3u;/],
])("an activation that only one side knows does not compile: %s", async (_case, fault, message) => {
  using gpu = await openGpu({
    rewriteShader(path, code) {
      if (path !== fault.path) return code;
      assert.equal(code.split(fault.text).length, 2, `"${fault.text}" stands there once`);
      return code.replace(fault.text, fault.becomes);
    },
  });
  const graph = new Graph(1);
  using parameters = new Parameters(0);
  const x = graph.input("x", 1);
  const y = activationLayer(graph, x, { label: "y", activation: "tanh" });
  const loss = squaredError(graph, y, x, { label: "loss", reduction: "sum" });
  await assert.rejects(compile(gpu, graph, parameters, { label: "net", losses: [loss] }), (error: Error) => {
    assert.match(error.message, message);
    return true;
  });
});

Deno.test("the numbers are those of the tables", () => {
  const { code } = kernelText({
    shader: { path: "a test", code: "", before: [SHADER_NUMBERS] },
    constants: {},
  });
  for (const [name, number] of Object.entries(ACTIVATIONS)) {
    assert.ok(code.includes(`const ACTIVATION_${name.toUpperCase()} = ${number}u;\n`), code);
  }
});

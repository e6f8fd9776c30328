import assert from "node:assert/strict";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import type { KernelKind } from "../../src/gpu/product_kernel.ts";
import { unroll } from "../../src/gpu/unroll.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { dense } from "../../src/layers/dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { assertAllClose, largest, randomFloats, retile, withGpu } from "../helpers/gpu.ts";

function lines(code: string, constants: Readonly<Record<string, number>> = {}): string[] {
  return unroll(code, constants).code.split("\n");
}

Deno.test("unroll() leaves unmarked text alone", () => {
  const code = "fn f() {\n  for (var r = 0u; r < 4u; r++) {\n    y[r] = 1.0; // do not unroll this\n  }\n}\n";
  const { code: same, sourceLines } = unroll(code, {});
  assert.equal(same, code);
  assert.deepEqual(sourceLines, [1, 2, 3, 4, 5, 6]);
});

Deno.test("unroll() writes a marked loop out, and knows each line's origin", () => {
  const code = "a;\nfor (var r = 0u; r < ROWS; r++) { // unroll\n  y[r] = x[row + r];\n}\nb;";
  const { code: text, sourceLines } = unroll(code, { ROWS: 2 });
  assert.deepEqual(text.split("\n"), [
    "a;",
    "{",
    "  y[0u] = x[row + 0u];",
    "}",
    "{",
    "  y[1u] = x[row + 1u];",
    "}",
    "b;",
  ]);
  assert.deepEqual(sourceLines, [1, 2, 3, 4, 2, 3, 4, 5]);
});

Deno.test.each([["2u", 2], ["3", 3], ["0u", 0], ["1u", 1]])(
  "unroll() takes a literal bound %s",
  (bound, turns) => {
    const code = `for (var k = 0u; k < ${bound}; k++) { // unroll\n  f(k);\n}`;
    assert.deepEqual(
      lines(code),
      turns === 0 ? [""] : Array.from({ length: turns }, (_, k) => ["{", `  f(${k}u);`, "}"]).flat(),
    );
  },
);

Deno.test("unroll() replaces only the whole name of the counter", () => {
  const code = "for (var r = 0u; r < 1u; r++) { // unroll\n  let row = r + r4 + for_r + a[r].r;\n}";
  assert.equal(lines(code.replace(".r;", ".x;"))[1], "  let row = 0u + r4 + for_r + a[0u].x;");
});

Deno.test("unroll() unrolls nested loops, with an unmarked one between", () => {
  const code = [
    "for (var c = 0u; c < 2u; c++) { // unroll",
    "  for (var i = 0u; i < n; i++) {",
    "    for (var r = 0u; r < ROWS; r++) { // unroll",
    "      s[c][r] += i;",
    "    }",
    "  }",
    "}",
  ].join("\n");
  const { code: text, sourceLines } = unroll(code, { ROWS: 2 });
  const body = text.split("\n").filter((line) => line.includes("+=")).map((line) => line.trim());
  assert.deepEqual(body, ["s[0u][0u] += i;", "s[0u][1u] += i;", "s[1u][0u] += i;", "s[1u][1u] += i;"]);
  assert.equal(text.match(/for \(/g)?.length, 2);
  assert.equal(sourceLines.length, text.split("\n").length);
  text.split("\n").forEach((line, k) => line.includes("+=") && assert.equal(sourceLines[k], 4));
});

Deno.test.each([
  [
    "no loop",
    "a;\nlet x = 1; // unroll",
    /^SyntaxError: Cannot unroll line 2: expected a loop but found "let x/,
  ],
  ["counter by two", "for (var r = 0u; r < 4u; r += 2u) { // unroll\n}", /line 1: expected a loop/],
  ["start at one", "for (var r = 1u; r < 4u; r++) { // unroll\n}", /line 1: expected a loop/],
  ["two counters", "for (var r = 0u; s < 4u; r++) { // unroll\n}", /line 1: expected a loop/],
  [
    "unknown bound",
    "\n\nfor (var r = 0u; r < ROWS; r++) { // unroll\n}",
    /line 3: the value of "ROWS" is not known/,
  ],
  [
    "no closing brace",
    "for (var r = 0u; r < 4u; r++) { // unroll\n  }",
    /line 1: its closing brace is missing/,
  ],
  [
    "error in a nested loop",
    "for (var r = 0u; r < 1u; r++) { // unroll\n  a;\n  for (var c = 0u; c < C; c++) { // unroll\n  }\n}",
    /line 3: the value of "C" is not known/,
  ],
])("unroll() refuses: %s", (_case, code, message) => {
  assert.throws(() => unroll(code, {}), message);
});

/** Every number that a net of two layers computes, on a batch that fills no tile. */
async function everything(gpu: Gpu): Promise<Map<string, Float32Array>> {
  const [rows, inputs, hidden] = [15, 21, 19];
  const graph = new Graph(16);
  using parameters = new Parameters(3);
  const x = graph.input("x", inputs), target = graph.input("target", inputs);
  const h = dense(graph, parameters, x, {
    label: "h",
    outputs: hidden,
    activation: "tanh",
    initializer: "pytorch-linear",
  });
  const y = dense(graph, parameters, h, {
    label: "y",
    outputs: inputs,
    activation: "sigmoid",
    initializer: "pytorch-linear",
  });
  const loss = squaredError(graph, y, target, { label: "loss", reduction: "sum" });
  retile(graph, 2, 3); // plain shaders take long to compile: 10 s for the tile of a software adapter
  using step = await compile(gpu, graph, parameters, {
    label: "both",
    losses: [loss],
    trainable: parameters.all,
    gradients: [x],
  });
  step.upload(x, randomFloats("x", rows * inputs));
  step.upload(target, randomFloats("target", rows * inputs));
  step.run({ first: 0, rows });
  const values = await step.read([h, y], rows);
  const gradients = await step.readValueGradients([x, h, y], rows);
  return new Map([
    ...await step.readGradients(),
    ...["h", "y"].map((name, k) => [name, values[k]] as const),
    ...["d_x", "d_h", "d_y"].map((name, k) => [name, gradients[k]] as const),
  ]);
}

const LAYERS = "shaders/layers/", COMMON = "shaders/common/";
Deno.test.each(
  [
    ["register", [
      `${COMMON}forward_tile.wgsl`,
      `${COMMON}gradient_tile.wgsl`,
      `${COMMON}product.wgsl`,
      `${COMMON}transposed_product.wgsl`,
      `${COMMON}weight_earlier.wgsl`,
      `${COMMON}weight_product.wgsl`,
      `${COMMON}weight_tile.wgsl`,
    ]],
    ["fused", [
      `${COMMON}forward_tile.wgsl`,
      `${COMMON}gradient_tile.wgsl`,
      `${COMMON}product.wgsl`,
      `${COMMON}transposed_product.wgsl`,
      `${COMMON}weight_product.wgsl`,
      `${COMMON}weight_tile.wgsl`,
    ]],
    ["workgroup", [
      `${COMMON}workgroup_tile.wgsl`,
      `${LAYERS}dense_backward_input_workgroup.wgsl`,
      `${LAYERS}dense_backward_weight_workgroup.wgsl`,
      `${LAYERS}dense_forward_workgroup.wgsl`,
    ]],
    ["texture", [
      `${COMMON}forward_tile.wgsl`,
      `${COMMON}gradient_tile.wgsl`,
      `${COMMON}product.wgsl`,
      `${COMMON}transposed_product.wgsl`,
      `${COMMON}weight_earlier.wgsl`,
      `${COMMON}weight_tile.wgsl`,
      `${LAYERS}dense_backward_weight_texture.wgsl`,
    ]],
  ] as [KernelKind, string[]][],
)("plain shaders compute what unrolled ones do, in all three %s kernels", async (kind, files) => {
  await withGpu(async (gpu) => {
    const stripped = new Set<string>();
    using plainGpu = await openGpu({
      rewriteShader: (path, code) => {
        if (code.includes(" // unroll\n")) stripped.add(path);
        return code.replaceAll(" // unroll\n", "\n");
      },
    });
    gpu.kernels = plainGpu.kernels = { kind };
    const [unrolled, plain] = [await everything(gpu), await everything(plainGpu)];
    assert.deepEqual([...stripped].sort(), files);
    assert.equal(unrolled.size, 9);
    for (const [name, numbers] of unrolled) {
      // the same sums in the same order: only a compiler's fused multiply-adds may differ, by an ulp or two
      assertAllClose(name, plain.get(name)!, numbers, [numbers.length], 1e-6 * Math.max(1, largest(numbers)));
    }
  });
});

// What `deno task wgsl` prints.
import assert from "node:assert/strict";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { type DispatchedText, formatText, formatTexts, textsOf } from "../../src/step/kernel_texts.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { dense } from "../../src/layers/dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { join } from "node:path";
import { recipeText, ROOT, runScript, runTask, withProjectFolder } from "../helpers/commands.ts";
import { gpuTest, withKernels } from "../helpers/gpu.ts";

/** The texts of three layers, of which the first brings a part of its own. */
async function texts(gpu: Gpu): Promise<DispatchedText[]> {
  const graph = new Graph(4);
  using parameters = new Parameters(0);
  const layer = { outputs: 5, activation: "tanh", initializer: "pytorch-linear" } as const;
  const x = graph.input("x", 5);
  let y = x;
  for (const label of ["a", "b", "c"]) y = dense(graph, parameters, y, { ...layer, label });
  const loss = squaredError(graph, y, x, { label: "loss", reduction: "mean" });
  using step = await compile(gpu, graph, parameters, { label: "net", losses: [loss] });
  const own = { path: 'forward of activation "leaky"', code: "// nothing" };
  const dispatches = step.dispatches.map((dispatch) =>
    dispatch.label === "a forward" ? { ...dispatch, shader: { ...dispatch.shader, before: [own] } } : dispatch
  );
  return textsOf(gpu, dispatches, 4);
}

gpuTest(
  "dispatches that compile the same stand in one block, with entry point, constants and parts",
  (gpu) =>
    withKernels(gpu, "register", async () => {
      const blocks = formatTexts(await texts(gpu)).split("\n\n");
      const [own, shared] = blocks;
      assert.equal(blocks.length, 4, blocks.join("\n\n"));
      assert.match(own, /^dense_forward of shaders\/layers\/dense_forward\.wgsl, \d+ lines\n/);
      assert.match(own, /\n {2}constants {3}WORKGROUP_SIZE \d+, TILE_ROWS 4, TILE_COLUMNS \d+\n/);
      assert.match(
        own,
        /\n {2}parts {7}shaders\/common\/operands_buffer\.wgsl, .*forward of activation "leaky", /,
      );
      assert.match(own, /\n {2}dispatches {2}a forward$/);
      assert.match(shared, /^dense_forward of .*\n {2}dispatches {2}b forward\n {14}c forward$/s);
    }),
);

gpuTest(
  "a dispatch's text is what is compiled, and says where each part comes from",
  (gpu) =>
    withKernels(gpu, "texture", async () => {
      const all = await texts(gpu);
      const text = formatText(all, "a forward");
      const headers = [...text.matchAll(/^\/\/ ---- (.*) ----$/gm)].map(([, path]) => path);
      assert.equal(headers[0], "shaders/common/operands_texture.wgsl");
      assert.deepEqual(headers.slice(-3), [
        "src/graph/shader_numbers.ts",
        'forward of activation "leaky"',
        "shaders/layers/dense_forward.wgsl",
      ]);
      assert.equal(new Set(headers).size, headers.length);
      const { code } = all.find(({ labels }) => labels.includes("a forward"))!;
      const [title, ...lines] = text.split("\n");
      assert.match(
        title,
        /^\/\/ a forward: dense_forward with WORKGROUP_SIZE \d+, TILE_ROWS 4, TILE_COLUMNS \d+$/,
      );
      assert.equal(lines.filter((line) => !line.startsWith("// ---- ")).join("\n"), code);
      assert.ok(!code.includes("// unroll\n"), "loops are written out");
    }),
);

gpuTest(
  "another label is refused with those that there are",
  (gpu) =>
    withKernels(gpu, "register", async () => {
      const all = await texts(gpu);
      assert.throws(() => formatText(all, "a foward"), {
        name: "InputError",
        message:
          /^Cannot print the shader of dispatch "a foward": expected one of "a forward", "b forward", .*"loss total"/,
      });
    }),
);

Deno.test("deno task wgsl RECIPE LABEL prints WGSL alone", async () => {
  const { code, stdout } = await new Deno.Command("deno", {
    args: ["run", "-q", "--no-prompt", "--no-check", "scripts/tools/wgsl.ts", "basic", "--kernels", "naive"]
      .concat(["encoder", "forward"]),
    cwd: ROOT,
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.equal(code, 0);
  assert.match(
    text,
    /^\/\/ encoder forward: dense_forward_naive with WORKGROUP_SIZE \d+\n\/\/ ---- shaders\/common\/step\.wgsl ----\n/,
  );
  assert.match(text, /\nfn dense_forward_naive\(/);
});

Deno.test("deno task wgsl prints what does not compile, too", () =>
  withProjectFolder(async (folder) => {
    const script = join(folder, "mine.ts");
    const broken = `const broken = activationOf({ name: "broken", forward: "sine(x)", derivative: "cos(x)",
  reference: { forward: Math.sin, derivative: Math.cos } });`;
    const text = recipeText("deep").replace("import { adam,", "import { activationOf, adam,")
      .replace("export const deep", `${broken}\nexport const deep`).replace('"tanh"', "broken");
    await Deno.writeTextFile(script, text);
    const label = "encoder.0 broken forward";
    const { code, stdout, stderr } = await runTask("wgsl", [script, ...label.split(" ")]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^\/\/ ---- forward of activation "broken" ----\n.*\nsine\(x\)\n/m);
    const trained = await runScript(script, ["--limit", "64", "--dry-run"], folder);
    assert.equal(trained.code, 1);
    assert.match(trained.stderr, /Cannot compile forward of activation "broken":1:1: .*sine/);
    assert.doesNotMatch(trained.stderr, /bug in Bottleneck|\n {4}at /);
  }));

// A shader that does not compile is the user's matter: one block that says file, line, column and reason.
import assert from "node:assert/strict";
import { join } from "node:path";
import { InputError, ShaderError } from "../../src/errors.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { createPipeline, kernelText } from "../../src/gpu/kernel.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { dense } from "../../src/layers/dense.ts";
import { complaints, ROOT, withFolder } from "../helpers/commands.ts";
import { gpuTest } from "../helpers/gpu.ts";

const FORWARD = "shaders/layers/dense_forward.wgsl";
const read = (path: string) => Deno.readTextFileSync(join(ROOT, path));

/** The error of compiling a layer while a file has another text. */
async function errorOf(
  path: string,
  rewrite: (code: string) => string,
  others: (code: string) => string = (code) => code,
): Promise<ShaderError> {
  using gpu = await openGpu({ rewriteShader: (part, code) => part === path ? rewrite(code) : others(code) });
  gpu.kernels = { kind: "register" };
  const graph = new Graph(2);
  using parameters = new Parameters(1);
  const x = graph.input("x", 5);
  const y = dense(graph, parameters, x, {
    label: "y",
    outputs: 4,
    activation: "tanh",
    initializer: "pytorch-linear",
  });
  const error = await compile(gpu, graph, parameters, { label: "net", outputs: [y] }).then(
    () => undefined,
    (error: unknown) => error,
  );
  gpu.check("reporting a broken shader");
  assert.ok(error instanceof ShaderError, String(error));
  assert.ok(error instanceof InputError);
  return error;
}

interface Mistake {
  readonly path?: string;
  readonly text: string;
  readonly becomes: string;
  /** What the caret must stand under, in the line that has the mistake; absent where no line is to blame. */
  readonly caret?: string;
  /** A line further down, where the compiler notices. */
  readonly below?: number;
  readonly reason: RegExp;
}

const MISTAKES: Readonly<Record<string, Mistake>> = {
  "syntax: a missing semicolon": {
    path: "shaders/common/product.wgsl",
    text: "let I4 = vec4_count(layer.inputs);",
    becomes: "let I4 = vec4_count(layer.inputs)",
    caret: "let",
    below: 1,
    reason: /^expected .*`;`.*, found "let"$/,
  },
  "an unknown name": {
    path: "shaders/common/product.wgsl",
    text: "let O4 = tile.columns;",
    becomes: "let O4 = tile.columns + colums;",
    caret: "colums",
    reason: /^no definition in scope for identifier: `colums`$/,
  },
  "an unknown name in a loop that is written out": {
    path: "shaders/common/product.wgsl",
    text: "a[r] = left_at(row_of(tile, r) * I4 + i);",
    becomes: "a[r] = left_at(row_of(tile, r) * I4 + r * ii);",
    caret: "ii",
    reason: /^no definition in scope for identifier: `ii`$/,
  },
  "a wrong type": {
    path: "shaders/common/product.wgsl",
    text: "let O4 = tile.columns;",
    becomes: "let O4: f32 = tile.columns;",
    caret: "O4",
    reason: /^the type of `O4` is expected to be `f32`, but got `u32`$/,
  },
  "a wrong type in a call": {
    path: "shaders/common/product.wgsl",
    text: "let O4 = tile.columns;",
    becomes: "let O4 = select(tile.columns, 1u, tile.row);",
    caret: "select",
    reason: /^Expected selection condition to be a boolean value, got /,
  },
  "a write to what is only read": {
    path: "shaders/common/dense_output.wgsl",
    text: "if (layer.has_bias != 0u) { start = bias[column]; }",
    becomes: "bias[column] = start;",
    caret: "bias[column]",
    reason:
      /^(writing to this location is not permitted|The pointer .* doesn't relate to a valid destination)/,
  },
  "a binding that the dispatch does not have": {
    path: "shaders/common/operands_buffer.wgsl",
    text: "@binding(1)",
    becomes: "@binding(7)",
    caret: "@binding(7)",
    reason: /^in entry point "dense_forward": .*group: 0, binding: 7 .*missing from the pipeline layout$/,
  },
  "a binding of another kind": {
    path: "shaders/common/operands_buffer.wgsl",
    text: "@group(0) @binding(1) var<storage, read> right: array<vec4f>;",
    becomes: "@group(0) @binding(1) var<storage, read_write> right: array<vec4f>;",
    caret: "@binding(1)",
    reason: /^in entry point "dense_forward": .*binding: 1 .*Storage class .* doesn't match/,
  },
  "a common file that does not exist": {
    text: "common/forward_tile.wgsl,",
    becomes: "common/forwardtile.wgsl,",
    caret: "common/forwardtile.wgsl",
    reason: /^expected names of common shaders but received "common\/forwardtile\.wgsl"$/,
  },
  "a brace that is not closed, in a common file": {
    path: "shaders/common/padding.wgsl",
    text: "fn vec4_count(width: u32) -> u32 {\n  return (width + 3u) / 4u;\n}",
    becomes: "fn vec4_count(width: u32) -> u32 {\n  return (width + 3u) / 4u;\n",
    caret: "{",
    reason: /^this \{ is not closed$/,
  },
  "a brace too many, in a common file": {
    path: "shaders/common/padding.wgsl",
    text: "  return (width + 3u) / 4u;",
    becomes: "  } return (width + 3u) / 4u;",
    caret: "}",
    below: 1,
    reason: /^this \} has no matching \{$/,
  },
  "a first line without what it needs": {
    text:
      ", common/dense_output.wgsl, common/forward_tile.wgsl, common/gradient_tile.wgsl, common/product.wgsl",
    becomes: "",
    caret: "tile_of",
    below: 19,
    reason: /^no definition in scope for identifier: `tile_of`$/,
  },
  "a loop that cannot be written out": {
    path: "shaders/common/product.wgsl",
    text: "for (var r = 0u; r < TILE_ROWS; r++) { // unroll\n      a[r]",
    becomes: "for (var r = 0u; r < ROWS; r++) { // unroll\n      a[r]",
    caret: "for",
    reason: /^cannot unroll this loop: the value of "ROWS" is not known$/,
  },
  "a missing entry point": {
    text: "fn dense_forward(",
    becomes: "fn dense_foward(",
    reason: /^expected an entry point "dense_forward" but found "dense_foward", "tied_backward_input"$/,
  },
};

Deno.test.each([
  ["one more", "struct Layer {", "struct Layer {\n  more: u32,"],
  ["two in another order", /(inputs: u32,.*\n)(.*\n)/, "$2$1"],
  ["one of another type", "has_bias: u32", "has_bias: f32"],
  ["one of another name", /\bhas_bias: u32/, "biased: u32"],
])("a struct must have the fields that the op's dispatch writes: %s", async (what, text, becomes) => {
  const path = "shaders/common/dense_layer.wgsl";
  const uses = what.endsWith("type") || what.endsWith("name");
  const { message } = await errorOf(path, (code) => {
    const changed = code.replace(text, becomes);
    assert.notEqual(changed, code);
    return changed;
  }, uses ? (code) => code.replaceAll("layer.has_bias != 0u", "true") : undefined);
  const [first, line, caret] = message.split("\n");
  assert.match(
    first,
    /^Cannot compile shaders\/common\/dense_layer\.wgsl:\d+:8: expected the fields that the op's dispatch writes \(.*has_bias: u32.*\) but Layer has /,
  );
  assert.equal(line.indexOf("Layer"), caret.indexOf("^"));
});

Deno.test.each(Object.entries(MISTAKES))(
  "a shader's mistake is shown where it stands: %s",
  async (_name, mistake) => {
    const { path = FORWARD, text, becomes, caret, below = 0, reason } = mistake;
    assert.equal(read(path).split(text).length, 2, `${path} has "${text}" once`);
    const broken = read(path).replace(text, () => becomes);
    const { message } = await errorOf(path, () => broken);
    if (caret === undefined) {
      assert.ok(message.startsWith(`Cannot compile ${path}: `), message);
      assert.match(message.slice(`Cannot compile ${path}: `.length), reason);
      return;
    }
    const at = broken.slice(0, broken.indexOf(becomes)).split("\n").length - 1 + below;
    const line = broken.split("\n")[at];
    const column = below === 0 && line.includes(becomes.split("\n")[0])
      ? line.indexOf(caret, line.indexOf(becomes.split("\n")[0]))
      : line.indexOf(caret);
    const [headline, source, arrow] = message.split("\n");
    const head = `Cannot compile ${path}:${at + 1}:${column + 1}: `;
    assert.ok(headline.startsWith(head), `${message}\nshould start with\n${head}`);
    assert.match(headline.slice(head.length), reason);
    assert.equal(source, `    ${line.trim()}`);
    assert.equal(arrow, `    ${" ".repeat(column - line.search(/\S/))}^`);
    assert.doesNotMatch(message, /[│┌═]|naga|bug/);
  },
);

Deno.test("an empty shader lacks its entry point", async () => {
  const { message } = await errorOf(FORWARD, () => "");
  assert.equal(message, `Cannot compile ${FORWARD}: expected an entry point "dense_forward" but found none`);
});

gpuTest("an error in a part that is no file points into that part", async (gpu) => {
  const part = {
    path: 'forward of activation "leaky"',
    code: "fn leaky(x: f32) -> f32 { return selct(x, 0.0, x > 0.0); }\n",
  };
  const code = "@compute @workgroup_size(1)\nfn f() { _ = leaky(1.0); }\n";
  const spec = {
    shader: { path: "shaders/f.wgsl", code, before: [part] },
    entryPoint: "f",
    constants: {},
    access: [],
  };
  await assert.rejects(createPipeline(gpu, spec), {
    message: [
      'Cannot compile forward of activation "leaky":1:34: no definition in scope for identifier: `selct`',
      "    fn leaky(x: f32) -> f32 { return selct(x, 0.0, x > 0.0); }",
      "                                     ^",
    ].join("\n"),
  });
});

Deno.test("what could move a terminal's cursor is not printed", () => {
  const source = "\tlet a\x1b[2J = b;";
  const { message } = new ShaderError("a\nb", "no \x07", { line: 1, column: 16, source }, ["\u2028"]);
  assert.deepEqual(message.split("\n"), [
    "Cannot compile a b:1:16: no  ",
    "    let a [2J = b;",
    "                  ^".slice(0, 4 + 14) + "^",
    "     ",
  ]);
});

Deno.test("common/operands means the file that fits, and each common file stands there once", () => {
  const shader = {
    path: "a.wgsl",
    code: "// after common/operands, common/dense_output.wgsl, common/forward_tile.wgsl, common/step.wgsl\n",
  };
  const partsOf = (operands: "buffer" | "texture") => {
    const { sources } = kernelText({
      shader: { ...shader, operands },
      constants: { TILE_ROWS: 1, TILE_COLUMNS: 1 },
    });
    return sources.filter(({ line }) => line === 1).map(({ part }) =>
      part.path.replace("shaders/common/", "")
    );
  };
  const rest = partsOf("buffer").filter((path) => path !== "operands_buffer.wgsl");
  assert.deepEqual(rest.toSorted(), [
    "a.wgsl",
    "activation.wgsl",
    "dense_activation.wgsl",
    "dense_layer.wgsl",
    "dense_output.wgsl",
    "forward_tile.wgsl",
    "padding.wgsl",
    "register_tile.wgsl",
    "step.wgsl",
  ]);
  assert.deepEqual(partsOf("texture"), ["operands_texture.wgsl", ...rest]);
});

Deno.test("line ends of Windows change nothing", () => {
  const code =
    "// after common/padding.wgsl\nfn f() {\n  for (var r = 0u; r < 2u; r++) { // unroll\n    g(r);\n  }\n}\n";
  const of = (code: string) => kernelText({ shader: { path: "a.wgsl", code }, constants: {} }).code;
  assert.ok(of(code).includes("g(1u);"));
  assert.equal(of(code.replaceAll("\n", "\r\n")), of(code));
});

Deno.test("a recipe whose shader has a typo ends with one block and exit code 1", () =>
  withFolder(async (folder) => {
    for (const name of ["src", "scripts", "shaders", "fixtures/fashion-mnist-mini"]) await copy(name, folder);
    for (const name of ["deno.json", "deno.lock", "mod.ts"]) {
      await Deno.copyFile(join(ROOT, name), join(folder, name));
    }
    const path = "shaders/common/forward_tile.wgsl";
    const lines = read(path).split("\n");
    const at = lines.findIndex((line) => line.includes("store_activated"));
    lines[at] = lines[at].replace("u32", "u23");
    await Deno.writeTextFile(join(folder, path), lines.join("\n"));
    const { code, stdout, stderr } = await new Deno.Command("deno", {
      args: [
        "run",
        "-q",
        "--no-prompt",
        "--no-check",
        "--allow-read",
        `--allow-write=${folder}`,
        "scripts/deep.ts",
      ]
        .concat(["--epochs", "1", "--limit", "100", "--kernels", "register", "--out", join(folder, "run")]),
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const printed = complaints({ code, stdout: text(stdout), stderr: text(stderr) });
    const column = lines[at].indexOf("u23");
    assert.match(printed[0], new RegExp(`^error: Cannot compile ${path}:${at + 1}:${column + 1}: .*\`u23\``));
    assert.deepEqual(printed.slice(1), [`    ${lines[at]}`, `    ${" ".repeat(column)}^`]);
    assert.equal(code, 1);
  }));

async function copy(name: string, folder: string): Promise<void> {
  await Deno.mkdir(join(folder, name), { recursive: true });
  for await (const entry of Deno.readDir(join(ROOT, name))) {
    if (entry.isDirectory) await copy(join(name, entry.name), folder);
    else await Deno.copyFile(join(ROOT, name, entry.name), join(folder, name, entry.name));
  }
}

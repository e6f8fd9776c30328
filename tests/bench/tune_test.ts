import assert from "node:assert/strict";
import { join } from "node:path";
import { formatFinding, formatTotal } from "../../scripts/tools/tune.ts";
import {
  type Clock,
  type Finding,
  layerOf,
  layersOf,
  productsOf,
  profile,
  tuneLayer,
} from "../../src/bench/time_kernels.ts";
import { InputError } from "../../src/errors.ts";
import { formatKernel, type Product, type ProductKernel, productName } from "../../src/gpu/product_kernel.ts";
import { compile } from "../../src/step/compile.ts";
import { type DeviceTraits, Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { candidates, kernelNamed, kernelOf } from "../../src/graph/products.ts";
import { dense } from "../../src/layers/dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { recallKernels, refuseUnwritable, rememberKernels } from "../../src/bench/tuned_kernels.ts";
import { computingOn, kernelsIn, openGpuWith, withoutTextures } from "../../src/cli/open_gpu.ts";
import { deep } from "../../scripts/deep.ts";
import { recipeNetwork } from "../helpers/recipe_network.ts";
import { copyProject, taskArguments, withFolder } from "../helpers/commands.ts";
import { gpuTest, withKernels } from "../helpers/gpu.ts";

const SOFTWARE: DeviceTraits = { isSoftware: true, prefersTextures: false, kernels: { kind: "auto" } };
const MESA: DeviceTraits = { ...SOFTWARE, prefersTextures: true };
const GPU: DeviceTraits = { ...SOFTWARE, isSoftware: false };
const FORWARD: Product = { kind: "X·W", rows: 64, sum: 784, columns: 1000 };
const WEIGHT: Product = { kind: "Xᵀ·dZ", rows: 784, sum: 64, columns: 1000 };

Deno.test.each([
  [SOFTWARE, FORWARD, "register 16×16"],
  [SOFTWARE, WEIGHT, "register 16×16"],
  [MESA, FORWARD, "texture 16×16"],
  [MESA, WEIGHT, "texture 16×16"],
  [MESA, { ...FORWARD, columns: 12 }, "register 16×8"], // too little for its copies
  [{ ...MESA, kernels: { kind: "register" } }, FORWARD, "register 16×16"],
  [GPU, FORWARD, "workgroup 16×32"], // 128 workgroups
  [GPU, WEIGHT, "workgroup 64×64"],
  [GPU, { ...FORWARD, rows: 4096, columns: 8192 }, "workgroup 128×128"],
  [GPU, { ...FORWARD, columns: 12 }, "register 4×4"], // too little to share
  [GPU, { ...FORWARD, rows: 1 }, "register 4×4"],
  [{ ...SOFTWARE, kernels: { kind: "workgroup" } }, { ...FORWARD, columns: 3 }, "workgroup 16×32"],
  [{ ...GPU, kernels: { kind: "naive" } }, FORWARD, "naive"],
  [{ ...GPU, kernels: { kind: "register" } }, FORWARD, "register 4×4"],
] as [DeviceTraits, Product, string][])("kernelOf(%j, %j) is %s", (target, product, kernel) => {
  assert.equal(formatKernel(kernelOf(target, product)), kernel);
});

Deno.test("kernelOf() takes what tuning found under auto only, and for that product only", () => {
  const tuned = new Map([[productName(FORWARD), { kind: "naive", rows: 1, columns: 1 } as const]]);
  const of = (kind: "auto" | "register", product: Product) =>
    formatKernel(kernelOf({ ...SOFTWARE, kernels: { kind, tuned } }, product));
  assert.equal(of("auto", FORWARD), "naive");
  assert.equal(of("register", FORWARD), "register 16×16");
  assert.equal(of("auto", { ...FORWARD, rows: 65 }), "register 16×16");
});

Deno.test("candidates() begins with the device's own choice, names each kernel once, and has all kinds that suit it", () => {
  for (const target of [SOFTWARE, MESA, GPU]) {
    for (const product of [FORWARD, WEIGHT, { ...FORWARD, rows: 1, columns: 3 }]) {
      const kernels = candidates(target, product), names = kernels.map(formatKernel);
      assert.deepEqual(kernels[0], kernelOf(target, product));
      assert.equal(new Set(names).size, names.length);
      assert.ok(names.includes("naive"));
      for (const kernel of kernels) {
        assert.deepEqual(kernelNamed(productName(product), formatKernel(kernel)), kernel);
      }
    }
    assert.ok(candidates(target, FORWARD).some(({ kind }) => kind === "workgroup"));
    assert.equal(
      candidates(target, FORWARD).some(({ kind }) => kind === "texture"),
      target.prefersTextures,
    );
    assert.ok(candidates(target, { ...FORWARD, columns: 12 }).every(({ kind }) => kind !== "texture"));
  }
  assert.equal(kernelNamed("Xᵀ·dZ 1×1×1", "workgroup 16×32"), undefined);
  assert.equal(kernelNamed("X·X 1×1×1", "naive"), undefined);
});

gpuTest(
  "layersOf() finds each layer of a recipe once, and layerOf() the layer of each product",
  async (gpu) => {
    const widths = [784, 128, 64, 12, 3, 12, 64, 128, 784];
    const all = widths.slice(1).map((outputs, k) => ({ rows: 64, inputs: widths[k], outputs }));
    await withKernels(gpu, "register", () => {
      assert.deepEqual(layersOf(gpu, recipeNetwork(deep), 64, 784), all);
    });
    assert.deepEqual(
      layersOf(gpu, recipeNetwork(deep), 64, 784),
      [all[0], all.at(-1)],
      "without those in a chain",
    );
    for (const product of productsOf(all[0])) assert.deepEqual(layerOf(product), all[0]);
  },
);

const LAYER = { rows: 5, inputs: 20, outputs: 12 };
const [OF_FORWARD, OF_INPUT, OF_WEIGHT] = productsOf(LAYER).map(productName);

/** A network of that layer. */
function layer() {
  const graph = new Graph(LAYER.rows), parameters = new Parameters(0);
  const x = graph.input("x", LAYER.inputs), target = graph.input("target", LAYER.outputs);
  const layer = { outputs: LAYER.outputs, activation: "tanh", initializer: "pytorch-linear" } as const;
  const y = dense(graph, parameters, x, { label: "layer", ...layer });
  const losses = [squaredError(graph, y, target, { label: "loss", reduction: "mean" })];
  return { graph, parameters, losses, x };
}

/** A clock to which kernels take the microseconds of a list, others 100. */
function clockOf(times: Readonly<Record<string, number>>): Clock {
  return (step) =>
    Promise.resolve(
      new Map(step.dispatches.flatMap(({ product, kernel }): [string, number][] => {
        if (!product || !kernel) return [];
        const name = productName(product);
        return [[name, times[`${name} ${formatKernel(kernel)}`] ?? 100]];
      })),
    );
}

const taken = (findings: readonly Finding[]) => findings.map(({ winner }) => formatKernel(winner.kernel));

gpuTest(
  "tuneLayer() takes the fastest kernel of each product, and leaves the device as it was",
  async (gpu) => {
    const before = gpu.kernels;
    const clock = clockOf({
      [`${OF_FORWARD} naive`]: 40,
      [`${OF_FORWARD} register 8×8`]: 30,
      [`${OF_INPUT} register 4×4`]: 97, // too little to be more than noise
      [`${OF_WEIGHT} register 16×16`]: 90,
    });
    const findings = await tuneLayer(gpu, LAYER, 2, clock);
    assert.deepEqual(taken(findings), ["register 8×8", "register 16×8", "register 16×16"]);
    assert.equal(findings[0].winner.microseconds, 30);
    assert.equal(gpu.kernels, before);
    assert.equal(
      formatTotal(findings),
      "3 products, 2 of them faster with a kernel other than the default: 0.30 ms in total before, 0.22 ms now, " +
        "27 % less",
    );
    const [name, fastest, next] = formatFinding(findings[0]).split("\n");
    assert.equal(name, "X·W 5×20×12");
    assert.match(fastest, /^ {2}register 8×8 +30\.0 µs +0\.1 GFLOP\/s {2}chosen, 70 % less$/);
    assert.match(next, /^ {2}naive +40\.0 µs/);
  },
);

gpuTest("tuneLayer() does not measure again what is hopeless, but always the usual kernel", async (gpu) => {
  const counts = new Map<string, number>();
  const slow = clockOf({ [`${OF_FORWARD} naive`]: 1 });
  await tuneLayer(gpu, LAYER, 3, (step, rows, repeats) => {
    const forward = step.dispatches.find(({ product }) => product && productName(product) === OF_FORWARD)!;
    const name = formatKernel(forward.kernel!);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    return slow(step, rows, repeats);
  });
  assert.ok([...counts.values()].every((count) => count >= 2));
  assert.equal(counts.get("naive"), 5, "twice, then three rounds");
});

gpuTest(
  "profile() charges an image kernel half of the copies that it reads, and others nothing",
  async (gpu) => {
    const { graph, parameters, losses, x } = layer();
    using arena = parameters;
    const compiled = { label: "shares", losses, trainable: arena.all, gradients: [x] };
    const of = async (kernels: "texture" | "register") => {
      let times = new Map<string, number>();
      await withKernels(gpu, kernels, async () => {
        using step = await compile(gpu, graph, arena, compiled);
        const timed = { microseconds: 30 };
        const costs: Record<string, number> = { x: 8, parameters: 20, d_layer: 200 };
        step.profile = () =>
          Promise.resolve(step.dispatches.map((dispatch) => ({
            ...{ ...timed, dispatch },
            copies: dispatch.copies.map(({ tensor }) => costs[tensor.name]),
          })));
        times = new Map(await profile(step, LAYER.rows, 2));
      });
      return [OF_FORWARD, OF_INPUT, OF_WEIGHT].map((name) => times.get(name));
    };
    assert.deepEqual(await of("texture"), [15 + 4 + 10, 15 + 100 + 10, 15 + 4 + 100]);
    assert.deepEqual(await of("register"), [15, 15, 15]);
  },
);

gpuTest("tuneLayer() measures on this device", async (gpu) => {
  const findings = await tuneLayer(gpu, LAYER, 1);
  for (const { kernels, winner } of findings) {
    assert.ok(kernels.every(({ microseconds }) => microseconds > 0));
    assert.ok(kernels.includes(winner));
  }
});

const FOUND = new Map<string, ProductKernel>([
  [OF_FORWARD, { kind: "workgroup", rows: 16, columns: 32 }],
  [OF_WEIGHT, { kind: "naive", rows: 1, columns: 1 }],
]);

/** What a body says on stderr, and what it returns. */
async function listen<T>(body: () => T | Promise<T>): Promise<{ result: T; said: string[] }> {
  const said: string[] = [], before = console.error;
  console.error = (line: string) => said.push(line);
  try {
    return { result: await body(), said };
  } finally {
    console.error = before;
  }
}

/** What recalling finds, and says on stderr. */
async function recall(
  adapter: string,
  path: string,
): Promise<{ kernels: ReturnType<typeof recallKernels>; said: string[] }> {
  const { result, said } = await listen(() => recallKernels(adapter, path));
  return { kernels: result, said };
}

Deno.test("what was remembered is recalled, for its adapter, and added to", () =>
  withFolder(async (folder) => {
    const path = join(folder, "deeper/kernels.json");
    assert.deepEqual(await recall("a GPU", path), { kernels: undefined, said: [] }, "no file, no word");
    rememberKernels("a GPU", FOUND, path);
    assert.deepEqual(await recall("a GPU", path), { kernels: FOUND, said: [] });
    assert.deepEqual(await recall("another GPU", path), { kernels: undefined, said: [] });
    assert.deepEqual(await recall("constructor", path), { kernels: undefined, said: [] });

    const more = new Map<string, ProductKernel>([[OF_INPUT, { kind: "register", rows: 8, columns: 8 }]]);
    rememberKernels("another GPU", more, path);
    rememberKernels("a GPU", more, path);
    assert.deepEqual((await recall("a GPU", path)).kernels, new Map([...FOUND, ...more]));
    assert.deepEqual((await recall("another GPU", path)).kernels, more);
  }));

Deno.test.each([
  [
    '"deno": "',
    '"deno": "1.',
    /^warning: ignoring ".*kernels.json", which was measured with Deno "1\..*"; run deno task tune/,
  ],
  ['"shaders": "', '"shaders": "0', /which was measured with other shaders; run deno task tune again$/],
  ["naive", "navie", /which is damaged; run deno task tune again$/],
  ["X·W", "X·X", /which is damaged;/],
  ["bottleneck-kernels-1", "bottleneck-kernels-2", /which is damaged;/],
  ["}", "", /which is damaged;/],
  ['"kernels": {', '"kernels": [], "others": {', /which is damaged;/],
] as [string, string, RegExp][])(
  "kernels are ignored with a word if %s becomes %s, and tuning replaces them",
  (text, becomes, word) =>
    withFolder(async (folder) => {
      const path = join(folder, "kernels.json");
      rememberKernels("a GPU", FOUND, path);
      Deno.writeTextFileSync(path, Deno.readTextFileSync(path).replace(text, becomes));
      const { kernels, said } = await recall("a GPU", path);
      assert.equal(kernels, undefined);
      assert.equal(said.length, 1);
      assert.match(said[0], word);

      const one = new Map([...FOUND].slice(0, 1));
      rememberKernels("a GPU", one, path);
      const after = await recall("a GPU", path);
      assert.deepEqual(after.said, []);
      assert.equal(after.kernels!.get(OF_FORWARD)!.kind, "workgroup");
    }),
);

Deno.test("a folder in the file's place is ignored with a word, and cannot be written to", () =>
  withFolder(async (folder) => {
    const { kernels, said } = await recall("a GPU", folder);
    assert.equal(kernels, undefined);
    assert.match(
      said.join("\n"),
      /^warning: ignoring ".*", which cannot be read; run deno task tune again$/,
    );
    assert.throws(() => rememberKernels("a GPU", FOUND, folder), InputError);
  }));

Deno.test("refuseUnwritable() refuses as writing would, and leaves no file; a file without kernels is as none", () =>
  withFolder(async (folder) => {
    const path = join(folder, "deeper/kernels.json");
    refuseUnwritable(path);
    assert.deepEqual([...Deno.readDirSync(join(folder, "deeper"))], []);
    Deno.writeTextFileSync(join(folder, "file"), "");
    for (const wrong of [folder, join(folder, "file", "kernels.json")]) {
      assert.throws(() => refuseUnwritable(wrong), InputError);
    }
    rememberKernels("a GPU", new Map(), path);
    assert.deepEqual(await recall("a GPU", path), { kernels: undefined, said: [] });
  }));

Deno.test("an interrupted tune leaves nothing that later commands use", () =>
  withFolder(async (folder) => {
    copyProject(folder);
    const args = taskArguments("tune", ["deep", "--batch-size", "1", "--rounds", "1"]);
    const child = new Deno.Command("deno", { args, cwd: folder, stdout: "piped", stderr: "piped" }).spawn();
    const said = new Response(child.stderr).text();
    let output = "", reports = 0;
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      if (/^ {2}\S/m.test(text) && ++reports === 1) { // the kernels of one layer are timed
        try {
          child.kill("SIGINT");
        } catch { /* it has just ended */ }
      }
    }
    assert.equal((await child.status).success, false, output);
    assert.doesNotMatch(output, /saved to/);
    assert.equal((await said).split("\n").filter((line) => line.startsWith("error")).length, 0);
    assert.deepEqual([...Deno.readDirSync(join(folder, ".cache"))], []);
  }));

gpuTest("a step is compiled with the kernels that were found, and says which", async (gpu) => {
  const { graph, parameters, losses, x } = layer();
  using _parameters = parameters;
  gpu.kernels = { kind: "auto", tuned: FOUND };
  try {
    using step = await compile(gpu, graph, parameters, {
      label: "tuned",
      losses,
      trainable: parameters.all,
      gradients: [x],
    });
    assert.deepEqual(kernelsIn([step]), {
      "workgroup 16×32": [OF_FORWARD],
      "naive": [OF_WEIGHT],
      "register 16×8": [OF_INPUT],
    });
    const entries = step.dispatches.map(({ entryPoint }) => entryPoint);
    for (const entry of ["dense_forward_workgroup", "dense_backward_weight_naive", "dense_backward_input"]) {
      assert.ok(entries.includes(entry), entry);
    }
  } finally {
    gpu.kernels = { kind: "auto" };
  }
});

Deno.test("texture kernels are refused or replaced with a word where shaders cannot read textures", async () => {
  Object.defineProperty(navigator.gpu, "wgslLanguageFeatures", { value: new Set(), configurable: true });
  try {
    await assert.rejects(openGpuWith("texture"), (error: unknown) => {
      assert.ok(error instanceof InputError);
      assert.match(
        error.message,
        /^Cannot use --kernels texture: this WebGPU lacks the WGSL language feature "readonly_and.*; use --kernels auto$/,
      );
      return true;
    });
    const { result, said } = await listen(() => openGpuWith("texture", true));
    using gpu = result;
    assert.equal(gpu.kernels.kind, "auto");
    assert.doesNotMatch(computingOn(gpu), /image/);
    assert.equal(said.length, 1);
    assert.match(
      said[0],
      /^warning: not using texture kernels: this WebGPU lacks .*; using --kernels auto$/,
    );
    assert.equal(
      formatKernel(kernelOf({ ...gpu, kernels: { kind: "auto" } }, FORWARD)).includes("texture"),
      false,
    );
  } finally {
    Reflect.deleteProperty(navigator.gpu, "wgslLanguageFeatures");
  }
  using gpu = await openGpuWith("texture");
  assert.ok(gpu.hasTextures, "the stub is gone");
});

Deno.test("texture kernels that were found are ignored with a word where shaders cannot read textures", async () => {
  const texture: ProductKernel = { kind: "texture", rows: 16, columns: 16 };
  const found = new Map([...FOUND, [OF_INPUT, texture]]);
  assert.deepEqual(await listen(() => withoutTextures({ hasTextures: true }, found)), {
    result: found,
    said: [],
  });
  const { result, said } = await listen(() => withoutTextures({ hasTextures: false }, found));
  assert.deepEqual(result, FOUND);
  assert.equal(said.length, 1);
  assert.match(
    said[0],
    /^warning: ignoring the tuned texture kernels: this WebGPU lacks .*; run deno task tune/,
  );
  assert.deepEqual(await listen(() => withoutTextures({ hasTextures: false }, FOUND)), {
    result: FOUND,
    said: [],
  });
  const { result: none } = await listen(() =>
    withoutTextures({ hasTextures: false }, new Map([[OF_INPUT, texture]]))
  );
  assert.equal(none, undefined);
});

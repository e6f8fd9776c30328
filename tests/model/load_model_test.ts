// A trained model in code: bit for bit what training and evaluation computed.
import assert from "node:assert/strict";
import { join } from "node:path";
import { deep } from "../../scripts/deep.ts";
import { loadModel } from "../../scripts/load_model.ts";
import { tied } from "../../scripts/tied.ts";
import { loadDataset } from "../../src/data/dataset.ts";
import { InputError } from "../../src/errors.ts";
import { readSafetensors } from "../../src/files/safetensors.ts";
import { recipe } from "../../src/recipe/recipe.ts";
import { runTask, withFolder } from "../helpers/commands.ts";
import { bitsOf, randomFloats } from "../helpers/gpu.ts";

/** The fixture of the example: rows of 49 columns, codes of 3 numbers. */
const RUN = "fixtures/run";
const { test } = await loadDataset("fashion-mnist-mini", { cacheDir: "", remedy: "", log: () => {} });
const images = Float32Array.from(test.images, (pixel) => pixel / 255);

const TRAINED = [
  ["deep", []],
  ["tied", ["--sizes", "784,16,4"]],
  ["vae", ["--sizes", "784,16,4"]],
  ["stacked", ["--sizes", "784,16,4", "--stages", "1,1"]],
  ["matched", ["--sizes", "784,16,4", "--match", "bce", "--tied"]],
] as const;

for (const [name, flags] of TRAINED) {
  Deno.test(`encode of ${name} gives codes.csv bit for bit, and score the run's test error, in another folder`, () =>
    withFolder(async (folder) => {
      const [run, moved] = [join(folder, "run"), join(folder, "moved")];
      const epochs = name === "stacked" ? [] : ["--epochs", "1"];
      const trained = await runTask(
        name,
        ["--limit", "100", "--quiet", "--out", run, ...epochs, ...flags],
        folder,
      );
      assert.equal(trained.code, 0, trained.stderr);
      await Deno.rename(run, moved);
      const lines = Deno.readTextFileSync(join(moved, "codes.csv")).trimEnd().split("\n").slice(1);
      const expected = Float32Array.from(lines.flatMap((line) => line.split(",").slice(2).map(Number)));
      const metrics = Deno.readTextFileSync(join(moved, "metrics.jsonl")).trimEnd().split("\n");
      const { testError } = metrics.map((line) => JSON.parse(line)).findLast((line) => "testError" in line);

      using model = await loadModel(moved);
      assert.deepEqual([model.recipe, model.width], [name, 784]);
      const codes = await model.encode(images);
      assert.deepEqual(bitsOf(codes), bitsOf(expected));
      const scores = await model.score(images);
      const mean = scores.reduce((sum, score) => sum + score, 0) / test.count;
      assert.ok(Math.abs(mean - testError) < 1e-7, `${mean} against ${testError}`);

      const rows = await model.reconstruct(images);
      assert.deepEqual(bitsOf(await model.decode(codes)), bitsOf(rows));
      const first = images.subarray(0, 784).reduce((sum, x, k) => sum + (x - rows[k]) ** 2, 0) / 784;
      assert.ok(Math.abs(first - scores[0]) < 1e-6, `${first} against ${scores[0]}`);
      const one = images.subarray(784, 2 * 784), { codeSize } = model;
      assert.deepEqual(bitsOf(await model.encode(one)), bitsOf(codes.slice(codeSize, 2 * codeSize)));

      if (name !== "vae") return await assert.rejects(model.deviation(one), /expected a variational model/);
      const weights = new Map(
        readSafetensors(join(moved, "model.safetensors")).tensors.map((t) => [t.name, t.data]),
      );
      const layer = (label: string, x: ArrayLike<number>) => {
        const weight = weights.get(`${label}.weight`)!, inputs = x.length;
        return Array.from(weights.get(`${label}.bias`)!, (bias, o) => {
          let sum = bias;
          for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i] * x[i];
          return sum;
        });
      };
      const hidden = layer("fc1", one).map((z) => Math.max(z, 0));
      near(await model.activations(one, "fc1"), hidden, 1e-5);
      near(await model.deviation(one), layer("fc3", hidden).map((z) => Math.exp(z / 2)), 1e-5);
      assert.deepEqual([...model.layers.keys()], ["fc1", "fc2", "fc4", "fc5", "output"]);
      await assert.rejects(model.activations(one, "fc9"), /expected one of fc1, .* but received "fc9"$/);
    }));
}

Deno.test("calls may overlap", async () => {
  using model = await loadModel(RUN);
  const batches = [1, 2, 3, 1500].map((count) => randomFloats(`${count}`, count * 49, 0, 1));
  const apart = [];
  for (const rows of batches) apart.push(await model.encode(rows));
  const together = await Promise.all(batches.map((rows) => model.encode(rows)));
  assert.deepEqual(together.map(bitsOf), apart.map(bitsOf));
});

/** Runs the body with a copy of the small run under other facts. */
async function withFacts(facts: object, body: (run: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    for (const name of ["config.json", "model.safetensors"]) {
      Deno.copyFileSync(join(RUN, name), join(folder, name));
    }
    const path = join(folder, "config.json"), stored = JSON.parse(Deno.readTextFileSync(path));
    Deno.writeTextFileSync(path, JSON.stringify({ ...stored, facts: { ...stored.facts, ...facts } }));
    await body(folder);
  });
}

function near(found: Float32Array, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(found.length, expected.length);
  found.forEach((x, k) => assert.ok(Math.abs(x - expected[k]) <= tolerance, `${k}: ${x}, ${expected[k]}`));
}

Deno.test("a run's scaling turns rows of data into those of the network, and back", async () => {
  const rows = randomFloats("rows", 3 * 49, 0, 1);
  const offsets = [...randomFloats("offset", 49, -1000, 1000)];
  const divisors = [...randomFloats("divisor", 49, 1, 2)];
  const inUnits = (values: Float32Array) =>
    Float64Array.from(values, (x, k) => x * divisors[k % 49] + offsets[k % 49]);
  using model = await loadModel(RUN);
  await withFacts({ scaling: { kind: "minmax", offsets, divisors } }, async (run) => {
    using scaled = await loadModel(run);
    const data = inUnits(rows);
    near(await scaled.encode(data), await model.encode(rows), 1e-6);
    near(await scaled.score(data), await model.score(rows), 1e-6);
    const expected = Float32Array.from(inUnits(await model.reconstruct(rows)));
    near(await scaled.reconstruct(data), expected, 1e-3);
    near(await scaled.encode(Float32Array.from(data)), await model.encode(rows), 1e-3); // float32 resolves 6e-5 there
  });
  await withFacts({ scaling: { kind: "byte", offsets: [0], divisors: [255] } }, async (run) => {
    using bytes = await loadModel(run);
    const data = Uint8Array.from(rows, (x) => Math.round(255 * x)), codes = await bytes.encode(data);
    assert.deepEqual(bitsOf(codes), bitsOf(await model.encode(data)));
    assert.deepEqual(bitsOf(codes), bitsOf(await bytes.encode(Float32Array.from(data))));
    assert.ok(Math.max(...await bytes.reconstruct(data)) > 20);
  });
  for (const scaling of [{ kind: "minmax", offsets: [0, 0], divisors: [1, 1] }, { kind: "none" }]) {
    await withFacts(
      { scaling },
      (run) =>
        assert.rejects(loadModel(run), /expected 1 or 49 finite offsets|expected "scaling" to be offsets/),
    );
  }
});

Deno.test("a user's recipe is passed, and is never imported from what a run says", () =>
  withFolder(async (folder) => {
    for (const name of ["config.json", "model.safetensors"]) {
      Deno.copyFileSync(join(RUN, name), join(folder, name));
    }
    const path = join(folder, "config.json"), stored = JSON.parse(Deno.readTextFileSync(path));
    const facts = { ...stored.facts, script: { path: "mine/deep.ts", sha256: "0".repeat(64) } };
    for (const change of [{ facts }, { recipe: "mine" }]) {
      Deno.writeTextFileSync(path, JSON.stringify({ ...stored, ...change }));
      await assert.rejects(
        loadModel(folder),
        (error) =>
          error instanceof InputError &&
          /it was not trained by a shipped recipe; pass its recipe/.test(error.message),
      );
    }
    using model = await loadModel(folder, { recipe: recipe({ ...deep, name: "mine" }) });
    assert.equal((await model.encode(new Float32Array(49))).length, 3);
    await assert.rejects(
      loadModel(folder, { recipe: tied }),
      /expected its recipe, "mine", but received "tied"/,
    );
  }));

Deno.test("wrong arrays and codes that do not determine the output are refused", async () => {
  using model = await loadModel(RUN);
  for (const length of [0, 48, 50]) {
    await assert.rejects(
      model.encode(new Float32Array(length)),
      /expected a multiple of 49 numbers, received/,
    );
  }
  await assert.rejects(model.decode(new Float32Array(4)), /expected a multiple of 3 numbers, received 4/);
  const skipping = recipe({
    ...deep,
    network: (settings, context) => {
      const { output, losses } = deep.network(settings, context);
      const [, hidden] = context.graph.nodes; // before the code
      return { code: output, output: hidden.output!, losses };
    },
  });
  using other = await loadModel(RUN, { recipe: skipping });
  await assert.rejects(
    other.decode(new Float32Array(49)),
    /its output depends on the input too; use reconstruct\(\)/,
  );
});

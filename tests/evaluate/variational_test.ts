import assert from "node:assert/strict";
import { join } from "node:path";
import { decode } from "../../src/dependencies/fast_png.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { dense } from "../../src/layers/dense.ts";
import {
  activeUnits,
  interpolateCodes,
  normalQuantile,
  quantileGrid,
} from "../../src/evaluate/code_space.ts";
import { Forward } from "../../src/evaluate/forward.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import type { Results } from "../../src/runs/results.ts";
import { priorCodes } from "../../src/evaluate/variational.ts";
import { readTable } from "../../src/data/read_table.ts";
import {
  assertRefused,
  complaints,
  fileOf,
  type Outcome,
  runTask,
  TINY,
  withFolder,
} from "../helpers/commands.ts";
import { readMetrics } from "../../src/runs/metrics_log.ts";
import { perImage } from "../../src/step/loss_ring.ts";

const SMALL = ["--limit", "640", "--epochs", "2", "--log-every", "3"];

/** Trains a small model into a new folder. */
async function train(folder: string, name: string, ...more: string[]): Promise<string> {
  const run = join(folder, name);
  const { code, stderr } = await runTask("vae", [...SMALL, ...more, "--out", run], folder);
  assert.equal(code, 0, stderr);
  return run;
}

/** A model of the default sizes, and what its training printed. */
let shared: { readonly folder: string; readonly run: string; readonly trained: Outcome };
Deno.test.beforeAll(async () => {
  const folder = await Deno.makeTempDir({ prefix: "bottleneck-" }), run = join(folder, "run");
  shared = { folder, run, trained: await runTask("vae", [...SMALL, "--out", run], folder) };
});
Deno.test.afterAll(() => Deno.remove(shared.folder, { recursive: true }));

Deno.test("vae trains, prints losses per image and saves pictures after each epoch", async () => {
  const { run, trained } = shared;
  assert.deepEqual(complaints(trained), []);
  assert.equal(trained.code, 0);
  const figure = (label: string) => {
    const found = new RegExp(`^${label.replace("+", "\\+")} +([\\d.]+) `, "m").exec(trained.stdout);
    assert.ok(found, `${label} in ${trained.stdout}`);
    return Number(found[1]);
  };
  const [total, reconstruction, kl] = ["reconstruction + KL", "reconstruction", "KL"].map(figure);
  assert.ok(Math.abs(total - reconstruction - kl) < 0.011, `${total} = ${reconstruction} + ${kl}`);
  assert.ok(total > 300 && total < 544, `${total} nats: better than 784·log 2`);
  assert.ok(kl > 0);
  const active = figure("active code units");
  assert.ok(active >= 1 && active <= 20, `${active}`);

  const lines = readMetrics(run);
  const ended = lines.filter((line) => "test.total" in line);
  assert.deepEqual(ended.map(({ step }) => step), [5, 10]);
  const [test] = ended.slice(-1).map((line) =>
    ["total", "reconstruction", "kl"].map((key) => line[`test.${key}`])
  );
  assert.deepEqual(
    test.map((value) => Number(value).toFixed(2)),
    [total, reconstruction, kl].map((value) => value.toFixed(2)),
  );
  const { baselines }: Results = JSON.parse(new TextDecoder().decode(await fileOf(run, "results.json")));
  const floor = baselines.find(({ label }) => label === "entropy floor")!;
  assert.equal(floor.metric, "test.reconstruction");
  assert.ok(floor.value > 50 && floor.value < reconstruction, `${floor.value} nats per image`);

  const metrics = lines.filter((line) => "kl" in line);
  assert.deepEqual(metrics.map(({ step }) => step), [3, 6, 9, 10]);
  const [first, , , last] = metrics.map((line) => Number(line.reconstruction) + Number(line.kl));
  assert.ok(last < first - 50 && first < 600, `per image, and falling: ${first}, ${last}`);

  const { tensors } = decodeSafetensors(await fileOf(run, "model.safetensors"));
  const shapes = Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]));
  assert.deepEqual(shapes, {
    "fc1.weight": [400, 784],
    "fc1.bias": [400],
    "fc2.weight": [20, 400],
    "fc2.bias": [20],
    "fc3.weight": [20, 400],
    "fc3.bias": [20],
    "fc4.weight": [400, 20],
    "fc4.bias": [400],
    "fc5.weight": [784, 400],
    "fc5.bias": [784],
  });
  const pictures = [
    "samples-0001",
    "samples-0002",
    "reconstructions-0001",
    "reconstructions-0002",
    "reconstructions",
  ];
  const bytes = await Promise.all(pictures.map((name) => fileOf(run, `${name}.png`)));
  for (const [k, png] of bytes.entries()) {
    const { width, height, data } = decode(png);
    const expected = k < 2 ? [2 * (8 * 29 + 1), 2 * (8 * 29 + 1)] : [2 * (15 * 29 + 1), 2 * (2 * 57 + 7)];
    assert.deepEqual([width, height], expected);
    assert.ok(new Set(data).size > 50, "many grays");
  }
  assert.notDeepEqual(bytes[0], bytes[1], "the samples change as the model learns");
  assert.deepEqual(bytes[3], bytes[4], "the last epoch's reconstructions are the evaluation's");
});

Deno.test("vae is deterministic for a seed; --beta weights the KL and --code sets the code size", () =>
  withFolder(async (folder) => {
    const seeds = [
      await train(folder, "a", ...TINY, "--seed", "7"),
      await train(folder, "b", ...TINY, "--seed", "7"),
    ];
    const models = await Promise.all(seeds.map((run) => fileOf(run, "model.safetensors")));
    assert.deepEqual(models[0], models[1]);
    const last = (run: string) => Number(readMetrics(run).findLast((line) => "kl" in line)!.kl);
    const heavy = await train(folder, "heavy", ...TINY, "--seed", "7", "--beta", "100");
    assert.ok(last(heavy) < last(seeds[0]) / 10, `${last(heavy)} against ${last(seeds[0])}`);
    const codes = new TextDecoder().decode(await fileOf(seeds[0], "codes.csv")).split("\n")[0];
    assert.equal(codes.split(",").length, 2 + 20);

    // images of one's own data are named by their row in the file
    const { table: { values } } = await readTable(TINY[1], { label: "class" });
    const rows = new TextDecoder().decode(await fileOf(seeds[0], "codes.csv")).split("\n").slice(1, 3);
    const [a, b] = rows.map((line) => Number(line.split(",")[0]));
    const out = join(folder, "walk.png");
    const walk = await runTask("sample", [seeds[0], "--interpolate", `${a},${b}`, "--out", out], folder);
    assert.deepEqual(complaints(walk), []);
    const { data, width } = decode(await Deno.readFile(out));
    const [left, right] = [1, 1 + 11 * 8].map((column) =>
      Array.from({ length: 49 }, (_, k) => data[2 * (1 + Math.floor(k / 7)) * width + 2 * (column + k % 7)])
    );
    assert.deepEqual([left, right], [a, b].map((row) => [...values.subarray(49 * row, 49 * (row + 1))]));
    assertRefused(
      await runTask("sample", [seeds[0], "--interpolate", `${a},${values.length}`, "--out", out], folder),
      1,
      /expected the index of a test row, as in codes\.csv, but received \d+ \(--interpolate\)$/,
    );
  }));

Deno.test("sample draws from the prior, interpolates between images and decodes a grid of 2-D codes", () =>
  withFolder(async (folder) => {
    const run = await train(folder, "run", "--code", "2");
    const sample = async (name: string, ...args: string[]) => {
      const out = join(folder, `${name}.png`);
      const outcome = await runTask("sample", [run, ...args, "--out", out], folder);
      assert.deepEqual(complaints(outcome), []);
      assert.equal(outcome.code, 0);
      assert.match(outcome.stdout, /images saved in/);
      return await Deno.readFile(out);
    };
    const size = (png: Uint8Array) => {
      const { width, height } = decode(png);
      return [(width / 2 - 1) / 29, (height / 2 - 1) / 29]; // in images
    };
    const seven = await sample("seven", "--count", "10", "--seed", "7");
    assert.deepEqual(seven, await sample("again", "--count", "10", "--seed", "7"));
    assert.notDeepEqual(seven, await sample("eight", "--count", "10", "--seed", "8"));
    assert.deepEqual(size(seven), [4, 3]);
    assert.deepEqual(size(await sample("grid", "--grid", "9")), [9, 9]);

    const walk = decode(await sample("walk", "--interpolate", "3,17"));
    assert.deepEqual([(walk.width / 2 - 1) / 29, (walk.height / 2 - 1) / 29], [12, 1]);
    const cell = (k: number) =>
      Array.from({ length: 28 * 28 }, (_, i) => {
        const [row, column] = [1 + Math.floor(i / 28), 1 + 29 * k + i % 28];
        return walk.data[2 * row * walk.width + 2 * column];
      });
    const back = decode(await sample("back", "--interpolate", "17,3"));
    assert.deepEqual([back.width, back.height], [walk.width, walk.height]);
    const { data, width } = back;
    const first = Array.from(
      { length: 28 * 28 },
      (_, i) => data[2 * (1 + Math.floor(i / 28)) * width + 2 * (1 + i % 28)],
    );
    assert.deepEqual(cell(11), first, "both interpolations meet at test image 17");
    assert.notDeepEqual(cell(1), cell(10));

    // without --out the picture is saved in the run folder
    assert.equal((await runTask("sample", [run, "--count", "3"], folder)).code, 0);
    assert.deepEqual(size(await fileOf(run, "samples-3-seed-0.png")), [2, 2]);
  }));

Deno.test("sample refuses wrong use in one line", async () => {
  const { folder, run } = shared;
  assertRefused(await runTask("sample", []), 2, /Missing argument RUN/);
  assertRefused(await runTask("sample", [run, "--count", "0"]), 2, /--count.*from 1 to 10000/);
  assertRefused(await runTask("sample", [run, "--interpolate", "3"]), 2, /--interpolate.*such as 3,17/);
  assertRefused(
    await runTask("sample", [run, "--interpolate", "3,2000"]),
    1,
    /0 to 1999 but received 2000/,
  );
  assertRefused(
    await runTask("sample", [run, "--grid", "3"]),
    1,
    /expected a 2-D code but it has 20 numbers.*--code 2/,
  );
  assertRefused(await runTask("sample", [run, "--grid", "3", "--interpolate", "1,2"]), 1, /choose one/);
  assertRefused(await runTask("sample", [folder]), 1, /config\.json/);
  assertRefused(await runTask("sample", [run, "--out", join(folder, "a.png")]), 1, /--allow-write/);
  assertRefused(await runTask("vae", ["--code", "0"]), 2, /--code.*at? ?.*1/);
  assertRefused(await runTask("vae", ["--beta", "-1"]), 2, /--beta/);

  const config = join(run, "config.json");
  const text = await Deno.readTextFile(config);
  await Deno.writeTextFile(config, text.replace('"recipe": "vae"', '"recipe": "deep"'));
  assertRefused(
    await runTask("sample", [run]),
    1,
    /trained by scripts\/vae\.ts, not by the shipped recipe of the same name, "deep"/,
  );
  await Deno.writeTextFile(config, text.replace(/"imageShape": \[\s*28,/, '"imageShape": ["28",'));
  assertRefused(await runTask("sample", [run]), 1, /"imageShape".*\["28",28\]/);
  await Deno.writeTextFile(config, text.replace(/400,\s*20\b/, "400, 4"));
  assertRefused(await runTask("sample", [run]), 1, /"fc2\.weight" of shape \[4, 400\], found \[20, 400\]/);
  await Deno.writeTextFile(config, text);
});

Deno.test("perImage() divides sums by images, even if the last batch is smaller", () => {
  const values = { a: Float32Array.of(128, 64, 2), b: Float32Array.of(0, 0, 10) };
  const reading = perImage({ steps: 3, rows: 128 + 128 + 4, values, mean: { a: NaN, b: NaN } });
  assert.deepEqual(reading.mean, { a: 194 / 260, b: 10 / 260 });
  assert.deepEqual([reading.steps, reading.rows, reading.values], [3, 260, values]);
});

Deno.test.each([
  [0.5, 0],
  [0.975, 1.959963984540054],
  [0.99, 2.3263478740408408],
  [0.001, -3.090232306167813],
  [0.02, -2.0537489106318225],
  [0.1, -1.2815515655446004],
])("normalQuantile(%j) is %j", (share, quantile) => {
  assert.ok(Math.abs(normalQuantile(share) - quantile) <= 1.2e-9 * Math.abs(quantile));
  assert.ok(Math.abs(normalQuantile(1 - share) + quantile) <= 1.3e-9 * Math.abs(quantile));
});

Deno.test("normalQuantile() refuses probabilities outside (0, 1)", () => {
  for (const share of [0, 1, -0.5, 2, NaN]) assert.throws(() => normalQuantile(share), RangeError);
});

Deno.test("quantileGrid() maps the first coordinate to columns and the second to rows", () => {
  const q = Math.fround(normalQuantile(5 / 6));
  assert.deepEqual([...quantileGrid(3)], [-q, -q, 0, -q, q, -q, -q, 0, 0, 0, q, 0, -q, q, 0, q, q, q]);
});

Deno.test("interpolateCodes() rotates at a constant rate, and is linear if there is no angle", () => {
  const quarter = [...interpolateCodes(Float32Array.of(2, 0), Float32Array.of(0, 4), 3)];
  const half = 3 * Math.SQRT1_2;
  [2, 0, half, half, 0, 4].forEach((value, k) =>
    assert.ok(Math.abs(quarter[k] - value) < 1e-6, `${quarter}`)
  );
  const straight = (a: number[], b: number[]) => [
    ...interpolateCodes(Float32Array.from(a), Float32Array.from(b), 3),
  ];
  assert.deepEqual(straight([1, 1], [3, 3]), [1, 1, 2, 2, 3, 3]);
  assert.deepEqual(straight([1, 0], [-1, 0]), [1, 0, 0, 0, -1, 0]);
  assert.deepEqual(straight([0, 0], [4, 2]), [0, 0, 2, 1, 4, 2]);
  assert.throws(() => straight([1], [1, 2]), RangeError);
  assert.throws(() => interpolateCodes(Float32Array.of(1), Float32Array.of(1), 1), RangeError);
});

Deno.test("activeUnits() counts units with a variance above 0.01, regardless of their mean", () => {
  // variances 0.0121, 0.0081, 0, 1
  const codes = Float32Array.of(100.11, 0.09, 5, 1, 99.89, -0.09, 5, -1);
  assert.equal(activeUnits(codes, 4), 2);
});

Deno.test("Forward accepts any number of rows and follows changes of the parameters", async () => {
  using gpu = await openGpu();
  using parameters = new Parameters(0);
  using forward = await Forward.compile(
    gpu,
    parameters,
    { label: "forward", width: 3, batchSize: 2 },
    (graph, x) =>
      dense(graph, parameters, x, {
        label: "layer",
        outputs: 2,
        activation: "identity",
        initializer: "pytorch-linear",
      }),
  );
  parameters.write("layer.weight", [1, 10, 100, -1, 0, 0]);
  parameters.write("layer.bias", [0, 0.5]);
  const rows = Float32Array.from({ length: 5 * 3 }, (_, k) => k);
  const expected = [0, 1, 2, 3, 4].flatMap((n) => [333 * n + 210, 0.5 - 3 * n]);
  assert.deepEqual([...await forward.run(rows)], expected);
  parameters.write("layer.bias", [1, 0.5]);
  assert.deepEqual([...await forward.run(rows.subarray(0, 3))], [211, 0.5]);
  await assert.rejects(forward.run(rows.subarray(0, 4)), RangeError);
  await assert.rejects(forward.run(new Float32Array()), RangeError);
});

Deno.test("priorCodes() is standard normal and deterministic for a seed", () => {
  const codes = priorCodes(2000, 5, 3);
  const mean = codes.reduce((a, b) => a + b, 0) / codes.length;
  const variance = codes.reduce((a, b) => a + (b - mean) ** 2, 0) / codes.length;
  assert.ok(Math.abs(mean) < 0.04 && Math.abs(variance - 1) < 0.05, `${mean} ${variance}`);
  assert.deepEqual(priorCodes(2000, 5, 3), codes);
  assert.notDeepEqual(priorCodes(2000, 5, 4), codes);
  assert.deepEqual(priorCodes(10, 5, 3), codes.slice(0, 50), "more draws begin with the same ones");
});

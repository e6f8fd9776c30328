import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { decode } from "../../src/dependencies/fast_png.ts";
import { KERNEL_KINDS } from "../../src/gpu/product_kernel.ts";
import { resultsTable } from "../../src/report/results_table.ts";
import figures from "../../src/recipe/reference_figures.json" with { type: "json" };
import { withReferenceFigures } from "../../src/recipe/reference_figures.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { sizesFor } from "../../src/recipe/sizes.ts";
import type { Results } from "../../src/runs/results.ts";
import { activationOf } from "../../src/elementwise/activation.ts";
import { deep } from "../../scripts/deep.ts";
import { stacked } from "../../scripts/stacked.ts";
import {
  assertRefused,
  complaints,
  fileOf,
  type Outcome,
  resultsTableOf,
  ROOT,
  runTask,
  taskArguments,
  TINY,
  withFolder,
} from "../helpers/commands.ts";
import { readRunData } from "../../src/runs/read_run_data.ts";
import { readMetrics } from "../../src/runs/metrics_log.ts";
import { lastEpoch } from "../../src/evaluate/stage_ends.ts";

const SMALL = ["--limit", "640", "--epochs", "2", "--log-every", "5"];

/** Squared error between images `n` of two arrays of bytes, mean over pixels. */
function squaredErrorOf(originals: Uint8Array, reconstructions: Uint8Array, n: number): number {
  const pixels = originals.subarray(784 * n, 784 * (n + 1));
  return pixels.reduce((sum, gray, k) => sum + ((gray - reconstructions[784 * n + k]) / 255) ** 2, 0) / 784;
}

/** A run of deep on the shipped images, and what its training printed. */
let shared: { readonly run: string; readonly trained: Outcome };
Deno.test.beforeAll(async () => {
  const run = await Deno.makeTempDir({ prefix: "bottleneck-" });
  shared = { run, trained: await runTask("train", [...SMALL, "--out", run], run) };
});
Deno.test.afterAll(() => Deno.remove(shared.run, { recursive: true }));

Deno.test("train writes a complete run folder, and evaluate reproduces its results table", async () => {
  const { run, trained } = shared;
  assert.deepEqual(complaints(trained), []);
  assert.equal(trained.code, 0);
  assert.match(trained.stdout, /epoch 2\/2 {2}step 20\/20 {2}loss 0\.\d+ +[\d,]+ images\/s {2}0:00 left/);

  const config = JSON.parse(new TextDecoder().decode(await fileOf(run, "config.json")));
  assert.equal(config.config.limit, 640);
  assert.equal(config.config.batchSize, 64);
  assert.equal(config.facts.versions.deno, Deno.version.deno);
  assert.match(config.facts.datasetChecksum, /^[0-9a-f]{64}$/);
  assert.ok(config.facts.adapter.length > 0);

  const metrics = readMetrics(run);
  const reports = metrics.filter((line) => "loss" in line);
  assert.deepEqual(reports.map(({ step }) => step), [5, 10, 15, 20]);
  assert.ok(Number(reports[3].loss) < Number(reports[0].loss), "the loss falls");

  const { tensors, metadata } = decodeSafetensors(await fileOf(run, "model.safetensors"));
  const shapes = Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]));
  assert.equal(tensors.length, 16);
  assert.deepEqual(shapes["encoder.0.weight"], [128, 784]);
  assert.deepEqual(shapes["encoder.6.bias"], [3]);
  assert.deepEqual(shapes["decoder.6.weight"], [784, 128]);
  assert.equal(metadata.step, "20");
  assert.equal(JSON.parse(metadata.config).learningRate, 0.005);

  const picture = decode(await fileOf(run, "reconstructions.png"));
  assert.ok(picture.width > 15 * 56 && picture.height > 4 * 56, `${picture.width}x${picture.height}`);
  assert.ok(picture.data.some((gray) => gray > 200), "something bright is on it");
  const codes = new TextDecoder().decode(await fileOf(run, "codes.csv")).trimEnd().split("\n");
  assert.equal(codes[0], "index,label,code_0,code_1,code_2");
  assert.equal(codes.length, 2001);
  assert.deepEqual(
    [...Deno.readDirSync(run)].map(({ name }) => name).sort(),
    [
      "checkpoint-10.safetensors",
      "checkpoint-20.safetensors",
      "codes.csv",
      "codes.svg",
      "config.json",
      "loss.svg",
      "metrics.jsonl",
      "model.safetensors",
      "reconstructions-0001.png",
      "reconstructions-0002.png",
      "reconstructions.png",
      "report.html",
      "results.json",
      "scores.safetensors",
      "snapshot.safetensors",
      "weights.png",
      "worst.safetensors",
    ],
  );
  assert.deepEqual(
    resultsTableOf((await runTask("evaluate", [run])).stdout),
    resultsTableOf(trained.stdout),
  );
  const { errors, worst } = readRunData(run), scores = [...errors!.scores];
  const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a]);
  assert.deepEqual(worst!.rows.map(({ row }) => row), order.slice(0, 12));
  worst!.rows.forEach(({ row, error, label }, k) => {
    assert.deepEqual([error, `${label}`], [scores[row], codes[1 + row].split(",")[1]]);
    const drawn = squaredErrorOf(worst!.images!, worst!.reconstructions!, k);
    assert.ok(Math.abs(drawn - error) < 0.01 * error, `row ${row}: ${drawn} in the picture, not ${error}`);
  });
  const error = Number(metrics.at(-1)!.testError);
  assert.equal(error.toFixed(5), /this model +([\d.]+)/.exec(trained.stdout)?.[1]);

  const epochs = metrics.filter((line) => "test.loss" in line);
  assert.deepEqual(epochs.map(({ epoch, step }) => [epoch, step]), [[1, 10], [2, 20]]);
  assert.deepEqual(Object.keys(epochs[0]).sort(), ["epoch", "seconds", "step", "test.loss", "testError"]);
  assert.ok(
    Math.abs(Number(epochs[1].testError) - error) < 1e-6 * error,
    "the last epoch's is the closing one",
  );
  assert.ok(Math.abs(Number(epochs[1]["test.loss"]) - error) < 1e-6, "the loss of deep is that error");
  assert.ok(Number(epochs[0].testError) > 1.05 * error, "each epoch is measured with its own parameters");
});

Deno.test.each(KERNEL_KINDS.map((variant) => [variant] as const))(
  "--kernels %s is deterministic, recorded in config.json and used by evaluate",
  (variant) =>
    withFolder(async (folder) => {
      const runs = ["once", "again"].map((name) => join(folder, name));
      const args = [...TINY, "--sizes", "49,8,2", "--limit", "120", "--epochs", "2", "--kernels", variant];
      const trained = await runTask("train", [...args, "--out", runs[0]], folder);
      assert.equal(trained.code, 0, trained.stderr);
      await runTask("train", [...args, "--out", runs[1]], folder); // not at once, which would compile all twice
      assert.match(trained.stdout, new RegExp(`^computing on .*, with ${variant} kernels$`, "m"));
      const [once, again] = await Promise.all(runs.map((run) => fileOf(run, "model.safetensors")));
      assert.deepEqual(once, again);

      const { facts } = JSON.parse(new TextDecoder().decode(await fileOf(runs[0], "config.json")));
      const products: string[] = Object.values<string[]>(facts.kernels).flat();
      assert.ok(Object.keys(facts.kernels).every((kernel) => kernel.startsWith(variant)), facts.kernels);
      assert.equal(products.length, 11, "three of each layer, but no gradient of the pixels");
      assert.ok(products.includes("X·W 64×49×8"));
      const evaluated = await runTask("evaluate", [runs[0]]);
      assert.deepEqual(resultsTableOf(evaluated.stdout), resultsTableOf(trained.stdout));
      assert.match(evaluated.stdout, new RegExp(`, with ${variant} kernels$`, "m"));
    }),
);

Deno.test("results.json holds the results table, the baselines and the time per step", async () => {
  const { run, trained: { stdout } } = shared;
  const results: Results = JSON.parse(new TextDecoder().decode(await fileOf(run, "results.json")));
  assert.deepEqual(resultsTable(results.rows).split("\n"), resultsTableOf(stdout));
  assert.equal(results.status, "finished");
  assert.ok(results.stepMilliseconds! > 0, `${results.stepMilliseconds}`);
  const last = readMetrics(run).at(-1)!;
  assert.deepEqual(results.baselines, [
    { label: "mean image", value: last.meanImageError, metric: "testError" },
    { label: "PCA, 3 components", value: last.pcaError, metric: "testError" },
  ]);
});

Deno.test("two runs with the same seed are bit-exact, and another seed differs", () =>
  withFolder(async (folder) => {
    const train = async (name: string, seed: string) => {
      const run = join(folder, name);
      assert.equal(
        (await runTask("train", [...SMALL, ...TINY, "--seed", seed, "--out", run], folder)).code,
        0,
      );
      return await fileOf(run, "model.safetensors");
    };
    const [first, second, other] = [await train("a", "7"), await train("b", "7"), await train("c", "8")];
    assert.deepEqual(first, second);
    assert.notDeepEqual(first, other);
  }));

Deno.test("Ctrl-C saves the model and pictures", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const flags = ["--limit", "640", "--epochs", "1000", "--log-every", "10", "--out", run];
    const args = taskArguments("train", flags, folder);
    const child = new Deno.Command("deno", { args, cwd: ROOT, stdout: "piped", stderr: "piped" }).spawn();
    let output = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (output === "" || !output.includes("step   ")) {
        output += text;
        if (output.includes("epoch ")) child.kill("SIGINT");
      } else output += text;
    }
    await child.stderr.cancel();
    assert.equal((await child.status).code, 130);
    assert.match(output, /run saved in/);
    const results: Results = JSON.parse(new TextDecoder().decode(await fileOf(run, "results.json")));
    assert.equal(results.status, "interrupted");
    const { metadata } = decodeSafetensors(await fileOf(run, "model.safetensors"));
    assert.ok(Number(metadata.step) >= 10, metadata.step);
    assert.ok((await fileOf(run, "reconstructions.png")).length > 1000);
  }));

Deno.test("basic overfits its single batch", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const flags = [
      ...TINY,
      "--iterations",
      "400",
      "--learning-rate",
      "1e-2",
      "--log-every",
      "100",
      "--out",
      run,
    ];
    const { code, stdout } = await runTask("basic", flags, folder);
    assert.equal(code, 0);
    const losses = [...stdout.matchAll(/step +\d+\/400 +loss ([\d.e-]+)/g)].map((match) => Number(match[1]));
    assert.equal(losses.length, 4);
    assert.ok(losses[3] < losses[0] / 10, `${losses}`);
    const { tensors } = decodeSafetensors(await fileOf(run, "model.safetensors"));
    assert.deepEqual(tensors.map(({ name }) => name), [
      "encoder.weight",
      "encoder.bias",
      "decoder.weight",
      "decoder.bias",
    ]);
    const evaluated = await runTask("evaluate", [run]);
    assert.equal(
      /this model +([\d.]+)/.exec(evaluated.stdout)?.[1],
      /this model +([\d.]+)/.exec(stdout)?.[1],
    );
  }));

type Recipe = "train" | "basic" | "tied" | "matched" | "vae" | "stacked" | "denoising" | "sparse";

Deno.test.each<[Recipe, string, Record<string, number[]>]>([
  ["train", "--sizes 49,7,2", { "encoder.0.weight": [7, 49], "encoder.2.weight": [2, 7] }],
  ["train", "--sizes 49,5", { "encoder.0.weight": [5, 49], "decoder.0.weight": [49, 5] }],
  ["basic", "--sizes 49,9", { "encoder.weight": [9, 49] }],
  ["basic", "--code 2", { "encoder.weight": [2, 49] }],
  ["tied", "--sizes 49,6", { "encoder.0.weight": [6, 49], "decoder.0.bias": [49] }],
  ["matched", "--sizes 49,8,4", { "encoder.1.weight": [4, 8], "decoder.0.weight": [49, 8] }],
  ["matched", "--sizes 49,8,4,2 --local --match bce", { "encoder.2.weight": [2, 4] }],
  ["vae", "--sizes 49,20,10,4", { "fc4.weight": [4, 10], "fc5.weight": [10, 4], "fc7.weight": [49, 20] }],
  ["vae", "--sizes 49,3", { "fc1.weight": [3, 49], "fc2.weight": [3, 49], "fc3.weight": [49, 3] }],
  ["vae", "--sizes 49,20,4 --code 2", { "fc1.weight": [20, 49], "fc2.weight": [2, 20] }],
  ["stacked", "--sizes 49,6 --stages 1", { "ae.0.encoder.weight": [6, 49] }],
  ["denoising", "--sizes 49,6,2 --stages 1,1", { "ae.1.encoder.weight": [2, 6] }],
  ["sparse", "--sizes 49,6,2 --stages 1,1", { "ae.1.decoder.weight": [6, 2] }],
])(
  "%s %s trains these widths, and evaluate reproduces its results table",
  (recipe, flags, shapes) =>
    withFolder(async (folder) => {
      const run = join(folder, "run");
      const epochs = recipe === "basic"
        ? ["--iterations", "40"]
        : flags.includes("--stages")
        ? []
        : ["--epochs", "1"];
      const args = [
        "--limit",
        "256",
        ...TINY,
        "--kernels",
        "naive", // compiled in no time, for so many shapes
        ...flags.split(" "),
        ...epochs,
        "--schedule",
        "cosine",
        "--out",
        run,
      ];
      const trained = await runTask(recipe, args, folder);
      assert.equal(trained.code, 0, trained.stderr);
      const { tensors } = decodeSafetensors(await fileOf(run, "model.safetensors"));
      for (const [name, shape] of Object.entries(shapes)) {
        assert.deepEqual(tensors.find((tensor) => tensor.name === name)?.shape, shape, name);
      }
      const evaluated = await runTask("evaluate", [run]);
      assert.equal(evaluated.code, 0, evaluated.stderr);
      assert.deepEqual(resultsTableOf(evaluated.stdout), resultsTableOf(trained.stdout));

      const metrics = readMetrics(run);
      const measured = metrics.filter((line) => "step" in line && "testError" in line);
      const last = Number(measured.at(-1)!.testError), closing = Number(metrics.at(-1)!.testError);
      assert.ok(
        Math.abs(last - closing) <= 1e-6 * closing,
        `${last} at the last epoch, ${closing} at the end`,
      );
      assert.equal(measured.length, recipe === "basic" ? 20 : flags.includes("1,1") ? 2 : 1);
    }),
);

Deno.test("basic has one layer, and --sizes must begin with the image width", async () => {
  assertRefused(
    await runTask("basic", ["--sizes", "784,64,3"]),
    1,
    /expected two widths, pixels and code.*use the deep/,
  );
  assertRefused(
    await runTask("train", ["--sizes", "100,3"]),
    1,
    /expected the images' 784 pixels as the first width but received 100/,
  );
  assertRefused(await runTask("train", ["--warmup", "99999"]), 1, /warm-up of at most 1570 steps/);
});

Deno.test("sizesFor() replaces the first width by the images' and the last by --code", () => {
  assert.deepEqual(sizesFor([784, 9, 3], [784, 9, 3], 100), [100, 9, 3]);
  assert.deepEqual(sizesFor([784, 5], [784, 9, 3], 100), [100, 5]);
  assert.deepEqual(sizesFor([100, 9], [784, 9, 3], 100), [100, 9]);
  assert.deepEqual(sizesFor([784, 9, 3], [784, 9, 3], 784, 2), [784, 9, 2]);
  assert.throws(
    () => sizesFor([99, 9], [784, 9, 3], 100),
    /expected the images' 100 pixels as the first width but received 99/,
  );
});

Deno.test("PyTorch's results appear beside a run's only for the same flags and data", () => {
  const defaults = Object.fromEntries(
    Object.entries(deep.flags).map(([key, { defaultValue }]) => [key, defaultValue]),
  );
  const rows = [
    { label: "this model", value: 0.04, digits: 5, unit: "u" },
    { label: "mean image", value: 0.07, digits: 5, unit: "u" },
  ];
  const mnist = figures.checksums.mnist;
  const units = (changes: Record<string, unknown>, checksum = mnist) =>
    withReferenceFigures(rows, deep, { ...defaults, ...changes }, checksum).map(({ unit }) => unit);
  const beside = ["u; PyTorch: 0.0338 to 0.0374", "u"], alone = ["u", "u"];
  assert.deepEqual(units({ dataset: "mnist", seed: 7, out: "x", logEvery: 1 }), beside);
  assert.deepEqual(units({}), alone, "on the shipped images");
  const folder = { dataset: "mnist", dataDir: "mine" };
  assert.deepEqual(units(folder), beside);
  assert.deepEqual(units(folder, "0".repeat(64)), alone, "of other files of that name");
  const own = activationOf({
    name: "own",
    forward: "x",
    derivative: "1.0",
    reference: { forward: (x) => x, derivative: () => 1 },
  });
  for (
    const changes of [
      ...[{ epochs: 3 }, { limit: 10 }, { data: "own.npy" }, { sizes: [784, 3] }, { activation: "relu" }],
      ...[{ activation: own }, { weightDecay: 0.01 }, { betas: [0.8, 0.999] }, { from: "runs/a" }],
      ...[{ scale: "minmax" }, { output: "identity" }, { holdOutClass: ["1"] }, { batchSize: 32 }],
      ...[{ clipNorm: 1 }, { schedule: "cosine" }, { patience: 3 }, { overfitBatch: true }],
    ]
  ) {
    assert.deepEqual(units({ dataset: "mnist", ...changes }), alone, JSON.stringify(changes));
  }
  assert.deepEqual(
    withReferenceFigures(rows, { ...deep, name: "mine" }, { ...defaults, dataset: "mnist" }, mnist).map((
      { unit },
    ) => unit),
    alone,
    "of another recipe nobody measured anything",
  );
  const edited = { ...deep, architecture: { ...deep.architecture, codeActivation: "relu" } };
  assert.deepEqual(
    withReferenceFigures(rows, edited, { ...defaults, dataset: "mnist" }, mnist).map(({ unit }) => unit),
    alone,
    "of an edited architecture neither",
  );
  const frozen = Object.fromEntries(
    Object.entries(stacked.flags).map(([key, { defaultValue }]) => [key, defaultValue]),
  );
  const stage = [{ label: "stage 3, last epoch", value: 0.05, digits: 5, unit: "u" }];
  const unit = (freeze: boolean) =>
    withReferenceFigures(stage, stacked, { ...frozen, freeze, dataset: "mnist" }, mnist)[0].unit;
  assert.equal(unit(true), "u; PyTorch: 0.0527 to 0.0530");
  assert.equal(unit(false), "u; PyTorch: 0.0292");
});

Deno.test("lastEpoch() returns the mean losses of the last epoch, of one stage if given", () => {
  const metrics = [
    { epoch: 1, step: 4, stage: 0, loss: 100, seconds: 1 },
    { epoch: 1, step: 4, stage: 0, testError: 1, "test.loss": 7, seconds: 1 },
    { epoch: 2, step: 6, stage: 1, loss: 1, seconds: 2 },
    { epoch: 3, step: 8, stage: 1, loss: 2, gradientNorm: 9, seconds: 3 },
    { epoch: 3, step: 9, stage: 1, loss: 5, gradientNorm: 9, seconds: 4 },
    { testError: 0.1, accuracy: 1 },
  ];
  assert.deepEqual(lastEpoch(metrics), { loss: 3 });
  assert.deepEqual(lastEpoch(metrics, 0), { loss: 100 });
  assert.throws(() => lastEpoch(metrics.slice(-1)), /expected a report/);
});

Deno.test("train --print-plan prints every dispatch and trains nothing", async () => {
  const { code, stdout } = await runTask("train", ["--print-plan"]);
  assert.equal(code, 0);
  assert.match(stdout, /^# +label +entry point +reads +writes +workgroups$/m);
  assert.match(
    stdout,
    /^1 +encoder\.0 forward +dense_forward\w* +pixels,[^\n]* +encoder\.0 /m,
  );
  assert.doesNotMatch(stdout, /epoch/);
});

Deno.test("train --dry-run prints the model and trains nothing", async () => {
  const { code, stdout } = await runTask("train", ["--dry-run", "--dataset", "fashion-mnist-mini"]);
  assert.equal(code, 0);
  assert.match(stdout, /219891 parameters, Adam .*1570 steps of 64/);
  assert.doesNotMatch(stdout, /epoch/);
});

Deno.test("wrong flags print one line and exit with code 2", async () => {
  assertRefused(
    await runTask("train", ["--epoch", "3"]),
    2,
    /Unknown flag "--epoch": did you mean --epochs\?/,
  );
  assertRefused(await runTask("train", ["--learning-rate", "0"]), 2, /--learning-rate.*above 0/);
  assertRefused(await runTask("train", ["--log-every", "5000"]), 2, /--log-every.*1000/);
});

Deno.test("bad input prints one line and exits with code 1", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    const outside = join(folder, "elsewhere");
    assertRefused(await runTask("train", ["--out", outside]), 1, /--allow-write/);
    assertRefused(await runTask("train", ["--out", folder], folder), 1, /not empty|new or empty/);
    assertRefused(
      await runTask("train", ["--dataset", "mnist", "--data-dir", folder]),
      1,
      /train-images-idx3-ubyte/,
    );
    assertRefused(await runTask("evaluate", [folder]), 1, /config\.json/);
    assertRefused(
      await runTask("gradcheck", ["nonsense"]),
      1,
      /recipe "nonsense".*deep, basic, stacked.*path of a script/,
    );
  }));

Deno.test("evaluate refuses a model with other tensors than the recipe's", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    cpSync(shared.run, run, { recursive: true });
    const bytes = await fileOf(run, "model.safetensors");
    await Deno.writeFile(join(run, "model.safetensors"), bytes.subarray(0, bytes.length - 4));
    assertRefused(await runTask("evaluate", [run]), 1, /model\.safetensors/);
    const config = JSON.parse(new TextDecoder().decode(await fileOf(run, "config.json")));
    config.config.sizes = [784, 128, 64, 10, 3];
    await Deno.writeTextFile(join(run, "config.json"), JSON.stringify(config));
    await Deno.writeFile(join(run, "model.safetensors"), bytes);
    assertRefused(
      await runTask("evaluate", [run]),
      1,
      /expected tensor "encoder.4.weight" of shape \[10, 64\]/,
    );
  }));

Deno.test("gradcheck passes on this GPU, as text and as JSON", async () => {
  const text = await runTask("gradcheck", ["basic", "--steps", "20", "--rows", "1"]);
  assert.match(text.stdout, /gradients passed/);
  assert.equal(text.code, 0);
  const variant = ["--variant", "--code 2 --activation elu"];
  assertRefused(await runTask("gradcheck", ["all", ...variant]), 1, /--variant with all recipes/);
  const one = JSON.parse(
    (await runTask("gradcheck", ["basic", ...variant, "--steps", "0", "--rows", "1", "--json"])).stdout,
  );
  assert.deepEqual(one.slice(1).map(({ options }: { options: string }) => options), [variant[1]]);
  assert.ok(one[1].passed);
  const json = await runTask("gradcheck", ["basic", "--steps", "0", "--rows", "1", "--json"]);
  const reports = JSON.parse(json.stdout);
  assert.deepEqual(
    reports.map(({ recipe, options, passed }: { recipe: string; options: string; passed: boolean }) => [
      recipe,
      options,
      passed,
    ]),
    [
      ["built-in network", "", true],
      ["basic", "", true],
      ["basic", "--code 2", true],
    ],
  );
  assert.equal(reports[1].rows.length, 2 * 4, "two widths, four parameters");
  for (const { reference, verdict, reason } of reports[1].rows) {
    assert.deepEqual([reference.error < 1e-5, verdict, reason], [true, "ok", ""]);
  }
});

Deno.test("replay passes the shipped traces and fails a changed one", () =>
  withFolder(async (folder) => {
    const traces = [...Deno.readDirSync(join(ROOT, "fixtures/traces"))].map(({ name }) => name)
      .filter((name) => name.endsWith(".json")).sort().map((name) => `fixtures/traces/${name}`);
    assert.ok(traces.length >= 14, `${traces}`);
    const good = await runTask("replay", traces);
    assert.equal(good.stdout.match(/^pass /gm)?.length, traces.length, good.stdout);
    assert.equal(good.code, 0);
    const trace = JSON.parse(await Deno.readTextFile(join(ROOT, "fixtures/traces/deep.json")));
    trace.steps[3].loss *= 1.0001;
    const changed = join(folder, "changed.json");
    await Deno.writeTextFile(changed, JSON.stringify(trace));
    const bad = await runTask("replay", ["fixtures/traces/basic.json", changed]);
    assert.match(bad.stdout, /^pass .*basic\.json/m);
    assert.match(bad.stdout, /^FAIL .*changed\.json/m);
    assert.equal(bad.code, 1);
  }));

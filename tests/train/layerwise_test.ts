import assert from "node:assert/strict";
import { join } from "node:path";
import { codeRanges } from "../../src/evaluate/code_ranges.ts";
import { histogram } from "../../src/stats/histogram.ts";
import { decode } from "../../src/dependencies/fast_png.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
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
import { planStages } from "../../src/recipe/stage_flags.ts";
import { stageEnds } from "../../src/evaluate/stage_ends.ts";

type Task = "stacked" | "denoising" | "sparse";

const SMALL = ["--limit", "320", "--log-every", "5"];
/** Three layers, with kernels that are compiled in no time. */
const NARROW = [...TINY, "--sizes", "49,12,8,3", "--kernels", "naive"];
/** One layer, with the adapter's own kernels. */
const SINGLE = [...TINY, "--sizes", "49,12"];

/** Trains a recipe; returns its output and the model's tensors by name. */
async function train(
  task: Task,
  folder: string,
  name: string,
  args: readonly string[],
): Promise<{ outcome: Outcome; tensors: Map<string, Float32Array>; bytes: Uint8Array; run: string }> {
  const run = join(folder, name);
  const narrow = args.includes("--sizes") ? [] : NARROW;
  const outcome = await runTask(task, [...SMALL, ...narrow, ...args, "--out", run], folder);
  assert.deepEqual(complaints(outcome), []);
  assert.equal(outcome.code, 0);
  const bytes = await fileOf(run, "model.safetensors");
  const { tensors } = decodeSafetensors(bytes);
  return { outcome, bytes, run, tensors: new Map(tensors.map(({ name, data }) => [name, data])) };
}

Deno.test("stacked trains its stages in order and prints the final loss of each", () =>
  withFolder(async (folder) => {
    const { outcome, tensors, run } = await train("stacked", folder, "run", ["--stages", "2,1,2"]);
    const { stdout } = outcome;
    for (const stage of [0, 1, 2]) {
      assert.match(
        stdout,
        new RegExp(`^stage ${stage}, last epoch +0\\.\\d{5}  squared error per pixel`, "m"),
      );
      assert.match(
        stdout,
        new RegExp(`^range of code_${stage} +0\\.\\d{3} +from 0\\.\\d+ to 0\\.\\d+$`, "m"),
      );
    }
    assert.ok(!stdout.includes("PyTorch"), "nobody measured it on these images");
    assert.match(stdout, /^5-nearest-neighbor accuracy/m);
    assert.match(stdout, /epoch 5\/5 {2}step 50\/50/);
    assert.deepEqual([...tensors].map(([name, { length }]) => [name, length]), [
      ["ae.0.encoder.weight", 49 * 12],
      ["ae.0.decoder.weight", 12 * 49],
      ["ae.1.encoder.weight", 12 * 8],
      ["ae.1.decoder.weight", 8 * 12],
      ["ae.2.encoder.weight", 8 * 3],
      ["ae.2.decoder.weight", 3 * 8],
    ]);
    const metrics = readMetrics(run);
    const reports = metrics.filter((line) => "reconstruction" in line);
    assert.deepEqual(reports.map(({ stage }) => stage), [0, 0, 0, 0, 1, 1, 2, 2, 2, 2]);
    assert.deepEqual(reports.map(({ epoch }) => epoch), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    const epochs = metrics.filter((line) => "test.reconstruction" in line);
    assert.deepEqual(epochs.map(({ stage, epoch }) => [stage, epoch]), [[0, 1], [0, 2], [1, 3], [2, 4], [
      2,
      5,
    ]]);
    for (const line of epochs) { // on clean images the loss is the squared error
      assert.ok(Math.abs(Number(line.testError) - Number(line["test.reconstruction"])) < 1e-6);
    }
    const [third, fourth] = reports.slice(2).map(({ reconstruction }) => Number(reconstruction)); // five steps each
    const last = ((third + fourth) / 2).toFixed(5);
    assert.match(stdout, new RegExp(`^stage 0, last epoch +${last} `, "m"));
  }));

Deno.test("with --freeze later stages leave earlier layers bit-exact, and without it they do not", () =>
  withFolder(async (folder) => {
    const weights = async (name: string, ...args: string[]) =>
      (await train("stacked", folder, name, args)).tensors;
    const first = await weights("first", "--stages", "1,0,0");
    const frozen = await weights("frozen", "--stages", "1,1,1", "--freeze");
    const free = await weights("free", "--stages", "1,1,1", "--no-freeze");
    const onlyLast = await weights("last", "--stages", "0,0,1", "--freeze");
    for (const part of ["encoder", "decoder"]) {
      const of = (tensors: Map<string, Float32Array>, k: number) => tensors.get(`ae.${k}.${part}.weight`)!;
      assert.deepEqual(of(frozen, 0), of(first, 0));
      assert.notDeepEqual(of(free, 0), of(first, 0));
      assert.notDeepEqual(of(onlyLast, 0), of(first, 0)); // stage 0 did train
      assert.deepEqual(of(onlyLast, 1), of(first, 1)); // both as initialized
      assert.notDeepEqual(of(frozen, 1), of(first, 1));
      assert.notDeepEqual(of(frozen, 2), of(first, 2));
    }
  }));

Deno.test("stacked --end-to-end trains all layers at once and is deterministic", () =>
  withFolder(async (folder) => {
    const args = ["--stages", "1,0,1", "--end-to-end"];
    const [a, b] = [await train("stacked", folder, "a", args), await train("stacked", folder, "b", args)];
    assert.match(a.outcome.stdout, /^end to end, last epoch +0\.\d{5}/m);
    assert.match(a.outcome.stdout, /epoch 2\/2 {2}step 20\/20/);
    assert.deepEqual(a.bytes, b.bytes);
  }));

Deno.test("stacked follows the images' width, and --print-plan prints every stage", async () => {
  const { stdout, code } = await runTask("stacked", ["--limit", "64", "--print-plan"]);
  assert.equal(code, 0);
  assert.equal(stdout.match(/^stage \d$/gm)?.length, 4);
  assert.match(stdout, /2819500 parameters, Adam .*, 40 steps of 32/);
});

Deno.test("denoising reports clean and noisy errors for every noise and is deterministic", () =>
  withFolder(async (folder) => {
    for (const noise of ["uniform:1", "gaussian:0.3", "mask:0.25"]) {
      const args = [...SINGLE, "--stages", "3", "--noise", noise];
      const { outcome: { stdout }, bytes, tensors, run } = await train(
        "denoising",
        folder,
        noise.slice(0, 4),
        args,
      );
      const figure = (row: string) => Number(new RegExp(`^${row} +([\\d.]+)`, "m").exec(stdout)?.[1]);
      assert.notEqual(figure("from noisy images"), figure("this model"));
      assert.doesNotMatch(stdout, /from clean images/, "which is the first row");
      assert.ok(figure("from noisy images") > 0 && figure("from noisy images") < 0.5, stdout);
      assert.ok(stdout.includes(`squared error per pixel, from images with ${noise}`), stdout);
      const heights = ["reconstructions", "reconstructions-0003"].map(async (name) =>
        decode(await fileOf(run, `${name}.png`)).height
      );
      assert.deepEqual(
        await Promise.all(heights),
        Array(2).fill(2 * (2 * (3 * 7 + 2 * 1) + 7)),
        "clean, noisy, made",
      );
      if (noise !== "uniform:1") continue;
      assert.deepEqual((await train("denoising", folder, "again", args)).bytes, bytes);
      const clean = await train("stacked", folder, "clean", args.slice(0, -2));
      assert.notDeepEqual(clean.tensors, tensors, "noise changes the model");
      const none = await train("denoising", folder, "none", [...args.slice(0, -2), "--noise", "none"]);
      assert.deepEqual(none.tensors, clean.tensors, "without noise it is the stacked recipe");
      assert.doesNotMatch(none.outcome.stdout, /noisy/);
    }
  }));

Deno.test("sparse prints the penalty, the mean activation and a histogram for every code", () =>
  withFolder(async (folder) => {
    const run = async (name: string, weight: string) =>
      (await train("sparse", folder, name, ["--stages", "3,0,1", "--sparsity-weight", weight])).outcome
        .stdout;
    const [light, heavy] = [await run("light", "0"), await run("heavy", "1")];
    for (const k of [0, 1, 2]) assert.match(light, new RegExp(`^sparsity of code ${k} +\\d+\\.\\d{4} `, "m"));
    const bars = [...light.matchAll(/(\d+) units by tenths of \[0, 1\]: ([.:=+*#@_-]{10})$/gm)];
    assert.deepEqual(bars.map(([, units]) => Number(units)), [12, 8, 3]);
    assert.match(light, /^from noisy images +0\.\d{5}/m);
    const penalty = (stdout: string) => Number(/^sparsity of code 0 +([\d.]+)/m.exec(stdout)?.[1]);
    assert.ok(penalty(heavy) < penalty(light) - 0.1, `${penalty(light)} falls to ${penalty(heavy)}`);
    const [, total, error] = /stage 0, last epoch +([\d.]+) .*\n {2}squared error +([\d.]+)/.exec(light)!;
    assert.equal(total, error); // a penalty of weight 0 adds nothing
  }));

Deno.test.each<[Task, number, RegExp, string]>([
  ["denoising", 2, /Cannot set --noise: expected .*mask:SHARE.*"pepper:1"/, "--noise pepper:1"],
  ["sparse", 2, /Cannot set --noise: .*\(0 to 1\).* but received "mask:2"/, "--noise mask:2"],
  ["stacked", 2, /--stages.*comma-separated integers/, "--stages 2,x"],
  ["stacked", 1, /expected 4 numbers of epochs.*received 2/, "--stages 2,2"],
  ["stacked", 1, /at least one epoch/, "--stages 0,0,0,0"],
  ["stacked", 2, /--sizes/, "--sizes 784,0,3"],
  [
    "stacked",
    1,
    /expected the images' 784 pixels as the first width but received 785/,
    "--sizes 785,4 --stages 1",
  ],
  ["stacked", 1, /--freeze with --end-to-end/, "--end-to-end --freeze"],
  ["stacked", 2, /Unknown flag "--noise"/, "--noise mask:0.1"],
  ["sparse", 2, /--rho.*above 0 and below 1/, "--rho 1"],
  ["sparse", 2, /--sparsity-weight/, "--sparsity-weight=-1"],
])("%s refuses with exit code %i and %s: %s", async (task, code, line, args) => {
  assertRefused(await runTask(task, args.split(" ")), code, line);
});

Deno.test("planStages() keeps stages without epochs", () => {
  const flags = { sizes: [4, 3, 2], stages: [0, 5], freeze: false, endToEnd: false };
  assert.deepEqual(planStages(flags), [
    { label: "stage 0", stage: 0, epochs: 0 },
    { label: "stage 1", stage: 1, epochs: 5 },
  ]);
  assert.deepEqual(planStages({ ...flags, endToEnd: true }), [{ label: "end to end", epochs: 5 }]);
});

Deno.test("stageEnds() returns the mean losses of the last epoch of each trained stage", () => {
  const line = (epoch: number, step: number, a: number, stage?: number) => ({
    epoch,
    step,
    ...(stage === undefined ? {} : { stage }),
    a,
    seconds: 1,
  });
  const metrics = [line(1, 1, 100, 0), line(2, 3, 1.5, 0), line(2, 4, 6, 0), line(3, 5, 7, 2)];
  assert.deepEqual(stageEnds([...metrics, { testError: 1 }]), [
    { label: "stage 0", stage: 0, losses: { a: 3 } },
    { label: "stage 2", stage: 2, losses: { a: 7 } },
  ]);
  assert.deepEqual(stageEnds([line(1, 1, 4)]), [{ label: "end to end", losses: { a: 4 } }]);
});

Deno.test("after each epoch denoising logs its loss on noisy and its error on clean test images", () =>
  withFolder(async (folder) => {
    const args = [...SINGLE, "--stages", "2", "--noise", "uniform:1", "--schedule", "cosine"];
    const { outcome: { stdout }, run } = await train("denoising", folder, "run", args);
    const last = readMetrics(run).at(-2)!;
    const row = (label: string) => new RegExp(`^${label} +([\\d.]+)`, "m").exec(stdout)?.[1];
    assert.equal(Number(last.testError).toFixed(5), row("this model"));
    assert.equal(Number(last["test.reconstruction"]).toFixed(5), row("from noisy images"));
  }));

Deno.test("--schedule covers each stage's own steps, and the warm-up must fit into every stage", async () => {
  assertRefused(
    await runTask("stacked", ["--limit", "320", "--sizes", "784,3,2", "--stages", "9,1", "--warmup", "11"]),
    1,
    /warm-up of at most 10 steps/,
  );
  const left = ["--limit", "320", "--sizes", "784,3,2", "--stages", "9,0", "--warmup", "11", "--dry-run"];
  assert.equal((await runTask("stacked", left)).code, 0, "a stage without epochs needs no warm-up");
});

Deno.test("histogram() counts every number once, including edges and outliers", () => {
  assert.equal(histogram([]), "__________");
  assert.equal(histogram([0, 0.0999, 0.1, 1, 1.5, -2], 10), "@-_______*");
  assert.equal(histogram([0.2, 0.7, 0.8], 2), "=@");
});

Deno.test("codeRanges() has a row for each coordinate, up to a limit", () => {
  assert.deepEqual(codeRanges(Float32Array.of(0.5, 1, 0.25, -1), 2).map(({ value, unit }) => [value, unit]), [
    [0.25, "from 0.250 to 0.500"],
    [2, "from -1.000 to 1.000"],
  ]);
  assert.equal(codeRanges(new Float32Array(60), 20).length, 8);
});

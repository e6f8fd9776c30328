// Divergence to NaN: errors, saved files and rollback. Sanity checks: the initial loss and --overfit-batch.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Graph } from "../../src/graph/graph.ts";
import type { BuildModel } from "../../src/graph/model.ts";
import { Parameters as ModelParameters } from "../../src/graph/parameters.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { readLastCheckpoint } from "../../src/runs/checkpoint_file.ts";
import { describeInitialLoss, initialLoss, initialLossWarning } from "../../src/evaluate/initial_loss.ts";
import { describeOverfit, meanImageError } from "../../src/evaluate/overfit.ts";
import { readSafetensors } from "../../src/files/safetensors.ts";
import { deep } from "../../scripts/deep.ts";
import { sparse } from "../../scripts/sparse.ts";
import { vae } from "../../scripts/vae.ts";
import { assertRefused, complaints, fileOf, runTask, TINY, withFolder } from "../helpers/commands.ts";
import { gpuTest, randomFloats } from "../helpers/gpu.ts";
import { recipeNetwork } from "../helpers/recipe_network.ts";
import { readMetrics } from "../../src/runs/metrics_log.ts";
import { readRun } from "../../src/runs/run_config.ts";

type Task = Parameters<typeof runTask>[0];

const SMALL = [...TINY, "--limit", "192", "--batch-size", "32", "--log-every", "3"];

/** Kernels that are compiled in no time; deep has the adapter's. */
const NAIVE = ["--kernels", "naive"];

/** Task and flags for each recipe. */
const RECIPES: Readonly<Record<string, readonly [Task, readonly string[]]>> = {
  basic: ["basic", ["--iterations", "12", "--full-data"]],
  deep: ["train", ["--sizes", "49,16,3", "--epochs", "2"]],
  "deep, clipped": ["train", ["--sizes", "49,16,3", "--epochs", "2", "--clip-norm", "1"]],
  stacked: ["stacked", [...NAIVE, "--sizes", "49,16,3", "--stages", "1,1"]],
  denoising: ["denoising", [...NAIVE, "--sizes", "49,16,3", "--stages", "1,1"]],
  sparse: ["sparse", [...NAIVE, "--sizes", "49,16,3", "--stages", "1,1"]],
  tied: ["tied", [...NAIVE, "--epochs", "2"]],
  vae: ["vae", [...NAIVE, "--sizes", "49,16,3", "--epochs", "2"]],
  matched: ["matched", [...NAIVE, "--sizes", "49,16,3", "--epochs", "2"]],
};

for (const [name, [task, args]] of Object.entries(RECIPES)) {
  Deno.test(`a learning rate of 1e38 ends ${name} with a one-line error and saves no model`, () =>
    withFolder(async (folder) => {
      const run = join(folder, "run");
      // on 7x7 images basic would also warn about its initial loss
      const small = task === "basic" ? SMALL.slice(TINY.length) : SMALL;
      const all = [...args, ...small, "--learning-rate", "1e38", "--out", run];
      const outcome = await runTask(task, all, folder);
      const line =
        /^error: Training of "[\w ]+" diverged: .*" is (NaN|-?Infinity) at step \d+; .*are not finite/;
      assertRefused(outcome, 1, line);
      assert.match(outcome.stderr, /try a smaller learning rate.*; there is no checkpoint yet$/m);
      assert.deepEqual([...Deno.readDirSync(run)].map(({ name }) => name).sort(), [
        "config.json",
        "metrics.jsonl",
      ]);
    }));
}

Deno.test("infinity in a measurement of held-out rows names the measurement and the step of training", () =>
  withFolder(async (folder) => {
    const rows = Array.from({ length: 64 }, (_, n) => [...randomFloats(`row ${n}`, 6)]);
    const write = (name: string, some: number[][]) => {
      const path = join(folder, name);
      Deno.writeTextFileSync(path, ["a,b,c,d,e,f", ...some.map(String)].join("\n"));
      return path;
    };
    const far = rows.slice(0, 4).with(2, rows[2].with(5, 1e30)); // its squared error exceeds float32
    const data = ["--data", write("train.csv", rows), "--test-data", write("test.csv", far)];
    const sizes = ["--sizes", "6,4,2", "--batch-size", "16", "--epochs", "2"];
    const outcome = await runTask("train", [...data, ...sizes, "--out", join(folder, "run")], folder);
    const line =
      /^error: Measuring "test images" failed: loss "loss" is Infinity in batch 1, after step 4 of training; /;
    assertRefused(outcome, 1, line);
  }));

const TRAIN = ["--sizes", "49,16,3", ...SMALL, "--checkpoint-every", "3"];

/** A learning rate that rises until training diverges. */
const RISING = ["--learning-rate", "1e38", "--warmup", "18", "--epochs", "3"];

Deno.test("--on-nan rollback halves the learning rate, warns, and gives up after 8 rollbacks", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const outcome = await runTask(
      "train",
      [...TRAIN, ...RISING, "--on-nan", "rollback", "--out", run],
      folder,
    );
    const lines = complaints(outcome);
    assert.equal(lines.length, 9, outcome.stderr);
    for (const [k, line] of lines.slice(0, 8).entries()) {
      assert.match(line, /^warning: Training of "deep" diverged: /);
      assert.ok(
        line.endsWith(
          `rolled back to step 0; training continues with the learning rate times ${0.5 ** (k + 1)}`,
        ),
        line,
      );
    }
    assert.match(
      lines[8],
      /^error: .* gave up after 8 rollbacks, with the learning rate times 0.00390625; /,
    );
    assert.match(lines[8], /the checkpoint of step 0 is kept$/);
    assert.equal(outcome.code, 1);
    assert.deepEqual(
      readMetrics(run).map(({ learningRateShare }) => learningRateShare),
      [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625],
    );
    assert.equal(readLastCheckpoint(run)?.place.rollbacks.length, 8);
    assert.ok(!existsSync(join(run, "model.safetensors")));
  }));

Deno.test("a run with rollbacks ends finite, and resuming it is bit-exact", () =>
  withFolder(async (folder) => {
    const run = (name: string) => join(folder, name);
    const train = async (...args: readonly string[]) => {
      const outcome = await runTask("tied", args, folder);
      assert.equal(outcome.code, 0, outcome.stderr);
      return complaints(outcome).filter((line) => line.includes("rolled back")).length;
    };
    // sums of weights of about 2e37 overflow, those of a sixteenth of that do not
    const flags = [...SMALL, "--checkpoint-every", "3", "--on-nan", "rollback", "--learning-rate", "2e37"];
    const times = await train(...flags, "--epochs", "3", "--out", run("whole"));
    assert.ok(times > 0, "there were rollbacks");
    const lines = readMetrics(run("whole")).filter((line) => "divergedAtStep" in line);
    assert.equal(lines.length, times);
    const { tensors, metadata } = readSafetensors(join(run("whole"), "model.safetensors"));
    assert.ok(tensors.every(({ data }) => data.every(Number.isFinite)));
    assert.equal(metadata.learningRateShare, `${0.5 ** times}`);

    const before = await train(...flags, "--epochs", "2", "--out", run("paused"));
    const after = await train("--resume", run("paused"), "--on-nan", "rollback", "--epochs", "3");
    assert.ok(before > 0 && before + after === times, `${before} + ${after} times, ${times} without a pause`);
    assert.deepEqual(
      await fileOf(run("paused"), "model.safetensors"),
      await fileOf(run("whole"), "model.safetensors"),
    );
  }));

gpuTest(
  "an initial loss far from that of an all-zero network causes a warning",
  async (gpu) => {
    const pixels = Uint8Array.from(
      randomFloats("pixels", 64 * 784, 0, 256),
      (value) => value > 128 ? value : 0,
    );
    using images = new DeviceImages(gpu, "images", pixels, 784);
    const found = async (build: BuildModel, scale: number) => {
      using parameters = new ModelParameters(0);
      build(new Graph(64), parameters, gatherBatch(new Graph(64), "pixels", images));
      for (const [name, values] of await parameters.read()) {
        parameters.write(
          name,
          values.map((value) => scale * value),
        );
      }
      const before = await parameters.read();
      const loss = await initialLoss({ gpu, images, parameters, batch: { first: 0, rows: 64 }, build });
      assert.deepEqual(await parameters.read(), before);
      return loss;
    };
    const floats = Array.from(pixels, (byte) => byte / 255);
    const gray = floats.reduce((sum, x) => sum + (x - 0.5) ** 2, 0) / floats.length;
    const sound = await found(recipeNetwork(deep), 1);
    assert.ok(Math.abs(sound.expected - gray) < 1e-5 * gray, `${sound.expected}, gray costs ${gray}`);
    assert.equal(initialLossWarning(sound), undefined, describeInitialLoss(sound));
    assert.match(initialLossWarning(await found(recipeNetwork(deep), 10)) ?? "", /initial weights/);

    // with all parameters 0 every code unit is ½; the KL is summed over units, not over images
    const [rho, weight, units] = [0.05, 0.1, 3],
      kl = rho * Math.log(2 * rho) + (1 - rho) * Math.log(2 - 2 * rho);
    const penalized = await found(recipeNetwork(sparse, { sizes: [784, units], sparsityWeight: weight }), 1);
    const expected = gray + weight * units * kl;
    assert.ok(Math.abs(penalized.expected - expected) < 1e-5, `${penalized.expected}, ${expected} per pixel`);
    assert.doesNotMatch(describeInitialLoss(penalized), /per image/);

    const variational = recipeNetwork(vae);
    const coded = await found(variational, 1);
    assert.ok(Math.abs(coded.expected - 784 * Math.log(2)) < 1e-3, `${coded.expected} nats an image`);
    assert.equal(initialLossWarning(coded), undefined, describeInitialLoss(coded));
    assert.match(initialLossWarning(await found(variational, 5)) ?? "", /times that of a network/);
  },
);

Deno.test("the initial-loss warning depends on the ratio to the expected loss", () => {
  assert.equal(initialLossWarning({ found: 1.24, expected: 1 }), undefined);
  assert.match(initialLossWarning({ found: 1.26, expected: 1 }) ?? "", /1.26 times/);
  assert.match(initialLossWarning({ found: 0.79, expected: 1 }) ?? "", /0.790 times/);
  assert.match(initialLossWarning({ found: NaN, expected: 1 }) ?? "", /NaN times/);
  assert.equal(initialLossWarning({ found: 0.1, expected: 0 }), undefined, "nothing to compare with");
});

Deno.test("--overfit-batch trains on one batch and reports whether the network overfits it", () =>
  withFolder(async (folder) => {
    const train = async (name: string, more: readonly string[]) => {
      const run = join(folder, name);
      const args = [...TRAIN, "--limit", "640", "--epochs", "8", "--overfit-batch", ...more];
      const outcome = await runTask("train", [...args, "--out", run], folder);
      assert.equal(outcome.code, 0, outcome.stderr);
      return { run, said: outcome.stdout.split("\n").filter((line) => line.startsWith("overfit")) };
    };
    const { run, said } = await train("sound", []);
    assert.equal(said[0], "overfit   trains on the first batch only");
    assert.match(said[1], /below 50 %, as it should be$/);
    assert.equal(readMetrics(run).filter(({ step }) => step).at(-1)?.step, 160, "eight epochs of 20 steps");
    const { expected } = readRun(run).facts.initialLoss as { expected: number };
    assert.ok(expected > 0.1 && expected < 0.3, `${expected}`);

    const broken = await train("broken", ["--learning-rate", "1e-7"]);
    assert.match(broken.said[1], /it should be below 50 %: train for more steps, or check the network/);
    const [first, other] = [
      await fileOf(run, "model.safetensors"),
      await fileOf(broken.run, "model.safetensors"),
    ];
    assert.notDeepEqual(first, other);
  }));

Deno.test("a batch is overfitted below half of its mean image's error", () => {
  const pixels = Uint8Array.of(0, 255, 255, 255); // two images of two pixels; the mean is ½, 1
  assert.equal(meanImageError(pixels, 2), 0.125);
  assert.equal(meanImageError(Float32Array.of(0, 1, 1, 1), 2), 0.125);
  assert.match(describeOverfit({ error: 0.0625, meanError: 0.125 }), /50.0 % .*as it should be$/);
  assert.match(describeOverfit({ error: 0.07, meanError: 0.125 }), /it should be below 50 %/);
  assert.match(describeOverfit({ error: NaN, meanError: 0.125 }), /it should be below 50 %/);
});

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { deep } from "../../scripts/deep.ts";
import { InputError } from "../../src/errors.ts";
import {
  type Checkpoint,
  checksumOf,
  readLastCheckpoint,
  saveCheckpoint,
} from "../../src/runs/checkpoint_file.ts";
import { checkpointEveryFlag, parseCheckpointEvery } from "../../src/recipe/checkpoint_every.ts";
import { bestEpoch, isOutOfPatience } from "../../src/train/early_stopping.ts";
import { learnedConfig, parseRecipe, refuseOthers } from "../../src/train/resume.ts";
import { encodeSafetensors, readSafetensors } from "../../src/files/safetensors.ts";
import {
  assertRefused,
  complaints,
  fileOf,
  ROOT,
  runTask,
  taskArguments,
  withFolder,
} from "../helpers/commands.ts";
import { withFullDisk } from "../helpers/full_disk.ts";
import { makeImages, train } from "../helpers/resume_runs.ts";
import { MetricsLog, readMetrics } from "../../src/runs/metrics_log.ts";
import { readRun } from "../../src/runs/run_config.ts";

/** A killed run of deep, shared by the tests that only read or copy it. */
const home = await Deno.makeTempDir({ prefix: "bottleneck-" });
const images = await makeImages(home);
const FLAGS = [...images, "--sizes", "100,8,2", "--epochs", "5", "--log-every", "3", "--keep", "2"];
const half = join(home, "half"); // its last checkpoints are after epochs 1 and 2, at steps 12 and 24
let last: Checkpoint;

Deno.test.beforeAll(async () => {
  assert.equal(await train("train", [...FLAGS, "--out", half], home, { signal: "SIGKILL", step: 27 }), false);
  last = readLastCheckpoint(half)!;
});
Deno.test.afterAll(() => Deno.remove(home, { recursive: true }));

/** Copies the killed run. */
async function copied(folder: string): Promise<string> {
  const run = join(folder, "run");
  await Deno.mkdir(run);
  cpSync(half, run, { recursive: true });
  return run;
}

/** Asserts that an action throws an InputError of one line. */
function refused(action: () => unknown, line: RegExp): void {
  assert.throws(action, (error: unknown) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, line);
    return !error.message.includes("\n");
  });
}

const namesIn = (folder: string, start: string) =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.startsWith(start)).sort();
const SCRIPT = new URL("../../scripts/deep.ts", import.meta.url).href;

const fromFlags = (...args: string[]) =>
  parseRecipe({ name: "deep", description: "", flags: deep.flags }, args, SCRIPT);

Deno.test("each epoch saves a checkpoint with the complete state, and the newest --keep of them are kept", () => {
  const steps = namesIn(half, "checkpoint-").map((name) => Number(/\d+/.exec(name)![0]));
  assert.equal(steps.length, 2);
  const step = Math.max(...steps);
  assert.ok(step >= 24 && step % 12 === 0, `${steps}`);
  assert.deepEqual([last.recipe, last.place.step, last.place.epoch], ["deep", step, step / 12]);
  assert.deepEqual([last.place.stageSteps, last.place.current, last.place.stage], [[step], 0, undefined]);
  assert.equal(last.config.learningRate, 0.005);
  assert.equal(last.config.seed, 0);
  assert.match(last.dataset.checksum, /^[0-9a-f]{64}$/);
  assert.ok(last.place.seconds > 0);
  assert.deepEqual(last.parameters.find(({ name }) => name === "encoder.0.weight")!.shape, [8, 100]);
  assert.equal(last.state.moments.length, 2);
  assert.deepEqual([...last.state.moments[1].keys()], last.parameters.map(({ name }) => name));
  assert.ok(last.state.moments[1].get("encoder.0.weight")!.some((value) => value > 0));
});

Deno.test("a killed run is listed as crashed, and as finished after resuming", () =>
  withFolder(async (folder) => {
    await copied(folder);
    const statuses = async () => JSON.parse((await runTask("runs", ["--folder", folder, "--json"])).stdout);
    assert.equal((await statuses())[0].status, "crashed");
    const { stdout, code } = await runTask("train", ["--resume", join(folder, "run")], folder);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`resumed +after step ${last.place.step} of 60`));
    assert.equal((await statuses())[0].status, "finished");
    const results = await fileOf(join(folder, "run"), "results.json");
    await Deno.remove(join(folder, "run", "results.json")); // as if it had been killed before its last file
    assert.equal((await statuses())[0].status, "crashed");
    await Deno.writeFile(join(folder, "run", "results.json"), results);
    assert.deepEqual(readRun(join(folder, "run")).facts.resumedAtSteps, [last.place.step]);
    assert.match(
      await Deno.readTextFile(join(folder, "run", "report.html")),
      /resumedAtSteps|resumed at steps/i,
    );
    assertRefused(
      await runTask("train", ["--resume", join(folder, "run")], folder),
      1,
      /^error: Cannot resume ".*": expected an unfinished run but it has finished; train it longer with --epochs N$/,
    );
  }));

Deno.test("a run resumed with a larger --epochs is bit-exact with one that began with it", () =>
  withFolder(async (folder) => {
    const [whole, run] = [join(folder, "whole"), await copied(folder)];
    assert.ok(await train("train", [...FLAGS, "--epochs", "7", "--out", whole], folder));
    assert.ok(await train("train", ["--resume", run], folder));
    assert.ok(await train("train", ["--resume", run, "--epochs", "7"], folder)); // the run has finished by now
    assert.deepEqual(await fileOf(run, "model.safetensors"), await fileOf(whole, "model.safetensors"));
    const { config, facts } = readRun(run);
    assert.equal(config.epochs, 7);
    assert.match(String(facts.command), / --epochs 5 .* --epochs 7$/);
  }));

Deno.test.each<[string[], RegExp]>([
  [["--sizes", "100,4,2"], /with --sizes \[100,4,2\]: the run began with \[100,8,2\]; omit the flag/],
  [["--seed", "3"], /with --seed 3: the run began with 0/],
  [["--epochs", "4"], /with --epochs 4: the run began with 5/],
  [["--patience", "4"], /with --patience 4: the run began with nothing/],
  [["--out", "elsewhere"], /with --out: a resumed run stays in its own folder/],
])("--resume refuses flags that differ from the run's: %j", (args, line) => {
  refused(() => fromFlags("--resume", half, ...args), line);
});

Deno.test("--resume restores the run's flags and accepts new output and checkpoint flags", () => {
  const config = fromFlags("--resume", half, "--keep", "9", "--quiet", "--seed", "0");
  assert.deepEqual([config.sizes, config.epochs, config.keep, config.quiet], [[100, 8, 2], 5, 9, true]);
  assert.deepEqual([config.data, config.resume], [images[1], half]);
  assert.equal(fromFlags("--epochs", "3").epochs, 3);
});

Deno.test("--resume refuses the run of another recipe, and folders that are not runs", () => {
  const vae = () => parseRecipe({ name: "vae", description: "", flags: deep.flags }, ["--resume", half]);
  refused(vae, /expected a run of vae but found one of "deep"/);
  refused(() => fromFlags("--resume", home), /"config.json" is missing/);
  refused(() => fromFlags("--resume", join(home, "nothing")), /no such file or folder/);
  const unbegun = Deno.makeTempDirSync({ dir: home });
  refused(() => fromFlags("--resume", unbegun), /stopped before training began; start it again with its own/);
});

Deno.test("--data and --dataset together are refused", () => {
  refused(
    () => fromFlags("--data", "a.csv", "--dataset", "mnist"),
    /expected --data or --dataset but received both/,
  );
  assert.equal(fromFlags("--data", "a.csv").data, "a.csv");
});

/** The identity that a checkpoint must match. */
const run = () => ({
  recipe: "deep",
  config: last.config,
  dataset: last.dataset,
  shapes: new Map(last.parameters.map(({ name, shape }) => [name, shape])),
  stages: 1,
});

Deno.test.each<[string, (own: ReturnType<typeof run>) => ReturnType<typeof run>, RegExp]>([
  ["recipe", (own) => ({ ...own, recipe: "vae" }), /of recipe vae but found one of "deep"/],
  [
    "sizes",
    (own) => ({ ...own, config: { ...own.config, sizes: [100, 9] } }),
    /of --sizes \[100,9\] but found one of \[100,8,2\]/,
  ],
  ["seed", (own) => ({ ...own, config: { ...own.config, seed: 1 } }), /of --seed 1 but found one of 0/],
  [
    "data set",
    (own) => ({ ...own, dataset: { name: "others", checksum: "f00" } }),
    /of data set "others" \(SHA-256 "f00"…\) but found one of ".*images.idx" \(SHA-256 "[0-9a-f]{12}"…\)/,
  ],
  [
    "shape",
    (own) => ({ ...own, shapes: new Map(own.shapes).set("encoder.0.bias", [9]) }),
    /of tensor "encoder.0.bias" \[9\] but found one of \[8\]/,
  ],
  ["stages", (own) => ({ ...own, stages: 2 }), /of steps in 2 stages but found one of/],
])("a checkpoint with another %s is refused, and the error names the difference", (_what, change, line) => {
  refuseOthers("run", last, run());
  refused(() => refuseOthers("run", last, change(run())), line);
});

/** Rewrites a checkpoint with changed metadata and a valid checksum. */
function forge(path: string, change: (texts: Record<string, string>) => Record<string, string>): void {
  const { tensors, metadata: { checksum: _, ...texts } } = readSafetensors(path);
  const changed = change(texts);
  const bytes = encodeSafetensors(tensors, { ...changed, checksum: checksumOf(tensors, changed) });
  Deno.writeFileSync(path, bytes);
}

Deno.test("a truncated, modified or newer-format checkpoint is refused", () =>
  withFolder(async (folder) => {
    const run = await copied(folder);
    Deno.removeSync(join(run, `checkpoint-${last.place.step - 12}.safetensors`));
    const path = join(run, `checkpoint-${last.place.step}.safetensors`), whole = Deno.readFileSync(path);
    const others: [Uint8Array, RegExp][] = [
      [whole.subarray(0, whole.length - 1), /checkpoint-\d+.safetensors": expected \d+ bytes of data/],
      [whole.subarray(0, 3), /expected at least 8 bytes/],
      [
        whole.with(whole.length - 9, whole.at(-9)! ^ 1),
        /expected contents that match its checksum.*changed or damaged; no older checkpoint can be read: remove it/,
      ],
      [
        encodeSafetensors([]),
        /expected format "bottleneck-checkpoint-1" but found nothing; it is not a checkpoint/,
      ],
    ];
    for (const [bytes, line] of others) {
      Deno.writeFileSync(path, bytes);
      refused(() => readLastCheckpoint(run), line);
    }
    const texts: [string, string, RegExp][] = [
      [
        "format",
        "bottleneck-checkpoint-2",
        /found "bottleneck-checkpoint-2"; it was written by a newer Bottleneck/,
      ],
      ["place", "{}", /expected non-negative integers as "place"/],
      ["place", "3", /expected an object as "place" but found "3"/],
      ["state", '{"index":-1}', /expected non-negative integers as "state"/],
      ["config", "[", /expected an object as "config"/],
      ["best", '{"step":3}', /expected strings in "best"/],
    ];
    for (const [key, text, line] of texts) {
      Deno.writeFileSync(path, whole);
      forge(path, (own) => ({ ...own, [key]: text }));
      refused(() => readLastCheckpoint(run), line);
    }
    Deno.writeFileSync(path, whole);
    forge(path, (own) => own);
    assert.deepEqual(Deno.readFileSync(path), whole, "an unchanged forgery equals the saved file");

    Deno.writeFileSync(path, whole);
    forge(path, (own) => ({ ...own, state: own.state.replace('"moments":2', '"moments":1') }));
    assertRefused(
      await runTask("train", ["--resume", run], folder),
      1,
      /the moments do not match this step$/,
    );
    Deno.writeFileSync(path, whole.subarray(0, 1000));
    assertRefused(
      await runTask("train", ["--resume", run], folder),
      1,
      /^error: Cannot read ".*checkpoint-\d+\.safetensors": .*; no older checkpoint can be read: remove it, and --resume/,
    );
    Deno.removeSync(path);
    assert.ok(await train("train", ["--resume", run], folder));
    assert.deepEqual(await fileOf(run, "model.safetensors"), await wholeModel(folder));
  }));

/** The model of the same run, never cut. */
async function wholeModel(folder: string): Promise<Uint8Array> {
  const whole = join(folder, "whole");
  assert.ok(await train("train", [...FLAGS, "--out", whole], folder));
  return await fileOf(whole, "model.safetensors");
}

Deno.test("in place of a damaged newest checkpoint the one before it is used, with a warning, bit-exactly", () =>
  withFolder(async (folder) => {
    const run = await copied(folder), newest = last.place.step, before = newest - 12;
    const path = join(run, `checkpoint-${newest}.safetensors`);
    Deno.truncateSync(path, 1000);
    const outcome = await runTask("train", ["--resume", run, "--checkpoint-every", "9999"], folder);
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.deepEqual(complaints(outcome).length, 1, outcome.stderr);
    assert.match(
      complaints(outcome)[0],
      new RegExp(
        `^warning: Cannot read ".*-${newest}\\.safetensors": .*; resuming from step ${before} instead$`,
      ),
    );
    assert.match(outcome.stdout, new RegExp(`^resumed +after step ${before} of 60$`, "m"));
    assert.deepEqual(await fileOf(run, "model.safetensors"), await wholeModel(folder));
  }));

Deno.test("a damaged checkpoint goes with the next one that is saved, and its elder stays until then", () =>
  withFolder((folder) => {
    const at = (step: number) => ({ ...last, place: { ...last.place, step } });
    for (const step of [1, 2, 3]) saveCheckpoint(folder, at(step), 2);
    const path = (step: number) => join(folder, `checkpoint-${step}.safetensors`);
    Deno.truncateSync(path(3), 1000);
    const lines: string[] = [];
    assert.equal(readLastCheckpoint(folder, (line) => lines.push(line))?.place.step, 2);
    assert.equal(lines.length, 1);
    assert.deepEqual(namesIn(folder, ""), ["checkpoint-2.safetensors", "checkpoint-3.safetensors"]);
    saveCheckpoint(folder, at(2), 2); // as in training that was resumed there and stopped at once
    assert.deepEqual(namesIn(folder, ""), ["checkpoint-2.safetensors"]);
    saveCheckpoint(folder, at(3), 2);
    for (const step of [2, 3]) Deno.truncateSync(path(step), 1000);
    refused(() => readLastCheckpoint(folder), /-3\.safetensors": .*remove all 2, and --resume trains again/);
    return Promise.resolve();
  }));

Deno.test("a run older than a flag can be resumed, and another adapter causes a warning", () =>
  withFolder(async (folder) => {
    const run = await copied(folder), path = join(run, "config.json");
    const { config: { warmup: _, ...config }, facts, ...rest } = JSON.parse(await Deno.readTextFile(path));
    await Deno.writeTextFile(
      path,
      JSON.stringify({ ...rest, config, facts: { ...facts, adapter: "a fast one" } }),
    );
    forge(join(run, `checkpoint-${last.place.step}.safetensors`), (texts) => {
      const { warmup: _, ...older } = JSON.parse(texts.config);
      return { ...texts, config: JSON.stringify(older) };
    });
    const outcome = await runTask("train", ["--resume", run], folder);
    assert.equal(outcome.code, 0, outcome.stderr);
    const said = complaints(outcome);
    assert.match(said[0], /is older than these flags; using their defaults: "warmup" \(0\)$/);
    assert.match(
      said[1],
      /^warning: this run began with \["a fast one",.* and continues with .*: rounding differs/,
    );
    assert.equal(said.length, 2);
  }));

Deno.test("--resume refuses other images, a shorter or changed metrics.jsonl, and a second process", () =>
  withFolder(async (folder) => {
    const run = await copied(folder), resume = ["--resume", run];
    const other = join(folder, "other.idx");
    await Deno.writeFile(other, (await Deno.readFile(images[1])).with(99, 1));
    assertRefused(
      await runTask("train", [...resume, "--data", other], folder),
      1,
      /^error: Cannot resume ".*": expected the run's own images, from ".*images.idx", but found others/,
    );
    {
      using _log = new MetricsLog(run); // as in a process that trains
      assertRefused(
        await runTask("train", resume, folder),
        1,
        /^error: Cannot train in ".*": another process is training there/,
      );
    }
    const metrics = await Deno.readTextFile(join(run, "metrics.jsonl"));
    await Deno.writeTextFile(join(run, "metrics.jsonl"), metrics.slice(0, metrics.indexOf("\n") + 1));
    const { metricsBytes } = last.place;
    const line = (found: string) =>
      new RegExp(
        `^error: Cannot continue ".*metrics.jsonl": expected its first ${metricsBytes} bytes to be.* found ${found};`,
      );
    assertRefused(await runTask("train", resume, folder), 1, line(`only ${metrics.indexOf("\n") + 1}`));
    const changed = metrics.replace(/"loss":0\.(\d)/, (_, digit) => `"loss":0.${9 - digit}`);
    assert.notEqual(changed, metrics);
    await Deno.writeTextFile(join(run, "metrics.jsonl"), changed);
    assertRefused(await runTask("train", resume, folder), 1, line("others"));
    assert.equal(readLastCheckpoint(run)!.place.step, last.place.step, "the run is unchanged");
    assert.equal(await Deno.readTextFile(join(run, "metrics.jsonl")), changed);
    // a checkpoint from before it had that checksum
    const path = join(run, `checkpoint-${last.place.step}.safetensors`);
    forge(path, (texts) => {
      const { metricsChecksum, ...place } = JSON.parse(texts.place);
      assert.match(metricsChecksum, /^[0-9a-f]{64}$/);
      return { ...texts, place: JSON.stringify(place) };
    });
    assert.ok(await train("train", resume, folder));
  }));

Deno.test("MetricsLog.cut() truncates at line ends only", () =>
  withFolder((folder) => {
    const log = new MetricsLog(folder);
    log.write({ step: 1 });
    const { size, checksum } = log, path = join(folder, "metrics.jsonl");
    const sumOf = () => createHash("sha256").update(Deno.readFileSync(path)).digest("hex");
    assert.equal(checksum, sumOf());
    log.write({ step: 2 });
    refused(() => log.cut(size - 1), /expected its first \d+ bytes to be whole lines.* but found others;/);
    refused(() => log.cut(99), /expected its first 99 bytes to be whole lines.* but found only 22;/);
    refused(
      () => log.cut(size, "0".repeat(64)),
      /unchanged since the checkpoint, but found others; put the file/,
    );
    assert.equal(log.size, 2 * size);
    log.cut(size, checksum);
    log.write({ step: 3 });
    assert.deepEqual(readMetrics(folder), [{ step: 1 }, { step: 3 }]);
    assert.equal(log.checksum, sumOf());
    log.close();
    using again = new MetricsLog(folder);
    assert.equal(again.checksum, sumOf());
    again.cut(0);
    assert.deepEqual(readMetrics(folder), []);
    assert.equal(again.checksum, sumOf());
    return Promise.resolve();
  }));

Deno.test("a failed checkpoint write leaves earlier checkpoints intact", () =>
  withFolder((folder) => {
    saveCheckpoint(folder, last, 1);
    const next = { ...last, place: { ...last.place, step: last.place.step + 1 } };
    withFullDisk(() => refused(() => saveCheckpoint(folder, next, 1), /Cannot write ".*": the disk is full/));
    assert.deepEqual(namesIn(folder, ""), [`checkpoint-${last.place.step}.safetensors`]);
    assert.deepEqual(readLastCheckpoint(folder), last);
    saveCheckpoint(folder, next, 1);
    assert.deepEqual(namesIn(folder, ""), [`checkpoint-${next.place.step}.safetensors`]);
    return Promise.resolve();
  }));

Deno.test("a run whose folder disappears ends with a one-line error and can be resumed", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run"), moved = join(folder, "moved");
    const args = taskArguments("train", [...FLAGS, "--epochs", "99", "--out", run], folder);
    const child = new Deno.Command("deno", { args, cwd: ROOT, stdout: "piped", stderr: "piped" }).spawn();
    const said = new Response(child.stderr).text();
    let output = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      if (output.includes("step   15/") && namesIn(folder, "moved").length === 0) {
        await Deno.rename(run, moved);
      }
    }
    const outcome = { code: (await child.status).code, stdout: output, stderr: await said };
    assertRefused(outcome, 1, /^error: Cannot write ".*": no such file or folder/);
    assert.ok(readLastCheckpoint(moved)!.place.step >= 12);
    assert.equal(
      await train("train", ["--resume", moved], folder, { signal: "SIGINT", step: 36 }),
      false,
    );
  }));

Deno.test("Ctrl-C saves a checkpoint of the last step, even within an epoch", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    assert.equal(
      await train("train", [...FLAGS, "--out", run], folder, { signal: "SIGINT", step: 15 }),
      false,
    );
    const { place } = readLastCheckpoint(run)!;
    const model = readSafetensors(join(run, "model.safetensors"));
    assert.equal(Number(model.metadata.step), place.step);
    assert.ok(place.step >= 15, `${place.step}`);
    const kept = Deno.readTextFileSync(join(run, "metrics.jsonl")).slice(0, place.metricsBytes).split("\n");
    const reported = JSON.parse(kept.at(-2)!).step; // every third step is
    assert.ok(reported <= place.step && reported > place.step - 3, `${reported} ${place.step}`);
  }));

Deno.test("--patience stops early, keeps the best and the final model, and reports both", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run"), first = join(folder, "first");
    const args = ["--patience", "2", "--min-delta", "1", "--checkpoint-every", "2epochs", "--out", run];
    const { stdout, code } = await runTask("train", [...FLAGS, ...args], folder);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^stopped early: the best test\.loss, 0\.\d+, was reached in epoch 1 \(--patience 2\)$/m,
    );
    assert.match(
      stdout,
      /^best\.safetensors is the model after epoch 1, test\.loss 0\.\d+; model\.safetensors is/m,
    );
    const epochs = readMetrics(run).filter((line) => "test.loss" in line).map(({ epoch }) => epoch);
    assert.deepEqual(epochs, [1, 2, 3]);
    assert.equal(readSafetensors(join(run, "model.safetensors")).metadata.step, "36");
    assert.ok(await train("train", [...FLAGS, "--epochs", "1", "--out", first], folder));
    const [best, model] = [join(run, "best.safetensors"), join(first, "model.safetensors")].map(
      readSafetensors,
    );
    assert.equal(best.metadata.step, "12");
    assert.deepEqual(best.tensors, model.tensors);
    assert.deepEqual(readLastCheckpoint(run)!.best, best);
    refused(() => fromFlags("--resume", run), /it has finished/);
  }));

Deno.test("early stopping applies to each stage, and the next stage still runs", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const args = [...images, "--sizes", "100,8,4,2", "--stages", "4,0,3", "--out", run];
    const { stdout } = await runTask("stacked", [...args, "--patience", "1", "--min-delta", "1"], folder);
    assert.match(
      stdout,
      /stage 0 stopped early: the best test\.reconstruction, .* was reached in epoch 1 \(/,
    );
    const measured = readMetrics(run).filter((line) => "epoch" in line && "testError" in line);
    assert.deepEqual(measured.map(({ epoch, stage }) => [epoch, stage]), [[1, 0], [2, 0], [3, 2], [4, 2]]);
    assert.equal(readSafetensors(join(run, "best.safetensors")).metadata.epoch, "3");
  }));

const LINES = [
  { epoch: 1, step: 10, loss: 9 },
  { epoch: 1, step: 10, testError: 1, "test.loss": 0.5 },
  { epoch: 2, step: 20, testError: 1, "test.loss": 0.4 },
  { epoch: 3, step: 30, testError: 0, "test.loss": 0.39 },
  { epoch: 4, step: 40, testError: 0, "test.loss": "NaN" },
  { testError: 0 },
];

Deno.test("the best epoch is the last improvement by more than --min-delta, and never NaN", () => {
  const found = (delta?: number) => bestEpoch(LINES, undefined, delta);
  assert.deepEqual(found(), { metric: "test.loss", value: 0.39, epoch: 3, step: 30 });
  assert.equal(found(0.05)?.epoch, 2);
  assert.equal(found(0.2)?.epoch, 1);
  assert.equal(bestEpoch(LINES, 0), undefined);
  assert.equal(bestEpoch([{ ...LINES[1], "test.total": 7 }], undefined)?.metric, "test.total");
  const over = (patience: number, delta?: number) => isOutOfPatience(LINES, undefined, patience, delta);
  assert.deepEqual([over(1), over(2), over(2, 0.05), over(3, 0.05), over(3, 0.2)], [
    true,
    false,
    true,
    false,
    true,
  ]);
  assert.equal(isOutOfPatience([], undefined, 1), false);
});

Deno.test("--checkpoint-every counts steps or epochs", () => {
  const { parse, accepts } = checkpointEveryFlag();
  for (const text of ["1", "500", "1epoch", "20epochs"]) assert.equal(parse(text), text);
  for (const text of ["0", "-1", "1.5", "epochs", "0epochs", "2 epochs", "1e3", ""]) {
    assert.equal(parse(text), undefined);
  }
  assert.deepEqual([accepts("7"), accepts(7), accepts("x")], [true, false, false]);
  assert.deepEqual(parseCheckpointEvery("500"), { unit: "steps", count: 500 });
  assert.deepEqual(parseCheckpointEvery("2epochs"), { unit: "epochs", count: 2 });
  assert.deepEqual(parseCheckpointEvery(), { unit: "epochs", count: 1 });
  assert.throws(() => parseCheckpointEvery("x"), RangeError);
});

Deno.test("learnedConfig() omits flags for paths, output and checkpoints", () => {
  assert.deepEqual(
    learnedConfig({ seed: 1, out: "x", quiet: true, keep: 3, checkpointEvery: "5", patience: 2 }),
    {
      seed: 1,
      patience: 2,
    },
  );
});

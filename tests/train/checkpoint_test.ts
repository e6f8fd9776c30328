// What a checkpoint holds, which ones are refused, and what happens in place of a damaged one.
import assert from "node:assert/strict";
import { join } from "node:path";
import { encodeSafetensors } from "../../src/files/safetensors.ts";
import { type Checkpoint, readLastCheckpoint, saveCheckpoint } from "../../src/runs/checkpoint_file.ts";
import { refuseOthers } from "../../src/train/resume.ts";
import { assertRefused, complaints, fileOf, runTask, withFolder } from "../helpers/commands.ts";
import { withFullDisk } from "../helpers/full_disk.ts";
import { copyOf, forge, namesIn, planKilledRun, refused, trainUntilKilled } from "../helpers/killed_run.ts";
import { train } from "../helpers/resume_runs.ts";

const killed = await planKilledRun(), { home, flags: FLAGS, half } = killed;
let last: Checkpoint;

Deno.test.beforeAll(async () => {
  last = await trainUntilKilled(killed);
});
Deno.test.afterAll(() => Deno.remove(home, { recursive: true }));

let uncut: Promise<Uint8Array> | undefined;

/** The model of the same run, never cut. */
async function wholeModel(): Promise<Uint8Array> {
  const run = join(home, "whole");
  assert.ok(await train("train", [...FLAGS, "--out", run], home));
  return await fileOf(run, "model.safetensors");
}

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

Deno.test("a truncated, modified or newer-format checkpoint is refused", () =>
  withFolder(async (folder) => {
    const run = await copyOf(killed, folder);
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
    assert.deepEqual(await fileOf(run, "model.safetensors"), await (uncut ??= wholeModel()));
  }));

Deno.test("in place of a damaged newest checkpoint the one before it is used, with a warning, bit-exactly", () =>
  withFolder(async (folder) => {
    const run = await copyOf(killed, folder), newest = last.place.step, before = newest - 12;
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
    assert.deepEqual(await fileOf(run, "model.safetensors"), await (uncut ??= wholeModel()));
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
    const run = await copyOf(killed, folder), path = join(run, "config.json");
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

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { deep } from "../../scripts/deep.ts";
import { type Checkpoint, readLastCheckpoint } from "../../src/runs/checkpoint_file.ts";
import { checkpointEveryFlag, parseCheckpointEvery } from "../../src/recipe/checkpoint_every.ts";
import { learnedConfig, parseRecipe } from "../../src/train/resume.ts";
import { readSafetensors } from "../../src/files/safetensors.ts";
import { assertRefused, fileOf, ROOT, runTask, taskArguments, withFolder } from "../helpers/commands.ts";
import { copyOf, forge, namesIn, planKilledRun, refused, trainUntilKilled } from "../helpers/killed_run.ts";
import { train } from "../helpers/resume_runs.ts";
import { MetricsLog, readMetrics } from "../../src/runs/metrics_log.ts";
import { readRun } from "../../src/runs/run_config.ts";

const killed = await planKilledRun(), { home, images, flags: FLAGS, half } = killed;
let last: Checkpoint;

Deno.test.beforeAll(async () => {
  last = await trainUntilKilled(killed);
});
Deno.test.afterAll(() => Deno.remove(home, { recursive: true }));

const SCRIPT = new URL("../../scripts/deep.ts", import.meta.url).href;

const fromFlags = (...args: string[]) =>
  parseRecipe({ name: "deep", description: "", flags: deep.flags }, args, SCRIPT);

Deno.test("a killed run is listed as crashed, and as finished after resuming", () =>
  withFolder(async (folder) => {
    await copyOf(killed, folder);
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
    const [whole, run] = [join(folder, "whole"), await copyOf(killed, folder)];
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

Deno.test("--resume refuses other images, a shorter or changed metrics.jsonl, and a second process", () =>
  withFolder(async (folder) => {
    const run = await copyOf(killed, folder), resume = ["--resume", run];
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

// Ctrl-C in training, once and twice, and while a run is measured: after an epoch, and at its end on rows that are wide
// enough for PCA to take a while.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeIdx } from "../../src/data/idx.ts";
import { readLastCheckpoint } from "../../src/runs/checkpoint_file.ts";
import { readMetrics } from "../../src/runs/metrics_log.ts";
import { recipeText, ROOT, withProjectFolder } from "../helpers/commands.ts";
import { assertSameRun, makeImages } from "../helpers/resume_runs.ts";

const src = new URL("../../src/", import.meta.url);

/**
 * The deep recipe, which interrupts itself where the file cut.json beside it says: during a measurement after an epoch, by its
 * number in this process, at the beginning of PCA, which draws the first random numbers after training, or after the
 * second report: twice, the second time once the first is heard, or twice in the same tick, or a tenth of a second apart
 * while the main thread computes.
 */
const SCRIPT = `
import { existsSync } from "node:fs";
import { EpochTestLosses } from "${src}evaluate/epoch_test_losses.ts";
import { RandomStream } from "${src}random.ts";
import { TrainingRun } from "${src}train/training_run.ts";
import { whenWorkerSpeaks } from "${new URL("../helpers/worker_speaks.ts", import.meta.url)}";

const { measure } = EpochTestLosses.prototype, { nextUnit } = RandomStream.prototype;
let calls = 0, { cut, run } = JSON.parse(Deno.readTextFileSync(new URL("cut.json", import.meta.url)));
EpochTestLosses.prototype.measure = async function (stage, signal) {
  if (String(++calls) === cut) {
    Deno.kill(Deno.pid, "SIGINT");
    while (!signal!.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return await measure.call(this, stage, signal);
};
RandomStream.prototype.nextUnit = function () {
  if (cut === "PCA" && existsSync(run + "/model.safetensors")) {
    cut = undefined;
    Deno.kill(Deno.pid, "SIGINT");
  }
  return nextUnit.call(this);
};
const { report } = TrainingRun.prototype, press = () => Deno.kill(Deno.pid, "SIGINT");
const listening = cut === "computing" ? whenWorkerSpeaks() : undefined;
let reports = 0;
TrainingRun.prototype.report = async function (reading) {
  await report.call(this, reading);
  if (++reports !== 2 || !["twice", "same tick", "computing"].includes(cut)) return;
  if (cut === "computing") {
    await listening;
    const compute = (time) => { for (const end = performance.now() + time; performance.now() < end;); };
    for (const _ of "12") {
      press();
      compute(100);
    }
    return;
  }
  press();
  if (cut === "same tick") press();
  while (!this.isInterrupted) await new Promise((resolve) => setTimeout(resolve, 1));
  if (cut === "same tick") return;
  await new Promise((resolve) => setTimeout(resolve, 60));
  press();
  await new Promise((resolve) => setTimeout(resolve, 60_000));
};
` + recipeText("deep");

/** Runs the script with these flags in the folder, and returns how it ended. */
type Start = (args: readonly string[], cut: string) => Promise<{ code: number; out: string; err: string }>;

function withScript(body: (folder: string, run: string, start: Start) => Promise<void>): Promise<void> {
  return withProjectFolder(async (folder) => {
    const script = join(folder, "cut.ts"), run = join(folder, "run");
    await Deno.writeTextFile(script, SCRIPT);
    await body(folder, run, async (args, cut) => {
      await Deno.writeTextFile(join(folder, "cut.json"), JSON.stringify({ cut, run }));
      const command = new Deno.Command("deno", {
        args: ["run", "-A", script, ...args],
        cwd: ROOT,
      });
      const { code, stdout, stderr } = await command.output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      return { code, out, err };
    });
  });
}

const ignore = Deno.build.os === "windows"; // which has no signals to send

Deno.test("Ctrl-C while PCA is computed ends the run at once, with its model and how to finish it", {
  ignore,
}, () =>
  withScript(async (folder, run, start) => {
    const data = join(folder, "wide.idx"), rows = 1100, width = 4096;
    const pixels = Uint8Array.from({ length: rows * width }, (_, k) => (k * 7 + k % 11 * (k >> 12)) % 251);
    await Deno.writeFile(data, writeIdx([rows, 64, 64], pixels));
    const flags = ["--data", data, "--sizes", "4096,24", "--epochs", "1", "--batch-size", "200"];
    const ended = await start([...flags, "--out", run], "PCA");
    assert.equal(ended.code, 130, ended.out + ended.err);
    const line = ended.err.split("\n").find((line) => line.startsWith("Stopped before all was measured"));
    assert.ok(line?.includes(`the model is saved in ${run}; resume with: deno `), ended.err);
    assert.ok(!ended.out.includes("this model"), ended.out);
    for (const name of ["codes.csv", "report.html", "results.json"]) { // written after PCA
      assert.ok(!existsSync(join(run, name)), name);
    }
    const again = await start(["--resume", run], "none"); // as the line says
    assert.equal(again.code, 0, again.err);
    assert.ok(existsSync(join(run, "results.json")) && again.out.includes("this model"), again.out);
  }));

Deno.test("a run interrupted while an epoch is measured makes that measurement when it is resumed", {
  ignore,
}, () =>
  withScript(async (folder, run, start) => {
    const whole = join(folder, "whole");
    const flags = [...await makeImages(folder), "--sizes", "100,8,2", "--epochs", "3", "--log-every", "5"];
    flags.push("--patience", "3", "--min-delta", "1");
    assert.equal((await start([...flags, "--out", whole], "none")).code, 0);
    const steps = readMetrics(whole).filter((line) => "testError" in line).map(({ step }) => step);

    const first = await start([...flags, "--out", run], "1");
    assert.equal(first.code, 130);
    assert.match(first.out, /^interrupted: saving the model trained so far$/m);
    assert.equal(readLastCheckpoint(run)!.place.step, steps[0]);
    const third = await start(["--resume", run], "3"); // that of the last epoch
    assert.equal(third.code, 130);
    assert.match(third.out, /^saving the model$/m);
    assert.doesNotMatch(third.out, /interrupted/);
    assert.equal(readLastCheckpoint(run)!.place.step, steps[2]);
    const { code, err } = await start(["--resume", run], "none");
    assert.equal(code, 0, err);
    await assertSameRun(run, whole);
  }));

Deno.test(
  "Ctrl-C twice ends training at once, also while it computes, and the run can be resumed; two signals of one press save it",
  {
    ignore,
  },
  () =>
    withScript(async (folder, run, start) => {
      const whole = join(folder, "whole"), pressed = join(folder, "pressed");
      const flags = [...await makeImages(folder), "--sizes", "100,8,2", "--epochs", "3", "--log-every", "5"];
      flags.push("--checkpoint-every", "4");
      assert.equal((await start([...flags, "--out", whole], "none")).code, 0);

      for (const [cut, out] of [["computing", `${run}-2`], ["twice", run]] as const) {
        const twice = await start([...flags, "--out", out], cut);
        assert.equal(twice.code, 130, twice.err);
        assert.doesNotMatch(twice.out, /saving|run saved/, cut);
        assert.ok(!existsSync(join(out, "model.safetensors")));
        assert.equal(readLastCheckpoint(out)!.place.step, 4); // it was pressed at the report of step 5
      }
      const { code, err } = await start(["--resume", run], "none");
      assert.equal(code, 0, err);
      await assertSameRun(run, whole);

      const once = await start([...flags, "--out", pressed], "same tick");
      assert.equal(once.code, 130, once.err);
      assert.equal(once.err.split("Stopping; interrupt again to stop at once").length, 2);
      assert.match(once.out, /^run saved in /m);
      assert.equal(readLastCheckpoint(pressed)!.place.step, 5);
    }),
);

import assert from "node:assert/strict";
import { join } from "node:path";
import { readLastCheckpoint } from "../../src/runs/checkpoint_file.ts";
import { complaints, outcomeOf, scriptArguments, withProjectFolder } from "../helpers/commands.ts";
import { losingScript } from "../helpers/losing_gpu.ts";
import { assertSameRun, makeImages, train, trainWith } from "../helpers/resume_runs.ts";

/** Kibibytes of a file at which a disk is full: more than a checkpoint, less than the metrics. */
const FULL = 40;

Deno.test({
  name:
    "a run that meets a lost GPU, a full disk, a torn checkpoint and a kill ends with the bytes of an untouched one",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withProjectFolder(async (folder) => {
      const whole = join(folder, "whole"), run = join(folder, "run"), resume = ["--resume", run];
      const sizes = ["--sizes", "100,8,2", "--epochs", "7", "--log-every", "1"];
      const flags = [...await makeImages(folder), ...sizes];
      assert.ok(await train("train", [...flags, "--out", whole], folder));
      const { script, lose } = losingScript(folder);
      const argumentsFor = (args: readonly string[]) => scriptArguments(script, args, folder);
      const stepOf = (line: string) => Number(/ in step (\d+) /.exec(line)?.[1]);

      // the GPU is lost and the run resumes; then each file that would become larger than the limit of its process is
      // refused, as on a full disk
      lose([30]);
      const limited = `trap "" XFSZ; ulimit -f ${2 * FULL}; exec deno "$@"`;
      const begin = argumentsFor([...flags, "--out", run, "--on-device-loss", "resume"]);
      const full = await outcomeOf("sh", ["-c", limited, "sh", ...begin]);
      const [lost, refused, ...others] = complaints(full);
      assert.match(lost, /^warning: the GPU was lost in step \d+ \(.*\); .*, 1 of at most 3 times$/);
      assert.match(refused, /^error: Cannot append to ".*metrics\.jsonl": File too large/);
      assert.deepEqual([others, full.code], [[], 1]);
      assert.ok(Deno.readTextFileSync(join(run, "metrics.jsonl")).endsWith("}\n"), "no torn line is left");
      const { step } = readLastCheckpoint(run)!.place;
      assert.ok(step >= 24 && step < 84, `stopped after step ${step} of 84`);
      assert.ok(stepOf(lost) > 0 && stepOf(lost) < step, `lost in step ${stepOf(lost)} of ${step}`);

      // the newest checkpoint is torn; the GPU is lost again, and the run stops
      Deno.truncateSync(join(run, `checkpoint-${step}.safetensors`), 1000);
      const before = readLastCheckpoint(run, () => {})!.place.step;
      assert.equal(before, step - 12);
      lose([8]);
      const again = await outcomeOf("deno", argumentsFor([...resume, "--on-device-loss", "stop"]));
      const [torn, gone, ...more] = complaints(again);
      assert.match(torn, new RegExp(`^warning: Cannot read .*; resuming from step ${before} instead$`));
      assert.match(gone, /^error: Cannot continue training: the GPU was lost in .*; resume with: deno /);
      assert.deepEqual([more, again.code], [[], 1]);
      assert.ok(stepOf(gone) > before && stepOf(gone) < 84, gone);

      lose([]);
      const { place } = readLastCheckpoint(run, () => {})!;
      assert.equal(await trainWith(argumentsFor(resume), { signal: "SIGKILL", step: place.step + 6 }), false);
      assert.ok(await trainWith(argumentsFor(resume)));
      await assertSameRun(run, whole);
    }),
});

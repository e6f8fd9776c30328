import assert from "node:assert/strict";
import { join } from "node:path";
import { readLastCheckpoint } from "../../src/runs/checkpoint_file.ts";
import { assertRefused, ROOT, taskArguments, withFolder } from "../helpers/commands.ts";
import { assertSameRun, makeImages, train } from "../helpers/resume_runs.ts";

/** Kibibytes of a file at which a disk is full: more than a checkpoint, less than the metrics. */
const FULL = 40;

Deno.test({
  name: "a run that meets a full disk, a torn checkpoint and a kill ends with the bytes of an untouched one",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const whole = join(folder, "whole"), run = join(folder, "run"), resume = ["--resume", run];
      const sizes = ["--sizes", "100,8,2", "--epochs", "7", "--log-every", "1"];
      const flags = [...await makeImages(folder), ...sizes];
      assert.ok(await train("train", [...flags, "--out", whole], folder));

      // each file that would become larger than the limit of its process is refused, as on a full disk
      const limited = `trap "" XFSZ; ulimit -f ${2 * FULL}; exec deno "$@"`;
      const args = taskArguments("train", [...flags, "--out", run], folder);
      const { code, stdout, stderr } = await new Deno.Command("sh", {
        args: ["-c", limited, "sh", ...args],
        cwd: ROOT,
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      const outcome = { code, stdout: text(stdout), stderr: text(stderr) };
      assertRefused(outcome, 1, /^error: Cannot append to ".*metrics\.jsonl": File too large/);

      const { step } = readLastCheckpoint(run)!.place;
      assert.ok(step >= 24 && step < 84, `stopped after step ${step} of 84`);
      Deno.truncateSync(join(run, `checkpoint-${step}.safetensors`), 1000);
      const before = readLastCheckpoint(run, () => {})!.place.step;
      assert.equal(before, step - 12);
      assert.equal(await train("train", resume, folder, { signal: "SIGKILL", step: before + 6 }), false);
      assert.ok(await train("train", resume, folder));
      await assertSameRun(run, whole);
    }),
});

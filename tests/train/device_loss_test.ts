// A lost GPU: one line that says how to resume, and with --on-device-loss resume a run that goes on by itself.
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  assertRefused,
  complaints,
  fileOf,
  type Outcome,
  runScript,
  TINY,
  withProjectFolder,
} from "../helpers/commands.ts";
import { losingScript } from "../helpers/losing_gpu.ts";

const FLAGS = [
  ...[...TINY, "--sizes", "49,16,3", "--limit", "192", "--batch-size", "32", "--epochs", "2"],
  ...["--log-every", "3", "--checkpoint-every", "4"],
];
const RESUME = ["--on-device-loss", "resume"];

/** Trains with a script that loses its GPU; see {@link losingScript}. */
async function trainLosing(at: readonly number[], folder: string, ...args: string[]): Promise<Outcome> {
  const { script, lose } = losingScript(folder);
  lose(at);
  return await runScript(script, args, folder);
}

interface Untouched {
  readonly model: Uint8Array;
  readonly submissions: number;
}

let reference: Promise<Untouched> | undefined;

/** The model of a run without a loss, and its number of submissions. */
function untouched(): Promise<Untouched> {
  return reference ??= new Promise((resolve, reject) =>
    withProjectFolder(async (folder) => {
      const run = join(folder, "run");
      const { code, stdout, stderr } = await trainLosing([], folder, ...FLAGS, "--out", run);
      assert.equal(code, 0, stderr);
      resolve({
        model: await fileOf(run, "model.safetensors"),
        submissions: Number(/^submissions (\d+)$/m.exec(stdout)![1]),
      });
    }).catch(reject)
  );
}

const LOST = String.raw`the GPU was lost in step \d+ \(destroyed: [^)]+\)`;

Deno.test("a run that loses its GPU ends with one line, which resumes it to the bit", () =>
  withProjectFolder(async (folder) => {
    const { model, submissions } = await untouched();
    const run = join(folder, "run");
    const outcome = await trainLosing([Math.round(submissions / 2)], folder, ...FLAGS, "--out", run);
    const line = new RegExp(
      `^error: Cannot continue training: ${LOST}; resume with: deno .* --resume (\\S+)$`,
    );
    assertRefused(outcome, 1, line);
    assert.equal(line.exec(complaints(outcome)[0])![1], run);
    await assert.rejects(fileOf(run, "model.safetensors"), Deno.errors.NotFound);

    const resumed = await trainLosing([], folder, "--resume", run, "--quiet");
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.deepEqual(await fileOf(run, "model.safetensors"), model);
  }));

Deno.test("--on-device-loss resume goes on to the same model, wherever the GPU is lost", () =>
  withProjectFolder(async (folder) => {
    const { model, submissions } = await untouched();
    for (const share of [0.3, 0.5, 0.7, 0.9]) { // the first fifth compiles shaders: there is no folder yet
      const at = Math.round(share * submissions), run = join(folder, `${at}`);
      const outcome = await trainLosing([at], folder, ...FLAGS, ...RESUME, "--out", run, "--quiet");
      assert.equal(outcome.code, 0, outcome.stderr);
      assert.match(
        complaints(outcome).join("\n"),
        new RegExp(`^warning: ${LOST}; opening it anew and resuming ${run}, 1 of at most 3 times$`),
      );
      assert.deepEqual(await fileOf(run, "model.safetensors"), model, `lost at ${at}`);
    }
  }));

Deno.test("a run resumes three times by itself, and stops at the fourth loss", () =>
  withProjectFolder(async (folder) => {
    const { model, submissions } = await untouched();
    const at = [
      Math.round(0.3 * submissions),
      -2,
      ...[0.9, 1.2].map((share) => Math.round(share * submissions)),
    ];
    const often = await trainLosing(at, folder, ...FLAGS, ...RESUME, "--out", join(folder, "often"));
    assert.equal(often.code, 1);
    const [first, second, third, last, ...others] = complaints(often);
    assert.deepEqual(others, []);
    for (const [k, line] of [first, second, third].entries()) {
      assert.match(line, new RegExp(`^warning: ${LOST}; .*, ${k + 1} of at most 3 times$`));
    }
    assert.match(last, new RegExp(`^error: Cannot continue training: ${LOST}; resume with: `));

    const run = join(folder, "run");
    assert.equal((await trainLosing(at.slice(0, 3), folder, ...FLAGS, ...RESUME, "--out", run)).code, 0);
    assert.deepEqual(await fileOf(run, "model.safetensors"), model);
  }));

import assert from "node:assert/strict";
import { join } from "node:path";
import { meanImage } from "../../src/data/mean_image.ts";
import { standardDeviation } from "../../src/stats/standard_deviation.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { assertRefused, complaints, fileOf, runTask, TINY, withFolder } from "../helpers/commands.ts";

const SMALL = [...TINY, "--limit", "640", "--epochs", "2", "--log-every", "5"];

Deno.test("meanImage() averages bytes and floats, and refuses incomplete images", () => {
  assert.deepEqual(meanImage(Uint8Array.of(0, 255, 255, 255), 2), Float32Array.of(0.5, 1));
  assert.deepEqual(meanImage(Float32Array.of(0.25, 1, 0.75, 0), 2), Float32Array.of(0.5, 0.5));
  assert.throws(() => meanImage(Uint8Array.of(1, 2, 3), 2), RangeError);
  assert.throws(() => meanImage(Uint8Array.of(), 2), RangeError);
});

Deno.test("standardDeviation() is the root mean square of the columns' deviations, 0 for equal rows", () => {
  assert.equal(standardDeviation(Float32Array.of(3, 4, 3, 4), 2), 0);
  assert.equal(standardDeviation(Float32Array.of(1, 0, 3, 0), 2), Math.sqrt(0.5)); // deviations 1 and 0
});

Deno.test("tied trains, stores each weight once, and evaluate reproduces its results", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const { code, stdout } = await runTask("tied", [...SMALL, "--out", run], folder);
    assert.equal(code, 0);
    assert.match(stdout, /^initial loss [\d.]+ per image \(all-zero network: [\d.]+\)$/m);
    const losses = [...stdout.matchAll(/step +\d+\/\d+ +loss ([\d.e-]+)/g)].map((match) => Number(match[1]));
    assert.ok(losses.at(-1)! < losses[0], `${losses}`);
    const { tensors } = decodeSafetensors(await fileOf(run, "model.safetensors"));
    const names = tensors.map(({ name }) => name);
    assert.equal(names.filter((name) => name.endsWith(".weight")).length, 4);
    assert.ok(names.includes("decoder.0.bias") && !names.includes("decoder.0.weight"), `${names}`);
    const error = /this model +([\d.]+)/.exec(stdout)?.[1];
    const [, mean] = /mean image +([\d.]+)/.exec(stdout)!;
    assert.ok(Number(error) < Number(mean), `${error} against the mean image's ${mean}`);
    assert.equal(/this model +([\d.]+)/.exec((await runTask("evaluate", [run])).stdout)?.[1], error);
  }));

Deno.test("matched prints the error and spread of every level, for each kind of matching", () =>
  withFolder(async (folder) => {
    for (
      const [at, options] of [[], ["--match", "bce", "--local"], ["--match", "none", "--tied"]].entries()
    ) {
      const run = join(folder, `run${at}`);
      const { code, stdout } = await runTask("matched", [...SMALL, ...options, "--out", run], folder);
      assert.equal(code, 0, stdout);
      assert.equal(
        stdout.match(/^level \d, \d+ units +[\d.]+ +squared error; spread [\d.]+ in the encoder/gm)?.length,
        4,
      );
      assert.equal(
        /level\.1 [\d.e-]+/.test(stdout),
        !options.includes("none"),
        "levels are part of the loss",
      );
      const error = /this model +([\d.]+)/.exec(stdout)?.[1];
      assert.equal(/this model +([\d.]+)/.exec((await runTask("evaluate", [run])).stdout)?.[1], error);
    }
  }));

Deno.test("matched refuses cross-entropy with activations other than sigmoid", async () => {
  const refused = await runTask("matched", [
    "--match",
    "bce",
    "--activation",
    "relu",
    "--dry-run",
    "--quiet",
  ]);
  assertRefused(refused, 1, /^error: Cannot use --match bce: expected --activation sigmoid/);
  const other = await runTask("matched", ["--match", "mse", "--activation", "relu", "--dry-run", "--quiet"]);
  assert.deepEqual([other.code, complaints(other)], [0, []]);
});

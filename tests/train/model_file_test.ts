import assert from "node:assert/strict";
import { join } from "node:path";
import { deep } from "../../scripts/deep.ts";
import { readSafetensors } from "../../src/files/safetensors.ts";
import { modelConfig } from "../../src/train/resume.ts";
import { fileOf, TINY, withFolder } from "../helpers/commands.ts";
import { trainHere } from "../helpers/train_here.ts";

const SMALL = [...TINY, "--limit", "320", "--sizes", "49,8,2", "--epochs", "2"];

Deno.test("the model file is the same bytes whatever flags that do not affect learning are", () =>
  withFolder(async (folder) => {
    const of = async (name: string, ...flags: string[]) => {
      await trainHere(deep, [...SMALL, ...flags, "--out", join(folder, name)]);
      return await fileOf(join(folder, name), "model.safetensors");
    };
    const plain = await of("plain");
    const others = ["--log-every", "3", "--checkpoint-every", "4", "--keep", "5", "--picture-every", "7"];
    assert.deepEqual(await of("others", ...others, "--patience", "9", "--on-nan", "rollback"), plain);
    assert.notDeepEqual(await of("seed", "--seed", "1"), plain);
    const { metadata } = readSafetensors(join(folder, "others", "model.safetensors"));
    assert.deepEqual([metadata.recipe, metadata.step], ["deep", "10"]);
    const { sizes, seed, epochs, logEvery } = JSON.parse(metadata.config);
    assert.deepEqual([sizes, seed, epochs, logEvery], [[49, 8, 2], 0, 2, undefined]);
    const whole = JSON.parse(await Deno.readTextFile(join(folder, "others", "config.json"))).config;
    assert.deepEqual([whole.logEvery, whole.keep, whole.patience], [3, 5, 9]);
  }));

Deno.test("modelConfig() has the flags that weights depend on, and no other", () => {
  const learned = { sizes: [4, 2], activation: "tanh", seed: 1, learningRate: 0.1, batchSize: 8, from: "a" };
  const others = { logEvery: 3, pictureEvery: 4, quiet: true, live: true, port: 1, keep: 2, out: "b" };
  const more = { checkpointEvery: "3", onNan: "rollback", patience: 2, minDelta: 1, kernels: "naive" };
  assert.deepEqual(modelConfig({ ...others, ...learned, ...more }), learned);
});

// --hold-out-class: classes that are tested but not learned from.
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Dataset } from "../../src/data/dataset.ts";
import { holdOutClasses } from "../../src/data/hold_out_classes.ts";
import { loadOwnData } from "../../src/data/own_data.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { readRunData } from "../../src/runs/read_run_data.ts";
import {
  assertRefused,
  complaints,
  fileOf,
  resultsTableOf,
  runTask,
  withFolder,
} from "../helpers/commands.ts";

const split = (...labels: number[]) => ({
  images: Uint8Array.from({ length: 2 * labels.length }, (_, k) => k),
  labels: Uint8Array.from(labels),
  count: labels.length,
});
const DATA: Dataset = {
  ...{ name: "made up", source: "made up", checksum: "0", width: 2, imageShape: [1, 2] },
  classNames: ["cat", "dog", "bag"],
  train: split(0, 2, 1, 2, 0),
  test: split(2, 0, 1),
};

Deno.test("holdOutClasses() removes training images with their labels, and leaves the test images", () => {
  const { data, line } = holdOutClasses(DATA, ["bag"]);
  assert.deepEqual([...data.train.images], [0, 1, 4, 5, 8, 9]);
  assert.deepEqual([...data.train.labels!], [0, 1, 0]);
  assert.equal(data.train.count, 3);
  assert.deepEqual(data.test, DATA.test);
  assert.equal(
    line,
    "held out  bag: 3 of 5 training images are left; 1 of 3 test images are of held-out classes",
  );
  assert.deepEqual([...holdOutClasses(DATA, ["bag", "cat"]).data.train.images], [4, 5]);
});

Deno.test("holdOutClasses() refuses names of no class, data without classes, and all classes", () => {
  assert.throws(() => holdOutClasses(DATA, ["hat"]), /received "hat"; choose from cat, dog, bag/);
  assert.throws(() => holdOutClasses(DATA, ["cat", "dog", "bag"]), /no training image is left/);
  const { images, count } = DATA.train;
  assert.throws(
    () => holdOutClasses({ ...DATA, train: { images, count } }, ["cat"]),
    /found none; name the column/,
  );
});

Deno.test("--hold-out-class trains without a class, and evaluate leaves it out again", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run"), small = ["--limit", "200", "--epochs", "1"];
    const trained = await runTask("train", [...small, "--hold-out-class", "Bag,Shirt", "--out", run], folder);
    assert.deepEqual(complaints(trained), []);
    assert.match(
      trained.stdout,
      /^held out {2}Bag, Shirt: 1\d\d of 200 training images are left; 400 of 2,000 /m,
    );
    const { tensors: [scores, anomalies] } = decodeSafetensors(await fileOf(run, "scores.safetensors"));
    assert.equal(scores.data.length, 1600, "anomalies have no part in the threshold");
    const { errors, worst, classNames } = readRunData(run);
    assert.deepEqual([errors!.scores, errors!.anomalies], [scores.data, anomalies.data]);
    const isHeldOut = worst!.rows.map(({ label }) => ["Bag", "Shirt"].includes(classNames![label!]));
    for (const [k, { error }] of worst!.rows.entries()) {
      assert.ok((isHeldOut[k] ? anomalies : scores).data.includes(error), `${error}`);
    }
    const evaluated = await runTask("evaluate", [run]);
    assert.deepEqual(resultsTableOf(evaluated.stdout), resultsTableOf(trained.stdout));
    assertRefused(
      await runTask("train", [...small, "--hold-out-class", "Boot", "--dry-run"]),
      1,
      /received "Boot"; choose from T-shirt\/top, Trouser/,
    );
  }));

Deno.test("held-out classes give no constant of the scaling", () =>
  withFolder(async (folder) => {
    const path = join(folder, "table.csv");
    const rows = Array.from({ length: 40 }, (_, n) => n % 4 === 0 ? `${-1000 - n},bad` : `${n % 11},good`);
    await Deno.writeTextFile(path, `a,kind\n${rows.join("\n")}\n`);
    const load = (holdOutClass?: string[]) =>
      loadOwnData(path, { testFraction: 0.2, seed: 0, label: "kind", holdOutClass });
    const all = await load(), learned = await load(["bad"]);
    assert.ok(all.scaling.offsets[0] < -1000);
    const { train, test } = holdOutClasses(learned, ["bad"]).data;
    assert.deepEqual([learned.scaling.offsets, learned.scaling.divisors], [[0], [10]]);
    assert.deepEqual([Math.min(...train.images), Math.max(...train.images)], [0, 1]);
    const bad = test.labels!.filter((label) => label === 0).length;
    assert.ok(
      bad > 0 && learned.notes.includes(
        `${bad} of 8 test rows have values beyond the training rows' range`,
      ),
      learned.notes.join(),
    );
  }));

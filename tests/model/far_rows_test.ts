// Rows beyond the range of the training rows: counted, clamped for a cross-entropy, and never scored as normal ones.
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadModel } from "../../scripts/load_model.ts";
import { readSafetensors } from "../../src/files/safetensors.ts";
import { RandomStream } from "../../src/random.ts";
import { complaints, runTask, withFolder } from "../helpers/commands.ts";
import { bitsOf } from "../helpers/gpu.ts";

const WIDTH = 4;
const random = new RandomStream(2, "table");
const normal = Array.from({ length: 200 }, () => {
  const t = random.nextUnit();
  return [2000 * t - 1000, 5 + t * t, 1e-3 * random.nextUnit(), 700 - 300 * t];
});
const [low, high] = [Math.min, Math.max].map((bound) =>
  normal[0].map((_, k) => bound(...normal.map((row) => row[k])))
);
/** The row whose columns lie at a multiple of their ranges. */
const at = (share: number) => low.map((least, k) => least + share * (high[k] - least));
const far = [at(2), at(-1), ...normal[0].map((_, k) => normal[0].with(k, at(2)[k]))];
const csv = (rows: readonly number[][]) => `a,b,c,d\n${rows.map((row) => `${row}\n`).join("")}`;

/** Kernels that are compiled in no time. */
const NAIVE = ["--kernels", "naive"];

const RECIPES = [
  ["vae", true, ["--sizes", "4,8,2", "--epochs", "20"]],
  ["matched", true, [...NAIVE, "--sizes", "4,8,2", "--epochs", "20", "--match", "bce"]],
  ["deep", false, ["--sizes", "4,8,2", "--epochs", "20"]],
  ["tied", false, [...NAIVE, "--sizes", "4,8,2", "--epochs", "20"]],
  ["basic", false, [...NAIVE, "--sizes", "4,2", "--iterations", "200", "--full-data"]],
] as const;

for (const [name, clamps, flags] of RECIPES) {
  Deno.test(`rows at twice the range, and below it, have higher scores of ${name} than all normal rows`, () =>
    withFolder(async (folder) => {
      const path = (file: string) => join(folder, file), run = path("run");
      Deno.writeTextFileSync(path("normal.csv"), csv(normal));
      Deno.writeTextFileSync(path("far.csv"), csv(far));
      const data = ["--data", path("normal.csv"), "--test-data", path("far.csv"), "--quiet", "--out", run];
      const trained = await runTask(name, [...data, ...flags], folder);
      assert.equal(trained.code, 0, trained.stderr);
      assert.deepEqual(
        complaints(trained),
        clamps
          ? [
            "warning: 6 of 6 test rows have values outside [0, 1], which the cross-entropy cannot take: clamped",
          ]
          : [],
      );

      using model = await loadModel(run);
      const [rows, anomalies] = [normal, far].map((rows) => Float64Array.from(rows.flat()));
      const highest = Math.max(...await model.score(rows)), scores = await model.score(anomalies);
      for (const [n, score] of scores.entries()) {
        assert.ok(score > highest, `row ${n}: ${score}, normal up to ${highest}`);
      }
      const [{ data: ofRun }] = readSafetensors(join(run, "scores.safetensors")).tensors;
      scores.forEach((score, n) => assert.ok(Math.abs(score - ofRun[n]) < 1e-6, `${score}, ${ofRun[n]}`));

      assert.deepEqual([model.clamps, model.countBeyond(rows), model.countBeyond(anomalies)], [clamps, 0, 6]);
      const clamped = Float64Array.from(anomalies, (x, k) => {
        const column = k % WIDTH;
        return Math.min(high[column], Math.max(low[column], x));
      });
      const asClamped = bitsOf(await model.encode(clamped));
      assert[clamps ? "deepEqual" : "notDeepEqual"](bitsOf(await model.encode(anomalies)), asClamped);
      const commands = ["vae", "deep"].includes(name) ? ["encode", "reconstruct", "score"] as const : [];
      for (const command of commands) {
        const outcome = await runTask(command, [run, path("far.csv"), "--out", path("out.csv")], folder);
        assert.deepEqual([outcome.code, complaints(outcome)], [0, [
          "warning: 6 of 6 rows have values beyond the training rows' range" +
          (clamps ? ", which the network's cross-entropy cannot take: clamped for it" : ""),
        ]]);
      }
    }));
}

Deno.test("rows are not counted where the range of the training rows is not known", () =>
  withFolder(async (folder) => {
    const file = join(folder, "normal.csv"), flags = ["--output", "identity", "--epochs", "1", "--quiet"];
    Deno.writeTextFileSync(file, csv(normal));
    for (const scale of ["standard", "none"]) {
      const run = join(folder, scale);
      const more = ["--data", file, "--sizes", "4,2", "--scale", scale, "--out", run];
      const trained = await runTask("train", [...more, ...flags], folder);
      assert.equal(trained.code, 0, trained.stderr);
      using model = await loadModel(run);
      assert.equal(model.countBeyond(Float64Array.from(far.flat())), 0);
    }
  }));

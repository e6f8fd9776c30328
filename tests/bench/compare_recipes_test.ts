import assert from "node:assert/strict";
import { join } from "node:path";
import { deep } from "../../scripts/deep.ts";
import { stacked } from "../../scripts/stacked.ts";
import { type ComparisonRow, formatComparison, train } from "../../scripts/tools/compare_recipes.ts";
import { allRecipes, RECIPE_NAMES } from "../../scripts/tools/find_recipe.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { baselines } from "../../src/stats/baselines.ts";
import { faultNamed } from "../gradients/faults.ts";
import { complaints, runTask, withFolder } from "../helpers/commands.ts";
import { withFault } from "../helpers/faults.ts";
import { gpuTest, randomFloats } from "../helpers/gpu.ts";

const WIDTH = 25;

/** Images of one bright row or column each, which is their class. */
function split(name: string, count: number): Dataset["train"] {
  const noise = randomFloats(name, count * WIDTH, 0, 0.3);
  const images = noise.map((value, at) => {
    const [lit, k] = [Math.floor(at / WIDTH) % 10, at % WIDTH];
    return value + ((lit < 5 ? Math.floor(k / 5) === lit : k % 5 === lit - 5) ? 0.6 : 0);
  });
  return { images, labels: Uint8Array.from({ length: count }, (_, n) => n % 10), count };
}

const data: Dataset = {
  ...{ name: "bars", source: "bars", checksum: "", width: WIDTH, imageShape: [5, 5], classNames: [] },
  train: split("train", 150),
  test: split("test", 60),
};
const BUDGET = { seed: 3, milliseconds: Infinity, steps: 7 };
const all = (await allRecipes()).map(({ recipe }) => recipe);

gpuTest("every recipe takes part, and its row holds what it should", async (gpu) => {
  const rows: ComparisonRow[] = [];
  for (const recipe of all) rows.push(await train(gpu, data, recipe, BUDGET));
  const sizes = rows.map(({ code }) => Math.min(code, WIDTH));
  const { pca } = await baselines(data.train.images, data.test.images, WIDTH, sizes);
  rows.forEach((row, k) => {
    assert.equal(row.steps, BUDGET.steps, row.recipe);
    assert.equal(row.pca, pca[k].testMse, row.recipe);
    assert.ok(
      row.error > 0 && row.error < 1 && row.loss > 0 && row.stepMilliseconds > 0,
      JSON.stringify(row),
    );
    assert.ok(row.accuracy! >= 0 && row.accuracy! <= 1, row.recipe);
  });
  const codes = { deep: 3, basic: 128, stacked: 3, denoising: 3, sparse: 3, tied: 32, vae: 20, matched: 50 };
  assert.deepEqual(Object.fromEntries(rows.map(({ recipe, code }) => [recipe, code])), codes);

  const lines = formatComparison(rows).split("\n");
  assert.equal(lines.length, rows.length + 1);
  const end = lines[0].indexOf("test error") + "test error".length;
  rows.forEach(({ recipe, error }, k) => {
    assert.ok(lines[k + 1].startsWith(`${recipe} `), lines[k + 1]);
    assert.ok(lines[k + 1].slice(0, end).endsWith(` ${error.toFixed(5)}`), `${lines[k + 1]} is not aligned`);
  });
});

gpuTest("equal steps give equal figures, other seeds others, and more steps a smaller error", async (gpu) => {
  const recipe = deep;
  const { stepMilliseconds: _, ...first } = await train(gpu, data, recipe, BUDGET);
  const { stepMilliseconds: __, ...again } = await train(gpu, data, recipe, BUDGET);
  assert.deepEqual(again, first);
  assert.notEqual((await train(gpu, data, recipe, { ...BUDGET, seed: 4 })).error, first.error);
  assert.ok((await train(gpu, data, recipe, { ...BUDGET, steps: 150 })).error < 0.9 * first.error);
});

gpuTest("layer-wise recipes divide their steps among the stages as their epochs are", async (gpu) => {
  const trained = async (...epochs: number[]) => {
    const recipe = { ...stacked, comparison: `--stages ${epochs}` };
    const { error, steps } = await train(gpu, data, recipe, { ...BUDGET, steps: 10 });
    return { error, steps };
  };
  const [first, double, others] = [
    await trained(1, 1, 1, 7),
    await trained(2, 2, 2, 14),
    await trained(7, 1, 1, 1),
  ];
  assert.deepEqual(double, first);
  assert.equal(others.steps, 10);
  assert.notEqual(others.error, first.error);
});

gpuTest("time ends a recipe after the steps of one wait, an interruption within them", async (gpu) => {
  const recipe = deep;
  const short = { ...BUDGET, milliseconds: 1, steps: Infinity };
  assert.equal((await train(gpu, data, recipe, short)).steps, 50);
  let looks = 0;
  const row = await train(
    gpu,
    data,
    recipe,
    { ...short, milliseconds: Infinity },
    () => ++looks > 60,
  );
  assert.ok(row.steps > 50 && row.steps < 60, `${row.steps} steps`);
});

Deno.test("a fault in a kernel shows in the table", async () => {
  const budget = { ...BUDGET, steps: 50 }, fault = faultNamed("optim/adam.wgsl, adam_update: wrong sign");
  using sound = await openGpu();
  const right = await train(sound, data, deep, budget);
  const wrong = await withFault(fault, (faulty) => train(faulty, data, deep, budget));
  assert.ok(wrong.error > 1.5 * right.error, `${wrong.error} ${right.error}`);
});

Deno.test("deno task compare-recipes prints the table, or JSON, for data without classes too", () =>
  withFolder(async (folder) => {
    const file = join(folder, "bars.csv");
    const header = Array.from({ length: 9 }, (_, k) => `p${k}`).join();
    const rows = Array.from(
      { length: 60 },
      (_, n) => [...randomFloats(`row ${n}`, 9, 0, 1)].map((v) => v.toFixed(4)).join(),
    );
    await Deno.writeTextFile(file, [header, ...rows].join("\n"));
    const table = await runTask("compare-recipes", ["--steps", "3", "--data", file]);
    assert.equal(table.code, 0, table.stderr);
    assert.deepEqual(complaints(table), RECIPE_NAMES.map((recipe) => `training ${recipe}`));
    for (const recipe of RECIPE_NAMES) {
      assert.match(
        table.stdout,
        new RegExp(`^${recipe} +\\d+ +0\\.\\d{5} +0\\.\\d{5} +– +[\\d.]+ +3 +[\\d.]+ +\\w`, "m"),
      );
    }
    const json = await runTask("compare-recipes", ["--steps", "3", "--data", file, "--json"]);
    const printed = JSON.parse(json.stdout.trimEnd().split("\n").at(-1)!) as ComparisonRow[];
    for (const { recipe, error } of printed) {
      assert.match(
        table.stdout,
        new RegExp(`^${recipe} +\\d+ +${error.toFixed(5)} `, "m"),
        "3 steps repeat to the bit",
      );
    }
  }));

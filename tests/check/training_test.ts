// Training runs of the recipes' scripts against PyTorch in float64, with the same weights, orders and noise:
// every loss, the measurements on test images, the final parameters and the results table.
import assert from "node:assert/strict";
import { join } from "node:path";
import { findRecipe, RECIPE_NAMES } from "../../scripts/tools/find_recipe.ts";
import { checkTracedFlags } from "../../scripts/tools/replay_training.ts";
import {
  compareTraining,
  formatTrainingReport,
  parseTrainingTrace,
  type TrainedRun,
  type TrainingTrace,
} from "../../src/check/training_trace.ts";
import { complaints, runTask, withFolder } from "../helpers/commands.ts";
import { FEW_LOOP_FAULTS, plantInLoops, readTrace, TRACES, trainAsPyTorch } from "../long/faults.ts";

// tests/slow/training.ts has the recipes' other traces, and more faults.
Deno.test("every recipe's script trains as PyTorch does in float64, up to rounding", () =>
  trainAsPyTorch(RECIPE_NAMES.map((name) => readTrace(`${name}.json`))));

Deno.test("a fault in a recipe's script and one in what recipes share are detected as docs/faults.md lists them", () =>
  plantInLoops(FEW_LOOP_FAULTS));

/** A run that matches its trace exactly. */
function runOf(trace: TrainingTrace): TrainedRun {
  const reports = trace.steps.map(({ epoch, stage, losses }, k) => ({
    ...{ step: k + 1, epoch, ...(stage === undefined ? {} : { stage }) },
    ...Object.fromEntries(losses),
  }));
  const measured = trace.epochs.map(({ epoch, step, figures }) => ({
    epoch,
    step,
    ...Object.fromEntries(figures),
  }));
  return {
    metrics: [...reports, ...measured],
    tensors: [...trace.parameters].map(([name, { shape, norm, at, values }]) => {
      const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
      at.forEach((place, k) => data[place] = values[k]);
      const rest = norm ** 2 - values.reduce((sum, value) => sum + value ** 2, 0); // in the other elements
      data[[...data.keys()].find((place) => !at.includes(place))!] = Math.sqrt(rest);
      return { name, shape: [...shape], data };
    }),
    rows: trace.table.map(({ label, value, spread }) => ({
      ...{ label, value },
      unit: spread
        ? `spread ${spread[0].toFixed(4)} in the encoder, ${spread[1].toFixed(4)} in the decoder`
        : "",
    })),
  };
}

Deno.test("compareTraining() fails each number that deviates, is missing or not a number", () => {
  const trace = readTrace("matched.json"), run = runOf(trace);
  assert.ok(compareTraining(trace, run).passed, formatTrainingReport(compareTraining(trace, run)));
  const empty = compareTraining(trace, { metrics: [], tensors: [], rows: [] });
  assert.match(formatTrainingReport(empty), /^FAIL .*\n {6}expected 20 steps but found 0, and \d+ more$/);

  const { metrics, tensors, rows } = run, [first, ...others] = metrics, [tensor, ...tensorsLeft] = tensors;
  const changed = (place: number, value: number) => ({ ...tensor, data: tensor.data.with(place, value) });
  const at = trace.parameters.get(tensor.name)!.at[3];
  const wrong: readonly (readonly [Partial<TrainedRun>, RegExp])[] = [
    [
      { metrics: [{ ...first, "level.1": 1.0001 * Number(first["level.1"]) }, ...others] },
      /level\.1 of step 1; bound/,
    ],
    [{ metrics: [{ ...first, "level.1": NaN }, ...others] }, /losses NaN \(level\.1 of step 1/],
    [{ metrics: [{ ...first, epoch: 2 }, ...others] }, /step 1: expected epoch 1 but found 2/],
    [{ metrics: metrics.slice(0, -1) }, /expected 4 measurements on test images but found 3/],
    [
      { metrics: [...metrics.slice(0, -1), { ...metrics.at(-1), testError: 1 }] },
      /testError of epoch 4; bound/,
    ],
    [{ tensors: tensorsLeft }, /expected 16 parameters but found 15/],
    [
      { tensors: [{ ...tensor, shape: [1, 2] }, ...tensorsLeft] },
      /expected shape \[400, 49\] but found \[1, 2\]/,
    ],
    [{ tensors: [changed(at, tensor.data[at] + 0.01), ...tensorsLeft] }, /encoder\.0\.weight; bound/],
    [{ tensors: [changed(1, 0.5), ...tensorsLeft] }, /encoder\.0\.weight; bound/], // unsampled elements affect the norm
    [{ tensors: [changed(1, NaN), ...tensorsLeft] }, /parameters NaN/],
    [{ rows: rows.with(0, rows[1]) }, /row 1: expected "this model" but found "PCA, 50 components"/],
    [{ rows: rows.with(0, { ...rows[0], value: "none" }) }, /this model: expected .* but found nothing/],
    [{ rows: rows.with(3, { ...rows[3], value: Number(rows[3].value) + 0.003 }) }, /accuracy; bound/],
    [{ rows: rows.with(5, { ...rows[5], unit: "" }) }, /table NaN \(spread of level 0/],
  ];
  for (const [change, expected] of wrong) {
    const report = compareTraining(trace, { ...run, ...change });
    assert.equal(report.passed, false, formatTrainingReport(report));
    assert.match(formatTrainingReport(report), expected);
  }
});

Deno.test("invalid training traces and traces with forbidden flags are refused in one line", async () => {
  const text = Deno.readTextFileSync(join(TRACES, "deep.json")), json = JSON.parse(text);
  const refusal = (change: Record<string, unknown>) => {
    try {
      const trace = parseTrainingTrace(JSON.stringify({ ...json, ...change }), "bad.json", RECIPE_NAMES);
      checkTracedFlags(trace, recipe.flags);
    } catch (error) {
      assert.equal((error as Error).name, "InputError");
      return (error as Error).message;
    }
    return "nothing";
  };
  const { recipe } = await findRecipe("deep");
  assert.equal(refusal({}), "nothing");
  assert.match(
    refusal({ format: "autoencoder-trace/1" }),
    /^Cannot read trace bad\.json: format: expected autoenc/,
  );
  assert.match(refusal({ recipe: "mine" }), /recipe: expected deep or basic/);
  assert.match(refusal({ steps: [] }), /steps: expected at least one step/);
  assert.match(refusal({ data: "../images.csv" }), /data: expected the name of a file beside the trace/);
  assert.match(refusal({ more: 1 }), /option "more" is not known/);
  assert.match(
    refusal({ flags: "--betas 2,3" }),
    /^Cannot train bad\.json: its flags do not fit recipe deep: Cannot set/,
  );
  assert.match(refusal({ flags: "--help" }), /they ask for help/);
  for (const flag of ["--out /tmp/x", "--data-dir /tmp", "--resume runs/x", "--dry-run", "--log-every 5"]) {
    assert.match(
      refusal({ flags: flag }),
      /^Cannot train bad\.json: a trace must not set --[a-z-]+; remove it$/,
    );
  }
  const parameter = { shape: [2], norm: 1, change: 0, at: [2], values: [1] };
  assert.match(
    refusal({ parameters: { w: parameter } }),
    /parameters\.w: expected as many "values" as places "at"/,
  );
});

Deno.test("replay:training prints the deviations of each file, and fails if one exceeds its bound", () =>
  withFolder(async (folder) => {
    const json = JSON.parse(Deno.readTextFileSync(join(TRACES, "basic.json")));
    Deno.copyFileSync(join(TRACES, "images.csv"), join(folder, "images.csv"));
    const [good, bad, none] = ["good.json", "bad.json", "none.json"].map((name) => join(folder, name));
    Deno.writeTextFileSync(good, JSON.stringify(json));
    json.steps[7].losses.loss *= 1.001;
    Deno.writeTextFileSync(bad, JSON.stringify(json));
    const passed = await runTask("replay:training", [good]);
    assert.deepEqual(complaints(passed), []);
    assert.match(
      passed.stdout,
      /^pass {2}\S+good\.json: 20 steps, losses \d\.\de-\d \(loss of step \d+\), /m,
    );
    assert.equal(passed.code, 0);
    const failed = await runTask("replay:training", [none, bad]);
    assert.match(failed.stdout, /^FAIL {2}Cannot read .*none\.json/m);
    assert.match(
      failed.stdout,
      /^FAIL {2}\S+bad\.json: 20 steps, losses 1\.0e-3 \(loss of step 8; bound 2\.0e-5\)/m,
    );
    assert.equal(failed.code, 1);
  }));

import assert from "node:assert/strict";
import { join } from "node:path";
import { deep } from "../../scripts/deep.ts";
import { readSafetensors } from "../../src/files/safetensors.ts";
import { readLastCheckpoint } from "../../src/runs/checkpoint_file.ts";
import { readMetrics } from "../../src/runs/metrics_log.ts";
import { bestEpoch, isOutOfPatience } from "../../src/train/early_stopping.ts";
import { parseRecipe } from "../../src/train/resume.ts";
import { runTask, withFolder } from "../helpers/commands.ts";
import { refused } from "../helpers/killed_run.ts";
import { makeImages, train } from "../helpers/resume_runs.ts";

const FLAGS = ["--sizes", "100,8,2", "--epochs", "5", "--log-every", "3", "--keep", "2"];

Deno.test("--patience stops early, keeps the best and the final model, and reports both", () =>
  withFolder(async (folder) => {
    const flags = [...await makeImages(folder), ...FLAGS];
    const run = join(folder, "run"), first = join(folder, "first");
    const args = ["--patience", "2", "--min-delta", "1", "--checkpoint-every", "2epochs", "--out", run];
    const { stdout, code } = await runTask("train", [...flags, ...args], folder);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^stopped early: the best test\.loss, 0\.\d+, was reached in epoch 1 \(--patience 2\)$/m,
    );
    assert.match(
      stdout,
      /^best\.safetensors is the model after epoch 1, test\.loss 0\.\d+; model\.safetensors is/m,
    );
    const epochs = readMetrics(run).filter((line) => "test.loss" in line).map(({ epoch }) => epoch);
    assert.deepEqual(epochs, [1, 2, 3]);
    assert.equal(readSafetensors(join(run, "model.safetensors")).metadata.step, "36");
    assert.ok(await train("train", [...flags, "--epochs", "1", "--out", first], folder));
    const [best, model] = [join(run, "best.safetensors"), join(first, "model.safetensors")].map(
      readSafetensors,
    );
    assert.equal(best.metadata.step, "12");
    assert.deepEqual(best.tensors, model.tensors);
    assert.deepEqual(readLastCheckpoint(run)!.best, best);
    const script = new URL("../../scripts/deep.ts", import.meta.url).href;
    refused(() => parseRecipe(deep, ["--resume", run], script), /it has finished/);
  }));

Deno.test("early stopping applies to each stage, and the next stage still runs", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const args = [...await makeImages(folder), "--sizes", "100,8,4,2", "--stages", "4,0,3", "--out", run];
    const { stdout } = await runTask("stacked", [...args, "--patience", "1", "--min-delta", "1"], folder);
    assert.match(
      stdout,
      /stage 0 stopped early: the best test\.reconstruction, .* was reached in epoch 1 \(/,
    );
    const measured = readMetrics(run).filter((line) => "epoch" in line && "testError" in line);
    assert.deepEqual(measured.map(({ epoch, stage }) => [epoch, stage]), [[1, 0], [2, 0], [3, 2], [4, 2]]);
    assert.equal(readSafetensors(join(run, "best.safetensors")).metadata.epoch, "3");
  }));

const LINES = [
  { epoch: 1, step: 10, loss: 9 },
  { epoch: 1, step: 10, testError: 1, "test.loss": 0.5 },
  { epoch: 2, step: 20, testError: 1, "test.loss": 0.4 },
  { epoch: 3, step: 30, testError: 0, "test.loss": 0.39 },
  { epoch: 4, step: 40, testError: 0, "test.loss": "NaN" },
  { testError: 0 },
];

Deno.test("the best epoch is the last improvement by more than --min-delta, and never NaN", () => {
  const found = (delta?: number) => bestEpoch(LINES, undefined, delta);
  assert.deepEqual(found(), { metric: "test.loss", value: 0.39, epoch: 3, step: 30 });
  assert.equal(found(0.05)?.epoch, 2);
  assert.equal(found(0.2)?.epoch, 1);
  assert.equal(bestEpoch(LINES, 0), undefined);
  assert.equal(bestEpoch([{ ...LINES[1], "test.total": 7 }], undefined)?.metric, "test.total");
  const over = (patience: number, delta?: number) => isOutOfPatience(LINES, undefined, patience, delta);
  assert.deepEqual([over(1), over(2), over(2, 0.05), over(3, 0.05), over(3, 0.2)], [
    true,
    false,
    true,
    false,
    true,
  ]);
  assert.equal(isOutOfPatience([], undefined, 1), false);
});

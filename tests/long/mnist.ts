// Whole MNIST: deep must end at PyTorch's error, and a linear autoencoder at PCA's. Exit code 1 if either does not.
// Run: deno run --allow-read --allow-write --allow-run=deno tests/long/mnist.ts FOLDER    (which has MNIST's four files)
//      with a second argument, such as 0.01, on a share of the images, and whatever the errors are
import assert from "node:assert/strict";
import { join } from "node:path";
import { trainLinear } from "../../scripts/tools/linear_pca.ts";
import { loadDataset } from "../../src/data/dataset.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { complaints, fileOf, runScript, withFolder } from "../helpers/commands.ts";

/** The worst of PyTorch's errors, of several seeds: src/recipe/reference_figures.json. */
const PYTORCH = 0.0374;
/** How far above PCA's error the linear autoencoder may end. */
const ABOVE_PCA = 0.002;

const [dataDir, share = "1"] = Deno.args, isWhole = share === "1";
const limit = Math.ceil(60_000 * Number(share));

let error = NaN;
await withFolder(async (folder) => {
  const run = join(folder, "run"), data = ["--dataset", "mnist", "--data-dir", dataDir];
  const args = [...data, ...isWhole ? [] : ["--limit", `${limit}`], "--out", run];
  const outcome = await runScript("scripts/deep.ts", args, folder);
  assert.deepEqual([outcome.code, complaints(outcome)], [0, []]);
  const { rows } = JSON.parse(new TextDecoder().decode(await fileOf(run, "results.json")));
  error = rows.find(({ label }: { label: string }) => label === "this model").value;
});

using gpu = await openGpu();
const data = await loadDataset("mnist", { dataDir, cacheDir: ".cache", ...isWhole ? {} : { limit } });
const linear = await trainLinear(gpu, data, {
  code: 3,
  epochs: 20,
  batchSize: 128,
  learningRate: 5e-3,
  seed: 0,
});
const above = linear.error / linear.pcaError - 1;
console.log(
  `deep ${error.toFixed(5)} (PyTorch: at most ${PYTORCH}); linear ${(100 * above).toFixed(2)} % above PCA`,
);
if (isWhole && !(error <= PYTORCH && Math.abs(above) <= ABOVE_PCA)) Deno.exit(1);

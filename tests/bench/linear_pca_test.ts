import assert from "node:assert/strict";
import { trainLinear } from "../../scripts/tools/linear_pca.ts";
import { type Dataset, loadDataset } from "../../src/data/dataset.ts";
import { faultNamed } from "../gradients/faults.ts";
import { withFault } from "../helpers/faults.ts";
import { gpuTest } from "../helpers/gpu.ts";

/** Images of 28×28 as images of 7×7, each pixel the mean of 16, in [0, 1]. */
function pooled<T extends { readonly images: Uint8Array | Float32Array; readonly count: number }>(
  split: T,
): T & { images: Float32Array<ArrayBuffer> } {
  const images = new Float32Array(split.count * 49);
  for (let at = 0; at < split.images.length; at++) {
    const [image, row, column] = [Math.floor(at / 784), Math.floor(at / 28) % 28, at % 28];
    images[image * 49 + Math.floor(row / 4) * 7 + Math.floor(column / 4)] += split.images[at] / (16 * 255);
  }
  return { ...split, images };
}

const whole = await loadDataset("fashion-mnist-mini", { cacheDir: ".cache/none" });
const data: Dataset = {
  ...whole,
  width: 49,
  imageShape: [7, 7],
  train: pooled(whole.train),
  test: pooled(whole.test),
};
const OPTIONS = { code: 4, epochs: 10, batchSize: 64, learningRate: 2e-2, seed: 0 };

/** How far above PCA's the test error ends, as a share of PCA's. */
async function abovePca(gpu: Parameters<typeof trainLinear>[0]): Promise<number> {
  const { error, pcaError, meanImageError } = await trainLinear(gpu, data, OPTIONS);
  assert.ok(pcaError < meanImageError / 3, "PCA finds something");
  return error / pcaError - 1;
}

gpuTest("a linear autoencoder ends within 2 % of PCA with the same code size", async (gpu) => {
  const above = await abovePca(gpu);
  assert.ok(Math.abs(above) < 0.02, `${(100 * above).toFixed(2)} % above PCA`);
});

Deno.test.each([
  ["layers/dense_backward_weight.wgsl, store_gradients: dropped bias"],
  ["layers/dense_backward_input.wgsl, add_transposed_product: one column left out"],
  ["optim/adam.wgsl, adam_update: wrong sign"],
])("a linear autoencoder does not end there with a fault in %s", async (fault) => {
  const above = await withFault(faultNamed(fault), abovePca);
  assert.ok(!(above < 0.02), `${(100 * above).toFixed(2)} % above PCA`);
});

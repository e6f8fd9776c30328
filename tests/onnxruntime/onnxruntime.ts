// Exported files in onnxruntime-web, against the network on the GPU. Its packages have a lock file of their own, and
// only `deno task test:onnxruntime` downloads them.
import * as ort from "npm:onnxruntime-web@1.30.0/wasm";
import assert from "node:assert/strict";
import { allRecipes } from "../../scripts/tools/find_recipe.ts";
import { ACTIVATION_NAMES } from "../../src/elementwise/activation_names.ts";
import type { Scale } from "../../src/export/network.ts";
import { encodeNetworkAsOnnx } from "../../src/export/onnx.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { BuildModel } from "../../src/graph/model.ts";
import { ownOutputs, recorded } from "../helpers/exported.ts";
import { assertAllClose, gpuTest, randomFloats } from "../helpers/gpu.ts";
import { recipeNetwork } from "../helpers/recipe_network.ts";

ort.env.wasm.numThreads = 1;
const WIDTH = 784;

/** Fails unless the file computes what the network does, for batches of 1 and 257 rows; relative where scaled. */
async function assertSame(gpu: Gpu, build: BuildModel, scale?: Scale, clamps = false): Promise<void> {
  const [network, owned] = await recorded(build, WIDTH, 0.1);
  using parameters = owned;
  const session = await ort.InferenceSession.create(encodeNetworkAsOnnx({ ...network, scale, clamps }));
  for (const count of [1, 257]) {
    const whole = randomFloats(`rows ${count}`, count * WIDTH, clamps ? -1 : 0, clamps ? 2 : 1);
    const rows = whole.map((x) => clamps ? Math.min(1, Math.max(0, x)) : x);
    const inUnits = (x: number, k: number) =>
      scale ? x * scale.divisors[k % WIDTH] + scale.offsets[k % WIDTH] : x;
    const input = new ort.Tensor("float32", whole.map(inUnits), [count, WIDTH]);
    const outputs = await session.run({ input });
    const own = await ownOutputs(gpu, build, parameters, rows, WIDTH, whole);
    const largest = scale ? Math.max(...scale.offsets.map(Math.abs)) : 1;
    const expected = { ...own, reconstruction: Array.from(own.reconstruction, inUnits) };
    for (const [name, values] of Object.entries(expected)) {
      const { dims, data } = outputs[name];
      const tolerance = name === "reconstruction" ? 1e-5 * largest : 1e-5;
      assertAllClose(`${name} of ${count}`, data as Float32Array, values, dims, tolerance);
    }
  }
  await session.release();
}

for (const { recipe } of await allRecipes()) {
  gpuTest(
    `onnxruntime-web computes ${recipe.name}`,
    (gpu) => assertSame(gpu, recipeNetwork(recipe, {}, "encode")),
  );
}

gpuTest("onnxruntime-web computes every built-in activation", async (gpu) => {
  const { recipe } = (await allRecipes()).find(({ recipe }) => recipe.name === "deep")!;
  assert.ok(ACTIVATION_NAMES.length >= 10);
  for (const activation of ACTIVATION_NAMES) {
    await assertSame(gpu, recipeNetwork(recipe, { activation }, "encode"));
  }
});

gpuTest("onnxruntime-web scales rows of ±1000, and back, within 1e-5", async (gpu) => {
  const offsets = [...randomFloats("offset", WIDTH, -1000, 1000)];
  const divisors = [...randomFloats("divisor", WIDTH, 500, 1000)];
  for (const { recipe } of await allRecipes()) {
    await assertSame(gpu, recipeNetwork(recipe, {}, "encode"), { offsets, divisors });
  }
});

gpuTest("onnxruntime-web clamps rows for a cross-entropy, and scores them as they are", async (gpu) => {
  const { recipe } = (await allRecipes()).find(({ recipe }) => recipe.name === "vae")!;
  await assertSame(gpu, recipeNetwork(recipe, {}, "encode"), undefined, true);
});

// `deno task export` on a run that needs the mean image of its training data.
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadOwnData } from "../../src/data/own_data.ts";
import { assertRefused, complaints, runTask, TINY, withFolder } from "../helpers/commands.ts";
import { assertAllClose } from "../helpers/gpu.ts";
import { readOnnx } from "../helpers/onnx.ts";

Deno.test("a run is exported without its data, and repeats the run's codes and error", async () => {
  await withFolder(async (folder) => {
    const run = join(folder, "run"), out = join(folder, "tied.onnx");
    const flags = [...TINY, "--sizes", "49,8,3", "--epochs", "1", "--quiet", "--out", run];
    const trained = await runTask("tied", flags, folder);
    assert.equal(trained.code, 0, trained.stderr);
    const exported = await runTask("export", [run, "--out", out], folder);
    assert.deepEqual(complaints(exported), []);
    assert.match(
      exported.stdout,
      /: input \[N, 49\], code \[N, 3\], reconstruction \[N, 49\], score \[N\]\n$/,
    );

    const { test: { images, count } } = await loadOwnData(TINY[1], {
      label: "class",
      testFraction: 0.2,
      seed: 0,
    });
    const white = images instanceof Uint8Array ? 255 : 1;
    const file = readOnnx(await Deno.readFile(out));
    assert.equal(file.metadata.recipe, "tied");
    const outputs = file.run({
      shape: [count, 49],
      data: Float64Array.from(images, (pixel) => pixel / white),
    });
    const lines = Deno.readTextFileSync(join(run, "codes.csv")).trimEnd().split("\n").slice(1);
    const codes = lines.flatMap((line) => line.split(",").slice(2).map(Number));
    assertAllClose("codes", outputs.get("code")!.data, codes, [count, 3], 1e-5);
    const metrics = Deno.readTextFileSync(join(run, "metrics.jsonl")).trimEnd().split("\n");
    const { testError } = JSON.parse(metrics.at(-1)!);
    const mean = outputs.get("score")!.data.reduce((sum, score) => sum + score, 0) / count;
    assertAllClose("error", [mean], [testError], [1], 1e-6);

    await Deno.remove(join(run, "mean_image.safetensors"));
    assertRefused(
      await runTask("export", [run], folder),
      1,
      /^error: Cannot read ".*mean_image.safetensors": /,
    );
    assert.equal((await runTask("export", [run, "--format", "keras"], folder)).code, 2);
  });
});

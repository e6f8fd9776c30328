// `deno task export` on a run that needs the mean image of its training data.
import assert from "node:assert/strict";
import { join } from "node:path";
import { readTable } from "../../src/data/read_table.ts";
import { permutation } from "../../src/data/shuffle.ts";
import { readRun } from "../../src/runs/run_config.ts";
import { readScores } from "../../src/runs/scores_file.ts";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { assertRefused, complaints, runTask, TINY, withFolder } from "../helpers/commands.ts";
import { assertAllClose } from "../helpers/gpu.ts";
import { readOnnx } from "../helpers/onnx.ts";

Deno.test("a run is exported without its data, and repeats the run's codes and error", async () => {
  await withFolder(async (folder) => {
    const run = join(folder, "run"), out = join(folder, "tied.onnx");
    const flags = [
      ...TINY,
      "--scale",
      "minmax",
      "--sizes",
      "49,8,3",
      "--epochs",
      "1",
      "--quiet",
      "--out",
      run,
    ];
    const trained = await runTask("tied", flags, folder);
    assert.equal(trained.code, 0, trained.stderr);
    const exported = await runTask("export", [run, "--out", out], folder);
    assert.deepEqual(complaints(exported), []);
    assert.match(
      exported.stdout,
      /: input \[N, 49\], code \[N, 3\], reconstruction \[N, 49\], score \[N\]\n$/,
    );

    const { table: { values, count: all } } = await readTable(TINY[1], { label: "class" });
    const count = Math.round(all / 5);
    const rows = permutation(all, 0, 0, "split").subarray(0, count); // the split of training
    const data = Float64Array.from(
      { length: count * 49 },
      (_, k) => values[rows[Math.floor(k / 49)] * 49 + k % 49],
    );
    const file = readOnnx(await Deno.readFile(out));
    assert.equal(file.metadata.recipe, "tied");
    const outputs = file.run({
      shape: [count, 49],
      data,
    });
    const lines = Deno.readTextFileSync(join(run, "codes.csv")).trimEnd().split("\n").slice(1);
    const codes = lines.flatMap((line) => line.split(",").slice(2).map(Number));
    assertAllClose("codes", outputs.get("code")!.data, codes, [count, 3], 1e-5);
    const metrics = Deno.readTextFileSync(join(run, "metrics.jsonl")).trimEnd().split("\n");
    const { testError } = JSON.parse(metrics.at(-1)!);
    const mean = outputs.get("score")!.data.reduce((sum, score) => sum + score, 0) / count;
    assertAllClose("error", [mean], [testError], [1], 1e-6);
    const scores = readScores(readRun(run))!;
    assertAllClose("scores", outputs.get("score")!.data, scores, [count], 1e-5);

    const weights = join(folder, "tied.safetensors");
    const second = await runTask("export", [run, "--format", "safetensors", "--out", weights], folder);
    assert.match(second.stdout, /^exported to .*tied\.safetensors and .*tied\.md: input/);
    const { tensors, metadata } = decodeSafetensors(await Deno.readFile(weights));
    const model = decodeSafetensors(await Deno.readFile(join(run, "model.safetensors"))).tensors;
    const byName = (a: { name: string }, b: { name: string }) => a.name < b.name ? -1 : 1;
    const isOwn = ({ name }: { name: string }) =>
      !["centered.row", "scale.offset", "scale.divisor"].includes(name);
    assert.deepEqual(tensors.filter(isOwn).toSorted(byName), model.toSorted(byName));
    assert.deepEqual([tensors.length, metadata.recipe], [model.length + 3, "tied"]);
    assert.match(Deno.readTextFileSync(join(folder, "tied.md")), /load_file\("tied\.safetensors"\)/);
    assertRefused(
      await runTask("export", [run, "--format", "safetensors", "--out", out], folder),
      1,
      /expected a name that ends with \.safetensors \(--out, --format\)$/,
    );

    await Deno.remove(join(run, "mean_image.safetensors"));
    assertRefused(
      await runTask("export", [run], folder),
      1,
      /: expected mean_image.safetensors, .* but found none; train again$/,
    );
    assert.equal((await runTask("export", [run, "--format", "keras"], folder)).code, 2);
  });
});

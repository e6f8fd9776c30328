// --from: a recipe that starts from the weights of a run or of a safetensors file.
import assert from "node:assert/strict";
import { join } from "node:path";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { dense } from "../../src/layers/dense.ts";
import { startFrom } from "../../src/runs/starting_weights.ts";
import { assertRefused, complaints, fileOf, runTask, withFolder } from "../helpers/commands.ts";

const DATA = ["--data", "fixtures/training/images.csv", "--label", "class", "--limit", "320"];
const SMALL = [...DATA, "--sizes", "49,16,3"];

/** Parameters of 4-3 and 3-4 layers, recorded but not on a GPU. */
function smallNetwork(): Parameters {
  const graph = new Graph(1), parameters = new Parameters(0);
  const options = { activation: "tanh", initializer: "pytorch-linear" } as const;
  const code = dense(graph, parameters, graph.input("x", 4), { ...options, label: "a", outputs: 3 });
  dense(graph, parameters, code, { ...options, label: "b", outputs: 4 });
  return parameters;
}

Deno.test("startFrom() takes tensors by name and shape, and says what stays new and what was not used", async () => {
  using parameters = smallNetwork();
  const before = await parameters.read();
  const weight = Float32Array.from({ length: 12 }, (_, k) => k);
  const line = startFrom(parameters, [
    { name: "a.weight", shape: [3, 4], data: weight },
    { name: "a.bias", shape: [4], data: new Float32Array(4) },
    { name: "other\u001b", shape: [1], data: new Float32Array(1) },
  ], "model.safetensors");
  assert.equal(
    line,
    'weights   1 of 4 tensors from "model.safetensors"; initialized: a.bias [3], b.weight [4, 3], b.bias [4]; ' +
      String.raw`not used: a.bias [4], other\x1b [1]`,
  );
  const after = await parameters.read();
  assert.deepEqual(after.get("a.weight"), weight);
  for (const name of ["a.bias", "b.weight", "b.bias"]) {
    assert.deepEqual(after.get(name), before.get(name), name);
  }
  assert.throws(
    () => startFrom(parameters, [{ name: "c", shape: [2], data: new Float32Array(2) }], "model.safetensors"),
    /^InputError: Cannot start from "model.safetensors": expected tensors of this network, such as a.weight \[3, 4\], .* but found c \[2\]; /,
  );
});

Deno.test("--from starts at the loss where a run ended, also after a kill before the first checkpoint", () =>
  withFolder(async (folder) => {
    const first = join(folder, "first"), second = join(folder, "second");
    const lossIn = (stdout: string) => Number(/^initial loss ([\d.]+)/m.exec(stdout)?.[1]);
    const trained = await runTask(
      "train",
      [...SMALL, "--epochs", "8", "--log-every", "5", "--out", first],
      folder,
    );
    assert.deepEqual(complaints(trained), []);
    const ended = Number([...trained.stdout.matchAll(/ loss ([\d.]+)/g)].at(-1)![1]);
    const started = lossIn(trained.stdout);
    assert.ok(ended < 0.8 * started, trained.stdout);

    const flags = [...SMALL, "--epochs", "1", "--from", first];
    const from = await runTask("train", [...flags, "--out", second], folder);
    assert.deepEqual(complaints(from), []); // and no warning of an unusual initial loss
    assert.match(from.stdout, /^weights {3}8 of 8 tensors from "/m);
    assert.ok(Math.abs(lossIn(from.stdout) - ended) < 0.3 * (started - ended), from.stdout);
    const metadata = decodeSafetensors(await fileOf(second, "model.safetensors")).metadata;
    assert.equal(JSON.parse(metadata.config).from, first);

    // a run that has a checkpoint resumes without the model that it began from
    await Deno.remove(first, { recursive: true });
    const resumed = await runTask("train", ["--resume", second, "--epochs", "2"], folder);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.doesNotMatch(resumed.stdout, /^weights/m);
    for (const { name } of [...Deno.readDirSync(second)]) {
      if (name.startsWith("checkpoint-")) await Deno.remove(join(second, name));
    }
    assertRefused(
      await runTask("train", ["--resume", second, "--epochs", "3"], folder),
      1,
      /first": no such file or folder/,
    );
  }));

Deno.test("denoising starts from stacked, tensor by tensor; a file of another kind is refused", () =>
  withFolder(async (folder) => {
    const run = join(folder, "stacked");
    assert.equal((await runTask("stacked", [...SMALL, "--stages", "1,1", "--out", run], folder)).code, 0);
    const dry = await runTask("denoising", [...SMALL, "--stages", "1,1", "--from", run, "--dry-run"], folder);
    assert.match(dry.stdout, /^weights {3}4 of 4 tensors from ".*stacked"$/m, dry.stderr);
    const other = ["--from", "README.md", "--dry-run"];
    assertRefused(
      await runTask("train", [...SMALL, ...other]),
      1,
      /expected a run folder or a file named \*\.safetensors/,
    );
    const none = ["--from", join(run, "model.safetensors"), "--dry-run"];
    assertRefused(
      await runTask("train", [...SMALL, ...none]),
      1,
      /expected tensors of this network, such as encoder\.0\.weight/,
    );
  }));

Deno.test("a finished run of stages trains longer in its last stage, to the bits of one of that length", () =>
  withFolder(async (folder) => {
    const [longer, whole] = [join(folder, "longer"), join(folder, "whole")];
    const train = (...args: string[]) => runTask("stacked", args, folder);
    assert.equal((await train(...SMALL, "--stages", "1,1", "--out", longer)).code, 0);
    assertRefused(
      await train("--resume", longer),
      1,
      /has finished; train it longer with --stages and a larger last/,
    );
    for (const stages of ["2,2", "1", "1,1,1"]) {
      assertRefused(
        await train("--resume", longer, "--stages", stages),
        1,
        /--stages .* the run began with \[1,1\]/,
      );
    }
    assert.equal((await train("--resume", longer, "--stages", "1,3")).code, 0);
    assert.equal((await train(...SMALL, "--stages", "1,3", "--out", whole)).code, 0);
    for (const file of ["model.safetensors", "codes.csv"]) {
      assert.deepEqual(await fileOf(longer, file), await fileOf(whole, file), file);
    }
  }));

import assert from "node:assert/strict";
import { join } from "node:path";
import { decode } from "fast-png";
import { decodeSafetensors } from "../src/run/safetensors.ts";
import {
  assertRefused,
  complaints,
  fileOf,
  ROOT,
  runTask,
  taskArguments,
  withFolder,
} from "./helpers/commands.ts";

const SMALL = ["--limit", "640", "--epochs", "2", "--log-every", "5"];

Deno.test("train leaves a whole run folder, and evaluate prints its closing table again", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const trained = await runTask("train", [...SMALL, "--out", run], folder);
    assert.deepEqual(complaints(trained), []);
    assert.equal(trained.code, 0);
    assert.match(trained.stdout, /epoch 2\/2 {2}step 20\/20 {2}loss 0\.\d+ +[\d,]+ images\/s {2}0:00 left/);

    const config = JSON.parse(new TextDecoder().decode(await fileOf(run, "config.json")));
    assert.equal(config.config.limit, 640);
    assert.equal(config.config.batchSize, 64);
    assert.equal(config.facts.versions.deno, Deno.version.deno);
    assert.match(config.facts.datasetChecksum, /^[0-9a-f]{64}$/);
    assert.ok(config.facts.adapter.length > 0);

    const metrics = new TextDecoder().decode(await fileOf(run, "metrics.jsonl")).trimEnd().split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(metrics.slice(0, -1).map(({ step }) => step), [5, 10, 15, 20]);
    assert.ok(metrics[3].loss < metrics[0].loss, "the loss falls");

    const { tensors, metadata } = decodeSafetensors(await fileOf(run, "model.safetensors"));
    const shapes = Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]));
    assert.equal(tensors.length, 16);
    assert.deepEqual(shapes["encoder.0.weight"], [128, 784]);
    assert.deepEqual(shapes["encoder.6.bias"], [3]);
    assert.deepEqual(shapes["decoder.6.weight"], [784, 128]);
    assert.equal(metadata.step, "20");
    assert.equal(JSON.parse(metadata.config).learningRate, 0.005);

    const picture = decode(await fileOf(run, "reconstructions.png"));
    assert.ok(picture.width > 15 * 56 && picture.height > 4 * 56, `${picture.width}x${picture.height}`);
    assert.ok(picture.data.some((gray) => gray > 200), "something bright is on it");
    const codes = new TextDecoder().decode(await fileOf(run, "codes.csv")).trimEnd().split("\n");
    assert.equal(codes[0], "index,label,code_0,code_1,code_2");
    assert.equal(codes.length, 2001);
    assert.deepEqual(
      [...Deno.readDirSync(run)].map(({ name }) => name).sort(),
      ["codes.csv", "config.json", "metrics.jsonl", "model.safetensors", "reconstructions.png"],
    );

    const evaluated = await runTask("evaluate", [run]);
    const table = (text: string) =>
      text.split("\n").filter((line) => /^(this model|PCA|mean image|5-near)/.test(line));
    assert.equal(table(trained.stdout).length, 4);
    assert.deepEqual(table(evaluated.stdout), table(trained.stdout));
    assert.equal(metrics.at(-1).testError.toFixed(5), /this model +([\d.]+)/.exec(trained.stdout)?.[1]);
  }));

Deno.test("two runs with one seed give the same bytes, and another seed gives others", () =>
  withFolder(async (folder) => {
    const train = async (name: string, seed: string) => {
      const run = join(folder, name);
      assert.equal((await runTask("train", [...SMALL, "--seed", seed, "--out", run], folder)).code, 0);
      return await fileOf(run, "model.safetensors");
    };
    const [first, second, other] = [await train("a", "7"), await train("b", "7"), await train("c", "8")];
    assert.deepEqual(first, second);
    assert.notDeepEqual(first, other);
  }));

Deno.test("Ctrl-C ends a run with model and pictures saved", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const args = taskArguments("train", ["--epochs", "1000", "--log-every", "10", "--out", run], folder);
    const child = new Deno.Command("deno", { args, cwd: ROOT, stdout: "piped", stderr: "piped" }).spawn();
    let output = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      if (output === "" || !output.includes("step   ")) {
        output += text;
        if (output.includes("epoch ")) child.kill("SIGINT");
      } else output += text;
    }
    await child.stderr.cancel();
    assert.equal((await child.status).code, 130);
    assert.match(output, /run saved in/);
    const { metadata } = decodeSafetensors(await fileOf(run, "model.safetensors"));
    assert.ok(Number(metadata.step) >= 10 && Number(metadata.step) % 10 === 0, metadata.step);
    assert.ok((await fileOf(run, "reconstructions.png")).length > 1000);
  }));

Deno.test("basic learns its one batch by heart", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const flags = ["--iterations", "400", "--learning-rate", "1e-2", "--log-every", "100", "--out", run];
    const { code, stdout } = await runTask("basic", flags, folder);
    assert.equal(code, 0);
    const losses = [...stdout.matchAll(/loss ([\d.e-]+)/g)].map((match) => Number(match[1]));
    assert.equal(losses.length, 4);
    assert.ok(losses[3] < losses[0] / 10, `${losses}`);
    const { tensors } = decodeSafetensors(await fileOf(run, "model.safetensors"));
    assert.deepEqual(tensors.map(({ name }) => name), [
      "encoder.weight",
      "encoder.bias",
      "decoder.weight",
      "decoder.bias",
    ]);
    const evaluated = await runTask("evaluate", [run]);
    assert.equal(
      /this model +([\d.]+)/.exec(evaluated.stdout)?.[1],
      /this model +([\d.]+)/.exec(stdout)?.[1],
    );
  }));

Deno.test("train --print-plan prints every dispatch and trains nothing", async () => {
  const { code, stdout } = await runTask("train", ["--print-plan"]);
  assert.equal(code, 0);
  assert.match(stdout, /^# +label +entry point +reads +writes +workgroups$/m);
  assert.match(
    stdout,
    /^1 +encoder\.0 forward +dense_forward +pixels, encoder\.0\.weight, encoder\.0\.bias +encoder\.0 /m,
  );
  assert.doesNotMatch(stdout, /epoch/);
});

Deno.test("train --dry-run says what would be trained and trains nothing", async () => {
  const { code, stdout } = await runTask("train", ["--dry-run", "--dataset", "fashion-mnist-mini"]);
  assert.equal(code, 0);
  assert.match(stdout, /219891 parameters, Adam .*1570 steps of 64/);
  assert.doesNotMatch(stdout, /epoch/);
});

Deno.test("wrong flags are one line and exit code 2", async () => {
  assertRefused(
    await runTask("train", ["--epoch", "3"]),
    2,
    /Unknown flag "--epoch": did you mean --epochs\?/,
  );
  assertRefused(await runTask("train", ["--learning-rate", "0"]), 2, /--learning-rate.*above 0/);
  assertRefused(await runTask("train", ["--log-every", "5000"]), 2, /--log-every.*1000/);
});

Deno.test("bad input is one line and exit code 1", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    const outside = join(folder, "elsewhere");
    assertRefused(await runTask("train", ["--out", outside]), 1, /--allow-write/);
    assertRefused(await runTask("train", ["--out", folder], folder), 1, /not empty|new or empty/);
    assertRefused(
      await runTask("train", ["--dataset", "mnist", "--data-dir", folder]),
      1,
      /train-images-idx3-ubyte/,
    );
    assertRefused(await runTask("evaluate", [folder]), 1, /config\.json/);
    assertRefused(await runTask("gradcheck", ["nonsense"]), 1, /recipe "nonsense".*basic, deep, stacked/);
  }));

Deno.test("evaluate refuses a model whose tensors are not the recipe's", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    assert.equal((await runTask("train", [...SMALL, "--epochs", "1", "--out", run], folder)).code, 0);
    const bytes = await fileOf(run, "model.safetensors");
    await Deno.writeFile(join(run, "model.safetensors"), bytes.subarray(0, bytes.length - 4));
    assertRefused(await runTask("evaluate", [run]), 1, /model\.safetensors/);
    const config = new TextDecoder().decode(await fileOf(run, "config.json"));
    await Deno.writeTextFile(
      join(run, "config.json"),
      config.replace('"recipe": "deep"', '"recipe": "basic"'),
    );
    await Deno.writeFile(join(run, "model.safetensors"), bytes);
    assertRefused(await runTask("evaluate", [run]), 1, /./);
  }));

Deno.test("gradcheck passes on this GPU and says so, also as JSON", async () => {
  const text = await runTask("gradcheck", ["deep", "--steps", "20"]);
  assert.match(text.stdout, /gradients passed/);
  assert.equal(text.code, 0);
  const json = await runTask("gradcheck", ["basic", "--steps", "0", "--json"]);
  const reports = JSON.parse(json.stdout);
  assert.deepEqual(
    reports.map(({ options, passed }: { options: string; passed: boolean }) => [options, passed]),
    [
      ["", true],
      ["--code 2", true],
    ],
  );
  assert.equal(reports[0].rows.length, 4);
  assert.ok(reports[0].rows.every((row: { referenceError: number }) => row.referenceError < 1e-5));
});

Deno.test("replay passes the shipped traces and fails a changed one", () =>
  withFolder(async (folder) => {
    const traces = [...Deno.readDirSync(join(ROOT, "fixtures/traces"))].map(({ name }) => name)
      .filter((name) => name.endsWith(".json")).sort().map((name) => `fixtures/traces/${name}`);
    assert.equal(traces.length, 14);
    const good = await runTask("replay", traces);
    assert.equal(good.stdout.match(/^pass /gm)?.length, 14, good.stdout);
    assert.equal(good.code, 0);
    const trace = JSON.parse(await Deno.readTextFile(join(ROOT, "fixtures/traces/deep.json")));
    trace.steps[3].loss *= 1.0001;
    const changed = join(folder, "changed.json");
    await Deno.writeTextFile(changed, JSON.stringify(trace));
    const bad = await runTask("replay", ["fixtures/traces/basic.json", changed]);
    assert.match(bad.stdout, /^pass .*basic\.json/m);
    assert.match(bad.stdout, /^FAIL .*changed\.json/m);
    assert.equal(bad.code, 1);
  }));

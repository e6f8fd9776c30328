/** Bad input through the real commands: one line on stderr, the right exit code, and nothing left behind. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertRefused, complaints, runTask, withFolder } from "../helpers/commands.ts";
import { removeFolders, soundRun } from "../helpers/fuzz.ts";

Deno.test.afterAll(removeFolders);

/** Files to train on, made at a path, and what is said of them. */
const DATA: Readonly<Record<string, readonly [(path: string) => Promise<void>, RegExp]>> = {
  "a folder": [(path) => Deno.mkdir(path), /found a folder without PNG images/],
  "a dangling link": [(path) => Deno.symlink(`${path}.gone`, path), /no such file/],
  "a link to itself": [(path) => Deno.symlink(path, path), /it cannot be read: .*symbolic links/],
  "a link to a device": [(path) => Deno.symlink("/dev/zero", path), /found something else|access/],
  "an empty file": [(path) => Deno.writeTextFile(path, ""), /it is empty/],
  "NaN in a CSV file": [
    (path) => Deno.writeTextFile(path, "a,b\n1,NaN\n1,2\n"),
    /missing values in 1 of 2 rows, in column "b"; drop .*\(--missing\)/,
  ],
  "no UTF-8": [
    (path) => Deno.writeFile(path, Uint8Array.of(0x61, 0x0a, 0xff, 0x0a)),
    /other bytes in line 2/,
  ],
};

for (const [what, [make, line]] of Object.entries(DATA)) {
  Deno.test(`train --data refuses ${what}, and makes no run folder`, async () => {
    await withFolder(async (folder) => {
      const path = join(folder, "data"), out = join(folder, "out");
      await make(path);
      assertRefused(await runTask("train", ["--data", path, "--out", out, "--quiet"], folder), 1, line);
      assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["data"]);
    });
  });
}

Deno.test.each([
  [["--epochs", "1e999"], /Cannot set --epochs: expected an integer, at least 1 but received "1e999"/],
  [["--sizes", "784,,3"], /Cannot set --sizes/],
  [["--data"], /Cannot set --data: expected <path> but received nothing/],
  [["--\u001b[2Jquiet\nx"], /Unknown flag/],
])("train refuses %j as wrong usage", async (args, line) => {
  assertRefused(await runTask("train", args), 2, line);
});

/** The small run with some files replaced: by a text, or by nothing for a device. */
async function runWith(folder: string, files: Readonly<Record<string, string | undefined>>): Promise<string> {
  const run = join(folder, "run");
  await Deno.mkdir(run);
  for (const [name, bytes] of Object.entries(soundRun)) await Deno.writeFile(join(run, name), bytes);
  for (const [name, text] of Object.entries(files)) {
    if (text !== undefined) await Deno.writeTextFile(join(run, name), text);
    else {
      await Deno.remove(join(run, name));
      await Deno.symlink("/dev/zero", join(run, name));
    }
  }
  return run;
}

const config = new TextDecoder().decode(soundRun["config.json"]);
const vae = config.replace('"deep"', '"vae"').replace('"epochs"', '"beta": 1, "epochs"');

Deno.test.each(
  [
    ["evaluate", "config.json", config.slice(0, -9), /expected a JSON object in config.json/],
    ["evaluate", "config.json", config.replace("784,6,2", "784,1000000000,2"), /expected no width above 784/],
    ["evaluate", "model.safetensors", "\xff".repeat(40), /expected a header of at most/],
    ["evaluate", "model.safetensors", undefined, /expected a file but found a device|access/],
    [
      "sample",
      "config.json",
      config,
      /expected a run of a recipe with a generator, such as vae, but found one of deep/,
    ],
    ["sample", "config.json", vae, /Cannot load ".*expected tensor "fc1.weight"/],
    [
      "evaluate",
      "config.json",
      config.replace('"batchSize":64', '"batchSize":"64"'),
      /Cannot use ".*train again/,
    ],
    ["report", "config.json", config.replace('"deep"', '"../deep"'), /expected a plain name as "recipe"/],
    ["report", "metrics.jsonl", '{"loss":[]}\n', /expected a JSON object of figures on line 1/],
    ["report", "metrics.jsonl", undefined, /expected a file but found a device|access/],
  ] as const,
)("%s refuses a run whose %s is damaged (%#)", async (task, name, text, line) => {
  await withFolder(async (folder) => {
    const run = await runWith(folder, { [name]: text });
    assertRefused(await runTask(task, [run], folder), 1, line);
    assert.deepEqual(
      [...Deno.readDirSync(run)].map((entry) => entry.name).sort(),
      Object.keys(soundRun).sort(),
    );
  });
});

Deno.test("report says in a line each what is damaged, and leaves it out", async () => {
  await withFolder(async (folder) => {
    const run = await runWith(folder, {
      "results.json": '{"rows":[null],"baselines":[]}',
      "samples-1.png": "no picture",
      "snapshot.safetensors": "no snapshot",
      "model.safetensors": undefined,
      "scores.safetensors": "no scores",
      "worst.safetensors": "no rows",
    });
    const outcome = await runTask("report", [run], folder);
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.equal(complaints(outcome).length, 6, outcome.stderr);
    for (const line of complaints(outcome)) assert.match(line, /^warning: Cannot read /);
  });
});

Deno.test("replay says in a line each which traces are none", async () => {
  await withFolder(async (folder) => {
    const traces = ["", "{\n}\n", '{"format":\n\nx}'].map((_, k) => join(folder, `${k}.json`));
    await Promise.all(
      ["", "{\n}\n", '{"format":\n\nx}'].map((text, k) => Deno.writeTextFile(traces[k], text)),
    );
    const outcome = await runTask("replay", [...traces, folder]);
    assert.equal(outcome.code, 1);
    assert.deepEqual(complaints(outcome), []);
    const [, ...lines] = outcome.stdout.trimEnd().split("\n"); // the first names the device
    assert.equal(lines.length, 4, outcome.stdout);
    for (const line of lines) assert.match(line, /^FAIL {2}Cannot read (trace |")/);
  });
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { InputError } from "../../src/errors.ts";
import { createRunFolder, refuseUnbegun } from "../../src/runs/run_folder.ts";
import { withFullDisk } from "../helpers/full_disk.ts";
import { MetricsLog, readMetrics } from "../../src/runs/metrics_log.ts";
import { readRunFigures } from "../../src/runs/read_run_data.ts";
import { readRun, writeConfig } from "../../src/runs/run_config.ts";
import { writeFileAtomic } from "../../src/files/write_file.ts";

/** Runs a test body with a temporary folder. */
function inFolder(body: (folder: string) => void): () => void {
  return () => {
    const folder = Deno.makeTempDirSync({ prefix: "bottleneck_test_" });
    try {
      body(folder);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  };
}

/** Asserts that an action throws a one-line InputError that contains all parts. */
function refused(action: () => unknown, ...parts: readonly string[]): void {
  assert.throws(action, (error: unknown) => {
    assert.ok(error instanceof InputError, String(error));
    for (const part of parts) assert.ok(error.message.includes(part), error.message);
    return !error.message.includes("\n");
  });
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
const run = {
  recipe: "deep",
  startedAt: "2026-01-02T03:04:05.000Z",
  config: { epochs: 3 },
  facts: { gpu: "x" },
};

Deno.test(
  "createRunFolder() creates unique folders named by recipe, time and seed",
  inFolder((folder) => {
    const root = join(folder, "runs");
    const options = { recipe: "deep", seed: 7, root, startedAt: new Date(2026, 0, 2, 3, 4, 5) };
    const first = createRunFolder(options);
    assert.equal(first, join(root, "deep-20260102-030405-7"));
    assert.equal(createRunFolder(options), `${first}-2`);
    assert.equal(createRunFolder(options), `${first}-3`);
    assert.equal(names(root).length, 3);
  }),
);

Deno.test(
  "createRunFolder() accepts an `out` folder only if it is new or empty",
  inFolder((folder) => {
    const out = join(folder, "a", "b");
    assert.equal(createRunFolder({ recipe: "deep", seed: 0, out }), out);
    assert.equal(createRunFolder({ recipe: "deep", seed: 0, out }), out);
    Deno.writeTextFileSync(join(out, "model"), "");
    refused(() => createRunFolder({ recipe: "deep", seed: 0, out }), 'found "model" in it', "choose another");
    const file = join(out, "model");
    refused(
      () => createRunFolder({ recipe: "deep", seed: 0, out: file }),
      `Cannot use "${file}" as the run folder`,
    );
    refused(() => createRunFolder({ recipe: "deep", seed: 0, root: file }), "Cannot create the run folder");
    assert.throws(() => createRunFolder({ recipe: "../deep", seed: 0, root: folder }), RangeError);
  }),
);

Deno.test(
  "a folder whose run was killed before it had a config.json is used again, and not resumed",
  inFolder((folder) => {
    const out = join(folder, "run");
    createRunFolder({ recipe: "deep", seed: 0, out });
    const advice = `start it again with its own flags and --out ${out}`;
    refused(() => refuseUnbegun(out), `Cannot resume "${out}"`, "stopped before training began", advice);
    Deno.writeTextFileSync(join(out, `.config.json.${crypto.randomUUID()}.partial`), '{"form');
    refused(() => refuseUnbegun(out), advice);
    assert.equal(createRunFolder({ recipe: "deep", seed: 0, out }), out);
    assert.deepEqual(names(out), []);
    Deno.writeTextFileSync(join(out, `.config.json.${crypto.randomUUID()}.partial`), '{"form');
    writeConfig(out, run);
    refuseUnbegun(out);
    refused(
      () => createRunFolder({ recipe: "deep", seed: 0, out }),
      `found "config.json" in it; resume that run with --resume ${out}, or choose another`,
    );
    assert.equal(names(out).length, 2, "what another run has written is not touched");
    refuseUnbegun(join(folder, "missing")); // which readRun() refuses
  }),
);

Deno.test(
  "writeFileAtomic() writes bytes and text, and replaces a file",
  inFolder((folder) => {
    const path = join(folder, "a.txt");
    writeFileAtomic(path, "é");
    assert.deepEqual(Deno.readFileSync(path), new Uint8Array([0xc3, 0xa9]));
    writeFileAtomic(path, new Uint8Array([1, 2]));
    assert.deepEqual(Deno.readFileSync(path), new Uint8Array([1, 2]));
    assert.deepEqual(names(folder), ["a.txt"]);
  }),
);

Deno.test(
  "writeFileAtomic() leaves nothing behind when it fails",
  inFolder((folder) => {
    const target = join(folder, "target");
    Deno.mkdirSync(join(target, "full"), { recursive: true }); // a folder cannot be replaced by a file
    refused(() => writeFileAtomic(target, "a"), `Cannot write "${target}"`);
    assert.deepEqual(names(folder), ["target"]);
    refused(() => writeFileAtomic(join(folder, "missing", "a"), "a"), "no such file or folder");
    Deno.writeTextFileSync(join(folder, "file"), "");
    refused(() => writeFileAtomic(join(folder, "file", "a"), "a"), "a part of the path is a file");
  }),
);

Deno.test(
  "writeFileAtomic() keeps the old file and cleans up when the disk is full",
  inFolder((folder) => {
    const path = join(folder, "a.txt");
    writeFileAtomic(path, "old");
    withFullDisk(() => {
      refused(() => writeFileAtomic(path, "new content"), `Cannot write "${path}": the disk is full`);
      const log = new MetricsLog(folder);
      refused(() => log.write({ loss: 1 }), "Cannot append to", "the disk is full");
      log.close();
    });
    assert.equal(Deno.readTextFileSync(path), "old");
    assert.equal(Deno.readTextFileSync(join(folder, "metrics.jsonl")), "");
    assert.deepEqual(names(folder), ["a.txt", "metrics.jsonl"]);
  }),
);

Deno.test(
  "readRun() returns the content written by writeConfig()",
  inFolder((folder) => {
    writeConfig(folder, { ...run, config: { epochs: 3, out: undefined } });
    assert.deepEqual(readRun(folder), { ...run, path: folder });
    writeFileAtomic(join(folder, "model.safetensors"), "");
    assert.equal(readRun(folder, ["model.safetensors"]).recipe, "deep");
  }),
);

Deno.test(
  "readRun() names the missing file",
  inFolder((folder) => {
    refused(() => readRun(join(folder, "none")), "Cannot read the run", "no such file or folder");
    refused(() => readRun(folder), '"config.json" is missing');
    refused(() => readRun(folder, ["a"]), '"config.json" and "a" is missing');
    writeConfig(folder, run);
    refused(() => readRun(folder, ["model.safetensors"]), '"model.safetensors" is missing');
    refused(() => readRun(join(folder, "config.json")), "expected a run folder but found a file");
  }),
);

const stored = { format: "bottleneck-run-1", ...run };
Deno.test.each([
  ["", "expected a JSON object"],
  ["{", "expected a JSON object"],
  ["[]", "expected a JSON object"],
  [JSON.stringify({ ...stored, format: "2" }), 'but found "2"'],
  [JSON.stringify({ ...stored, recipe: 3 }), 'a string as "recipe"'],
  [JSON.stringify({ ...stored, startedAt: null }), 'a string as "startedAt"'],
  [JSON.stringify({ ...stored, config: [] }), 'an object as "config"'],
  [JSON.stringify({ ...stored, facts: undefined }), 'an object as "facts"'],
])("readRun() refuses a config.json of %j", (text, part) => {
  inFolder((folder) => {
    Deno.writeTextFileSync(join(folder, "config.json"), text);
    refused(() => readRun(folder), part, "config.json");
  })();
});

Deno.test(
  "MetricsLog writes complete lines immediately, including NaN and infinities",
  inFolder((folder) => {
    using log = new MetricsLog(folder);
    log.write({ step: 1, loss: 0.5 });
    assert.equal(Deno.readTextFileSync(join(folder, "metrics.jsonl")), '{"step":1,"loss":0.5}\n');
    log.write({ step: 2, loss: Number.NaN, kl: -Infinity });
    assert.deepEqual(readMetrics(folder), [{ step: 1, loss: 0.5 }, {
      step: 2,
      loss: "NaN",
      kl: "-Infinity",
    }]);
  }),
);

Deno.test(
  "MetricsLog continues a log and removes an incomplete last line",
  inFolder((folder) => {
    const path = join(folder, "metrics.jsonl");
    Deno.writeTextFileSync(path, '{"step":1}\n{"st');
    assert.deepEqual(readMetrics(folder), [{ step: 1 }]);
    using log = new MetricsLog(folder);
    log.write({ step: 2 });
    assert.equal(Deno.readTextFileSync(path), '{"step":1}\n{"step":2}\n');
  }),
);

Deno.test(
  "readMetrics() names the damaged line",
  inFolder((folder) => {
    refused(() => readMetrics(folder), "no such file or folder");
    Deno.writeTextFileSync(join(folder, "metrics.jsonl"), '{"step":1}\nnonsense\n');
    refused(() => readMetrics(folder), 'on line 2 but found "nonsense"');
  }),
);

Deno.test(
  "readMetrics() reads the figures of tensors and names the line with damaged ones",
  inFolder((folder) => {
    const path = join(folder, "metrics.jsonl");
    const tensor = { gradientNorm: 0.5, weightNorm: 2, updateRatio: 1e-3 };
    const record = { step: 1, loss: 0.5, tensors: { "encoder.0.weight": tensor } };
    Deno.writeTextFileSync(path, JSON.stringify(record) + "\n");
    assert.deepEqual(readMetrics(folder), [record]);
    for (
      const damaged of [
        1,
        [],
        { a: 1 },
        { a: {} },
        { a: [0.5, 2, 1e-3] },
        { a: { ...tensor, weightNorm: "2" } },
        { a: { ...tensor, updateRatio: -1 } },
      ]
    ) {
      Deno.writeTextFileSync(path, JSON.stringify({ step: 1, tensors: damaged }) + "\n");
      refused(() => readMetrics(folder), "expected a JSON object of figures on line 1");
    }
  }),
);

Deno.test(
  "readMetrics() thins the progress of a large file, and keeps measurements and the line before each",
  inFolder((folder) => {
    const log = new MetricsLog(folder);
    for (let step = 1; step <= 40; step++) {
      log.write({ epoch: Math.ceil(step / 20), step, loss: 1 / step });
      if (step % 20 === 0) log.write({ epoch: step / 20, step, testError: 1 / step });
    }
    log.write({ divergedAtStep: 40 });
    log.write({ step: 41, loss: 1 });
    log.write({ testError: 1 });
    const all = readMetrics(folder), thinned = readMetrics(folder, log.size / 8);
    log.close();
    assert.equal(all.length, 45);
    assert.deepEqual(
      thinned.map((line) => line.step ?? line.divergedAtStep ?? "end"),
      [1, 9, 17, 20, 20, 25, 33, 40, 40, 40, 41, "end"],
    );
    assert.ok(thinned.every((line) => all.some((one) => JSON.stringify(one) === JSON.stringify(line))));
    assert.deepEqual(readMetrics(folder, log.size), all);
    Deno.writeTextFileSync(join(folder, "metrics.jsonl"), `{"a":"${"é".repeat(2 ** 20)}"}\n{"b":1}\n`);
    assert.deepEqual(readMetrics(folder), [{ a: "é".repeat(2 ** 20) }, { b: 1 }], "letters across chunks");
    Deno.writeTextFileSync(join(folder, "metrics.jsonl"), "1".repeat(2 ** 25));
    refused(() => readMetrics(folder), "expected lines but found one of more than 16777216 characters");
  }),
);

Deno.test(
  "a run whose metrics have more than 256 MiB is reported, from a part of them",
  inFolder((folder) => {
    writeConfig(folder, run);
    const name = "encoder.0.weight", tensor = { gradientNorm: 0.123456, weightNorm: 2, updateRatio: 1e-3 };
    const tensors = Object.fromEntries(Array.from({ length: 400 }, (_, k) => [`${name}${k}`, tensor]));
    const line = JSON.stringify({ epoch: 1, step: 1, loss: 1, tensors }) + "\n", count = 40;
    const chunk = new TextEncoder().encode(line.repeat(count));
    using file = Deno.openSync(join(folder, "metrics.jsonl"), { write: true, createNew: true });
    let lines = 0;
    for (let size = 0; size < 2 ** 28 + 1; size += chunk.length, lines += count) file.writeSync(chunk);
    file.writeSync(new TextEncoder().encode('{"epoch":1,"step":9,"testError":0.5}\n'));
    const { metrics } = readRunFigures(folder);
    assert.ok(
      metrics.length > lines / 8 && metrics.length < lines / 3,
      `${metrics.length} of ${lines} lines`,
    );
    assert.deepEqual(metrics.at(-1), { epoch: 1, step: 9, testError: 0.5 });
  }),
);

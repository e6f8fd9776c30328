/**
 * A seeded fuzzer over everything that reads what others wrote. Each reader either accepts an input or throws an
 * InputError of one line that is not too long; anything else is a fault of the reader.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { allRecipes } from "../../scripts/tools/find_recipe.ts";
import { traceNetwork } from "../../src/recipe/trace_network.ts";
import { anyData, networkOf } from "../../src/recipe/recipe.ts";
import { restoreConfig } from "../../src/recipe/flags.ts";
import { deep } from "../../scripts/deep.ts";
import { parseTrace } from "../../src/check/trace.ts";
import { readCsv } from "../../src/data/csv.ts";
import { loadDataset } from "../../src/data/dataset.ts";
import { readIdx, writeIdx } from "../../src/data/idx.ts";
import { readNpy } from "../../src/data/npy.ts";
import { openNpz, openSafetensors } from "../../src/data/named_arrays.ts";
import { loadOwnData } from "../../src/data/own_data.ts";
import { parquetAsCsv } from "../../src/data/parquet/read.ts";
import { readTable } from "../../src/data/read_table.ts";
import { readPngFolder } from "../../src/data/png_folder.ts";
import { InputError } from "../../src/errors.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { RandomStream } from "../../src/random.ts";
import { imageGrid } from "../../src/report/picture.ts";
import { pageData } from "../../src/report/page/page_data.ts";
import { checksumOf, readLastCheckpoint, saveCheckpoint } from "../../src/runs/checkpoint_file.ts";
import { parseRecipe, refuseOthers } from "../../src/train/resume.ts";
import { type FlagSet, positional, readFlags, toggle } from "../../src/recipe/flags.ts";
import { loadParameters, readTrainedRun, storedShape } from "../../src/runs/load_run.ts";
import { readRunData } from "../../src/runs/read_run_data.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/files/safetensors.ts";
import { writeScores } from "../../src/runs/scores_file.ts";
import { saveSnapshot } from "../../src/runs/snapshot_file.ts";
import { saveWorstRows } from "../../src/runs/worst_rows_file.ts";
import { npzFile, PARQUET, pngFile, safetensorsFile } from "./data_files.ts";
import { damaged, damagedJson, pick } from "./mutate.ts";

/** The column of classes, where the bytes still hold its name. */
function labelOf(bytes: Uint8Array): string | undefined {
  return ["class", "kind"].find((name) => textOf(bytes).includes(name));
}

/** Bytes on which integers of a variable number of bytes end, or go on. */
const EDGES: readonly number[] = [0, 1, 2, 3, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff];

/** Longest message that anybody would read. */
const MAX_CHARACTERS = 1000;
/** Control characters, and all that ends a line. */
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u2028\u2029]/;

/** Something that reads. */
export interface Reader {
  /** Its name: inputs that it once failed on are in `fixtures/corpus/<name>`. */
  readonly name: string;
  /** Sound inputs, to be damaged. */
  readonly sound: readonly Uint8Array[];
  /** Damages one of them. */
  readonly damage: (random: RandomStream, input: Uint8Array) => Uint8Array<ArrayBuffer>;
  /** Reads an input; returns what was said about it besides. */
  readonly read: (
    input: Uint8Array<ArrayBuffer>,
  ) => Promise<readonly string[] | void> | readonly string[] | void;
}

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What `--resume` makes of the run with one file replaced. */
function resumesRun(name: string, damage: Reader["damage"]): Reader {
  return {
    name: `resume-${name}`,
    sound: [soundRun[name]],
    damage,
    read: (bytes) =>
      withFile(name, bytes, () => {
        parseRecipe({ name: "deep", description: "x", flags: deep.flags }, [
          "--resume",
          run,
          "--epochs",
          "99999",
        ], new URL("../../scripts/deep.ts", import.meta.url).href);
      }),
  };
}

/** Half of the time its bytes are damaged, half of the time its values. */
function jsonDamage(random: RandomStream, input: Uint8Array): Uint8Array<ArrayBuffer> {
  return random.nextBelow(2) === 0 ? damaged(random, input) : utf8(damagedJson(random, textOf(input)));
}

/** Half of the time a few bytes are replaced, so that all others stay where a file says that they are. */
function inPlaceDamage(random: RandomStream, input: Uint8Array): Uint8Array<ArrayBuffer> {
  if (random.nextBelow(2) === 0) return damaged(random, input);
  const bytes = Uint8Array.from(input);
  for (let faults = 1 + random.nextBelow(4); faults > 0; faults--) {
    bytes[random.nextBelow(bytes.length)] = random.nextBelow(2) === 0
      ? random.nextBelow(256)
      : pick(random, EDGES);
  }
  return bytes;
}

/** The same for JSON lines. */
function linesDamage(random: RandomStream, input: Uint8Array): Uint8Array<ArrayBuffer> {
  if (random.nextBelow(2) === 0) return damaged(random, input);
  const lines = textOf(input).trimEnd().split("\n");
  const at = random.nextBelow(lines.length);
  return utf8(lines.with(at, damagedJson(random, lines[at])).join("\n") + "\n");
}

/** The same for the JSON header of safetensors. */
function safetensorsDamage(random: RandomStream, input: Uint8Array): Uint8Array<ArrayBuffer> {
  if (random.nextBelow(2) === 0) return damaged(random, input);
  const view = new DataView(input.buffer, input.byteOffset);
  const end = 8 + Number(view.getBigUint64(0, true));
  let text = textOf(input.subarray(8, end));
  const facts = JSON.parse(text).__metadata__?.facts;
  text = facts !== undefined && random.nextBelow(2) === 0
    ? JSON.stringify({
      ...JSON.parse(text),
      __metadata__: { ...JSON.parse(text).__metadata__, facts: damagedJson(random, facts) },
    })
    : damagedJson(random, text);
  const header = utf8(text);
  const bytes = Uint8Array.from([...new Uint8Array(8), ...header, ...input.subarray(end)]);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  return bytes;
}

/** The same for a checkpoint: its metadata are JSON in JSON. */
function checkpointDamage(random: RandomStream, input: Uint8Array): Uint8Array<ArrayBuffer> {
  if (random.nextBelow(2) === 0) return safetensorsDamage(random, input);
  const { tensors, metadata } = decodeSafetensors(input);
  const key = pick(random, ["config", "dataset", "place", "state", "best"]);
  return encodeSafetensors(tensors, { ...metadata, [key]: damagedJson(random, metadata[key]) });
}

/** A checkpoint with the checksum of what it holds, as somebody would write it who means harm. */
function signed(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { tensors, metadata: { checksum: _, ...texts } } = decodeSafetensors(bytes);
  if (!tensors.every(({ name }) => name.isWellFormed())) return bytes;
  return encodeSafetensors(tensors, { ...texts, checksum: checksumOf(tensors, texts) });
}

/** An NPY file of version 1.0. */
function npy(type: string, shape: string, data: Uint8Array): Uint8Array {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117) + "\n";
  return Uint8Array.from([0x93, ...utf8("NUMPY"), 1, 0, header.length, 0, ...utf8(header), ...data]);
}

const pixels = Uint8Array.from({ length: 60 }, (_, k) => k * 4);
const shares = Float32Array.from({ length: 12 }, (_, k) => k / 12);
const idx = writeIdx([5, 4, 3], pixels);
const idxFiles = [idx, gzipSync(idx), gzipSync(writeIdx([3000, 4, 3], new Uint8Array(36000)))];
const npyFiles = [npy("|u1", "(5, 4, 3)", pixels), npy("<f4", "(3, 4)", new Uint8Array(shares.buffer))];
const csvFiles = [
  'a,b,"c ""d""",class\n1,2,255,7\r\n0,0,1,5\n',
  "\ufeffclass,x\nshoe,0.5\nhat,1e-3\n\nhat,1\n",
].map(utf8);

/** Classes of the five rows of `npyFiles[0]`. */
const classFiles = [
  writeIdx([5], Uint8Array.of(1, 0, 2, 1, 9)),
  gzipSync(writeIdx([5], new Uint8Array(5))),
  npy("|u1", "(5, 2)", Uint8Array.of(1, 0, 0, 1, 1, 0, 1, 0, 0, 1)),
  npy("<U2", "(5,)", new Uint8Array(Uint32Array.from("abcaabcaab", (letter) => letter.charCodeAt(0)).buffer)),
  npzFile({ labels: npy("|u1", "(5,)", Uint8Array.of(3, 1, 3, 1, 1)) }, true),
  utf8('class\nshoe\nhat\nshoe\n"a hat"\r\n# none\n7\n'),
];

const parquetFiles = [
  PARQUET,
  ...["dictionaries", "encodings"].map((name) =>
    Deno.readFileSync(new URL(`../../fixtures/parquet/${name}.parquet`, import.meta.url))
  ),
];

const model = {
  sizes: [784, 6, 2],
  values: (count: number) => Float32Array.from({ length: count }, (_, k) => Math.sin(k)),
};
const tensors =
  ([["encoder.0", 6, 784], ["encoder.2", 2, 6], ["decoder.0", 6, 2], ["decoder.2", 784, 6]] as const)
    .flatMap(([layer, outputs, inputs]) => [
      { name: `${layer}.weight`, shape: [outputs, inputs], data: model.values(outputs * inputs) },
      { name: `${layer}.bias`, shape: [outputs], data: model.values(outputs) },
    ]);
const small = encodeSafetensors([
  { name: "w", shape: [2, 3], data: model.values(6) },
  { name: "b", shape: [2], data: model.values(2) },
], { recipe: "deep" });

/** The configuration of a small run, as `train` writes it. */
const config = {
  format: "bottleneck-run-1",
  recipe: "deep",
  startedAt: "2026-01-02T03:04:05.000Z",
  config: {
    ...Object.fromEntries(
      Object.entries(deep.flags).map(([key, flag]) => [key, flag.defaultValue]),
    ),
    sizes: model.sizes,
  },
  facts: {
    dataset: "fashion-mnist-mini",
    datasetChecksum: (await loadDataset("fashion-mnist-mini", { cacheDir: "" })).checksum,
    imageShape: [28, 28],
    width: 784,
    command: "deno task train",
    classNames: ["a", "b"],
  },
};
const metrics = [
  {
    epoch: 1,
    step: 100,
    seconds: 1.5,
    loss: 0.1,
    tensors: { "encoder.0.weight": { gradientNorm: 0.5, weightNorm: 2, updateRatio: 1e-3 } },
  },
  { epoch: 1, step: 157, seconds: 2, testError: 0.05, "test.loss": "NaN" },
  { testError: 0.04, meanImageError: 0.1, pcaError: 0.05, accuracy: 0.7 },
];
const results = {
  rows: [{ label: "this model", value: 0.04, digits: 5, unit: "squared error" }, {
    label: "noise",
    value: "mask",
  }],
  baselines: [{ label: "mean image", value: 0.1, metric: "testError" }],
  stepMilliseconds: 3.5,
  status: "finished",
};
const snapshot = {
  epoch: 1,
  step: 157,
  imageShape: [28, 28] as const,
  images: new Uint8Array(2 * 784).fill(9),
  inputs: new Uint8Array(2 * 784).fill(7),
  reconstructions: new Uint8Array(2 * 784).fill(8),
  errors: Float32Array.of(0.1, NaN),
  codes: {
    size: 2,
    values: Float32Array.of(1, 2, 3, NaN, 5, 6),
    labels: Uint8Array.of(0, 1, 1),
    images: new Uint8Array(3 * 784).fill(200),
  },
  samples: new Uint8Array(784).fill(100),
  activations: [{ label: "encoder.0", range: [-1, 1] as const, counts: [1, 2, 3] }],
  sparsity: { target: 0.05, means: [0.1, 0.2] },
  levels: [{ label: "level 0", error: 0.1, encoderSpread: 0.2, decoderSpread: 0.3 }],
};

/** Folders of runs with one damaged file; {@link removeFolders} removes them. */
const folder = Deno.makeTempDirSync({ prefix: "bottleneck-fuzz-" });
const run = join(folder, "run");
Deno.mkdirSync(run);
saveSnapshot(run, snapshot);
writeScores(run, { scores: Float32Array.of(0.1, 0.2, 0.3), anomalies: Float32Array.of(0.4) });
saveWorstRows(run, {
  rows: [{ row: 1, label: 2, error: 0.3, columns: [{ name: "age", value: 3, reconstruction: 4, share: 1 }] }],
  images: new Uint8Array(784),
  reconstructions: new Uint8Array(784),
});
/** The files of a small run of `deep`. */
export const soundRun: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = {
  "config.json": utf8(JSON.stringify(config)),
  "metrics.jsonl": utf8(metrics.map((record) => JSON.stringify(record) + "\n").join("")),
  "results.json": utf8(JSON.stringify(results)),
  "model.safetensors": encodeSafetensors(tensors),
  "snapshot.safetensors": Deno.readFileSync(join(run, "snapshot.safetensors")),
  "scores.safetensors": Deno.readFileSync(join(run, "scores.safetensors")),
  "worst.safetensors": Deno.readFileSync(join(run, "worst.safetensors")),
  "samples-1.png": Uint8Array.from(imageGrid(new Float32Array(4 * 784), 4, [28, 28], { columns: 2 })),
};
for (const [name, bytes] of Object.entries(soundRun)) Deno.writeFileSync(join(run, name), bytes);

/** Removes what the readers read from. */
export function removeFolders(): void {
  Deno.removeSync(folder, { recursive: true });
}

/** A folder with a checkpoint. */
const resumed = join(folder, "resumed");
Deno.mkdirSync(resumed);
const learned = {
  recipe: "deep",
  config: { seed: 0, sizes: [784, 2], schedule: "constant" },
  dataset: { name: "mnist", checksum: "0123456789abcdef" },
};
const values = [{ name: "encoder.0.weight", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, NaN) }];
saveCheckpoint(resumed, {
  ...learned,
  place: {
    step: 9,
    epoch: 2,
    stage: 1,
    stageSteps: [5, 4],
    current: 1,
    metricsBytes: 100,
    seconds: 3,
    rollbacks: [7],
  },
  parameters: values,
  state: {
    count: 4,
    unread: 2,
    unreadRows: 128,
    moments: [new Map([["encoder.0.weight", new Float32Array(6)]])],
    losses: new Float32Array(1024),
    norms: new Float32Array(1024),
  },
  best: {
    tensors: values,
    metadata: { recipe: "deep", step: "5", epoch: "1", metric: "test.loss", value: "0.1" },
  },
}, 1);

/** Puts a file into the run while `body` reads it. */
function withFile(name: string, bytes: Uint8Array, body: () => void): void {
  Deno.writeFileSync(join(run, name), bytes);
  try {
    body();
  } finally {
    Deno.writeFileSync(join(run, name), soundRun[name]);
  }
}

/** Everything that reports show of the run, with one file replaced. */
function readsRun(name: string, damage: Reader["damage"]): Reader {
  return {
    name: `run-${name}`,
    sound: [soundRun[name]],
    damage,
    read: (bytes) => {
      const warnings: string[] = [];
      withFile(name, bytes, () => JSON.stringify(pageData(readRunData(run, (line) => warnings.push(line)))));
      return warnings;
    },
  };
}

/** The network of the run, with one file replaced. */
function loadsModel(name: string, damage: Reader["damage"]): Reader {
  return {
    name: `load-${name}`,
    sound: [soundRun[name]],
    damage,
    read: (bytes) =>
      withFile(name, bytes, () => {
        const trained = readTrainedRun(run), shape = storedShape(trained), width = shape[0] * shape[1];
        const recipe = recipes.get(trained.recipe);
        if (!recipe) throw new InputError(`Cannot load "${run}": its recipe is not shipped`);
        const config = restoreConfig(recipe.flags, trained.config, `"${run}"`);
        loadParameters(trained, networkOf(recipe, config, anyData(width), { purpose: "encode" }), width);
      }),
  };
}

const recipes = new Map((await allRecipes()).map(({ recipe }) => [recipe.name, recipe]));

const traces = ["basic", "sparse-heavy", "tied-relu", "vae-beta", "matched-none"].map((name) =>
  utf8(
    shortened(
      Deno.readTextFileSync(fileURLToPath(new URL(`../../fixtures/traces/${name}.json`, import.meta.url))),
    ),
  )
);

/** A trace with one step, which fails sooner. */
function shortened(text: string): string {
  const trace = JSON.parse(text);
  return JSON.stringify({ ...trace, steps: trace.steps.slice(0, 1) });
}

/** Command lines, an argument a line. */
const commandLines = [
  "--epochs\n3\n--batch-size=64\n--sizes\n784,32,3\n--quiet",
  "--learning-rate\n1e-3\n--data\nx.csv\n--label\nclass\n--test-fraction\n.5",
  "runs/a\n--interpolate\n3,17\n--grid\n20\n--out\nx.png",
  "--help\n-h\n--\n-x\n--no-live\n--epoch",
].map(utf8);

/** All readers. */
export const READERS: readonly Reader[] = [
  { name: "idx", sound: idxFiles, damage: damaged, read: (bytes) => void readIdx(bytes, "x", 3) },
  { name: "npy", sound: npyFiles, damage: damaged, read: (bytes) => void readNpy(bytes, "x") },
  {
    name: "csv",
    sound: csvFiles,
    damage: damaged,
    read: async (bytes) => {
      const { notes, warnings } = await readCsv([bytes], "x", { label: labelOf(bytes) });
      return [...notes, ...warnings.map(({ text }) => text)];
    },
  },
  {
    name: "npz",
    sound: [false, true].map((isPacked) => npzFile({ data: npyFiles[0], more: npyFiles[1] }, isPacked)),
    damage: damaged,
    read: (bytes) => {
      const arrays = openNpz(bytes, "x");
      for (const name of arrays.names) arrays.read(name);
    },
  },
  {
    name: "tensors",
    sound: [
      safetensorsFile({ a: ["BF16", [2, 3], pixels.slice(0, 12)], b: ["I64", [2], pixels.slice(0, 16)] }),
    ],
    damage: safetensorsDamage,
    read: (bytes) => {
      const arrays = openSafetensors(bytes, "x");
      for (const name of arrays.names) arrays.read(name);
    },
  },
  {
    name: "parquet",
    sound: parquetFiles,
    damage: inPlaceDamage,
    read: async (bytes) => {
      const ignore = ["word", "name", "day", "moment"].filter((name) => textOf(bytes).includes(name));
      const { notes } = await readCsv(parquetAsCsv(bytes, "x"), "x", { ignore, label: labelOf(bytes) });
      return [...notes];
    },
  },
  {
    name: "png",
    sound: [pngFile(3, 4, 1, pixels.slice(0, 12)), pngFile(3, 4, 4, pixels.slice(0, 48))],
    damage: damaged,
    read: (bytes) => {
      Deno.mkdirSync(join(folder, "images"), { recursive: true });
      Deno.writeFileSync(join(folder, "images/1.png"), bytes);
      return [...readPngFolder(join(folder, "images")).table.notes];
    },
  },
  {
    name: "data",
    sound: [...idxFiles, ...npyFiles, ...csvFiles],
    damage: damaged,
    read: async (bytes) => {
      const path = join(folder, "data");
      Deno.writeFileSync(path, bytes);
      await loadOwnData(path, {
        testFraction: 0.3,
        seed: 1,
        label: labelOf(bytes),
      });
    },
  },
  {
    name: "labels",
    sound: classFiles,
    damage: damaged,
    read: async (bytes) => {
      const data = join(folder, "rows"), isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
      const labels = join(folder, isZip ? "labels.npz" : "labels");
      Deno.writeFileSync(data, npyFiles[0]);
      Deno.writeFileSync(labels, bytes);
      return [...(await readTable(data, { labels })).table.notes];
    },
  },
  {
    name: "safetensors",
    sound: [small],
    damage: safetensorsDamage,
    read: (bytes) => void decodeSafetensors(bytes),
  },
  {
    name: "trace",
    sound: traces,
    damage: jsonDamage,
    read: (bytes) => {
      const trace = parseTrace(textOf(bytes), "x", [...recipes.keys()]);
      const graph = new Graph(Math.max(...trace.steps.map(({ rows }) => rows)));
      traceNetwork(recipes.get(trace.recipe)!, trace)(
        graph,
        new Parameters(0),
        graph.input("x", trace.model.sizes[0]),
      );
    },
  },
  {
    name: "flags",
    sound: commandLines,
    damage: damaged,
    read: (bytes) => {
      const flags: FlagSet = bytes.length % 2 === 0
        ? deep.flags
        : { run: positional("RUN", "the run's folder"), on: toggle(true, "on or off") };
      const outcome = readFlags({ name: "x", description: "x" }, flags, textOf(bytes).split("\n"));
      return outcome.kind === "error" ? [outcome.message] : [];
    },
  },
  {
    name: "checkpoint",
    sound: [Deno.readFileSync(join(resumed, "checkpoint-9.safetensors"))],
    damage: checkpointDamage,
    read: (bytes) => {
      Deno.writeFileSync(
        join(resumed, "checkpoint-9.safetensors"),
        bytes.length % 2 === 0 ? bytes : signed(bytes),
      );
      const shapes = new Map(values.map(({ name, shape }) => [name, shape]));
      refuseOthers(resumed, readLastCheckpoint(resumed)!, { ...learned, shapes, stages: 2 });
    },
  },
  resumesRun("config.json", jsonDamage),
  readsRun("config.json", jsonDamage),
  readsRun("metrics.jsonl", linesDamage),
  readsRun("results.json", jsonDamage),
  readsRun("snapshot.safetensors", safetensorsDamage),
  readsRun("model.safetensors", safetensorsDamage),
  readsRun("samples-1.png", damaged),
  readsRun("scores.safetensors", safetensorsDamage),
  readsRun("worst.safetensors", safetensorsDamage),
  loadsModel("config.json", jsonDamage),
  loadsModel("model.safetensors", safetensorsDamage),
];

/** Reads one input and judges how; returns whether it was accepted. */
export async function judge({ name, read }: Reader, input: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const lines: string[] = [];
  let isAccepted = true;
  try {
    lines.push(...await read(input) ?? []);
  } catch (error) {
    isAccepted = false;
    if (!(error instanceof InputError)) throw new Error(`${name} fails with another error`, { cause: error });
    lines.push(error.message);
  }
  for (const line of lines) {
    assert.ok(
      line.length > 10 && line.length <= MAX_CHARACTERS,
      `${name} says ${line.length} characters: ${line.slice(0, 200)}`,
    );
    assert.ok(
      !UNPRINTABLE.test(line),
      `${name} says what is not one printable line: ${JSON.stringify(line)}`,
    );
  }
  return isAccepted;
}

/** The input of a case: the same for the same seed, reader and number. */
export function inputOf(
  { name, sound, damage }: Reader,
  seed: number,
  number: number,
): Uint8Array<ArrayBuffer> {
  const random = new RandomStream(seed, `fuzz ${name}`, number);
  return damage(random, pick(random, sound));
}

/** A reader's fault: which input, and what went wrong. */
export interface Fault {
  /** The case's number. */
  readonly number: number;
  /** What the reader was given. */
  readonly input: Uint8Array<ArrayBuffer>;
  /** What it did. */
  readonly error: unknown;
}

/** What became of many inputs. */
export interface Fuzzed {
  /** How many the reader accepted. */
  readonly accepted: number;
  /** Its faults. */
  readonly faults: readonly Fault[];
  /** The most memory that one of them added to the process, in bytes. */
  readonly maxBytes: number;
  /** The most computing time that one of them took, in milliseconds. */
  readonly mostMilliseconds: number;
}

/** Tries a reader on so many inputs. */
export async function fuzz(reader: Reader, seed: number, count: number): Promise<Fuzzed> {
  let accepted = 0, maxBytes = 0, mostMilliseconds = 0;
  const faults: Fault[] = [];
  for (let number = 0; number < count; number++) {
    const input = inputOf(reader, seed, number), before = Deno.memoryUsage().rss;
    const began = process.cpuUsage(); // and not the clock, as other programs may keep the machine busy
    try {
      if (await judge(reader, input)) accepted++;
    } catch (error) {
      faults.push({ number, input, error });
    }
    maxBytes = Math.max(maxBytes, Deno.memoryUsage().rss - before);
    const { user, system } = process.cpuUsage(began);
    mostMilliseconds = Math.max(mostMilliseconds, (user + system) / 1000);
  }
  return { accepted, faults, maxBytes, mostMilliseconds };
}

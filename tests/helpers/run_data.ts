/** Runs that never were: what a report may have to show of each recipe, from the images that the project ships. */
import { fileURLToPath } from "node:url";
import { loadDataset } from "../../src/data/dataset.ts";
import { RandomStream } from "../../src/random.ts";
import { imageGrid, reconstructionGrid } from "../../src/report/picture.ts";
import type {
  Baseline,
  MetricsRecord,
  RunData,
  Snapshot,
  TestErrors,
  WorstRows,
} from "../../src/report/run_data.ts";

const cacheDir = fileURLToPath(new URL("../../.cache/datasets", import.meta.url));
const { test, classNames } = await loadDataset("fashion-mnist-mini", { cacheDir });

const PIXELS = 784, SHAPE = [28, 28] as const;

/** What a recipe's report has to show. */
interface Kind {
  /** Numbers in a code. */
  readonly codeSize: number;
  /** The terms of the loss, each with where it begins. */
  readonly terms: Readonly<Record<string, number>>;
  /** What else its snapshot has. */
  readonly more?: (random: RandomStream) => Partial<Snapshot>;
  /** Which pictures it saves after epochs. */
  readonly pictures?: boolean;
  /** Stages, trained one after another. */
  readonly stages?: number;
}

const means = (random: RandomStream) => Array.from({ length: 32 }, () => 0.15 * random.nextUnit() ** 2);

const KINDS: Readonly<Record<string, Kind>> = {
  deep: { codeSize: 3, terms: { loss: 0.09 } },
  basic: { codeSize: 128, terms: { loss: 0.12 } },
  stacked: { codeSize: 3, terms: { reconstruction: 0.08 }, stages: 3 },
  denoising: {
    codeSize: 3,
    terms: { reconstruction: 0.08 },
    stages: 2,
    more: (random) => ({ inputs: firstImages(30).map((gray) => random.nextUnit() < 0.25 ? 0 : gray) }),
  },
  sparse: {
    codeSize: 32,
    terms: { reconstruction: 0.08, sparsity: 2 },
    more: (random) => ({ sparsity: { target: 0.05, means: means(random) } }),
  },
  tied: { codeSize: 32, terms: { loss: 0.05 } },
  vae: {
    codeSize: 20,
    terms: { reconstruction: 300, kl: 12, total: 312 },
    more: () => ({ samples: blurred(firstImages(64)) }),
    pictures: true,
  },
  matched: {
    codeSize: 2,
    terms: { "level.0": 0.1, "level.1": 0.06, "level.2": 0.03 },
    more: (random) => ({
      levels: [784, 400, 200].map((units, level) => ({
        label: `level ${level}, ${units} units`,
        error: 0.02 + 0.03 * random.nextUnit(),
        encoderSpread: 0.2 + 0.1 * random.nextUnit(),
        decoderSpread: 0.1 + 0.1 * random.nextUnit(),
      })),
    }),
  },
};

/** The recipes that there are runs of. */
export const RECIPE_NAMES: readonly string[] = Object.keys(KINDS);

/** How {@link madeUpRun} differs from the usual. */
export interface MadeUpOptions {
  /** Epochs; 10 if not given. */
  readonly epochs?: number;
  /** Codes; 400 if not given. */
  readonly codes?: number;
  /** Another seed gives other numbers. */
  readonly seed?: number;
}

/** Tensors whose gradients and updates fall. */
function madeUpTensors(step: number): NonNullable<MetricsRecord["tensors"]> {
  const names = ["encoder.0.weight", "encoder.0.bias", "decoder.0.weight", "decoder.0.bias"];
  return Object.fromEntries(names.map((name, k) => [name, {
    gradientNorm: 0.1 * (k + 1) * Math.exp(-step / 900),
    weightNorm: 4 + k + step / 500,
    updateRatio: 2e-3 * (k + 1) * Math.exp(-step / 700),
  }]));
}

/** A finished run of a recipe. */
export function madeUpRun(
  recipe: string,
  { epochs = 10, codes = 400, seed = 0 }: MadeUpOptions = {},
): RunData {
  const kind = KINDS[recipe], random = new RandomStream(seed, recipe);
  const perEpoch = 157, [low, high] = [0.3, 0.35];
  const falling = (start: number, step: number) =>
    start * (low + (1 - low) * Math.exp(-step / 250)) * (1 + 0.06 * (random.nextUnit() - 0.5));
  const metrics: MetricsRecord[] = [];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const stage = kind.stages ? { stage: Math.floor((epoch - 1) / epochs * kind.stages) } : {};
    const terms = (prefix: string, step: number) =>
      Object.fromEntries(
        Object.entries(kind.terms).map(([term, start]) => [prefix + term, falling(start, step)]),
      );
    for (let report = 1; report <= 3; report++) {
      const step = (epoch - 1) * perEpoch + report * 50;
      const tensors = madeUpTensors(step);
      metrics.push({ epoch, step, ...stage, ...terms("", step), tensors, seconds: step / 160 });
    }
    const step = epoch * perEpoch, testError = falling(0.09, step) * high / low;
    metrics.push({ epoch, step, ...stage, testError, ...terms("test.", step), seconds: step / 160 });
  }
  const snapshot = madeUpSnapshot(kind, epochs, epochs * perEpoch, codes, random);
  const baselines: Baseline[] = [
    { label: "mean image", value: 0.0861, metric: "testError" },
    { label: `PCA, ${kind.codeSize} components`, value: 0.0404, metric: "testError" },
    ...(recipe === "vae" ? [{ label: "entropy floor", value: 71.3, metric: "test.reconstruction" }] : []),
  ];
  const pictures = Array.from({ length: kind.pictures ? epochs : 0 }, (_, k) => [
    {
      kind: "reconstructions" as const,
      epoch: k + 1,
      png: reconstructionGrid([snapshot.images, floats(snapshot.reconstructions)], 30, SHAPE),
    },
    { kind: "samples" as const, epoch: k + 1, png: imageGrid(snapshot.samples!, 64 - 4 * (k % 2), SHAPE) },
  ]).flat();
  const unit = "squared error per pixel, test images";
  return {
    name: `${recipe}-20261121-070000-${seed}`,
    recipe,
    startedAt: "2026-11-21T07:00:00.000Z",
    status: "finished",
    command: `deno task ${recipe === "deep" ? "train" : recipe} --epochs ${epochs} --seed ${seed}`,
    config: {
      epochs,
      batchSize: 64,
      learningRate: 0.005,
      seed,
      dataset: "fashion-mnist-mini",
      dryRun: false,
    },
    facts: {
      versions: { bottleneck: "0.1.0", deno: Deno.version.deno },
      adapter: "llvmpipe (LLVM 15.0.6, 256 bits)",
      dataset: "fashion-mnist-mini",
      imageShape: [28, 28],
      ...(recipe === "vae" ? { lossUnit: "nats per image" } : {}),
      ...(recipe === "tied" ? { lossUnit: "squared error per image", lossIsPerBatch: true } : {}),
    },
    classNames,
    metrics,
    baselines,
    rows: [
      { label: "this model", value: 0.0263, digits: 5, unit },
      { label: `PCA, ${kind.codeSize} components`, value: 0.0404, digits: 5, unit: "the same" },
      { label: "mean image", value: 0.0861, digits: 5, unit: "the same" },
      {
        label: "5-nearest-neighbor accuracy",
        value: 0.711,
        digits: 3,
        unit: "of the test codes, by the training codes",
      },
    ],
    stepMilliseconds: 6.13,
    snapshot,
    pictures,
    errors: madeUpErrors(random),
    worst: madeUpWorst(),
    weights: ["encoder.0.weight", "decoder.6.weight"].map((label) => ({
      label,
      values: Float32Array.from({ length: 128 * PIXELS }, (_, k) => {
        const x = k % 28 - 14, y = Math.floor(k % PIXELS / 28) - 14, unit = Math.floor(k / PIXELS);
        return Math.exp(-(x * x + y * y) / 90) * Math.sin(x * Math.cos(unit) / 2 + y * Math.sin(unit) / 2) /
            8 +
          0.02 * (random.nextUnit() - 0.5);
      }),
    })),
  };
}

/** Errors of 1,800 test images, and of 200 of held-out classes. */
function madeUpErrors(random: RandomStream): TestErrors {
  const errors = (count: number, usual: number) =>
    Float32Array.from({ length: count }, () => usual * Math.exp(random.nextUnit() + random.nextUnit() - 1));
  return { scores: errors(1800, 0.02), anomalies: errors(200, 0.06) };
}

/** Twelve test images with the highest errors. */
function madeUpWorst(): WorstRows {
  const images = firstImages(12);
  const rows = Array.from(
    { length: 12 },
    (_, row) => ({ row, error: 0.2 - row / 100, label: test.labels![row] }),
  );
  return { rows, images, reconstructions: blurred(images) };
}

function madeUpSnapshot(
  kind: Kind,
  epoch: number,
  step: number,
  count: number,
  random: RandomStream,
): Snapshot {
  const images = firstImages(30), reconstructions = blurred(images);
  const labels = test.labels!.slice(0, count);
  const centers = Array.from({ length: 10 * kind.codeSize }, () => 4 * (random.nextUnit() - 0.5));
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - random.nextUnit())) * Math.cos(2 * Math.PI * random.nextUnit());
  return {
    epoch,
    step,
    imageShape: SHAPE,
    images,
    reconstructions,
    errors: Float32Array.from({ length: 30 }, (_, n) => {
      const own = images.subarray(n * PIXELS, (n + 1) * PIXELS);
      return own.reduce((sum, gray, k) => sum + ((gray - reconstructions[n * PIXELS + k]) / 255) ** 2, 0) /
        PIXELS;
    }),
    codes: {
      size: kind.codeSize,
      values: Float32Array.from(
        { length: count * kind.codeSize },
        (_, k) => {
          const n = Math.floor(k / kind.codeSize);
          return centers[labels[n] * kind.codeSize + k % kind.codeSize] + 0.35 * normal();
        },
      ),
      labels,
      images: firstImages(count),
    },
    activations: ["encoder.0", "encoder.2", "encoder.4", "decoder.0"].map((label, layer) => ({
      label,
      range: [-1, 1] as const,
      counts: Array.from(
        { length: 40 },
        (_, bin) =>
          Math.round(4000 * Math.exp(-(((bin - 20) / (4 + 3 * layer)) ** 2)) * (1 + 0.1 * random.nextUnit())),
      ),
    })),
    ...kind.more?.(random),
  };
}

/** The first test images, 0 to 255. */
function firstImages(count: number): Uint8Array {
  return Uint8Array.from(test.images.subarray(0, count * PIXELS));
}

/** Images without their details, as a narrow code would leave them. */
function blurred(images: Uint8Array): Uint8Array {
  return images.map((_, k) => {
    const x = k % 28, y = Math.floor(k % PIXELS / 28), first = k - k % PIXELS;
    let sum = 0, weight = 0;
    for (let j = Math.max(0, y - 1); j <= Math.min(27, y + 1); j++) {
      for (let i = Math.max(0, x - 1); i <= Math.min(27, x + 1); i++) {
        sum += images[first + j * 28 + i];
        weight++;
      }
    }
    return sum / weight;
  });
}

function floats(bytes: Uint8Array): Float32Array {
  return Float32Array.from(bytes, (gray) => gray / 255);
}

/** A run on images of 6×5 in color, each of one color that runs to black on the right. */
export function colorRun(): RunData {
  const run = madeUpRun("matched", { codes: 30 }),
    random = new RandomStream(3, "colors"),
    shape = [6, 5, 3] as const;
  const images = Uint8Array.from({ length: 30 * 90 }, (_, k) => 255 * random.nextUnit() * (1 - k % 5 / 4));
  const reconstructions = images.map((level) => 0.9 * level);
  const png = reconstructionGrid([images, reconstructions], 30, shape);
  return {
    ...run,
    facts: { ...run.facts, imageShape: shape, width: 90 },
    snapshot: {
      ...run.snapshot!,
      ...{ imageShape: shape, images, reconstructions, codes: { ...run.snapshot!.codes!, images } },
    },
    pictures: [{ kind: "reconstructions", epoch: 1, png }],
    weights: [{ label: "encoder.0.weight", values: floats(images.subarray(0, 2 * 90)) }],
  };
}

import assert from "node:assert/strict";
import { join } from "node:path";
import type { Dataset } from "../../src/data/dataset.ts";
import { InputError } from "../../src/errors.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import type { ActivationLike } from "../../src/elementwise/activation_names.ts";
import { elu } from "../../src/elementwise/elu.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import type { Value } from "../../src/graph/tensor.ts";
import { activation } from "../../src/layers/activation.ts";
import { dense } from "../../src/layers/dense.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { addNoise, standardNormal } from "../../src/layers/noise.ts";
import { subtractRow } from "../../src/layers/subtract_row.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { adam } from "../../src/optim/adam.ts";
import { activationHistogram } from "../../src/evaluate/activation_histogram.ts";
import type { Snapshot } from "../../src/report/run_data.ts";
import { evaluate } from "../../src/evaluate/evaluate.ts";
import { decodeMixedSafetensors, encodeSafetensors } from "../../src/files/safetensors.ts";
import { loadSnapshot, saveSnapshot } from "../../src/runs/snapshot_file.ts";
import { Snapshots, type SnapshotsOptions } from "../../src/evaluate/epoch_snapshot.ts";
import { withFolder } from "../helpers/commands.ts";
import { assertAllClose, bitsOf, gpuTest, randomFloats } from "../helpers/gpu.ts";

const SHAPE: readonly [number, number] = [3, 5], WIDTH = 15;

/** Images of noise with cyclic labels, as bytes or floats. */
function someData(testCount: number, isFloat = false): Dataset {
  const split = (name: string, count: number) => {
    const floats = randomFloats(name, count * WIDTH, 0, 1);
    const images = isFloat ? floats : Uint8Array.from(floats, (value) => 256 * value);
    return { images, count, labels: Uint8Array.from({ length: count }, (_, n) => n % 10) };
  };
  return {
    name: "noise",
    source: "noise",
    checksum: "",
    width: WIDTH,
    imageShape: SHAPE,
    classNames: [],
    train: split("train", 20),
    test: split("test", testCount),
  };
}

const CODE = 3;

function layer(
  g: Graph,
  p: Parameters,
  x: Value,
  label: string,
  outputs: number,
  activation: ActivationLike,
): Value {
  return dense(g, p, x, { label, outputs, activation, initializer: "glorot-uniform", bias: true });
}

/** A network 15-3-15. */
function model(g: Graph, p: Parameters, pixels: Value) {
  const code = layer(g, p, pixels, "encoder", CODE, "tanh");
  const output = layer(g, p, code, "decoder", WIDTH, "sigmoid");
  return { code, output, losses: [squaredError(g, output, pixels, { label: "loss", reduction: "mean" })] };
}

async function takeOne(gpu: Gpu, data: Dataset, more: Partial<SnapshotsOptions> = {}): Promise<Snapshot> {
  using parameters = new Parameters(7);
  const build = more.build ?? model;
  build(new Graph(1), parameters, new Graph(1).input("pixels", WIDTH));
  using snapshots = await Snapshots.compile({ gpu, parameters, data, build, ...more });
  return await snapshots.take(2, 34);
}

Deno.test("pictures of 30 images, codes and an evaluation of 40 need no kernels but those of batches of 64", async () => {
  using gpu = await openGpu(); // which has compiled nothing yet
  gpu.kernels = { kind: "register" };
  using parameters = new Parameters(7);
  const graph = new Graph(64), data = someData(40);
  using images = new DeviceImages(gpu, "train", new Uint8Array(64 * WIDTH), WIDTH);
  const pixels = gatherBatch(graph, "pixels", images), { losses } = model(graph, parameters, pixels);
  using _step = await compile(gpu, graph, parameters, { label: "batch", losses });
  const known = new Set(gpu.pipelines.keys());
  using snapshots = await Snapshots.compile({ gpu, parameters, data, build: model });
  await snapshots.take(1, 1);
  await evaluate(gpu, model, parameters, data);
  assert.deepEqual([...gpu.pipelines.keys()].filter((key) => !known.has(key)), []);
});

gpuTest("take() agrees with evaluate(): reconstructions, errors, evenly spaced codes", async (gpu) => {
  const data = someData(2500);
  using parameters = new Parameters(7);
  using snapshots = await Snapshots.compile({ gpu, parameters, data, build: model });
  const snapshot = await snapshots.take(2, 34);
  const { codes, reconstructions } = await evaluate(gpu, model, parameters, data);

  const { images, labels } = data.test;
  assert.deepEqual([snapshot.epoch, snapshot.step, snapshot.imageShape], [2, 34, SHAPE]);
  assert.deepEqual(snapshot.images, images.slice(0, 30 * WIDTH));
  assert.deepEqual(
    snapshot.reconstructions,
    Uint8Array.from(reconstructions, (value) => Math.round(255 * value)),
  );
  const errors = Array.from({ length: 30 }, (_, n) => {
    let sum = 0;
    for (let k = n * WIDTH; k < (n + 1) * WIDTH; k++) sum += (images[k] / 255 - reconstructions[k]) ** 2;
    return sum / WIDTH;
  });
  assertAllClose("errors", snapshot.errors, errors, [30], 1e-6);
  assert.equal(snapshot.inputs, undefined);
  assert.equal(snapshot.samples, undefined);
  assert.equal(snapshot.levels, undefined);
  assert.equal(snapshot.sparsity, undefined);

  const cloud = snapshot.codes!;
  assert.deepEqual([cloud.size, cloud.values.length], [CODE, 2000 * CODE]);
  for (const [n, index] of [[0, 0], [1, 1], [4, 5], [1999, 2498]]) {
    assert.deepEqual(
      cloud.values.slice(n * CODE, (n + 1) * CODE),
      codes.slice(index * CODE, (index + 1) * CODE),
    );
    assert.deepEqual(
      cloud.images.slice(n * WIDTH, (n + 1) * WIDTH),
      images.slice(index * WIDTH, (index + 1) * WIDTH),
    );
    assert.equal(cloud.labels![n], labels![index]);
  }
  assert.deepEqual(snapshot.activations.map(({ label, range }) => [label, range]), [
    ["encoder", [-1, 1]],
    ["decoder", [0, 1]],
  ]);
  assert.deepEqual(snapshot.activations[0], activationHistogram("encoder", cloud.values, [-1, 1]));
  assert.equal(snapshot.activations[1].counts.reduce((sum, some) => sum + some), 2000 * WIDTH);
});

gpuTest(
  "a run is bit-exact with or without snapshots, and snapshots follow its training",
  async (gpu) => {
    const data = someData(40);
    async function train(isWatched: boolean): Promise<[Uint32Array[], Snapshot[]]> {
      using parameters = new Parameters(1);
      using images = new DeviceImages(gpu, "train", data.train.images, WIDTH);
      const graph = new Graph(20);
      const { losses } = model(graph, parameters, gatherBatch(graph, "pixels", images));
      const optimizer = adam({ learningRate: 0.01 });
      using step = await compile(gpu, graph, parameters, {
        label: "training",
        losses,
        trainable: parameters.all,
        optimizer,
      });
      using snapshots = await Snapshots.compile({ gpu, parameters, data, build: model });
      const taken: Snapshot[] = [];
      for (let k = 1; k <= 6; k++) {
        step.run({ first: 0, rows: 20 });
        if (isWatched) taken.push(k % 2 ? await snapshots.take(1, k) : await snapshots.takePictures(1, k));
      }
      return [[...(await parameters.read()).values()].map(bitsOf), taken];
    }
    const [plain] = await train(false);
    const [watched, taken] = await train(true);
    assert.deepEqual(watched, plain);
    const error = (snapshot: Snapshot) => snapshot.errors.reduce((sum, value) => sum + value);
    assert.ok(error(taken[5]) < error(taken[0]), "the pictures must get better");
    assert.deepEqual(taken.map(({ codes }) => codes !== undefined), [true, false, true, false, true, false]);
    assert.deepEqual(taken[1].activations, []);
  },
);

gpuTest("reconstructions are in pixel space for other targets and float images", async (gpu) => {
  const row = new Float32Array(WIDTH).fill(0.25);
  const build = (g: Graph, p: Parameters, pixels: Value) => {
    const target = subtractRow(g, pixels, { label: "centered", row });
    const code = layer(g, p, target, "encoder", CODE, "identity");
    return { code, output: target, target, losses: [] }; // a perfect network
  };
  const data = someData(4, true);
  const snapshot = await takeOne(gpu, data, { build });
  assert.deepEqual(snapshot.images, Uint8Array.from(data.test.images, (value) => Math.round(255 * value)));
  assert.deepEqual(snapshot.reconstructions, snapshot.images);
  assertAllClose("errors", snapshot.errors, [0, 0, 0, 0], [4], 1e-12);
});

gpuTest(
  "with noise, pictures and mean activations use the same noisy images each time",
  async (gpu) => {
    const noise = { kind: "uniform" as const, amount: 0.5 };
    const noisy = (g: Graph, p: Parameters, x: Value) =>
      model(g, p, addNoise(g, x, { label: "noisy", noise, seed: 3, stream: "snapshot" }));
    const data = someData(600);
    const [plain, first, again] = [
      await takeOne(gpu, data, { sparsityTarget: 0.05 }),
      await takeOne(gpu, data, { sparsityTarget: 0.05, noisy }),
      await takeOne(gpu, data, { sparsityTarget: 0.05, noisy }),
    ];
    assert.deepEqual(first, again);
    assert.notDeepEqual(first.reconstructions, plain.reconstructions);
    assert.deepEqual(first.codes, plain.codes);
    const shifts = first.inputs!.map((value, k) => value - first.images[k]);
    assert.ok(shifts.every((shift) => shift >= 0 && shift <= 128) && shifts.some((shift) => shift > 90));
    const means = [0, 1, 2].map((unit) =>
      plain.codes!.values.reduce((sum, value, k) => k % CODE === unit ? sum + value : sum, 0) / 600
    );
    assert.equal(plain.sparsity!.target, 0.05);
    assertAllClose("mean activations", plain.sparsity!.means, means, [CODE], 1e-6);
    assert.notDeepEqual(first.sparsity, plain.sparsity);
  },
);

gpuTest(
  "layers are those that the output depends on, with their activations; samples are drawn",
  async (gpu) => {
    const decoder = (g: Graph, p: Parameters, z: Value) => layer(g, p, z, "up", WIDTH, "identity");
    const build = (g: Graph, p: Parameters, pixels: Value) => {
      const bent = layer(g, p, pixels, "bent", 4, elu({ alpha: 0.5 })); // a separate op after the layer's sums
      const code = layer(g, p, bent, "mean", CODE, "identity");
      layer(g, p, pixels, "unused", 2, "identity");
      const output = activation(g, decoder(g, p, code), { label: "output", activation: "sigmoid" });
      return { code, output, losses: [] };
    };
    const codes = randomFloats("codes", 5 * CODE);
    // noise that is not on the input is ignored
    const noisy = (g: Graph, p: Parameters, x: Value) => {
      standardNormal(g, CODE, { label: "noise", seed: 1 });
      return build(g, p, x);
    };
    const options = { build, noisy, sparsityTarget: 0.05, samples: { codes, decoder } };
    const { activations, samples, inputs } = await takeOne(gpu, someData(4), options);
    assert.equal(inputs, undefined);
    assert.deepEqual(activations.map(({ label, range }) => [label, range[0] === 0 && range[1] === 1]), [
      ["bent", false],
      ["mean", false],
      ["up", true],
    ]);
    assert.ok(activations[0].range[0] >= -0.5, "measured after the op");
    assert.equal(samples!.length, 5 * WIDTH);
    assert.ok(samples!.every((value) => value > 0 && value < 255) && new Set(samples).size > 5);
  },
);

gpuTest("levels are measured if the network has them", async (gpu) => {
  const build = (g: Graph, p: Parameters, pixels: Value) => {
    const { code, output } = model(g, p, pixels);
    return {
      code,
      output,
      losses: [],
      levels: [{ encoded: pixels, decoded: output }, { encoded: code, decoded: code }],
    };
  };
  const data = someData(4);
  const { levels, errors } = await takeOne(gpu, data, { build });
  assert.deepEqual(levels!.map(({ label }) => label), ["level 0, 15 units", "level 1, 3 units"]);
  assertAllClose("error", [levels![0].error], [errors.reduce((sum, value) => sum + value) / 4], [1], 1e-6);
  assert.equal(levels![1].error, 0);
  assert.equal(levels![1].encoderSpread, levels![1].decoderSpread);
  assert.ok(levels![0].encoderSpread > levels![0].decoderSpread);
});

Deno.test("activationHistogram() counts each finite value in its bin", () => {
  const values = Float32Array.of(0, 0.024, 0.026, 1, NaN, -0.1, 1.1, Infinity);
  const { counts } = activationHistogram("h", values, [0, 1]);
  assert.deepEqual([counts.length, counts[0], counts[1], counts[39]], [40, 2, 1, 1]);
  assert.equal(counts.reduce((sum, some) => sum + some), 4);
  assert.deepEqual(activationHistogram("h", values).range, [Math.fround(-0.1), Math.fround(1.1)]);
  assert.deepEqual(activationHistogram("h", Float32Array.of(2, 2)).range, [1.5, 2.5]);
  assert.deepEqual(activationHistogram("h", Float32Array.of(NaN)).range, [0, 1]);
});

/** A snapshot with all fields, or only with those that every run has. */
function someSnapshot(isFull: boolean): Snapshot {
  const bytes = (count: number) => Uint8Array.from({ length: count }, (_, k) => k * 37);
  return {
    epoch: 3,
    step: 471,
    imageShape: SHAPE,
    images: bytes(2 * WIDTH),
    inputs: isFull ? bytes(2 * WIDTH) : undefined,
    reconstructions: bytes(2 * WIDTH),
    errors: Float32Array.of(0.1, NaN),
    codes: isFull
      ? {
        size: 2,
        values: Float32Array.of(1, -2, 1e-30, 4, 5, 6),
        labels: bytes(3),
        images: bytes(3 * WIDTH),
      }
      : undefined,
    samples: isFull ? bytes(4 * WIDTH) : undefined,
    activations: isFull ? [{ label: "encoder", range: [-1, 1], counts: [1, 2, 3] }] : [],
    sparsity: isFull ? { target: 0.05, means: [0.25, NaN] } : undefined,
    levels: isFull ? [{ label: "level 0", error: 0.01, encoderSpread: 0.1, decoderSpread: 0.2 }] : undefined,
  };
}

Deno.test("a saved snapshot replaces an earlier one and loads unchanged", async () => {
  await withFolder((folder) => {
    assert.equal(loadSnapshot(folder), undefined);
    for (const isFull of [true, false]) {
      saveSnapshot(folder, someSnapshot(isFull));
      assert.deepEqual(loadSnapshot(folder), someSnapshot(isFull));
    }
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["snapshot.safetensors"]);
    return Promise.resolve();
  });
});

/** Saves a snapshot, corrupts the file, and returns the error of loading it. */
async function failure(spoil: (bytes: Uint8Array) => Uint8Array): Promise<Error> {
  let failed: unknown;
  await withFolder((folder) => {
    saveSnapshot(folder, someSnapshot(true));
    const path = join(folder, "snapshot.safetensors");
    Deno.writeFileSync(path, spoil(Deno.readFileSync(path)));
    try {
      loadSnapshot(folder);
    } catch (error) {
      failed = error;
    }
    return Promise.resolve();
  });
  assert.ok(failed instanceof InputError, `${failed}`);
  return failed;
}

/** Changes tensors and metadata of the file. */
function rewrite(
  bytes: Uint8Array,
  change: (file: ReturnType<typeof decodeMixedSafetensors>) => ReturnType<typeof decodeMixedSafetensors>,
): Uint8Array {
  const { tensors, metadata } = change(decodeMixedSafetensors(bytes));
  return encodeSafetensors(tensors, metadata);
}

/** Changes a field of the facts. */
function withFact(name: string, value: unknown) {
  return (bytes: Uint8Array) =>
    rewrite(bytes, ({ tensors, metadata }) => {
      const facts = { ...JSON.parse(metadata.facts), [name]: value };
      return { tensors, metadata: { ...metadata, facts: JSON.stringify(facts) } };
    });
}

/** Removes a tensor from the file. */
function without(name: string) {
  return (bytes: Uint8Array) =>
    rewrite(
      bytes,
      ({ tensors, metadata }) => ({ tensors: tensors.filter((tensor) => tensor.name !== name), metadata }),
    );
}

Deno.test.each([
  ["is empty", () => new Uint8Array(), /at least 8 bytes/],
  ["is cut short", (bytes) => bytes.slice(0, -1), /bytes of data/],
  ["is that of a model", () => encodeSafetensors([]), /format "bottleneck-snapshot-1"/],
  ["has no image shape", withFact("imageShape", undefined), /format/],
  ["has images of four colors", withFact("imageShape", [1, 5, 4]), /format/],
  ["has another image shape", withFact("imageShape", [3, 4]), /"images" as Uint8Array \[-1,12\].*\[2,15\]/],
  ["has a string as an epoch", withFact("epoch", "3"), /format/],
  ["has broken histograms", withFact("activations", [{ label: "a", range: [0], counts: [] }]), /format/],
  ["has broken levels", withFact("levels", [{ label: "a" }]), /format/],
  ["has broken mean activations", withFact("sparsity", { target: 1 }), /format/],
  ["has no images", without("images"), /tensor "images" but found none/],
  ["has no reconstructions", without("reconstructions"), /tensor "reconstructions" but found none/],
  ["has no errors", without("errors"), /tensor "errors" but found none/],
  ["has codes without images", without("codes.images"), /tensor "codes.images" but found none/],
] as [string, (bytes: Uint8Array) => Uint8Array, RegExp][])(
  "loadSnapshot() refuses a file that %s",
  async (_what, spoil, message) => {
    const { message: found } = await failure(spoil);
    assert.match(found, message);
    assert.match(found, /snapshot\.safetensors/);
  },
);

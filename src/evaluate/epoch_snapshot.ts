/**
 * Snapshots of a network in training: its outputs and activations on test images.
 * @module
 */
import { batches } from "../data/shuffle.ts";
import type { Dataset } from "../data/dataset.ts";
import { labelOfSums } from "../elementwise/activation.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel, Model } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Step } from "../step/step.ts";
import type { Activation, Value } from "../graph/tensor.ts";
import { DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import { activationHistogram } from "./activation_histogram.ts";
import type { LevelState, Snapshot } from "../report/run_data.ts";
import { standardDeviation } from "../stats/standard_deviation.ts";
import { PICTURES } from "./evaluate.ts";
import type { Forward } from "./forward.ts";
import { passGraph } from "./pass_graph.ts";
import { compileGenerator } from "./variational.ts";
import type { BuildDecoder } from "./recipe_evaluation.ts";

/** Largest number of test images whose codes are in a snapshot. */
const CODES = 2000;
/** Batch size of a forward pass. */
const BATCH = 500;
/** Ranges of bounded activations. */
const RANGES: Partial<Record<Activation, readonly [number, number]>> = { sigmoid: [0, 1], tanh: [-1, 1] };

/** Options of {@link Snapshots.compile}. */
export interface SnapshotsOptions {
  readonly gpu: Gpu;
  /** Parameters of the graphs of all stages, which must exist by now: compilation lays the parameters out. */
  readonly parameters: Parameters;
  /** The data set; its test images are used. */
  readonly data: Dataset;
  /** Builds the network for clean images; its levels, if any, are measured too. */
  readonly build: BuildModel;
  /**
   * Builds the network with its training noise. If the noise is on its input, reconstructions and mean
   * activations are those of noisy images; other noise is ignored.
   */
  readonly noisy?: BuildModel | undefined;
  /** Target mean activation of the code units; mean activations are measured only if it is given. */
  readonly sparsityTarget?: number | undefined;
  /** Codes of the prior, [count, code size], the same for all snapshots, and their decoder to logits. */
  readonly samples?: { readonly codes: Float32Array; readonly decoder: BuildDecoder } | undefined;
}

/** Values read from the network on clean images. */
interface Inside {
  readonly code: Value;
  readonly layers: readonly { readonly label: string; readonly value: Value }[];
  readonly levels: NonNullable<Model["levels"]>;
}

/**
 * Takes snapshots of a training run. The networks are compiled once and only read the parameters, so runs are
 * bit-exact with or without snapshots.
 */
export class Snapshots implements Disposable {
  readonly #options: SnapshotsOptions;
  readonly #picked: readonly number[];
  readonly #probes: Probes;
  readonly #owned: DisposableStack;

  private constructor(
    options: SnapshotsOptions,
    picked: readonly number[],
    probes: Probes,
    owned: DisposableStack,
  ) {
    this.#options = options;
    this.#picked = picked;
    this.#probes = probes;
    this.#owned = owned;
  }

  /**
   * Compiles the networks and uploads the images.
   *
   * @throws InputError if they exceed the device's limits
   */
  static async compile(options: SnapshotsOptions): Promise<Snapshots> {
    const picked = evenly(options.data.test.count);
    using owned = new DisposableStack();
    const probes = await compileProbes(options, picked, owned);
    return new Snapshots(options, picked, probes, owned.move());
  }

  /**
   * Takes a complete snapshot: reconstructions of the first 30 test images, samples, and codes, activations,
   * mean activations and levels of up to 2,000 evenly spaced test images. Waits for the GPU.
   *
   * @param epoch current epoch, counted from 1
   * @param step number of steps done
   */
  async take(epoch: number, step: number): Promise<Snapshot> {
    const { data: { test, width }, sparsityTarget } = this.#options;
    const { inside, noisyCodes } = this.#probes;
    const pictures = await this.takePictures(epoch, step);
    const { code, layers, levels } = inside.parts;
    const numbersOf = await inside.measure();
    const codes = numbersOf(code);
    const activeCodes = noisyCodes ? (await noisyCodes.measure())(noisyCodes.parts) : codes;
    return {
      ...pictures,
      codes: {
        size: code.width,
        values: codes,
        labels: test.labels && Uint8Array.from(this.#picked, (index) => test.labels![index]),
        images: toBytes(rowsAt(test.images, width, this.#picked)),
      },
      activations: layers.map(({ label, value }) =>
        activationHistogram(label, numbersOf(value), RANGES[value.activation])
      ),
      ...(sparsityTarget === undefined
        ? {}
        : { sparsity: { target: sparsityTarget, means: columnMeans(activeCodes, code.width) } }),
      ...(levels.length === 0 ? {} : {
        levels: levels.map(({ encoded, decoded }, level): LevelState => ({
          label: `level ${level}, ${encoded.width} units`,
          error: meanSquare(numbersOf(encoded), numbersOf(decoded)),
          encoderSpread: standardDeviation(numbersOf(encoded), encoded.width),
          decoderSpread: standardDeviation(numbersOf(decoded), decoded.width),
        })),
      }),
    };
  }

  /** Takes only reconstructions and samples, in about a tenth of the time of {@link take}. */
  async takePictures(epoch: number, step: number): Promise<Snapshot> {
    const { data: { width, imageShape }, samples } = this.#options;
    const { pictures, generate } = this.#probes;
    const { pixels, shown, output, target } = pictures.parts;
    const numbersOf = await pictures.measure();
    const [originals, wanted] = [pixels, target].map(numbersOf);
    const made = numbersOf(output).map((value, k) => value + (originals[k] - wanted[k])); // in pixel space
    return {
      epoch,
      step,
      imageShape,
      images: toBytes(originals),
      ...(shown === pixels ? {} : { inputs: toBytes(numbersOf(shown)) }),
      reconstructions: toBytes(made),
      errors: Float32Array.from({ length: made.length / width }, (_, n) => {
        const [begin, end] = [n * width, (n + 1) * width];
        return meanSquare(originals.subarray(begin, end), made.subarray(begin, end));
      }),
      ...(generate && samples ? { samples: toBytes(await generate.run(samples.codes)) } : {}),
      activations: [],
    };
  }

  /** Frees the networks and images, but not the parameters. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

interface Probes {
  readonly pictures: Probe<Readonly<Record<"pixels" | "shown" | "output" | "target", Value>>>;
  readonly inside: Probe<Inside>;
  /** Codes of noisy images, if mean activations are those of noisy images. */
  readonly noisyCodes: Probe<Value> | undefined;
  readonly generate: Forward | undefined;
}

async function compileProbes(
  options: SnapshotsOptions,
  picked: readonly number[],
  owned: DisposableStack,
): Promise<Probes> {
  const { gpu, parameters, data: { test, width }, build, sparsityTarget, samples } = options;
  const noisy = options.noisy && hasNoisyInput(options.noisy, parameters, width) ? options.noisy : undefined;
  const first = test.images.subarray(0, Math.min(PICTURES, test.count) * width);
  const some = rowsAt(test.images, width, picked);
  const pictures = await Probe.compile(options, "snapshot pictures", first, (graph, pixels) => {
    const { output, target = pixels } = (noisy ?? build)(graph, parameters, pixels);
    const shown = noisyInput(graph, pixels) ?? pixels;
    const parts = { pixels, shown, output, target };
    return { parts, values: Object.values(parts) };
  });
  owned.use(pictures);
  const inside = await Probe.compile(options, "snapshot", some, (graph, pixels): Recorded<Inside> => {
    const { code, output, levels = [] } = build(graph, parameters, pixels);
    const layers = layersOf(graph, [code, output]);
    const sides = levels.flatMap(({ encoded, decoded }) => [encoded, decoded]);
    return { parts: { code, layers, levels }, values: [code, ...layers.map(({ value }) => value), ...sides] };
  });
  owned.use(inside);
  const noisyCodes = noisy && sparsityTarget !== undefined
    ? await Probe.compile(options, "snapshot noisy codes", some, (graph, pixels) => {
      const { code } = noisy(graph, parameters, pixels);
      return { parts: code, values: [code] };
    })
    : undefined;
  owned.use(noisyCodes);
  const codeSize = inside.parts.code.width;
  const generate = samples && await compileGenerator(gpu, parameters, codeSize, samples.decoder);
  owned.use(generate);
  return { pictures, inside, noisyCodes, generate };
}

/** Returns the noisy pixels of a network that adds noise to its input. */
function noisyInput(graph: Graph, pixels: Value): Value | undefined {
  return graph.nodes.find(({ op, inputs }) => op === "noise" && inputs[0] === pixels)?.output;
}

function hasNoisyInput(build: BuildModel, parameters: Parameters, width: number): boolean {
  const graph = new Graph(1), pixels = graph.input("pixels", width);
  build(graph, parameters, pixels);
  return noisyInput(graph, pixels) !== undefined;
}

/** Values to read from a network, by role and as one list. */
interface Recorded<T> {
  readonly parts: T;
  readonly values: readonly Value[];
}

/** A compiled network with the images that it runs on. */
class Probe<T> implements Disposable {
  readonly parts: T;
  readonly #values: readonly Value[];
  readonly #images: DeviceImages;
  readonly #step: Step;

  private constructor({ parts, values }: Recorded<T>, images: DeviceImages, step: Step) {
    this.parts = parts;
    this.#values = [...new Set(values)];
    this.#images = images;
    this.#step = step;
  }

  static async compile<T>(
    { gpu, parameters, data: { width } }: SnapshotsOptions,
    label: string,
    pixels: Uint8Array | Float32Array,
    record: (graph: Graph, pixels: Value) => Recorded<T>,
  ): Promise<Probe<T>> {
    using owned = new DisposableStack();
    const images = owned.use(new DeviceImages(gpu, label, pixels, width));
    const graph = passGraph(images.count, BATCH);
    const recorded = record(graph, gatherBatch(graph, "pixels", images));
    const step = await compile(gpu, graph, parameters, { label, outputs: recorded.values });
    owned.move();
    return new Probe(recorded, images, step);
  }

  /** Computes the values, [count, width] each, with the current parameters and always the same noise. */
  async measure(): Promise<(value: Value) => Float32Array<ArrayBuffer>> {
    const { count } = this.#images;
    const numbers = new Map(this.#values.map((value) => [value, new Float32Array(count * value.width)]));
    for (const [draw, batch] of batches(count, Math.min(BATCH, count)).entries()) {
      this.#step.run({ ...batch, draw });
      const some = await this.#step.read(this.#values, batch.rows);
      this.#values.forEach((value, k) => numbers.get(value)!.set(some[k], batch.first * value.width));
    }
    return (value) => numbers.get(value)!;
  }

  [Symbol.dispose](): void {
    this.#step.destroy();
    this.#images.destroy();
  }
}

/** Returns the layers that some values depend on, in graph order, with their activations. */
function layersOf(graph: Graph, ends: readonly Value[]): { label: string; value: Value }[] {
  const wanted = new Set(ends);
  const followed = new Map<Value, Value>(); // outputs of activation-only ops by their input
  const layers: { label: string; value: Value }[] = [];
  for (const { op, label, inputs, parameters, output } of graph.nodes.toReversed()) {
    if (!output || !wanted.has(output)) continue;
    for (const input of inputs) wanted.add(input);
    if (op === "activation" || op === "elementwise") followed.set(inputs[0], output);
    if (parameters.length > 0) {
      const value = followed.get(output) ?? output;
      layers.unshift({ label: label === labelOfSums(value.label) ? value.label : label, value });
    }
  }
  return layers;
}

/** Returns up to {@link CODES} evenly spaced indices below `count`. */
function evenly(count: number): number[] {
  const picked = Math.min(CODES, count);
  return Array.from({ length: picked }, (_, k) => Math.floor(k * count / picked));
}

/** Copies some rows of [count, width]. */
function rowsAt<T extends Uint8Array | Float32Array>(rows: T, width: number, indices: readonly number[]): T {
  const some = rows.slice(0, indices.length * width) as T;
  indices.forEach((index, n) => some.set(rows.subarray(index * width, (index + 1) * width), n * width));
  return some;
}

/** Converts pixels to bytes: numbers are clamped to [0, 1] and rounded, NaN becomes 0. */
function toBytes(pixels: Uint8Array | Float32Array): Uint8Array {
  return pixels instanceof Uint8Array ? pixels : new Uint8Array(scaled(pixels));
}

function scaled(pixels: Float32Array): Uint8ClampedArray {
  const bytes = new Uint8ClampedArray(pixels.length);
  for (let k = 0; k < pixels.length; k++) bytes[k] = 255 * pixels[k];
  return bytes;
}

function meanSquare(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, k) => sum + (value - b[k]) ** 2, 0) / a.length;
}

function columnMeans(values: Float32Array, width: number): number[] {
  const means = new Array<number>(width).fill(0);
  values.forEach((value, k) => means[k % width] += value * width / values.length);
  return means;
}

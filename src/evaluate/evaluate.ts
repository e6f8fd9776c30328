/**
 * Evaluation of a model on held-out images, with baselines.
 * @module
 */
import type { Dataset, DatasetSplit } from "../data/dataset.ts";
import { withCommas } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import { DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import { squaredError } from "../losses/squared_error.ts";
import { batches } from "../data/shuffle.ts";
import { baselines } from "../stats/baselines.ts";
import type { TableRow } from "../report/results_table.ts";
import { nearestNeighborAccuracy } from "../stats/nearest_neighbors.ts";
import { standardDeviation } from "../stats/standard_deviation.ts";
import { passGraph } from "./pass_graph.ts";
import { averageLosses } from "./test_losses.ts";
import { keepWorst, scaledRow, type WorstReconstruction } from "./worst_rows.ts";

/** Batch size of a forward pass. */
const BATCH = 1000;
/** Number of neighbors that vote on the class of a code. */
const NEIGHBOURS = 5;

/** Measurements on the test images. Errors are squared errors, mean over images and pixels. */
export interface Evaluation {
  /** Error of the model. */
  readonly error: number;
  /** Error of the mean training image. */
  readonly meanImageError: number;
  /** Error of PCA with as many components as the code has units. */
  readonly pcaError: number;
  /**
   * Bound on PCA's error on the training images beyond the least, as a share of it; absent below a ten-thousandth, as
   * it is unless many wide images have components that are hard to tell apart.
   */
  readonly pcaExcess?: number | undefined;
  /** Accuracy of classifying test codes by the 5 nearest training codes, in [0, 1]; absent without labels. */
  readonly accuracy?: number | undefined;
  /** Number of units of a code. */
  readonly codeSize: number;
  /** Error of each test image, mean over its pixels, [count]; for a clamped one, of the image as it was. */
  readonly scores: Float32Array;
  /** Error of each column, mean over the test images, [width]. */
  readonly columnErrors: Float64Array;
  /** Codes of the test images, [count, codeSize]. */
  readonly codes: Float32Array;
  /** Reconstructions of the first test images, [n, pixels]. */
  readonly reconstructions: Float32Array;
  /** Test images with the highest errors, highest first. */
  readonly worst: readonly WorstReconstruction[];
}

/** Number of reconstructions that {@link evaluate} returns. */
export const PICTURES = 30;

/**
 * Evaluates a model on the test images of a data set; the training images are the gallery for nearest
 * neighbors.
 *
 * @param gpu the device
 * @param build builds the network
 * @param parameters the trained parameters
 * @param data the data set
 * @param begin receives the name of each phase, such as `PCA of 8,000 × 784 numbers`, as it begins
 */
export async function evaluate(
  gpu: Gpu,
  build: BuildModel,
  parameters: Parameters,
  data: Dataset,
  begin: (phase: string) => void = () => {},
): Promise<Evaluation> {
  const { train, width } = data;
  begin(`the model on ${withCommas(data.test.count)} test rows`);
  const test = await encode(gpu, build, parameters, "test", data.test, width, true);
  const { codeSize, codes, error, scores, columnErrors, reconstructions, worst } = test;
  const components = Math.min(codeSize, width); // a code may be larger than the image
  begin(
    `PCA with ${withCommas(components)} of ${withCommas(width)} components on ${
      withCommas(train.count)
    } rows`,
  );
  const { meanImage, pca: [{ testMse }], excess } = await baselines(train.images, data.test.images, width, [
    components,
  ]);
  begin(`the nearest of ${withCommas(train.count)} codes to ${withCommas(data.test.count)} test codes`);
  const gallery = train.labels && data.test.labels &&
    await encode(gpu, build, parameters, "gallery", train, data.width, false);
  const accuracy = gallery &&
    await nearestNeighborAccuracy(
      { codes: gallery.codes, labels: train.labels! },
      { codes, labels: data.test.labels! },
      codeSize,
      NEIGHBOURS,
    );
  return {
    error,
    meanImageError: meanImage,
    pcaError: testMse,
    ...(excess > 1e-4 ? { pcaExcess: excess } : {}),
    accuracy,
    codeSize,
    scores,
    columnErrors,
    codes,
    reconstructions,
    worst,
  };
}

async function encode(
  gpu: Gpu,
  build: BuildModel,
  parameters: Parameters,
  label: string,
  { images, unclamped }: DatasetSplit,
  width: number,
  decodes: boolean,
): Promise<Omit<Evaluation, "meanImageError" | "pcaError" | "accuracy">> {
  using source = new DeviceImages(gpu, label, images, width);
  const graph = passGraph(source.count, BATCH);
  const pixels = gatherBatch(graph, "pixels", source);
  const { code, output, target = pixels } = build(graph, parameters, pixels);
  const term = squaredError(graph, output, target, { label: "error", reduction: "sum" });
  using forward = await compile(gpu, graph, parameters, {
    label: `evaluation on ${label}`,
    losses: decodes ? [term] : [],
    outputs: decodes ? [code, output, target] : [code],
  });
  const codes = new Float32Array(source.count * code.width);
  const scores = new Float32Array(decodes ? source.count : 0), columnErrors = new Float64Array(width);
  const worst: WorstReconstruction[] = [];
  let reconstructions = new Float32Array(), sum = 0;
  for (const batch of batches(source.count, graph.batchSize)) {
    forward.run(batch);
    const [[some, outputs, wanted], { values }] = await Promise.all([
      forward.read(decodes ? [code, output, target] : [code], batch.rows),
      forward.readLosses(),
    ]);
    sum += decodes ? values[term.label][0] : NaN;
    codes.set(some, batch.first * code.width);
    if (!decodes) continue;
    const start = batch.first * width; // an error counts what clamping has taken off
    const whole = unclamped ? wanted.map((x, k) => x + (unclamped[start + k] - images[start + k])) : wanted;
    for (let n = 0; n < batch.rows; n++) {
      const row = batch.first + n;
      scores[row] = rowError(outputs, whole, n, width);
      keepWorst(worst, row, scores[row], () =>
        scaledRow(images, row, width).map((value, k) => {
          const at = n * width + k;
          return outputs[at] + (value - wanted[at]); // in pixel space
        }));
    }
    for (let n = 0; n < batch.rows; n++) addColumnErrors(columnErrors, outputs, wanted, n, source.count);
    if (batch.first === 0) {
      const rows = Math.min(PICTURES, batch.rows);
      const [shown] = target === pixels
        ? [wanted.subarray(0, rows * width)]
        : await forward.read([pixels], rows);
      reconstructions = shown.map((value, k) => outputs[k] + (value - wanted[k])); // in pixel space
    }
  }
  const error = sum / (source.count * width);
  return { codeSize: code.width, codes, error, scores, columnErrors, reconstructions, worst };
}

/** Adds the squared errors of row n, mean over `count` rows, to those of its columns. */
function addColumnErrors(
  errors: Float64Array,
  outputs: Float32Array,
  wanted: Float32Array,
  n: number,
  count: number,
): void {
  for (let column = 0, at = n * errors.length; column < errors.length; column++, at++) {
    errors[column] += (outputs[at] - wanted[at]) ** 2 / count;
  }
}

/** Squared error of row n, mean over its columns. */
function rowError(outputs: Float32Array, wanted: Float32Array, n: number, width: number): number {
  let sum = 0;
  for (let k = n * width; k < (n + 1) * width; k++) sum += (outputs[k] - wanted[k]) ** 2;
  return sum / width;
}

/**
 * Measures a model's loss terms on held-out images.
 *
 * @param gpu the device
 * @param build builds the network
 * @param parameters the trained parameters
 * @param images [count, width], bytes in 0 … 255 or numbers in [0, 1]
 * @param width number of pixels of an image
 * @returns unweighted terms by label: per image if the reduction is `sum` or `sample`, else the mean
 */
export async function measureLosses(
  gpu: Gpu,
  build: BuildModel,
  parameters: Parameters,
  images: Uint8Array | Float32Array,
  width: number,
): Promise<Record<string, number>> {
  using source = new DeviceImages(gpu, "held out", images, width);
  const graph = passGraph(source.count, BATCH);
  const { losses } = build(graph, parameters, gatherBatch(graph, "pixels", source));
  using forward = await compile(gpu, graph, parameters, { label: "held-out losses", losses });
  return await averageLosses(forward, losses, source.count, graph.batchSize);
}

/** First rows of every recipe's results table. */
export function evaluationRows(result: Evaluation): TableRow[] {
  const unit = "squared error per pixel, test images", { pcaExcess } = result;
  const within = pcaExcess === undefined
    ? ""
    : `; within ${(100 * pcaExcess).toPrecision(2)} % of the least in training`;
  return [
    { label: "this model", value: result.error, digits: 5, unit },
    { label: `PCA, ${result.codeSize} components`, value: result.pcaError, digits: 5, unit: unit + within },
    { label: "mean image", value: result.meanImageError, digits: 5, unit },
    ...(result.accuracy === undefined ? [] : [{
      label: "5-nearest-neighbor accuracy",
      value: result.accuracy,
      digits: 3,
      unit: "of the test codes, by the training codes",
    }]),
  ];
}

/**
 * Measures, for each level, the squared error between encoder and decoder on test images and the spread of
 * both over images: if a spread is near 0, the level ignores its input, and a small error is meaningless.
 *
 * ```ts
 * import { dense, loadOwnData, measureLevels, openGpu, Parameters } from "@bottleneck/bottleneck";
 * import type { BuildModel } from "@bottleneck/bottleneck/core";
 *
 * const build: BuildModel = (graph, parameters, pixels) => {
 *   const layer = { activation: "sigmoid", initializer: "glorot-uniform" } as const;
 *   const encoded = dense(graph, parameters, pixels, { ...layer, label: "encoder.0", outputs: 8 });
 *   const code = dense(graph, parameters, encoded, { ...layer, label: "encoder.1", outputs: 2 });
 *   const decoded = dense(graph, parameters, code, { ...layer, label: "decoder.1", outputs: 8 });
 *   const output = dense(graph, parameters, decoded, { ...layer, label: "decoder.0", outputs: pixels.width });
 *   return { code, output, losses: [], levels: [{ encoded, decoded }] };
 * };
 * using gpu = await openGpu();
 * using parameters = new Parameters(0);
 * const file = "fixtures/fashion-mnist-mini/t10k-images-idx3-ubyte.gz";
 * const rows = await measureLevels(gpu, build, parameters, await loadOwnData(file, { testFraction: 0.1, seed: 0 }));
 * ```
 *
 * @returns rows for the results table; a spread is the standard deviation over images, root mean square over
 *   units
 */
export async function measureLevels(
  gpu: Gpu,
  build: BuildModel,
  parameters: Parameters,
  data: Dataset,
): Promise<TableRow[]> {
  using source = new DeviceImages(gpu, "levels", data.test.images, data.width);
  const rows = Math.min(BATCH, source.count);
  const graph = new Graph(rows);
  const { levels = [] } = build(graph, parameters, gatherBatch(graph, "pixels", source));
  const outputs = levels.flatMap(({ encoded, decoded }) => [encoded, decoded]);
  using forward = await compile(gpu, graph, parameters, { label: "levels", outputs });
  forward.run({ first: 0, rows });
  const values = await forward.read(outputs, rows);
  return levels.map(({ encoded }, level) => {
    const [left, right] = values.slice(2 * level, 2 * level + 2);
    const error = left.reduce((sum, value, k) => sum + (value - right[k]) ** 2, 0) / left.length;
    const [spreadLeft, spreadRight] = [left, right].map((side) =>
      standardDeviation(side, encoded.width).toFixed(4)
    );
    return {
      label: `level ${level}, ${encoded.width} units`,
      value: error,
      digits: 5,
      unit: `squared error; spread ${spreadLeft} in the encoder, ${spreadRight} in the decoder`,
    };
  });
}

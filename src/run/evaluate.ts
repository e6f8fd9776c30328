/**
 * Measuring a model on held-out images, beside what it must beat.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../graph/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import { DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import { squaredError } from "../losses/squared_error.ts";
import { batches } from "../data/shuffle.ts";
import { baselines } from "../report/baselines.ts";
import { closingTable } from "../report/closing_table.ts";
import { nearestNeighbourAccuracy } from "../report/nearest_neighbours.ts";

/** Images that a forward pass takes at once. */
const BATCH = 1000;
/** Neighbours that vote on a code's class. */
const NEIGHBOURS = 5;

/** What was measured on the test images. Errors are squared errors, mean over images and pixels. */
export interface Evaluation {
  /** The model's. */
  readonly error: number;
  /** The training set's mean image's. */
  readonly meanImageError: number;
  /** That of PCA with as many components as the code has numbers. */
  readonly pcaError: number;
  /** Share of test codes that the 5 nearest training codes classify rightly, in [0, 1]. */
  readonly accuracy: number;
  /** Numbers in a code. */
  readonly codeSize: number;
  /** Codes of the test images, [count, codeSize]. */
  readonly codes: Float32Array;
  /** Reconstructions of the first test images, [n, pixels]. */
  readonly reconstructions: Float32Array;
}

/** How many reconstructions {@link evaluate} keeps. */
export const PICTURES = 30;

/**
 * Measures a model on a data set's test images; its training images are the gallery for nearest neighbours.
 *
 * @param gpu the device
 * @param build records the network
 * @param parameters the trained parameters
 * @param data the data set
 */
export async function evaluate(
  gpu: Gpu,
  build: BuildModel,
  parameters: Parameters,
  data: Dataset,
): Promise<Evaluation> {
  const train = await encode(gpu, build, parameters, "gallery", data.train.images, data.width, false);
  const test = await encode(gpu, build, parameters, "test", data.test.images, data.width, true);
  const { codeSize, codes, error, reconstructions } = test;
  const { meanImage, pca: [{ testMse }] } = baselines(data.train.images, data.test.images, data.width, [
    codeSize,
  ]);
  const accuracy = nearestNeighbourAccuracy(
    { codes: train.codes, labels: data.train.labels },
    { codes, labels: data.test.labels },
    codeSize,
    NEIGHBOURS,
  );
  return { error, meanImageError: meanImage, pcaError: testMse, accuracy, codeSize, codes, reconstructions };
}

async function encode(
  gpu: Gpu,
  build: BuildModel,
  parameters: Parameters,
  label: string,
  images: Uint8Array,
  width: number,
  decodes: boolean,
): Promise<{ codeSize: number; codes: Float32Array; error: number; reconstructions: Float32Array }> {
  using source = new DeviceImages(gpu, label, images, width);
  const graph = new Graph(Math.min(BATCH, source.count));
  const pixels = gatherBatch(graph, "pixels", source);
  const { code, output } = build(graph, parameters, pixels);
  const term = squaredError(graph, output, pixels, { label: "error", reduction: "sum" });
  using forward = await compile(gpu, graph, parameters, {
    label: `evaluation on ${label}`,
    losses: decodes ? [term] : [],
    outputs: decodes ? [code, output] : [code],
  });
  const codes = new Float32Array(source.count * code.width);
  let reconstructions = new Float32Array();
  for (const batch of batches(source.count, graph.batchSize)) {
    forward.run(batch);
    const [some] = await forward.read([code], batch.rows);
    codes.set(some, batch.first * code.width);
    if (decodes && batch.first === 0) {
      [reconstructions] = await forward.read([output], Math.min(PICTURES, batch.rows));
    }
  }
  const { values } = await forward.readLosses();
  const sum = decodes ? values[term.label].reduce((total, loss) => total + loss, 0) : NaN;
  return { codeSize: code.width, codes, error: sum / (source.count * width), reconstructions };
}

/** The closing table. */
export function formatEvaluation(result: Evaluation): string {
  const unit = "squared error per pixel, test images";
  return closingTable([
    { label: "this model", value: result.error, digits: 5, unit },
    { label: `PCA, ${result.codeSize} components`, value: result.pcaError, digits: 5, unit: "the same" },
    { label: "mean image", value: result.meanImageError, digits: 5, unit: "the same" },
    {
      label: "5-nearest-neighbour accuracy",
      value: result.accuracy,
      digits: 3,
      unit: "of the test codes, by the training codes",
    },
  ]);
}

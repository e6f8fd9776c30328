/**
 * Sparsity of a code on held-out images.
 * @module
 */
import { batches } from "../data/shuffle.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import { DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import { isSparsityTerm } from "../losses/sparsity_kl.ts";
import type { TableRow } from "../report/results_table.ts";
import { histogram } from "../stats/histogram.ts";

/** Batch size of a forward pass, and of the batches that the term is averaged over. */
const BATCH = 1000;

/** Result of {@link measureSparsity}. */
export interface Sparsity {
  /** Mean activation of each unit over all images. */
  readonly units: readonly number[];
  /** Mean over all units. */
  readonly mean: number;
  /** Sparsity term in nats, summed over units; mean over batches of 1,000, weighted by their size. */
  readonly divergence: number;
}

/**
 * Measures a sparsity term and the mean activations of its units.
 *
 * ```ts
 * import { dense, measureSparsity, openGpu, Parameters, sparsityKl } from "@bottleneck/bottleneck";
 * import type { BuildModel } from "@bottleneck/bottleneck/core";
 *
 * const build: BuildModel = (graph, parameters, pixels) => {
 *   const layer = { activation: "sigmoid", initializer: "glorot-uniform" } as const;
 *   const code = dense(graph, parameters, pixels, { ...layer, label: "encoder", outputs: 2 });
 *   return {
 *     code,
 *     output: dense(graph, parameters, code, { ...layer, label: "decoder", outputs: 4 }),
 *     losses: [sparsityKl(graph, code, { label: "sparsity", sparsity: 0.1 })],
 *   };
 * };
 * using gpu = await openGpu();
 * using parameters = new Parameters(0);
 * const { units } = await measureSparsity(gpu, build, parameters, new Uint8Array(10 * 4), 4); // two means
 * ```
 *
 * @param gpu the device
 * @param build builds the network, whose loss includes a sparsity KL
 * @param parameters the trained parameters
 * @param images [count, width], bytes in 0 … 255 or numbers in [0, 1]
 * @param width number of pixels of an image
 */
export async function measureSparsity(
  gpu: Gpu,
  build: BuildModel,
  parameters: Parameters,
  images: Uint8Array | Float32Array,
  width: number,
): Promise<Sparsity> {
  using source = new DeviceImages(gpu, "held out", images, width);
  const graph = new Graph(Math.min(BATCH, source.count));
  const { losses } = build(graph, parameters, gatherBatch(graph, "pixels", source));
  const term = losses.find(isSparsityTerm);
  if (!term) throw new TypeError("Cannot measure sparsity: expected a network with a sparsity KL");
  using forward = await compile(gpu, graph, parameters, { label: "sparsity", losses: [term] });
  const units = new Array<number>(term.meanActivation.width).fill(0);
  let divergence = 0;
  for (const batch of batches(source.count, graph.batchSize)) {
    forward.run(batch);
    const share = batch.rows / source.count;
    const [means] = await forward.read([term.meanActivation], 1);
    means.forEach((value, unit) => units[unit] += share * value);
    divergence += share * (await forward.readLosses()).mean[term.label];
  }
  return { units, mean: units.reduce((sum, value) => sum + value, 0) / units.length, divergence };
}

/**
 * Returns two rows for a code: its sparsity term, and the mean activation with a histogram over units.
 *
 * ```ts
 * import { sparsityRows } from "@bottleneck/bottleneck";
 *
 * const rows = sparsityRows("code", { units: [0.04, 0.06], mean: 0.05, divergence: 0.002 }, "test images");
 * ```
 *
 * @param images name of the images, such as `noisy test images`
 */
export function sparsityRows(
  label: string,
  { units, mean, divergence }: Sparsity,
  images: string,
): TableRow[] {
  const bars = histogram(units);
  return [
    { label: `sparsity of ${label}`, value: divergence, unit: `nats, summed over units, ${images}` },
    { label: "  mean activation", value: mean, unit: `${units.length} units by tenths of [0, 1]: ${bars}` },
  ];
}

/**
 * The loss before training, compared with its expected value.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import { Graph, type LossTerm } from "../graph/graph.ts";
import { isSparsityTerm } from "../losses/sparsity_kl.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Batch } from "../step/step.ts";
import { type DeviceImages, gatherBatch } from "../layers/gather_batch.ts";

/**
 * Weighted loss of one batch; per image if a term is a sum over its batch. Terms that are 0 for an all-zero
 * network, such as a divergence or matched levels, are omitted, because they have no expected value.
 */
export interface InitialLoss {
  /** Loss with the initial parameters. */
  readonly found: number;
  /** Loss with all parameters 0. */
  readonly expected: number;
  /**
   * Ratio of the two without sparsity terms, which depend on the initial activations and may dominate; if
   * absent, all terms count.
   */
  readonly ratio?: number;
  /** True if both are per image, because a term is a sum over its batch; logged losses may be per batch. */
  readonly isPerImage?: boolean;
}

/** Options of {@link initialLoss}. */
export interface InitialLossOptions {
  readonly gpu: Gpu;
  /** The training images. */
  readonly images: DeviceImages;
  /** The initial parameters, which have their values again when it is measured. */
  readonly parameters: Parameters;
  /** The batch of the loss. */
  readonly batch: Batch;
  /** Builds the network of the first stage. */
  readonly build: BuildModel;
}

/**
 * Measures the loss at initialization and its expected value. Initial weights are small and random, so the
 * loss should be close to that of an all-zero network: with sigmoid outputs that is gray, with a loss of (x -
 * ½)² or ln 2 per pixel; a variational code equals the prior, with a loss of 0.
 *
 * @throws Diverged if a loss is not finite
 */
export async function initialLoss(options: InitialLossOptions): Promise<InitialLoss> {
  const { gpu, images, parameters, batch, build } = options;
  const graph = new Graph(batch.rows);
  const { losses } = build(graph, parameters, gatherBatch(graph, "pixels", images));
  using step = await compile(gpu, graph, parameters, { label: "the network before training", losses });
  step.run({ ...batch, draw: 1 });
  withZeros(gpu, parameters, () => step.run({ ...batch, draw: 1 }));
  const { values } = await step.readLosses();
  const [found, expected] = [0, 1].map((run) =>
    losses.map((term) => term.weight * values[term.label][run] / (isSumOverRows(term) ? batch.rows : 1))
  );
  const total = (terms: readonly number[]) =>
    terms.reduce((sum, term, k) => expected[k] > 0 ? sum + term : sum, 0);
  const isPerImage = losses.some(isSumOverRows);
  const unpenalized = (terms: readonly number[]) =>
    total(terms.map((term, k) => isSparsityTerm(losses[k]) ? 0 : term));
  const ratio = unpenalized(found) / unpenalized(expected);
  return { found: total(found), expected: total(expected), ratio, isPerImage };
}

/** Submits work on parameters that are all 0; they then have their values again. */
function withZeros(gpu: Gpu, parameters: Parameters, submitWork: () => void): void {
  const { buffer } = parameters.all[0].tensor.location!; // of all parameters
  const kept = gpu.createBuffer("parameters meanwhile", buffer.size);
  const submit = (encode: (encoder: GPUCommandEncoder) => void) => {
    const encoder = gpu.device.createCommandEncoder({ label: "parameters meanwhile" });
    encode(encoder);
    gpu.device.queue.submit([encoder.finish()]);
  };
  try {
    submit((encoder) => {
      encoder.copyBufferToBuffer(buffer, 0, kept, 0, buffer.size);
      encoder.clearBuffer(buffer);
    });
    submitWork();
    submit((encoder) => encoder.copyBufferToBuffer(kept, 0, buffer, 0, buffer.size));
  } finally {
    gpu.destroyBuffer(kept); // once the GPU has copied it
  }
}

/** True if a term is proportional to the batch size. A sparsity KL is a sum over units, not over rows. */
function isSumOverRows(term: LossTerm): boolean {
  return term.reduction === "sum" && !isSparsityTerm(term);
}

/**
 * Largest factor between initial and expected loss: the recipes start at 1.00 to 1.11 (shipped images, seeds
 * 0 and 1), and five of them exceed 1.25 with weights three to five times as large.
 */
const FAR = 1.25;

export function describeInitialLoss({ found, expected, isPerImage }: InitialLoss): string {
  const unit = isPerImage ? " per image" : "";
  return `initial loss ${found.toPrecision(4)}${unit} (all-zero network: ${expected.toPrecision(4)})`;
}

/** Warning if the loss is far from its expected value; undefined if it is close, or nothing is expected. */
export function initialLossWarning(
  { found, expected, ratio = found / expected }: InitialLoss,
): string | undefined {
  if (expected === 0 || ratio <= FAR && ratio >= 1 / FAR) return undefined;
  return `the loss before training is ${
    ratio.toPrecision(3)
  } times that of a network with all parameters 0, ` +
    `expected ${1 / FAR} to ${FAR} times: check the initial weights, the loss and the data`;
}

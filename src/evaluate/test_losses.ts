/**
 * Repeated measurement of losses on held-out images.
 * @module
 */
import { batches } from "../data/shuffle.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import type { LossTerm } from "../graph/graph.ts";
import { passGraph } from "./pass_graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Step } from "../step/step.ts";
import { type DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import { isSparsityTerm } from "../losses/sparsity_kl.ts";
import { squaredError } from "../losses/squared_error.ts";
import { LOSS_RING } from "../step/loss_ring.ts";

/** A network to be measured. */
export interface Network {
  /** Builds the network without noise. */
  readonly build: BuildModel;
  /** Builds the network with its training noise, if any; its loss terms are measured with noise. */
  readonly noisy?: BuildModel | undefined;
}

/** Batch size of a forward pass. */
const BATCH = 1000;

interface Pass {
  readonly step: Step;
  readonly losses: readonly LossTerm[];
  /** Batch size. */
  readonly rows: number;
}

/** Measures a network's loss terms and squared error on images, with its current parameters. */
export class TestLosses implements Disposable {
  readonly #passes: readonly Pass[];
  readonly #images: DeviceImages;

  private constructor(passes: readonly Pass[], images: DeviceImages) {
    this.#passes = passes;
    this.#images = images;
  }

  /**
   * Compiles a network.
   *
   * @param gpu the device
   * @param parameters parameters, shared with training
   * @param images images, used in stored order
   * @param network the network
   */
  static async compile(
    gpu: Gpu,
    parameters: Parameters,
    images: DeviceImages,
    { build, noisy }: Network,
  ): Promise<TestLosses> {
    using owned = new DisposableStack();
    const pass = async (build: BuildModel, parts: { terms: boolean; error: boolean }): Promise<Pass> => {
      const graph = passGraph(images.count, BATCH);
      const pixels = gatherBatch(graph, "pixels", images);
      const { output, target = pixels, losses: terms } = build(graph, parameters, pixels);
      const error = squaredError(graph, output, target, { label: "testError", reduction: "sum" });
      const losses = [...(parts.terms ? terms : []), ...(parts.error ? [error] : [])];
      const step = owned.use(await compile(gpu, graph, parameters, { label: "test images", losses }));
      return { step, losses, rows: graph.batchSize };
    };
    const passes = noisy
      ? [await pass(noisy, { terms: true, error: false }), await pass(build, { terms: false, error: true })]
      : [await pass(build, { terms: true, error: true })];
    owned.move(); // disposed of by this object from now on
    return new TestLosses(passes, images);
  }

  /**
   * Measures the network; waits for the GPU. Noise is the same every time.
   *
   * @returns `testError`, the squared error, mean over images and pixels, and each unweighted term as
   *   `test.<label>`: per image if its reduction is `sum` or `sample`, else its mean
   * @param signal stops the measurement
   * @throws InputError if a loss is not finite
   * @throws DOMException `AbortError` if it was stopped
   */
  async measure(signal?: AbortSignal): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    for (const { step, losses, rows } of this.#passes) {
      const { testError, ...terms } = await averageLosses(step, losses, this.#images.count, rows, signal);
      if (testError !== undefined) found.testError = testError / this.#images.width;
      for (const [label, value] of Object.entries(terms)) found[`test.${label}`] = value;
    }
    return found;
  }

  /** Frees the compiled network, but not images and parameters. */
  [Symbol.dispose](): void {
    for (const { step } of this.#passes) step.destroy();
  }
}

/**
 * Runs a step over images and averages its losses. The batches use noise draws 1, 2, …
 *
 * @param step step without an optimizer
 * @param losses loss terms of the step
 * @param count number of images
 * @param rows batch size
 * @param signal stops between batches
 * @returns unweighted terms by label: per image if the reduction is `sum` or `sample`, else the mean. A
 *   sparsity term is the mean over batches, weighted by their size.
 * @throws InputError if a loss is not finite
 * @throws DOMException `AbortError` if it was stopped
 */
export async function averageLosses(
  step: Step,
  losses: readonly LossTerm[],
  count: number,
  rows: number,
  signal?: AbortSignal,
): Promise<Record<string, number>> {
  const epochBatches = batches(count, rows);
  const sums = new Map(losses.map((term) => [term, 0]));
  for (let begin = 0; begin < epochBatches.length; begin += LOSS_RING) { // the ring holds no more losses
    const some = epochBatches.slice(begin, begin + LOSS_RING);
    for (const [k, batch] of some.entries()) {
      step.run({ ...batch, draw: begin + k + 1 });
      await step.keepPace();
      signal?.throwIfAborted();
    }
    const { values } = await step.readLosses();
    for (const term of losses) {
      const isSum = term.reduction === "sum" && !isSparsityTerm(term);
      sums.set(
        term,
        some.reduce((sum, { rows }, k) => sum + values[term.label][k] * (isSum ? 1 : rows), sums.get(term)!),
      );
    }
  }
  return Object.fromEntries(losses.map((term) => [term.label, sums.get(term)! / count]));
}

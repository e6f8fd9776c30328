/**
 * Measuring losses on held-out images, as often as one likes.
 * @module
 */
import { batches } from "../data/shuffle.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../graph/compile.ts";
import { Graph, type LossTerm } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Step } from "../graph/step.ts";
import { type DeviceImages, gatherBatch } from "../layers/gather_batch.ts";
import { isSparsityTerm } from "../losses/sparsity_kl.ts";
import { squaredError } from "../losses/squared_error.ts";
import { LOSS_RING } from "../graph/loss_ring.ts";

/** A network, as it is measured. */
export interface Network {
  /** Records it with nothing random in it: what it does with images as they are. */
  readonly build: BuildModel;
  /** Records it with the noise that it trains with, where there is some; its loss terms are measured with that. */
  readonly noisy?: BuildModel | undefined;
}

/** Images that a forward pass takes at once. */
const BATCH = 1000;

/** One network, compiled to be measured. */
interface Pass {
  readonly step: Step;
  /** What it measures. */
  readonly losses: readonly LossTerm[];
  /** Images at once. */
  readonly rows: number;
}

/** A network's loss terms and its squared error on images, with its parameters as they are when it is asked. */
export class TestLosses implements Disposable {
  readonly #passes: readonly Pass[];
  readonly #images: DeviceImages;

  private constructor(passes: readonly Pass[], images: DeviceImages) {
    this.#passes = passes;
    this.#images = images;
  }

  /**
   * Compiles a network, once.
   *
   * @param gpu the device
   * @param parameters what it shares with whoever trains it
   * @param images the images, in the order in which they lie
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
      const graph = new Graph(Math.min(BATCH, images.count));
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
    owned.move(); // it is this object's from now on
    return new TestLosses(passes, images);
  }

  /**
   * Measures; waits for the GPU. Noise is the same every time.
   *
   * @returns `testError`, the squared error, mean over images and pixels, and each term without its weight as
   *   `test.<label>`: per image if its reduction is `sum` or `sample`, else its mean
   * @throws InputError if a loss is not finite
   */
  async measure(): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    for (const { step, losses, rows } of this.#passes) {
      const { testError, ...terms } = await averageLosses(step, losses, this.#images.count, rows);
      if (testError !== undefined) found.testError = testError / this.#images.width;
      for (const [label, value] of Object.entries(terms)) found[`test.${label}`] = value;
    }
    return found;
  }

  /** Frees what was compiled; images and parameters stay. */
  [Symbol.dispose](): void {
    for (const { step } of this.#passes) step.destroy();
  }
}

/**
 * Runs a step over images, and averages its losses. The draws of its noise are 1, 2, … for the first batch and those
 * after it.
 *
 * @param step a step without an optimizer
 * @param losses its terms
 * @param count images to run over
 * @param rows images at once
 * @returns each term without its weight, by label: per image if its reduction is `sum` or `sample`, else its mean. A
 *   sparsity term is of all rows of a batch together: the mean over batches, each image counting once.
 * @throws InputError if a loss is not finite
 */
export async function averageLosses(
  step: Step,
  losses: readonly LossTerm[],
  count: number,
  rows: number,
): Promise<Record<string, number>> {
  const epochBatches = batches(count, rows);
  const sums = new Map(losses.map((term) => [term, 0]));
  for (let begin = 0; begin < epochBatches.length; begin += LOSS_RING) { // no more losses are remembered
    const some = epochBatches.slice(begin, begin + LOSS_RING);
    some.forEach((batch, k) => step.run({ ...batch, draw: begin + k + 1 }));
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

/**
 * Measurement of a run on the test images after each epoch.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { DeviceImages } from "../layers/gather_batch.ts";
import { type Network, TestLosses } from "./test_losses.ts";

/** Options of {@link EpochTestLosses}. */
export interface EpochTestLossesOptions {
  readonly gpu: Gpu;
  /** The data set; its test images are used. */
  readonly data: Dataset;
  readonly parameters: Parameters;
  /** Returns the network of a stage, and names the loss terms whose sum is meaningful. */
  readonly evaluated: {
    readonly ofStage: (stage: number | undefined) => Network;
    readonly total?: readonly string[];
  };
}

/** Measures the network of the current stage on all test images. */
export class EpochTestLosses implements Disposable {
  readonly #options: EpochTestLossesOptions;
  #images: DeviceImages | undefined;
  #compiled: { readonly stage: number | undefined; readonly network: TestLosses } | undefined;

  /** Uploads and compiles nothing until the first measurement. */
  constructor(options: EpochTestLossesOptions) {
    this.#options = options;
  }

  /**
   * Measures the network with its current parameters; waits for the GPU.
   *
   * @param stage number of the current stage; absent without stages
   * @param signal stops the measurement
   * @returns the result of `TestLosses.measure` and, if the recipe names such terms, their sum as
   *   `test.total`
   * @throws InputError if a loss is not finite
   * @throws DOMException `AbortError` if it was stopped
   */
  async measure(
    stage: number | undefined,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, number>>> {
    const { total } = this.#options.evaluated;
    const found = await (await this.#networkOf(stage)).measure(signal);
    const sum = total?.reduce((sum, label) => sum + found[`test.${label}`], 0);
    return { ...found, ...(sum === undefined ? {} : { "test.total": sum }) };
  }

  /** Returns the network of a stage, compiled on first use. */
  async #networkOf(stage: number | undefined): Promise<TestLosses> {
    const { gpu, data, parameters, evaluated } = this.#options;
    if (this.#compiled && this.#compiled.stage === stage) return this.#compiled.network;
    this.#images ??= new DeviceImages(gpu, "test", data.test.images, data.width);
    this.#compiled?.network[Symbol.dispose]();
    this.#compiled = undefined;
    const network = evaluated.ofStage(stage);
    this.#compiled = { stage, network: await TestLosses.compile(gpu, parameters, this.#images, network) };
    return this.#compiled.network;
  }

  /** Frees images and networks; a later measurement creates them again. */
  [Symbol.dispose](): void {
    this.#compiled?.network[Symbol.dispose]();
    this.#images?.destroy();
    this.#compiled = this.#images = undefined;
  }
}

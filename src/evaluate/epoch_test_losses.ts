/**
 * What a run finds out on its test images after each epoch.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { DeviceImages } from "../layers/gather_batch.ts";
import { type Network, TestLosses } from "./test_losses.ts";

/** What {@link EpochTestLosses} measures. */
export interface EpochTestLossesOptions {
  /** The device. */
  readonly gpu: Gpu;
  /** Whose test images it measures on. */
  readonly data: Dataset;
  /** What is learned. */
  readonly parameters: Parameters;
  /** How the network is measured: that of a stage, if there are stages, and the terms that add up. */
  readonly evaluated: {
    readonly ofStage: (stage: number | undefined) => Network;
    readonly total?: readonly string[];
  };
}

/** Measures a network on all test images; with stages, the network of the stage that is trained. */
export class EpochTestLosses implements Disposable {
  readonly #options: EpochTestLossesOptions;
  #images: DeviceImages | undefined;
  #compiled: { readonly stage: number | undefined; readonly network: TestLosses } | undefined;

  /** Uploads and compiles nothing until it is asked. */
  constructor(options: EpochTestLossesOptions) {
    this.#options = options;
  }

  /**
   * Measures the network with its parameters as they are now; waits for the GPU.
   *
   * @param stage the stage that is trained, if there are stages
   * @returns what `TestLosses.measure` finds and, where the recipe names terms that add up, their sum as `test.total`
   * @throws InputError if a loss is not finite
   */
  async measure(stage: number | undefined): Promise<Readonly<Record<string, number>>> {
    const { total } = this.#options.evaluated;
    const found = await (await this.#networkOf(stage)).measure();
    const sum = total?.reduce((sum, label) => sum + found[`test.${label}`], 0);
    return { ...found, ...(sum === undefined ? {} : { "test.total": sum }) };
  }

  /** The network to measure; compiled when a stage is measured for the first time. */
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

  /** Frees the images and what was compiled; who measures again has them made again. */
  [Symbol.dispose](): void {
    this.#compiled?.network[Symbol.dispose]();
    this.#images?.destroy();
    this.#compiled = this.#images = undefined;
  }
}

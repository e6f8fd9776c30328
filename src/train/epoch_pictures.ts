/**
 * Visual output of a run: pictures and snapshots, the report at its end and, with `--live`, the dashboard.
 * @module
 */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Live } from "../live/live.ts";
import { lossPerImage } from "../report/loss_per_image.ts";
import { reportPage } from "../report/page/report_page.ts";
import { imageGrid, reconstructionGrid } from "../report/picture.ts";
import type { EpochPicture, Snapshot } from "../report/run_data.ts";
import { removeEpochPictures, saveEpochPicture, spreadEpochs } from "../runs/epoch_picture_files.ts";
import { readErrors, readRunData } from "../runs/read_run_data.ts";
import type { Results } from "../runs/results.ts";
import { saveSnapshot } from "../runs/snapshot_file.ts";
import { Snapshots } from "../evaluate/epoch_snapshot.ts";
import { priorCodes, SAMPLE_COLUMNS, SAMPLES } from "../evaluate/variational.ts";
import { writeFileAtomic } from "../files/write_file.ts";
import type { EvaluatedNetwork } from "../recipe/evaluated_network.ts";

/** Options of {@link RunPictures}. */
export interface RunPicturesOptions {
  /** The run folder, which holds a `config.json`. */
  readonly folder: string;
  readonly gpu: Gpu;
  readonly parameters: Parameters;
  /** The data set; its test images are shown. */
  readonly data: Dataset;
  readonly evaluated: EvaluatedNetwork;
  /** Seed of the prior codes that are decoded into samples. */
  readonly seed: number;
  /** The dashboard, if there is one; disposed of together with the pictures. */
  readonly live: Live | undefined;
  /** Number of steps between two pictures on the dashboard. */
  readonly pictureEvery: number;
  /** Number of epochs whose pictures are kept; all if absent. */
  readonly keepPictures?: number | undefined;
  /** Number of epochs between two that are saved. */
  readonly measureEvery: number;
}

/** Largest fraction of training time spent on the dashboard's pictures; beyond it, fewer are taken. */
const SHARE = 0.005;

/** Pictures, report and dashboard of a run. They do not affect training. */
export class RunPictures implements Disposable {
  readonly #options: RunPicturesOptions;
  #snapshots: { readonly stage: number | undefined; readonly network: Snapshots } | undefined;
  #restUntil = 0; // on performance.now()'s clock

  constructor(options: RunPicturesOptions) {
    this.#options = options;
    this.startAgain();
  }

  /** Resets the dashboard, if there is one, to the contents of the run folder. */
  startAgain(): void {
    const { folder } = this.#options;
    this.live?.publish({ kind: "run", run: { ...readRunData(folder), status: "running" } });
  }

  /** The dashboard, if there is one. */
  get live(): Live | undefined {
    return this.#options.live;
  }

  /** True if the dashboard is due a picture after this step; only while a browser is connected. */
  isDue(step: number): boolean {
    return this.live?.isWatched === true && step % this.#options.pictureEvery === 0 &&
      performance.now() >= this.#restUntil;
  }

  /**
   * Shows the current reconstructions of the first test images on the dashboard.
   *
   * @param epoch current epoch, counted from 1
   * @param step number of steps done
   * @param stage number of the current stage; absent without stages
   */
  async show(epoch: number, step: number, stage: number | undefined): Promise<void> {
    const network = await this.#networkOf(stage);
    const began = performance.now();
    const snapshot = await network.takePictures(epoch, step);
    this.live?.publish({ kind: "change", change: { snapshot } });
    const now = performance.now();
    this.#restUntil = now + (now - began) / SHARE;
  }

  /**
   * Takes a snapshot after an epoch and saves it with its pictures: `snapshot.safetensors`, replacing the
   * previous one, `reconstructions-<epoch>.png` and, if the model has a prior, `samples-<epoch>.png`. Removes pictures
   * beyond `keepPictures`.
   *
   * @param epoch epoch that has ended, counted from 1
   * @param step number of steps done
   * @param stage number of the current stage; absent without stages
   * @throws InputError if a file cannot be written
   */
  async save(epoch: number, step: number, stage: number | undefined): Promise<void> {
    const { folder, keepPictures, measureEvery } = this.#options;
    const snapshot = await (await this.#networkOf(stage)).take(epoch, step);
    saveSnapshot(folder, snapshot);
    const { samples, imageShape } = snapshot;
    const pictures: EpochPicture[] = [{ kind: "reconstructions", epoch, png: reconstructionsOf(snapshot) }];
    if (samples) {
      const png = imageGrid(samples, SAMPLES, imageShape, { columns: SAMPLE_COLUMNS });
      pictures.push({ kind: "samples", epoch, png });
    }
    for (const picture of pictures) {
      saveEpochPicture(folder, picture);
      this.live?.publish({ kind: "picture", picture });
    }
    if (keepPictures !== undefined) {
      removeEpochPictures(folder, spreadEpochs(epoch, measureEvery, keepPictures));
    }
    this.live?.publish({ kind: "change", change: { snapshot } });
  }

  /**
   * Returns the content of `reconstructions.png` for a network with input noise: clean test images, noisy
   * ones and their reconstructions. Undefined for other networks.
   */
  async noisyReconstructions(): Promise<Uint8Array | undefined> {
    if (!this.#options.evaluated.noisy) return undefined;
    const snapshot = await (await this.#networkOf(undefined)).takePictures(0, 0);
    return snapshot.inputs && reconstructionsOf(snapshot);
  }

  /**
   * Writes `loss.svg`, `codes.svg`, `weights.png` and `report.html`, then closes the dashboard.
   * `results.json` is written last, so its presence marks a complete run.
   *
   * @param results final results of the run
   * @throws InputError if a file cannot be written
   */
  async finish(results: Results): Promise<void> {
    const { folder, data } = this.#options;
    const run = { ...readRunData(folder), ...readErrors(folder), ...results };
    const { snapshot, weights } = run;
    // imported here, so that loading their packages does not delay the first step
    const { lossChart } = await import("../report/loss_chart.ts");
    const { codesChart } = await import("../report/codes_chart.ts");
    const { weightsPicture } = await import("../report/weights_picture.ts");
    const { lossUnit } = run.facts;
    const unit = typeof lossUnit === "string" ? lossUnit : undefined;
    writeFileAtomic(join(folder, "loss.svg"), lossChart(lossPerImage(run), run.baselines, unit));
    if (snapshot?.codes) {
      writeFileAtomic(join(folder, "codes.svg"), codesChart(snapshot.codes, run.classNames));
    }
    if (weights.length > 0) {
      writeFileAtomic(join(folder, "weights.png"), weightsPicture(weights, data.imageShape));
    }
    writeFileAtomic(join(folder, "report.html"), reportPage([run]));
    writeFileAtomic(join(folder, "results.json"), JSON.stringify(results, null, 2) + "\n");
    const { metrics: _metrics, pictures: _pictures, ...change } = run;
    this.live?.publish({ kind: "change", change });
    await this.live?.close();
  }

  /** Returns the network of a stage, compiled on first use. */
  async #networkOf(stage: number | undefined): Promise<Snapshots> {
    if (this.#snapshots && this.#snapshots.stage === stage) return this.#snapshots.network;
    this.#snapshots?.network[Symbol.dispose]();
    this.#snapshots = undefined;
    const { gpu, parameters, data, evaluated, seed } = this.#options;
    const { generator, sparsityTarget } = evaluated;
    const { build, noisy } = evaluated.ofStage(stage);
    const samples = generator && {
      codes: priorCodes(SAMPLES, generator.codeSize, seed),
      decoder: generator.decoder,
    };
    const network = await Snapshots.compile({ gpu, parameters, data, build, noisy, sparsityTarget, samples });
    this.#snapshots = { stage, network };
    return network;
  }

  /** Closes the dashboard and frees the compiled network. */
  [Symbol.dispose](): void {
    this.#snapshots?.network[Symbol.dispose]();
    this.live?.[Symbol.dispose]();
  }
}

/** PNG of a snapshot: images, noisy inputs if there are any, and reconstructions, in rows. */
function reconstructionsOf({ images, inputs, reconstructions, errors, imageShape }: Snapshot): Uint8Array {
  const rows = inputs ? [images, inputs, reconstructions] : [images, reconstructions];
  return reconstructionGrid(rows, errors.length, imageShape);
}

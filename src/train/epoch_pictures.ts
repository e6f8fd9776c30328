/**
 * What a run shows: pictures and snapshots in its folder, a report when it ends and, with `--live`, a dashboard while
 * it trains.
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
import { readRunData } from "../runs/read_run_data.ts";
import type { Results } from "../runs/results.ts";
import { saveSnapshot } from "../runs/snapshot_file.ts";
import { Snapshots } from "../evaluate/epoch_snapshot.ts";
import { priorCodes, SAMPLE_COLUMNS, SAMPLES } from "../evaluate/variational.ts";
import { removeFile, writeFileAtomic } from "../files/write_file.ts";
import type { EvaluatedNetwork } from "../recipe/evaluated_network.ts";

/** What {@link RunPictures} is made from. */
export interface RunPicturesOptions {
  /** The run folder, with its configuration. */
  readonly folder: string;
  /** The device. */
  readonly gpu: Gpu;
  /** What is being learned. */
  readonly parameters: Parameters;
  /** Whose test images are shown. */
  readonly data: Dataset;
  /** The network. */
  readonly evaluated: EvaluatedNetwork;
  /** Seed of the codes that samples are drawn from. */
  readonly seed: number;
  /** The dashboard, if there is one; it ends with the pictures. */
  readonly live: Live | undefined;
  /** Steps between two of its pictures. */
  readonly pictureEvery: number;
}

/**
 * Removes the pictures of epochs that a run has not measured any more, after it went back to an earlier moment.
 *
 * @param folder the run folder
 * @param epochs those that it has measured
 * @throws InputError if one cannot be removed
 */
export function removeOtherPictures(folder: string, epochs: ReadonlySet<number>): void {
  for (const { name } of [...Deno.readDirSync(folder)]) {
    const epoch = /^(?:samples|reconstructions)-(\d+)\.png$/.exec(name)?.[1];
    if (epoch !== undefined && !epochs.has(Number(epoch))) removeFile(join(folder, name));
  }
}

/** The largest share of the time that the dashboard's pictures may take; fewer are taken where it would be more. */
const SHARE = 0.005;

/** What a run shows. It changes nothing of what is learned. */
export class RunPictures implements Disposable {
  readonly #options: RunPicturesOptions;
  #snapshots: { readonly stage: number | undefined; readonly network: Snapshots } | undefined;
  #restUntil = 0; // on performance.now()'s clock

  /** Shows the run on the dashboard, if there is one. */
  constructor(options: RunPicturesOptions) {
    this.#options = options;
    this.startAgain();
  }

  /** Shows the run as its folder has it, in place of all that the dashboard, if there is one, has shown. */
  startAgain(): void {
    const { folder } = this.#options;
    this.live?.publish({ kind: "run", run: { ...readRunData(folder), status: "running" } });
  }

  /** The dashboard, if there is one. */
  get live(): Live | undefined {
    return this.#options.live;
  }

  /** Whether the dashboard wants a picture after this many steps: only while somebody watches. */
  isDue(step: number): boolean {
    return this.live?.isWatched === true && step % this.#options.pictureEvery === 0 &&
      performance.now() >= this.#restUntil;
  }

  /**
   * Shows on the dashboard what the network makes of the first test images now.
   *
   * @param epoch the current epoch, from 1
   * @param step steps done so far
   * @param stage the stage that is trained, if there are stages
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
   * Takes a snapshot after an epoch, and saves it with its pictures: `snapshot.safetensors`, which replaces the one
   * before, `reconstructions-<epoch>.png` and, where a prior can be drawn from, `samples-<epoch>.png`.
   *
   * @param epoch the epoch that has ended, from 1
   * @param step steps done so far
   * @param stage the stage that is trained, if there are stages
   * @throws InputError if they cannot be written
   */
  async save(epoch: number, step: number, stage: number | undefined): Promise<void> {
    const snapshot = await (await this.#networkOf(stage)).take(epoch, step);
    saveSnapshot(this.#options.folder, snapshot);
    const { samples, imageShape } = snapshot;
    const pictures: EpochPicture[] = [{ kind: "reconstructions", epoch, png: reconstructionsOf(snapshot) }];
    if (samples) {
      const png = imageGrid(samples, SAMPLES, imageShape, { columns: SAMPLE_COLUMNS });
      pictures.push({ kind: "samples", epoch, png });
    }
    for (const picture of pictures) {
      writeFileAtomic(join(this.#options.folder, `${picture.kind}-${epoch}.png`), picture.png);
      this.live?.publish({ kind: "picture", picture });
    }
    this.live?.publish({ kind: "change", change: { snapshot } });
  }

  /**
   * The whole network's reconstructions of noisy test images, as `reconstructions.png` shows them below clean and noisy
   * ones; nothing if it trains without noise on its input.
   */
  async noisyReconstructions(): Promise<Uint8Array | undefined> {
    if (!this.#options.evaluated.noisy) return undefined;
    const snapshot = await (await this.#networkOf(undefined)).takePictures(0, 0);
    return snapshot.inputs && reconstructionsOf(snapshot);
  }

  /**
   * Draws `loss.svg`, `codes.svg` and `weights.png` of what is in the folder, writes `report.html`, and ends the
   * dashboard with it. `results.json` comes after all others: who finds it finds a whole run.
   *
   * @param results what the run ends with
   * @throws InputError if they cannot be written
   */
  async finish(results: Results): Promise<void> {
    const { folder, data } = this.#options;
    const run = { ...readRunData(folder), ...results };
    const { snapshot, weights } = run;
    // loaded here, so that no run waits for their packages before its first step
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

  /** The network to show; compiled when a stage is shown for the first time. */
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

  /** Ends the dashboard, and frees what was compiled. */
  [Symbol.dispose](): void {
    this.#snapshots?.network[Symbol.dispose]();
    this.live?.[Symbol.dispose]();
  }
}

/** A snapshot's reconstructions below the images, and below the noisy ones if the network saw these. */
function reconstructionsOf({ images, inputs, reconstructions, errors, imageShape }: Snapshot): Uint8Array {
  const rows = inputs ? [images, inputs, reconstructions] : [images, reconstructions];
  return reconstructionGrid(rows, errors.length, imageShape);
}

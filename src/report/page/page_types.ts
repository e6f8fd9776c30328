/**
 * What the page is drawn from: plain data that survive JSON. `page_data.ts` makes them of a run.
 * @module
 */
import type { ActivationHistogram, Baseline, EpochPicture, LevelState, RunStatus } from "../run_data.ts";

/** A test image, and what became of it. All images are data URIs. */
export interface PageTile {
  /** The test image. */
  readonly original: string;
  /** What the network was shown, if not that. */
  readonly input?: string | undefined;
  /** What it made of it. */
  readonly result: string;
  /** Squared error, mean over pixels; null if it is no number. */
  readonly error: number | null;
}

/** A draw from the prior. */
export interface PageSample {
  /** The image, a data URI. */
  readonly image: string;
  /** Its mean pixel, in [0, 1]. */
  readonly mean: number;
  /** The share of its pixels above one half. */
  readonly ink: number;
}

/** Codes of test images, as points. */
export interface PageCodes {
  /** Numbers in a code. */
  readonly size: number;
  /** What the points' coordinates are: one to three names. */
  readonly axes: readonly string[];
  /** Coordinates, point after point; null where a code is no number. */
  readonly points: readonly (number | null)[];
  /** The class of each; absent without labels. */
  readonly labels?: readonly number[] | undefined;
  /** The images' bytes, point after point, each column by column, in 16 grays: gzip, base64. */
  readonly images: string;
}

/** What a snapshot is to the page. */
export interface PageSnapshot {
  /** The epoch, from 1. */
  readonly epoch: number;
  /** Steps done. */
  readonly step: number;
  /** [height, width]. */
  readonly imageShape: readonly [number, number];
  /** Test images with their reconstructions. */
  readonly tiles: readonly PageTile[];
  /** Codes of test images. */
  readonly codes?: PageCodes | undefined;
  /** Draws from the prior (variational). */
  readonly samples?: readonly PageSample[] | undefined;
  /** One for each layer. */
  readonly activations: readonly ActivationHistogram[];
  /** Mean activations of code units (sparse). */
  readonly sparsity?: { readonly target: number; readonly means: readonly number[] } | undefined;
  /** The levels (matched). */
  readonly levels?: readonly LevelState[] | undefined;
}

/** A picture that was saved after an epoch. */
export interface PagePicture {
  /** What it shows. */
  readonly kind: EpochPicture["kind"];
  /** The epoch, from 1. */
  readonly epoch: number;
  /** The picture, a data URI. */
  readonly image: string;
}

/** Weights as one picture, an image a unit. */
export interface PageWeights {
  /** The parameter's name. */
  readonly label: string;
  /** The picture, a data URI; blue is negative, red positive, white or black 0. */
  readonly image: string;
  /** Its size in pixels. */
  readonly size: readonly [width: number, height: number];
  /** The magnitude from which on colors are the strongest. */
  readonly scale: number;
  /** Units in all, of which the picture shows the first. */
  readonly units: number;
  /** The least weight, the greatest and the Euclidean norm of each unit that is shown. */
  readonly figures: readonly (readonly [least: number, greatest: number, norm: number])[];
}

/** A row of the results table, its value formatted. */
export interface PageRow {
  /** What was measured. */
  readonly label: string;
  /** The result. */
  readonly value: string;
  /** Its unit, or nothing. */
  readonly unit: string;
}

/** A line of the metrics; of each trained tensor `[gradientNorm, weightNorm, updateRatio]`. */
export type PageRecord =
  & Readonly<Record<string, number | string | boolean | PageTensors>>
  & { readonly tensors?: PageTensors };

/** `[gradientNorm, weightNorm, updateRatio]` by the tensor's name. */
export type PageTensors = Readonly<Record<string, readonly [number, number, number]>>;

/** All that the page shows of a run. */
export interface PageData {
  /** The run folder's name. */
  readonly name: string;
  /** The recipe's name. */
  readonly recipe: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** How it stands. */
  readonly status: RunStatus;
  /** The command that repeats it. */
  readonly command: string;
  /** Milliseconds per training step. */
  readonly stepMilliseconds?: number | undefined;
  /** The settings by flag, as texts. */
  readonly config: Readonly<Record<string, string>>;
  /** What was found, by dotted key, as texts. */
  readonly facts: Readonly<Record<string, string>>;
  /** Names of the classes. */
  readonly classNames?: readonly string[] | undefined;
  /** The metrics' lines, in order. The page makes the curves of them: whoever has a new line may append it. */
  readonly metrics: readonly PageRecord[];
  /** Lines to compare with. */
  readonly baselines: readonly Baseline[];
  /** The results table. */
  readonly rows: readonly PageRow[];
  /** The latest moment that was captured. */
  readonly snapshot?: PageSnapshot | undefined;
  /** Pictures after epochs, in order. */
  readonly pictures: readonly PagePicture[];
  /** Weights as pictures. */
  readonly weights: readonly PageWeights[];
}

/**
 * Data types of the page: plain JSON, made from a run by `page_data.ts`.
 * @module
 */
import type { ImageShape } from "../image_shape.ts";
import type { ActivationHistogram, Baseline, EpochPicture, LevelState, RunStatus } from "../run_data.ts";

/** A test image and its reconstruction. All images are data URIs. */
export interface PageTile {
  /** Test image. */
  readonly original: string;
  /** Noisy input; absent if the test image is the input. */
  readonly input?: string | undefined;
  /** Reconstruction. */
  readonly result: string;
  /** Squared error, mean over pixels; null if not finite. */
  readonly error: number | null;
}

/** A sample from the prior. */
export interface PageSample {
  /** Image as a data URI. */
  readonly image: string;
  /** Mean pixel, in [0, 1]. */
  readonly mean: number;
  /** Fraction of pixels above 0.5. */
  readonly ink: number;
}

/** Codes of test images, as points. */
export interface PageCodes {
  /** Code size. */
  readonly size: number;
  /** Names of the one to three coordinates. */
  readonly axes: readonly string[];
  /** Coordinates [count, axes]; null if not finite. */
  readonly points: readonly (number | null)[];
  /** Class of each point; absent without labels. */
  readonly labels?: readonly number[] | undefined;
  /** Images [count, colors, width, height] in 16 levels of each color, as base64 of gzip. */
  readonly images: string;
}

/** A snapshot for the page. */
export interface PageSnapshot {
  /** Epoch, from 1. */
  readonly epoch: number;
  /** Number of training steps done. */
  readonly step: number;
  /** Shape of an image. */
  readonly imageShape: ImageShape;
  /** Test images with their reconstructions. */
  readonly tiles: readonly PageTile[];
  /** Codes of test images. */
  readonly codes?: PageCodes | undefined;
  /** Samples from the prior of a variational autoencoder. */
  readonly samples?: readonly PageSample[] | undefined;
  /** One histogram per layer. */
  readonly activations: readonly ActivationHistogram[];
  /** Target and actual mean activations of the code units of a sparse autoencoder. */
  readonly sparsity?: { readonly target: number; readonly means: readonly number[] } | undefined;
  /** Levels of a layer-matched autoencoder. */
  readonly levels?: readonly LevelState[] | undefined;
}

/** A picture saved after an epoch. */
export interface PagePicture {
  readonly kind: EpochPicture["kind"];
  /** Epoch, from 1. */
  readonly epoch: number;
  /** Picture as a data URI. */
  readonly image: string;
}

/** Weights as one picture, with one image per unit. */
export interface PageWeights {
  /** Name of the parameter. */
  readonly label: string;
  /** Picture as a data URI: blue is negative, white 0, red positive. */
  readonly image: string;
  /** Size in pixels. */
  readonly size: readonly [width: number, height: number];
  /** Magnitude at which the colors saturate. */
  readonly scale: number;
  /** True if a unit's red, green and blue weights are one above the other; absent for gray. */
  readonly isColor?: boolean;
  /** Total number of units; the picture shows the first ones. */
  readonly units: number;
  /** Minimum, maximum and L2 norm of the weights of each shown unit. */
  readonly figures: readonly (readonly [least: number, greatest: number, norm: number])[];
}

/** A row of the results table, with the value formatted. */
export interface PageRow {
  readonly label: string;
  readonly value: string;
  /** Unit; may be empty. */
  readonly unit: string;
}

/** A metrics record, with the statistics of each trained tensor. */
export type PageRecord =
  & Readonly<Record<string, number | string | boolean | PageTensors>>
  & { readonly tensors?: PageTensors };

/** `[gradientNorm, weightNorm, updateRatio]` by tensor name. */
export type PageTensors = Readonly<Record<string, readonly [number, number, number]>>;

/** Histograms of the test rows' errors. */
export interface PageErrors {
  /** True if the bins are equally wide in the logarithm. */
  readonly isLog: boolean;
  /** Lower edge of the first bin and upper edge of the last. */
  readonly range: readonly [low: number, high: number];
  /** Sets of rows, with the share of its rows in each bin, in percent. */
  readonly sets: readonly { readonly label: string; readonly shares: readonly number[] }[];
  /** Name and value of the threshold of `deno task score`; absent if it is not finite. */
  readonly threshold?: { readonly label: string; readonly value: number } | undefined;
}

/** A test row with a high error. */
export interface PageWorstRow {
  /** Number of the row, as in `codes.csv`. */
  readonly row: number;
  /** Squared error, mean over columns; null if not finite. */
  readonly error: number | null;
  /** Its class; absent without classes. */
  readonly label?: number | undefined;
  /** The row and its reconstruction as data URIs; absent for tables. */
  readonly images?: readonly [original: string, reconstruction: string] | undefined;
  /** Columns with the largest errors; absent for images. */
  readonly columns?: readonly PageWorstColumn[] | undefined;
}

/** A column with its reconstruction; numbers are null if not finite. */
export interface PageWorstColumn {
  readonly name: string;
  readonly value: number | null;
  readonly reconstruction: number | null;
  /** Share of the row's error, in [0, 1]. */
  readonly share: number | null;
}

/** Data of a run for the page. */
export interface PageData {
  /** Name of the run folder. */
  readonly name: string;
  /** Name of the recipe. */
  readonly recipe: string;
  /** Time of the start, ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly status: RunStatus;
  /** Command that reproduces the run. */
  readonly command: string;
  /** Time per training step in milliseconds. */
  readonly stepMilliseconds?: number | undefined;
  /** Values of the flags, as texts. */
  readonly config: Readonly<Record<string, string>>;
  /** Facts by dotted key, as texts. */
  readonly facts: Readonly<Record<string, string>>;
  /** Names of the classes, by label. */
  readonly classNames?: readonly string[] | undefined;
  /** Metrics records in order, from which the page makes its curves; new records may be appended. */
  readonly metrics: readonly PageRecord[];
  /** Baselines of the curves. */
  readonly baselines: readonly Baseline[];
  /** Rows of the results table. */
  readonly rows: readonly PageRow[];
  /** Latest snapshot. */
  readonly snapshot?: PageSnapshot | undefined;
  /** Pictures after epochs, in order. */
  readonly pictures: readonly PagePicture[];
  /** Histograms of the test rows' errors; absent before the end. */
  readonly errors?: PageErrors | undefined;
  /** Test rows with the highest errors, highest first; absent before the end. */
  readonly worst?: readonly PageWorstRow[] | undefined;
  /** Weights as pictures. */
  readonly weights: readonly PageWeights[];
}

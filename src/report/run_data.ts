/**
 * Data of a run for reports, dashboards and pictures: the types shared by the code that measures and the code that
 * draws.
 * @module
 */
import type { ImageShape } from "./image_shape.ts";
import type { TableRow } from "./results_table.ts";

/** Status of a run. A `crashed` run is no longer running, but neither finished nor stopped on request. */
export type RunStatus = "running" | "finished" | "interrupted" | "crashed";

/** Statistics of a trained tensor at a progress report. */
export interface TensorRecord {
  /** L2 norm of its gradient, before clipping. */
  readonly gradientNorm: number;
  /** L2 norm of its values, after the update. */
  readonly weightNorm: number;
  /** L2 norm of the latest update, divided by `weightNorm`. */
  readonly updateRatio: number;
}

/** One line of `metrics.jsonl`: metrics by key, and under `tensors` statistics of the trained tensors by name. */
export type MetricsRecord =
  & Readonly<Record<string, number | string | boolean | Readonly<Record<string, TensorRecord>>>>
  & { readonly tensors?: Readonly<Record<string, TensorRecord>> };

/** A baseline for a curve, drawn as a horizontal line. */
export interface Baseline {
  /** Name, such as `mean image` or `PCA, 3 components`. */
  readonly label: string;
  /** Value in the unit of the metric. */
  readonly value: number;
  /** Key of its metric, such as `testError`. */
  readonly metric: string;
}

/** Codes of test images. */
export interface CodeCloud {
  /** Code size. */
  readonly size: number;
  /** The codes, [count, size]. */
  readonly values: Float32Array;
  /** Class of each code, [count]; absent without labels. */
  readonly labels?: Uint8Array | undefined;
  /** The encoded images, [count, pixels], 0 to 255. */
  readonly images: Uint8Array;
}

/** Histogram of a layer's activations, with equal bins. */
export interface ActivationHistogram {
  /** Name of the layer. */
  readonly label: string;
  /** Lower edge of the first bin and upper edge of the last. */
  readonly range: readonly [number, number];
  /** Number of activations per bin. */
  readonly counts: readonly number[];
}

/** One level of a layer-matched network. */
export interface LevelState {
  /** Name, such as `level 1, 400 units`. */
  readonly label: string;
  /** Squared error between encoder and decoder activation, mean over images and units. */
  readonly error: number;
  /** Standard deviation over images of the encoder activation, root mean square over units. */
  readonly encoderSpread: number;
  /** The same for the decoder activation. */
  readonly decoderSpread: number;
}

/** Outputs of the network for test images at one step. Pixels are 0 to 255; a color image has three per place. */
export interface Snapshot {
  /** Epoch, from 1. */
  readonly epoch: number;
  /** Number of training steps done. */
  readonly step: number;
  /** Shape of an image. */
  readonly imageShape: ImageShape;
  /** Test images, [count, pixels]. */
  readonly images: Uint8Array;
  /** Noisy inputs, [count, pixels]; absent if the images are the inputs. */
  readonly inputs?: Uint8Array | undefined;
  /** Reconstructions, [count, pixels]. */
  readonly reconstructions: Uint8Array;
  /** Squared error of each reconstruction, mean over pixels. */
  readonly errors: Float32Array;
  /** Codes of up to 2,000 test images. */
  readonly codes?: CodeCloud | undefined;
  /** Samples from the prior of a variational autoencoder, [count, pixels]. */
  readonly samples?: Uint8Array | undefined;
  /** One histogram per layer. */
  readonly activations: readonly ActivationHistogram[];
  /** Target and actual mean activations of the code units of a sparse autoencoder. */
  readonly sparsity?: { readonly target: number; readonly means: readonly number[] } | undefined;
  /** Levels of a layer-matched autoencoder. */
  readonly levels?: readonly LevelState[] | undefined;
}

/** Weights of the first or the last layer, one image per unit. */
export interface WeightImages {
  /** Name of the parameter. */
  readonly label: string;
  /** The weights, [units, pixels]. */
  readonly values: Float32Array;
}

/** Errors of a run's test rows, mean over their columns. */
export interface TestErrors {
  /** Error of each test row, without those of classes that training left out. */
  readonly scores: Float32Array;
  /** Errors of test rows of classes that training left out; absent without such classes. */
  readonly anomalies?: Float32Array | undefined;
}

/** A column of a table whose reconstruction is far off. */
export interface WorstColumn {
  /** Name of the column. */
  readonly name: string;
  /** Its value in the row, in the units of the data. */
  readonly value: number;
  /** The reconstruction of the value, likewise. */
  readonly reconstruction: number;
  /** Share of the row's error, in [0, 1]. */
  readonly share: number;
}

/** A test row with a high error. */
export interface WorstRow {
  /** Number of the row, as in the column `index` of `codes.csv`. */
  readonly row: number;
  /** Squared error, mean over columns. */
  readonly error: number;
  /** Its class; absent without classes. */
  readonly label?: number | undefined;
  /** Columns with the largest errors, largest first; absent for images. */
  readonly columns?: readonly WorstColumn[] | undefined;
}

/** The test rows with the highest errors. */
export interface WorstRows {
  /** The rows, highest error first. */
  readonly rows: readonly WorstRow[];
  /** The rows as images, [rows, pixels], 0 to 255; absent for tables. */
  readonly images?: Uint8Array | undefined;
  /** Their reconstructions, likewise. */
  readonly reconstructions?: Uint8Array | undefined;
}

/** A picture saved after an epoch. */
export interface EpochPicture {
  /** Subject of the picture. */
  readonly kind: "samples" | "reconstructions";
  /** Epoch, from 1. */
  readonly epoch: number;
  /** Bytes of the PNG file. */
  readonly png: Uint8Array;
}

/** All data of a run. */
export interface RunData {
  /** Name of the run folder. */
  readonly name: string;
  /** Name of the recipe. */
  readonly recipe: string;
  /** Time of the start, ISO 8601 in UTC. */
  readonly startedAt: string;
  /** Status of the run. */
  readonly status: RunStatus;
  /** Command that reproduces the run. */
  readonly command: string;
  /** Values of the recipe's flags, by camelCase key. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Adapter, versions, data set and so on: `facts` of config.json. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Names of the classes, by label; absent if unknown. */
  readonly classNames?: readonly string[] | undefined;
  /** Metrics so far, in order. */
  readonly metrics: readonly MetricsRecord[];
  /** Baselines of the curves. */
  readonly baselines: readonly Baseline[];
  /** Rows of the results table; empty before the end. */
  readonly rows: readonly TableRow[];
  /** Time per training step in milliseconds, if known. */
  readonly stepMilliseconds?: number | undefined;
  /** Latest snapshot. */
  readonly snapshot?: Snapshot | undefined;
  /** Pictures after epochs, in order. */
  readonly pictures: readonly EpochPicture[];
  /** Errors of the test rows; absent before the end. */
  readonly errors?: TestErrors | undefined;
  /** Test rows with the highest errors; absent before the end. */
  readonly worst?: WorstRows | undefined;
  /** Weights as images, encoder first. */
  readonly weights: readonly WeightImages[];
}

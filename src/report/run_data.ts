/**
 * What a report, a dashboard and the pictures show of a run. Nothing here computes; it is what those who measure and
 * those who draw agree on.
 * @module
 */
import type { TableRow } from "./results_table.ts";

/** How a run stands. `crashed`: it neither finished nor stopped on request, and is not running. */
export type RunStatus = "running" | "finished" | "interrupted" | "crashed";

/** What a trained tensor is like at a report; `gradientNorm` is before clipping, the others after the update. */
export interface TensorRecord {
  /** The norm of its gradient. */
  readonly gradientNorm: number;
  /** The norm of its values. */
  readonly weightNorm: number;
  /** The norm of what the latest update changed, divided by `weightNorm`. */
  readonly updateRatio: number;
}

/** One line of `metrics.jsonl`: figures, and under `tensors` those of the trained tensors by name. */
export type MetricsRecord =
  & Readonly<Record<string, number | string | boolean | Readonly<Record<string, TensorRecord>>>>
  & { readonly tensors?: Readonly<Record<string, TensorRecord>> };

/** A horizontal line to compare a curve with. */
export interface Baseline {
  /** What it is, such as `mean image` or `PCA, 3 components`. */
  readonly label: string;
  /** Its value, in the unit of the metric. */
  readonly value: number;
  /** The key of the metrics that it belongs to, such as `testError`. */
  readonly metric: string;
}

/** Codes of test images. */
export interface CodeCloud {
  /** Numbers in a code. */
  readonly size: number;
  /** [count, size]. */
  readonly values: Float32Array;
  /** The class of each; absent without labels. */
  readonly labels?: Uint8Array | undefined;
  /** The images behind them, [count, pixels], 0 to 255. */
  readonly images: Uint8Array;
}

/** How often a layer's activations fall into equal bins. */
export interface ActivationHistogram {
  /** The layer's name. */
  readonly label: string;
  /** The lowest bin's lower edge, and the highest bin's upper edge. */
  readonly range: readonly [number, number];
  /** Activations in each bin. */
  readonly counts: readonly number[];
}

/** One level of a layer-matched network. */
export interface LevelState {
  /** Such as `level 1, 400 units`. */
  readonly label: string;
  /** Squared error between its two sides, mean over images and units. */
  readonly error: number;
  /** Standard deviation over images, root mean square over units, in the encoder. */
  readonly encoderSpread: number;
  /** The same in the decoder. */
  readonly decoderSpread: number;
}

/** What the network does with test images, at one moment. Pixels are 0 to 255. */
export interface Snapshot {
  /** The epoch, from 1. */
  readonly epoch: number;
  /** Steps done. */
  readonly step: number;
  /** [height, width]. */
  readonly imageShape: readonly [number, number];
  /** Test images, [count, pixels]. */
  readonly images: Uint8Array;
  /** What the network was shown of them, where that is not the images (noise), [count, pixels]. */
  readonly inputs?: Uint8Array | undefined;
  /** What it made of them, [count, pixels]. */
  readonly reconstructions: Uint8Array;
  /** Squared error of each, mean over pixels. */
  readonly errors: Float32Array;
  /** Codes of up to 2,000 test images. */
  readonly codes?: CodeCloud | undefined;
  /** Draws from the prior, [count, pixels] (variational). */
  readonly samples?: Uint8Array | undefined;
  /** One for each layer. */
  readonly activations: readonly ActivationHistogram[];
  /** The mean activation of each code unit beside the wanted one (sparse). */
  readonly sparsity?: { readonly target: number; readonly means: readonly number[] } | undefined;
  /** The levels (matched). */
  readonly levels?: readonly LevelState[] | undefined;
}

/** First-layer or last-layer weights, an image a unit. */
export interface WeightImages {
  /** The parameter's name. */
  readonly label: string;
  /** [units, pixels]. */
  readonly values: Float32Array;
}

/** A picture that was saved after an epoch. */
export interface EpochPicture {
  /** What it shows. */
  readonly kind: "samples" | "reconstructions";
  /** The epoch, from 1. */
  readonly epoch: number;
  /** The PNG file's bytes. */
  readonly png: Uint8Array;
}

/** All that is known of a run. */
export interface RunData {
  /** Its folder's name. */
  readonly name: string;
  /** The recipe's name. */
  readonly recipe: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** How it stands. */
  readonly status: RunStatus;
  /** The command that repeats it. */
  readonly command: string;
  /** The recipe's configuration by camelCase key. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Adapter, versions, data set and so on, as config.json's `facts`. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Names of the classes that labels count through; absent if they have none. */
  readonly classNames?: readonly string[] | undefined;
  /** All metrics so far, in order. */
  readonly metrics: readonly MetricsRecord[];
  /** Lines to compare with. */
  readonly baselines: readonly Baseline[];
  /** The results table, empty before the end. */
  readonly rows: readonly TableRow[];
  /** Milliseconds per training step, if known. */
  readonly stepMilliseconds?: number | undefined;
  /** The latest moment that was captured. */
  readonly snapshot?: Snapshot | undefined;
  /** Pictures after epochs, in order. */
  readonly pictures: readonly EpochPicture[];
  /** Weights as images, encoder's first. */
  readonly weights: readonly WeightImages[];
}

/**
 * What goes between a training run and its dashboard: from training to the server's worker, and from there to
 * browsers.
 * @module
 */
import type {
  PageCodes,
  PageData,
  PagePicture,
  PageRecord,
  PageSnapshot,
} from "../report/page/page_types.ts";
import type { EpochPicture, MetricsRecord, RunData } from "../report/run_data.ts";

/** How far training is. */
export interface LiveProgress {
  /** The current epoch, from 1. */
  readonly epoch: number;
  /** Epochs in all. */
  readonly epochs: number;
  /** Steps done. */
  readonly step: number;
  /** Steps in all. */
  readonly steps: number;
  /** Images trained on per second, as the average since the start. */
  readonly imagesPerSecond: number;
  /** Estimated seconds until the end; absent before the first step. */
  readonly secondsLeft?: number | undefined;
}

/** Something that a dashboard should show. */
export type LiveEvent =
  /** All that is known at the start. Comes first; a later one replaces everything. */
  | { readonly kind: "run"; readonly run: RunData }
  /** Whatever of the run has changed: the snapshot, weights, status, baselines, results table and so on. */
  | { readonly kind: "change"; readonly change: Partial<Omit<RunData, "metrics" | "pictures">> }
  /** One more line of metrics. */
  | { readonly kind: "metrics"; readonly record: MetricsRecord }
  /** One more picture after an epoch. */
  | { readonly kind: "picture"; readonly picture: EpochPicture }
  /** How far training is. */
  | { readonly kind: "progress"; readonly progress: LiveProgress };

/** The files that the server has, by their paths in its URLs. */
export type Assets = ReadonlyMap<string, { readonly type: string; readonly body: string }>;

/** What training asks of the worker. */
export type ToWorker =
  | LiveEvent
  /** Listen on 127.0.0.1; port 0 is any free one. `flags` is what {@linkcode CONTROL} indexes. */
  | {
    readonly kind: "start";
    readonly port: number;
    readonly flags: SharedArrayBuffer;
    readonly assets: Assets;
  }
  /** Whether training waits at this moment. */
  | { readonly kind: "waiting"; readonly waiting: boolean }
  /** Tell the browsers that training has ended, and stop listening. */
  | { readonly kind: "close" };

/** What the worker answers. */
export type FromWorker =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "fault"; readonly message: string }
  | { readonly kind: "closed" };

/**
 * Places in shared memory (an Int32Array) that the worker sets and training reads: whether to pause and to stop (1 is
 * yes), and how many pages watch.
 */
export const CONTROL = { pause: 0, stop: 1, watchers: 2, count: 3 } as const;

/** What a browser may ask for. */
export type ControlAction = "pause" | "resume" | "stop";

/** What a page can fetch by itself, at `/data/NAME.json`, when it has changed. */
export interface Parts {
  /** The latest snapshot without its codes. */
  readonly snapshot?: PageSnapshot | undefined;
  /** The codes without the images behind them, which are an empty text. */
  readonly codes?: PageCodes | undefined;
  /** The images behind the codes, as {@linkcode PageCodes} has them. */
  readonly images?: string | undefined;
  /** Pictures after epochs, in order. */
  readonly pictures: readonly PagePicture[];
}

/** The name of a part. */
export type PartName = keyof Parts;

/** All parts' names, in the order in which a page puts them together. */
export const PART_NAMES: readonly PartName[] = ["snapshot", "codes", "images", "pictures"];

/** How often each part has changed, and all else but metrics and progress: its settings, status and results. */
export type Versions = Readonly<Record<PartName | "rest", number>>;

/** The answer to `/data/NAME.json`. */
export interface PartAnswer<Name extends PartName> {
  /** As {@linkcode LiveState.token}. */
  readonly token: string;
  /** The part's version. */
  readonly version: number;
  /** The part; absent if there is none. */
  readonly part?: Parts[Name];
}

/** How training stands, from the dashboard's point of view. */
export interface LiveState {
  /** Random for each run: a page that sees another one is a page of an older run. Needed to send controls. */
  readonly token: string;
  /** What the page must fetch anew if it has another version. */
  readonly versions: Versions;
  /** How far training is, if known. */
  readonly progress?: LiveProgress | undefined;
  /** `pausing`, `stopping`: asked for, and training has not noticed yet. */
  readonly phase: "running" | "pausing" | "paused" | "stopping" | "ended";
}

/** One message of the event stream. */
export interface LiveMessage extends LiveState {
  /** The number of the metrics record before the first of `records`. */
  readonly after: number;
  /** New metrics, numbered upwards from `after` + 1. */
  readonly records: readonly PageRecord[];
}

/** The answer to `/data.json`: the whole history. */
export interface LiveData extends LiveState {
  /** The number of the latest metrics record. */
  readonly lastRecord: number;
  /** What the report's modules draw; absent before the run is known. */
  readonly page?: PageData | undefined;
}

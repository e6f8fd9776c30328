/**
 * Messages between training, the dashboard's server (a worker) and browsers.
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

/** Progress of training. */
export interface LiveProgress {
  /** Current epoch, from 1. */
  readonly epoch: number;
  /** Total number of epochs. */
  readonly epochs: number;
  /** Number of steps done. */
  readonly step: number;
  /** Total number of steps. */
  readonly steps: number;
  /** Training throughput since the report before. */
  readonly imagesPerSecond: number;
  /** Time until the end at this rate; absent if no step was made. */
  readonly secondsLeft?: number | undefined;
}

/** An update for the dashboard. */
export type LiveEvent =
  /** The whole run; must come first, and replaces everything if sent again. */
  | { readonly kind: "run"; readonly run: RunData }
  /** Changed fields of the run: snapshot, weights, status, baselines, results table and so on. */
  | { readonly kind: "change"; readonly change: Partial<Omit<RunData, "metrics" | "pictures">> }
  /** A new metrics record. */
  | { readonly kind: "metrics"; readonly record: MetricsRecord }
  /** A new picture after an epoch. */
  | { readonly kind: "picture"; readonly picture: EpochPicture }
  /** New progress. */
  | { readonly kind: "progress"; readonly progress: LiveProgress };

/** Static files of the server, by URL path. */
export type Assets = ReadonlyMap<string, { readonly type: string; readonly body: string }>;

/** Messages from training to the worker. */
export type ToWorker =
  | LiveEvent
  /** Listen on 127.0.0.1; port 0 picks a free port. `flags` is indexed by {@linkcode CONTROL}. */
  | {
    readonly kind: "start";
    readonly port: number;
    readonly flags: SharedArrayBuffer;
    readonly assets: Assets;
  }
  /** Training has paused, or resumed. */
  | { readonly kind: "waiting"; readonly waiting: boolean }
  /** Tell the browsers that training has ended, and stop listening. */
  | { readonly kind: "close" };

/** Messages from the worker to training. */
export type FromWorker =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "fault"; readonly message: string }
  | { readonly kind: "closed" };

/**
 * Indices into shared memory (an Int32Array) that the worker writes and training reads: pause and stop (1 if
 * requested), and the number of connected pages.
 */
export const CONTROL = { pause: 0, stop: 1, watchers: 2, count: 3 } as const;

/** Control requests of browsers. */
export type ControlAction = "pause" | "resume" | "stop";

/** Parts of the data that a page fetches separately, at `/data/NAME.json`, when they have changed. */
export interface Parts {
  /** Latest snapshot without its codes. */
  readonly snapshot?: PageSnapshot | undefined;
  /** Codes with `images` empty. */
  readonly codes?: PageCodes | undefined;
  /** Images of the codes, in the format of {@linkcode PageCodes.images}. */
  readonly images?: string | undefined;
  /** Pictures after epochs, in order. */
  readonly pictures: readonly PagePicture[];
}

/** Name of a part. */
export type PartName = keyof Parts;

/** Names of the parts, in the order in which a page merges them. */
export const PART_NAMES: readonly PartName[] = ["snapshot", "codes", "images", "pictures"];

/** Version counters of the parts; `rest` covers settings, status and results, but not metrics and progress. */
export type Versions = Readonly<Record<PartName | "rest", number>>;

/** Response to `/data/NAME.json`. */
export interface PartAnswer<Name extends PartName> {
  /** Same as {@linkcode LiveState.token}. */
  readonly token: string;
  /** Version of the part. */
  readonly version: number;
  /** The part; absent if there is none. */
  readonly part?: Parts[Name];
}

/** State of training, as the dashboard sees it. */
export interface LiveState {
  /** Random token of the run, required for control requests. A page with another token belongs to an older run. */
  readonly token: string;
  /** Versions of the data, which a page compares with its own. */
  readonly versions: Versions;
  /** Progress of training, if known. */
  readonly progress?: LiveProgress | undefined;
  /** Phase of training; `pausing` and `stopping` are requested but not yet in effect. */
  readonly phase: "running" | "pausing" | "paused" | "stopping" | "ended";
}

/** A message of the event stream. */
export interface LiveMessage extends LiveState {
  /** Number of the last metrics record before `records`. */
  readonly after: number;
  /** New metrics records, numbered from `after` + 1. */
  readonly records: readonly PageRecord[];
}

/** Response to `/data.json`, the whole history. */
export interface LiveData extends LiveState {
  /** Number of the latest metrics record. */
  readonly lastRecord: number;
  /** Data of the run; absent before it is known. */
  readonly page?: PageData | undefined;
}

/**
 * All that was published about a run, kept for browsers that come late, in bounded memory.
 * @module
 */
import type { EpochPicture, MetricsRecord, RunData } from "../report/run_data.ts";
import type { Versions } from "./events.ts";
import { sameBytes } from "./page.ts";

/** Metrics records that are kept; beyond, older ones are thinned out. */
export const MAX_RECORDS = 20_000;
/** The latest records, which are never thinned out. */
export const RECENT_RECORDS = 1_000;
/** Pictures of one kind that are kept; beyond, every second is dropped: the page fetches them with all else. */
export const MAX_PICTURES = 12;

/** The history of one run. */
export class History {
  #run: RunData | undefined;
  #metrics: MetricsRecord[] = [];
  #pictures: readonly EpochPicture[] = [];
  #lastRecord = 0;

  /** The number of the latest metrics record, from 1; 0 before the first. */
  get lastRecord(): number {
    return this.#lastRecord;
  }

  /** Everything, or undefined before {@linkcode start}. */
  get run(): RunData | undefined {
    return this.#run && { ...this.#run, metrics: this.#metrics, pictures: this.#pictures };
  }

  /** Forgets what was, and begins with this. */
  start(run: RunData): void {
    this.#run = run;
    this.#metrics = [];
    this.#pictures = [];
    run.metrics.forEach((record) => this.addRecord(record));
    run.pictures.forEach((picture) => this.addPicture(picture));
  }

  /**
   * Replaces parts of the run. Without a run there is nothing to replace. A snapshot of pictures alone leaves codes,
   * activations and the rest as the last whole one had them.
   *
   * @returns what is another than before
   */
  change(change: Partial<Omit<RunData, "metrics" | "pictures">>): (keyof Versions)[] {
    if (!this.#run) return [];
    const { snapshot: before } = this.#run, { snapshot, ...rest } = change;
    this.#run = { ...this.#run, ...change };
    if (before && snapshot && !snapshot.codes) {
      this.#run = { ...this.#run, snapshot: { ...before, ...snapshot, activations: before.activations } };
    }
    const now = this.#run.snapshot?.codes;
    return [
      ...(Object.keys(rest).length > 0 ? ["rest" as const] : []),
      ...("snapshot" in change ? ["snapshot" as const] : []),
      ...(now !== before?.codes ? ["codes" as const] : []),
      ...(now && !(before?.codes && sameBytes(now.images, before.codes.images)) ? ["images" as const] : []),
    ];
  }

  /** Adds a line of metrics. */
  addRecord(record: MetricsRecord): void {
    this.#metrics.push(record);
    this.#lastRecord++;
    if (this.#metrics.length > MAX_RECORDS) this.#metrics = thinned(this.#metrics);
  }

  /** Adds a picture. */
  addPicture(picture: EpochPicture): void {
    this.#pictures = [...this.#pictures, picture];
    const ofKind = this.#pictures.filter(({ kind }) => kind === picture.kind);
    if (ofKind.length <= MAX_PICTURES) return;
    const dropped = new Set(ofKind.filter((_, k) => k % 2 === 1 && k < ofKind.length - 1));
    this.#pictures = this.#pictures.filter((kept) => !dropped.has(kept));
  }

  /**
   * The records after a number.
   *
   * @param after a record's number
   * @returns those that follow; undefined if too many do, or if no such record was ever added
   */
  recordsAfter(after: number): readonly MetricsRecord[] | undefined {
    const count = this.#lastRecord - after;
    if (!(count >= 0 && count <= Math.min(RECENT_RECORDS, this.#metrics.length))) return undefined; // NaN too
    return this.#metrics.slice(this.#metrics.length - count);
  }
}

/** Drops every second of the older records. Records with different keys (a step's, an epoch's) are told apart. */
function thinned(records: readonly MetricsRecord[]): MetricsRecord[] {
  const seen = new Map<string, number>();
  const old = records.slice(0, -RECENT_RECORDS).filter((record) => {
    const keys = Object.keys(record).join();
    const place = seen.get(keys) ?? 0;
    seen.set(keys, place + 1);
    return place % 2 === 0;
  });
  return [...old, ...records.slice(-RECENT_RECORDS)];
}

/**
 * History of a run in bounded memory, for browsers that connect late.
 * @module
 */
import type { EpochPicture, MetricsRecord, RunData } from "../report/run_data.ts";
import type { Versions } from "./events.ts";
import { sameBytes } from "./page.ts";

/** Maximum number of metrics records; beyond it, older ones are thinned out. */
export const MAX_RECORDS = 20_000;
/** Number of latest records that are never thinned out. */
export const RECENT_RECORDS = 1_000;
/** Maximum number of pictures of a kind; beyond it, every second is dropped. */
export const MAX_PICTURES = 12;

/** History of one run. */
export class History {
  #run: RunData | undefined;
  #metrics: MetricsRecord[] = [];
  #pictures: readonly EpochPicture[] = [];
  #lastRecord = 0;

  /** Number of the latest metrics record, from 1; 0 before the first. */
  get lastRecord(): number {
    return this.#lastRecord;
  }

  /** The run with its metrics and pictures; undefined before {@linkcode start}. */
  get run(): RunData | undefined {
    return this.#run && { ...this.#run, metrics: this.#metrics, pictures: this.#pictures };
  }

  /** Replaces the whole history. */
  start(run: RunData): void {
    this.#run = run;
    this.#metrics = [];
    this.#pictures = [];
    run.metrics.forEach((record) => this.addRecord(record));
    run.pictures.forEach((picture) => this.addPicture(picture));
  }

  /**
   * Replaces fields of the run; does nothing before {@linkcode start}. A snapshot without codes keeps the codes and
   * activations of the one before.
   *
   * @returns names of the changed parts
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

  /** Appends a metrics record. */
  addRecord(record: MetricsRecord): void {
    this.#metrics.push(record);
    this.#lastRecord++;
    if (this.#metrics.length > MAX_RECORDS) this.#metrics = thinned(this.#metrics);
  }

  /** Appends a picture. */
  addPicture(picture: EpochPicture): void {
    this.#pictures = [...this.#pictures, picture];
    const ofKind = this.#pictures.filter(({ kind }) => kind === picture.kind);
    if (ofKind.length <= MAX_PICTURES) return;
    const dropped = new Set(ofKind.filter((_, k) => k % 2 === 1 && k < ofKind.length - 1));
    this.#pictures = this.#pictures.filter((kept) => !dropped.has(kept));
  }

  /**
   * Returns the records after record number `after`; undefined if there are too many, or if no such record was added.
   */
  recordsAfter(after: number): readonly MetricsRecord[] | undefined {
    const count = this.#lastRecord - after;
    if (!(count >= 0 && count <= Math.min(RECENT_RECORDS, this.#metrics.length))) return undefined; // also for NaN
    return this.#metrics.slice(this.#metrics.length - count);
  }
}

/** Drops every second of the older records, separately for each set of keys, such as those of steps and epochs. */
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

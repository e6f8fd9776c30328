/**
 * The page's data, made anew only where the run has changed: pictures of two thousand images take a while.
 * @module
 */
import { Buffer } from "node:buffer";
import { pageData, pageSnapshot } from "../report/page/page_data.ts";
import type { PageData } from "../report/page/page_types.ts";
import type { MetricsRecord, RunData, Snapshot } from "../report/run_data.ts";

/** Makes a function that computes again only when its key is another object. */
function remember<Key, Result>(): (key: Key, make: () => Result) => Result {
  let last: { readonly key: Key; readonly result: Result } | undefined;
  return (key, make) => {
    if (!last || last.key !== key) last = { key, result: make() };
    return last.result;
  };
}

/** A run without what is large. */
function bare(run: RunData): RunData {
  return { ...run, snapshot: undefined, pictures: [], weights: [] };
}

/**
 * Makes a function that prepares a run for the page, as `pageData` does, and remembers what takes long.
 *
 * @returns the function; snapshot, pictures and weights count as unchanged while they are the same objects
 */
export function pageMaker(): (run: RunData) => PageData {
  const snapshots = remember<Snapshot | undefined, PageData["snapshot"]>();
  const pictures = remember<RunData["pictures"], PageData["pictures"]>();
  const weights = remember<RunData["weights"], PageData["weights"]>();
  let shown: { readonly bytes: Uint8Array; readonly images: string } | undefined;

  /** The images behind the codes are the same test images every time, and are packed once. */
  function snapshotPage(snapshot: Snapshot): PageData["snapshot"] {
    const codes = snapshot.codes;
    if (!codes) return pageSnapshot(snapshot);
    const known = shown && equal(shown.bytes, codes.images) ? shown : undefined;
    const page = pageSnapshot(
      known ? { ...snapshot, codes: { ...codes, images: new Uint8Array() } } : snapshot,
    );
    shown = known ?? { bytes: codes.images, images: page.codes!.images };
    return { ...page, codes: { ...page.codes!, images: shown.images } };
  }

  return (run) => ({
    ...pageData(bare(run)),
    snapshot: snapshots(run.snapshot, () => run.snapshot && snapshotPage(run.snapshot)),
    pictures: pictures(run.pictures, () => pageData({ ...bare(run), pictures: run.pictures }).pictures),
    weights: weights(run.weights, () => pageData({ ...bare(run), weights: run.weights }).weights),
  });
}

/** Lines of metrics as the page wants them: rounded, and fit for JSON. */
export function pageMetrics(run: RunData, records: readonly MetricsRecord[]): readonly MetricsRecord[] {
  return pageData({ ...bare(run), metrics: records }).metrics;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

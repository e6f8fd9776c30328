/**
 * Converts a run to the page's data, in the parts that a dashboard sends. Results are cached, as packing two thousand
 * images is slow.
 * @module
 */
import { Buffer } from "node:buffer";
import { packedImages, pageCodes } from "../report/page/page_codes.ts";
import { pageData, pagePicture, pageSnapshot } from "../report/page/page_data.ts";
import type { PageData, PagePicture } from "../report/page/page_types.ts";
import type { ImageShape } from "../report/image_shape.ts";
import type { EpochPicture, MetricsRecord, RunData, Snapshot } from "../report/run_data.ts";
import type { PartName, Parts } from "./events.ts";

/** Caches the last result of a function by the identity of its key. */
function remember<Key, Result>(): (key: Key, make: () => Result) => Result {
  let last: { readonly key: Key; readonly result: Result } | undefined;
  return (key, make) => {
    if (!last || last.key !== key) last = { key, result: make() };
    return last.result;
  };
}

/** The run without its large fields. */
function bare(run: RunData): RunData {
  return { ...run, snapshot: undefined, pictures: [], weights: [], errors: undefined, worst: undefined };
}

/** Converts runs and caches slow results. Fields of a run count as unchanged while they are the same objects. */
export class PageMaker {
  readonly #snapshots = remember<Snapshot | undefined, Parts["snapshot"]>();
  readonly #codes = remember<Snapshot["codes"], Parts["codes"]>();
  readonly #weights = remember<RunData["weights"], PageData["weights"]>();
  readonly #pictures = new WeakMap<EpochPicture, PagePicture>();
  #images: { readonly bytes: Uint8Array; readonly packed: string } | undefined;

  /** Converts one part; undefined if the run lacks it. */
  part<Name extends PartName>(run: RunData, name: Name): Parts[Name] {
    const { snapshot, pictures } = run;
    const makers: { readonly [N in PartName]: () => Parts[N] } = {
      snapshot: () => this.#snapshots(snapshot, () => snapshot && pageSnapshot(snapshot)),
      codes: () => this.#codes(snapshot?.codes, () => snapshot?.codes && pageCodes(snapshot.codes)),
      images: () => snapshot?.codes && this.#packed(snapshot.codes.images, snapshot.imageShape),
      pictures: () => pictures.map((picture) => this.#picture(picture)),
    };
    return makers[name]();
  }

  /** Converts the whole run. */
  whole(run: RunData): PageData {
    const snapshot = this.part(run, "snapshot"), codes = this.part(run, "codes");
    const images = this.part(run, "images") ?? "", { errors, worst } = run;
    return {
      ...pageData({ ...bare(run), errors, worst }),
      snapshot: snapshot && { ...snapshot, codes: codes && { ...codes, images } },
      pictures: this.part(run, "pictures"),
      weights: this.#weights(run.weights, () => pageData({ ...bare(run), weights: run.weights }).weights),
    };
  }

  /** Packs the images of codes; they are the same test images for every snapshot. */
  #packed(bytes: Uint8Array, imageShape: ImageShape): string {
    if (!this.#images || !sameBytes(this.#images.bytes, bytes)) {
      this.#images = { bytes, packed: packedImages(bytes, imageShape, 1) };
    }
    return this.#images.packed;
  }

  #picture(picture: EpochPicture): PagePicture {
    const made = this.#pictures.get(picture) ?? pagePicture(picture);
    this.#pictures.set(picture, made);
    return made;
  }
}

/** Converts metrics records for the page. */
export function pageMetrics(run: RunData, records: readonly MetricsRecord[]): PageData["metrics"] {
  return pageData({ ...bare(run), metrics: records }).metrics;
}

/** Returns true if two arrays hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || Buffer.compare(a, b) === 0;
}

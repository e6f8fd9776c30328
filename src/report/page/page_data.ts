/**
 * Data of a run for the page, as JSON: rounded numbers, images as PNG data URIs, large codes as principal components.
 * Embedded in reports, and sent by the live dashboard.
 * @module
 */
import { type ImageShape, parseImageShape, valuesIn } from "../image_shape.ts";
import type { TableRow } from "../results_table.ts";
import { lossPerImage } from "../loss_per_image.ts";
import type { EpochPicture, MetricsRecord, RunData, Snapshot } from "../run_data.ts";
import { packedImages, pageCodes } from "./page_codes.ts";
import { pageErrors, pageWorstRows } from "./page_errors.ts";
import { compactPicture, imageTile, pageWeights } from "./page_images.ts";
import type { PageData, PagePicture, PageRecord, PageRow, PageSnapshot, PageTensors } from "./page_types.ts";

export type * from "./page_types.ts";

/** Maximum number of metrics records in a page; beyond it, training records are thinned evenly. */
const MAX_RECORDS = 3000;
/** Maximum number of records with tensor statistics; their charts are half a page wide. */
const MAX_TENSORS = 40;
/** Maximum total size of the pictures after epochs, in characters. */
const HISTORY_LENGTH = 260_000;

/** Converts a run to the page's data. */
export function pageData(run: RunData): PageData {
  const { name, recipe, startedAt, status, command, classNames, baselines, stepMilliseconds } = run;
  return {
    name,
    recipe,
    startedAt,
    status,
    command,
    stepMilliseconds: stepMilliseconds === undefined ? undefined : significant(stepMilliseconds, 4),
    config: texts(run.config),
    facts: texts(run.facts),
    classNames,
    metrics: thinTensors(thin(lossPerImage(run))).map(roundRecord),
    baselines: baselines.filter(({ value }) => Number.isFinite(value))
      .map((line) => ({ ...line, value: significant(line.value, 6) })),
    rows: run.rows.map(pageRow),
    snapshot: run.snapshot && wholeSnapshot(run.snapshot),
    pictures: history(run.pictures),
    errors: run.errors && pageErrors(run.errors),
    worst: run.worst && pageWorstRows(run.worst, run.snapshot?.imageShape ?? imageShapeOf(run.facts)),
    weights: run.weights.map((weights) =>
      pageWeights(weights, run.snapshot?.imageShape ?? imageShapeOf(run.facts))
    ),
  };
}

/** Converts a snapshot with its codes and their images. */
function wholeSnapshot(snapshot: Snapshot): PageSnapshot {
  const { codes, imageShape } = snapshot, page = pageSnapshot(snapshot);
  return codes
    ? { ...page, codes: { ...pageCodes(codes), images: packedImages(codes.images, imageShape, 9) } }
    : page;
}

/** Converts a snapshot without its codes, which dashboards fetch separately. */
export function pageSnapshot(snapshot: Snapshot): PageSnapshot {
  const { epoch, step, imageShape, images, inputs, reconstructions, errors, activations, sparsity } =
    snapshot;
  const pixels = valuesIn(imageShape);
  const tile = (bytes: Uint8Array, n: number) => imageTile(bytes, n, imageShape);
  return {
    epoch,
    step,
    imageShape,
    tiles: Array.from(errors, (error, n) => ({
      original: tile(images, n),
      input: inputs && tile(inputs, n),
      result: tile(reconstructions, n),
      error: finite(error, 4),
    })),
    samples: snapshot.samples &&
      Array.from({ length: Math.floor(snapshot.samples.length / pixels) }, (_, n) => {
        const bytes = snapshot.samples!.subarray(n * pixels, (n + 1) * pixels);
        return {
          image: tile(snapshot.samples!, n),
          mean: significant(bytes.reduce((sum, gray) => sum + gray, 0) / (255 * pixels), 3),
          ink: significant(bytes.reduce((sum, gray) => sum + (gray > 127 ? 1 : 0), 0) / pixels, 3),
        };
      }),
    activations: activations.map(({ label, range: [low, high], counts }) => ({
      label,
      range: [significant(low, 4), significant(high, 4)],
      counts,
    })),
    sparsity: sparsity &&
      { target: sparsity.target, means: sparsity.means.map((mean) => significant(mean, 4)) },
    levels: snapshot.levels?.map(({ label, error, encoderSpread, decoderSpread }) => ({
      label,
      error: significant(error, 4),
      encoderSpread: significant(encoderSpread, 4),
      decoderSpread: significant(decoderSpread, 4),
    })),
  };
}

/** Shape of an image from a run's facts; a single row if they lack it. */
function imageShapeOf({ imageShape, width }: RunData["facts"]): ImageShape {
  return parseImageShape(imageShape) ?? [1, Number(width)];
}

/** Rounds to significant digits. */
function significant(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

/** Rounds to significant digits; null for non-finite numbers, which JSON cannot hold. */
function finite(value: number, digits: number): number | null {
  return Number.isFinite(value) ? significant(value, digits) : null;
}

function roundRecord({ tensors, ...record }: MetricsRecord): PageRecord {
  const rounded = Object.fromEntries(
    Object.entries(record).map(([key, value]) => [
      key,
      typeof value !== "number" ? value : Number.isFinite(value) ? significant(value, 6) : `${value}`,
    ]),
  );
  return { ...rounded, ...(tensors ? { tensors: roundTensors(tensors) } : {}) };
}

function roundTensors(tensors: NonNullable<MetricsRecord["tensors"]>): PageTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { gradientNorm, weightNorm, updateRatio }]) => [
      name,
      [significant(gradientNorm, 3), significant(weightNorm, 3), significant(updateRatio, 3)],
    ]),
  );
}

/** Thins tensor statistics evenly to {@link MAX_TENSORS} records, and keeps the last. */
function thinTensors(metrics: readonly MetricsRecord[]): readonly MetricsRecord[] {
  const having = metrics.filter(({ tensors }) => tensors);
  const kept = new Set(spreadOut(having, MAX_TENSORS));
  return metrics.map((record) => {
    if (!record.tensors || kept.has(record)) return record;
    const { tensors: _left, ...figures } = record;
    return figures;
  });
}

/** Thins training records evenly to about {@link MAX_RECORDS}; records of test metrics are kept. */
function thin(metrics: readonly MetricsRecord[]): readonly MetricsRecord[] {
  const every = Math.ceil(metrics.length / MAX_RECORDS);
  return metrics.filter((record, k) =>
    k % every === 0 || k === metrics.length - 1 || Object.keys(record).some((key) => key.startsWith("test"))
  );
}

/** Compacts the pictures after epochs; if they exceed {@link HISTORY_LENGTH}, keeps fewer epochs of each kind. */
function history(pictures: RunData["pictures"]): PagePicture[] {
  const kinds = [...new Set(pictures.map(({ kind }) => kind))];
  return kinds.flatMap((kind) => {
    const small = pictures.filter((picture) => picture.kind === kind).map(pagePicture);
    const length = small.reduce((sum, { image }) => sum + image.length, 0);
    const share = HISTORY_LENGTH / kinds.length / length;
    return spreadOut(small, Math.max(2, Math.floor(small.length * share)));
  });
}

/** Compacts a picture after an epoch. */
export function pagePicture({ kind, epoch, png }: EpochPicture): PagePicture {
  return { kind, epoch, image: compactPicture(png) };
}

/** Selects at most `most` elements, evenly spaced, including the first and the last. */
function spreadOut<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, k) => list[Math.round(k * (list.length - 1) / (most - 1))]);
}

function pageRow({ label, value, digits = 4, unit = "" }: TableRow): PageRow {
  return { label, value: typeof value === "number" ? value.toFixed(digits) : value, unit };
}

/** Flattens nested values to texts by dotted key; undefined values are omitted. */
function texts(values: Readonly<Record<string, unknown>>, before = ""): Record<string, string> {
  const entries = Object.entries(values).flatMap(([key, value]): [string, string][] => {
    if (value === undefined) return [];
    if (Array.isArray(value)) return [[before + key, value.join(", ")]];
    if (typeof value === "object" && value !== null) {
      return Object.entries(texts(value as Record<string, unknown>, `${before}${key}.`));
    }
    return [[before + key, typeof value === "boolean" ? (value ? "yes" : "no") : `${value}`]];
  });
  return Object.fromEntries(entries);
}

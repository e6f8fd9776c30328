/**
 * Worker that decodes a Parquet file, without permissions: damaged files can keep a decoder in a loop forever.
 * @module
 */
import {
  compressors,
  parquetMetadata,
  parquetReadObjects,
  parquetSchema,
} from "../dependencies/hyparquet.ts";
import { quote, toOneLine } from "../errors.ts";

/** Message of the worker: a part of the table as CSV, a page read, the end, or why there is none. */
export type FromParquetWorker =
  | { readonly kind: "part"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "page" }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly message: string };

type Row = Readonly<Record<string, unknown>>;

declare const self: {
  onmessage: ((event: MessageEvent<ArrayBuffer>) => void) | null;
  postMessage(message: FromParquetWorker): void;
};

/** Rows converted at a time. */
const ROWS = 4096;

/** Text of a cell in CSV; a missing value is empty. */
function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return `${value}`;
  return `"${(value instanceof Date ? value.toISOString() : `${value}`).replaceAll('"', '""')}"`;
}

function isNested(value: unknown): boolean {
  return typeof value === "object" && value !== null && !(value instanceof Date);
}

async function decode(file: ArrayBuffer): Promise<void> {
  const metadata = parquetMetadata(file);
  const names = parquetSchema(metadata).children.map(({ element }) => element.name);
  const rows: Row[] = await parquetReadObjects({
    file,
    metadata,
    compressors,
    onPage: () => self.postMessage({ kind: "page" }),
  });
  const nested = names.find((name) => rows.some((row) => isNested(row[name])));
  if (nested !== undefined) throw new Error(`column ${quote(nested)} has lists or structures`);
  const encoder = new TextEncoder();
  const line = (cells: readonly unknown[]) => cells.map(cellText).join(",") + "\n";
  self.postMessage({ kind: "part", bytes: encoder.encode(line(names)) });
  for (let first = 0; first < rows.length; first += ROWS) {
    const lines = rows.slice(first, first + ROWS).map((row) => line(names.map((name) => row[name])));
    self.postMessage({ kind: "part", bytes: encoder.encode(lines.join("")) });
  }
}

self.onmessage = ({ data }) => {
  decode(data).then(
    () => self.postMessage({ kind: "done" }),
    (error) =>
      self.postMessage({
        kind: "failed",
        message: toOneLine(error instanceof Error ? error.message : `${error}`),
      }),
  );
};

/** A data set of seven images, whose files a test puts where it wants them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  type CatalogueEntry,
  FILE_NAMES,
  FILE_ROLES,
  type FileRole,
  findDataset,
  sha256,
} from "../../src/data/catalogue.ts";
import { writeIdx } from "../../src/data/idx.ts";

/** The bytes of a data set's four files. */
export type Files = Record<FileRole, Uint8Array<ArrayBuffer>>;

/** `count` images of the given size whose pixels say which image they are of. */
export function images(count: number, rows = 28, columns = 28): Uint8Array<ArrayBuffer> {
  const size = rows * columns;
  const pixels = Uint8Array.from({ length: count * size }, (_, i) => Math.floor(i / size) + 1);
  return writeIdx([count, rows, columns], pixels);
}

export function labels(...values: number[]): Uint8Array<ArrayBuffer> {
  return writeIdx([values.length], Uint8Array.from(values));
}

export const TINY: Files = {
  trainImages: images(5),
  trainLabels: labels(3, 1, 4, 1, 9),
  testImages: images(2),
  testLabels: labels(7, 0),
};

/** A catalogue entry for these files, which lie nowhere yet. */
export function entryFor(files: Files, folders: string[] = [], mirrors: string[] = []): CatalogueEntry {
  const sums = {
    trainImages: sha256(files.trainImages),
    trainLabels: sha256(files.trainLabels),
    testImages: sha256(files.testImages),
    testLabels: sha256(files.testLabels),
  };
  return { ...findDataset("mnist"), name: "tiny", sums, folders, mirrors, hint: "try the other one" };
}

/** Writes files into a folder, gzipped unless told otherwise. */
export function put(folder: string, files: Partial<Files>, suffix: ".gz" | "" = ".gz"): void {
  Deno.mkdirSync(folder, { recursive: true });
  for (const role of FILE_ROLES) {
    const bytes = files[role];
    if (bytes === undefined) continue;
    Deno.writeFileSync(join(folder, FILE_NAMES[role] + suffix), suffix === ".gz" ? gzipSync(bytes) : bytes);
  }
}

/** Runs `body` in an empty folder, with a list that collects the log. */
export async function inFolder(
  body: (folder: string, lines: string[], log: (line: string) => void) => Promise<void>,
) {
  const folder = await Deno.makeTempDir();
  const lines: string[] = [];
  try {
    await body(folder, lines, (line) => lines.push(line));
    for (const line of lines) assert.ok(!line.includes("\n"), `one line: ${line}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

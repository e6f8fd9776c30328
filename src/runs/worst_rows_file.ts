/**
 * The file `worst.safetensors` of a run folder: the test rows that the trained model reconstructs worst. Errors and
 * images are tensors; the rest is JSON in the metadata.
 * @module
 */
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { isRecord } from "../files/json.ts";
import { encodeSafetensors, readMixedSafetensors } from "../files/safetensors.ts";
import { writeFileAtomic } from "../files/write_file.ts";
import type { WorstColumn, WorstRow, WorstRows } from "../report/run_data.ts";

/** Name of the file. */
export const WORST_FILE = "worst.safetensors";
const FORMAT = "bottleneck-worst-1";

/**
 * Saves the worst rows in a run folder.
 *
 * @throws InputError if the file cannot be written
 */
export function saveWorstRows(folder: string, { rows, images, reconstructions }: WorstRows): void {
  const matrix = (name: string, data: Uint8Array | undefined) =>
    data && rows.length > 0 ? [{ name, shape: [rows.length, data.length / rows.length], data }] : [];
  const tensors = [ // floats first, for alignment in the file
    { name: "errors", shape: [rows.length], data: Float32Array.from(rows, ({ error }) => error) },
    ...matrix("images", images),
    ...matrix("reconstructions", reconstructions),
  ];
  const facts = rows.map(({ row, label, columns }) => ({ row, label, columns }));
  writeFileAtomic(
    join(folder, WORST_FILE),
    encodeSafetensors(tensors, { format: FORMAT, rows: JSON.stringify(facts) }),
  );
}

/**
 * Reads the worst rows of a run.
 *
 * @param folder the run folder, with the file
 * @param pixels number of pixels of an image
 * @throws InputError if the file is damaged or cannot be read
 */
export function loadWorstRows(folder: string, pixels: number): WorstRows {
  const path = join(folder, WORST_FILE);
  const { tensors, metadata } = readMixedSafetensors(path);
  const facts = metadata.format === FORMAT ? parseRows(metadata.rows) : undefined;
  const errors = tensors.find(({ name }) => name === "errors")?.data;
  const images = ["images", "reconstructions"].map((name) =>
    tensors.find((tensor) => tensor.name === name)?.data
  );
  const areImages = images.every((data) => data === undefined) ||
    images.every((data) => data instanceof Uint8Array && data.length === (facts?.length ?? 0) * pixels);
  if (!facts || !(errors instanceof Float32Array) || errors.length !== facts.length || !areImages) {
    throw new InputError(
      `Cannot read "${path}": expected rows, errors and images of format "${FORMAT}" but found others; ` +
        "remove the file; the rest of the run does not need it",
    );
  }
  const [originals, reconstructions] = images as (Uint8Array | undefined)[];
  return {
    rows: facts.map((row, k) => ({ ...row, error: errors[k] })),
    ...(originals ? { images: originals, reconstructions } : {}),
  };
}

/** Parses the rows without their errors; undefined if they are invalid. */
function parseRows(text: string | undefined): Omit<WorstRow, "error">[] | undefined {
  try {
    const rows: unknown = JSON.parse(text ?? "", (_key, value) => value === null ? NaN : value); // NaN is stored as null
    return Array.isArray(rows) && rows.every(isRow) ? rows : undefined;
  } catch {
    return undefined;
  }
}

function isRow(value: unknown): value is Omit<WorstRow, "error"> {
  if (!isRecord(value)) return false;
  const { row, label = 0, columns = [] } = value;
  return [row, label].every((number) => Number.isSafeInteger(number) && Number(number) >= 0) &&
    Array.isArray(columns) && columns.every(isColumn);
}

function isColumn(value: unknown): value is WorstColumn {
  return isRecord(value) && typeof value.name === "string" &&
    [value.value, value.reconstruction, value.share].every((number) => typeof number === "number");
}

/**
 * Parquet tables. All work is bounded by the file's bytes and by what it may expand to, whatever the file claims.
 * @module
 */
import { InputError, quote, toOneLine } from "../../errors.ts";
import { quoted } from "./columns.ts";
import { readMetadata } from "./metadata.ts";
import { Cells } from "./pages.ts";
import { Budget } from "./values.ts";

/** Characters of CSV made at a time. */
const PART = 2 ** 18;
/** Bytes that any file may expand to. */
const MIN_EXPANDED = 2 ** 27;
/** Bytes that each byte of a file may expand to: as many as gzip reaches. */
const MAX_RATIO = 1040;

/**
 * Reads a Parquet file as the parts of a CSV file with a header, so that all rules for columns hold for both.
 *
 * @param bytes the file
 * @throws {InputError} while it is iterated: if the file is damaged, or has columns of lists
 */
export function* parquetAsCsv(bytes: Uint8Array, path: string): Generator<Uint8Array> {
  const fail = (found: string): never => {
    throw new InputError(
      `Cannot read "${path}": expected a Parquet table of numbers and words but found ${found}; write it again, or ` +
        "save pandas.read_parquet(name).to_csv(other, index=False)",
    );
  };
  try {
    yield* partsOf(bytes, (name, what) => fail(`${what} in column ${quote(name)}`));
  } catch (error) {
    if (error instanceof InputError) throw error;
    fail(`damage: ${toOneLine(error instanceof Error ? error.message : `${error}`)}`);
  }
}

function* partsOf(bytes: Uint8Array, refuse: (name: string, what: string) => never): Generator<Uint8Array> {
  const { columns, groups } = readMetadata(bytes, refuse);
  const budget = new Budget(Math.max(MIN_EXPANDED, MAX_RATIO * bytes.length)), encoder = new TextEncoder();
  const partOf = (text: string) => {
    budget.spend(text.length);
    return encoder.encode(text);
  };
  let text = columns.map(({ name }) => quoted(name)).join(",") + "\n";
  for (const { rows, chunks } of groups) {
    const cells = chunks.map((chunk, k) => new Cells(columns[k], chunk, rows, budget));
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < cells.length; k++) text += (k > 0 ? "," : "") + cells[k].next();
      text += "\n";
      if (text.length < PART) continue;
      yield partOf(text);
      text = "";
    }
  }
  yield partOf(text);
}

/**
 * CSV tables (RFC 4180) with any common separator, with or without a header: columns of numbers, and optionally a
 * column of classes.
 * @module
 */
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "../dependencies/csv_parse.ts";
import { InputError, quote, toOneLine } from "../errors.ts";
import { classesOf, listed, type Remark, type Table } from "./table.ts";

/** Options of {@link readCsv}. */
export interface CsvOptions {
  /** Column with the classes, integers or words: its name, or its number, from 1. */
  readonly label?: string | undefined;
  /** Columns left out: names, or numbers, from 1. */
  readonly ignore?: readonly string[] | undefined;
  /** True if the column of classes may be absent, as in a file of test rows. */
  readonly isTest?: boolean | undefined;
  /** True if the first row has names, false if it has numbers; if absent, found by its contents. */
  readonly header?: boolean | undefined;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** Cells without a value, in lower case; they are read as NaN. */
const MISSING: ReadonlySet<string> = new Set(["", "na", "n/a", "<na>", "nan", "-nan", "null", "none", "?"]);
const TRUTH: Readonly<Record<string, number>> = { true: 1, false: 0 };
/** Separators, in the order in which they are tried. */
const SEPARATORS = ["\t", ";", ",", "|", " "];
const SEPARATOR_NAMES: Readonly<Record<string, string>> = {
  "\t": "tab",
  ";": "semicolon",
  "|": "bar",
  " ": "space",
};
/** Names of columns that usually have classes. */
const CLASS_NAME = /^(labels?|class|target|y)$/i;
/** Maximum bytes per row, so that an unclosed quote cannot fill the memory. */
const MAX_ROW_BYTES = 2 ** 24;
/** Numbers per array while reading. */
const BLOCK = 2 ** 20;
/** Maximum number of header cells in a message. */
const SHOWN = 8;
/** Maximum characters of a cell in a message. */
const QUOTED = 40;

function fail(name: string, problem: string, settings: readonly string[] = []): never {
  throw new InputError(`Cannot read "${name}": ${problem}`, { settings });
}

/** Line number, from 1, of the first bytes that are not UTF-8; undefined if there are none. */
function badLine(bytes: Uint8Array): number | undefined {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const isText = (part: Uint8Array) => {
    try {
      decoder.decode(part);
      return true;
    } catch {
      return false;
    }
  };
  if (isText(bytes)) return undefined;
  // UTF-8 has no line feed inside other characters, so lines can be checked one by one
  for (let line = 1, from = 0;; line++) {
    const end = bytes.indexOf(0x0a, from), to = end < 0 ? bytes.length : end + 1;
    if (!isText(bytes.subarray(from, to))) return line;
    from = to;
  }
}

/** Yields the same bytes in parts that end with whole lines, checked to be UTF-8. */
function* wholeLines(parts: Iterable<Uint8Array>, name: string): Generator<Uint8Array> {
  let before = 0; // number of line feeds so far
  const check = (bytes: Uint8Array) => {
    const bad = badLine(bytes);
    if (bad !== undefined) {
      fail(
        name,
        `expected UTF-8 text but found other bytes in line ${before + bad}; save it as UTF-8, ` +
          "such as with iconv -f latin1 -t utf-8",
      );
    }
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) before++;
    return bytes;
  };
  let rest = new Uint8Array();
  for (const part of parts) {
    const bytes = new Uint8Array(rest.length + part.length);
    bytes.set(rest);
    bytes.set(part, rest.length);
    const end = Math.max(bytes.lastIndexOf(0x0a), bytes.lastIndexOf(0x0d)) + 1;
    if (end > 0) yield check(bytes.subarray(0, end));
    rest = bytes.subarray(end);
    if (rest.length > MAX_ROW_BYTES) {
      fail(name, `expected lines of at most ${MAX_ROW_BYTES} bytes but line ${before + 1} has more`);
    }
  }
  yield check(rest);
}

/** Growing list of numbers, stored as bytes until the first other number. */
class Numbers {
  #blocks: (Uint8Array<ArrayBuffer> | Float64Array<ArrayBuffer>)[] = [];
  #count = 0;
  #areBytes = true;

  /** Appends a number; NaN is a missing value. */
  push(value: number): void {
    if (this.#areBytes && !(Number.isInteger(value) && value >= 0 && value <= 255)) {
      this.#areBytes = false;
      this.#blocks = this.#blocks.map((block) => new Float64Array(block));
    }
    const place = this.#count++ % BLOCK;
    if (place === 0) this.#blocks.push(this.#areBytes ? new Uint8Array(BLOCK) : new Float64Array(BLOCK));
    this.#blocks[this.#blocks.length - 1][place] = value;
  }

  /** Returns all numbers, as bytes if all are whole numbers from 0 to 255. */
  finish(): Uint8Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
    const count = this.#count;
    const values = this.#areBytes ? new Uint8Array(count) : new Float64Array(count);
    for (let at = 0; at < count; at += BLOCK) {
      values.set(this.#blocks.shift()!.subarray(0, count - at), at); // shift() frees the block
    }
    return values;
  }
}

/** Number of separators in a line, outside quotes. */
function countOf(separator: string, line: string): number {
  return line.replace(/"[^"]*"/g, "").split(separator).length - 1;
}

/** Finds the separator: the first one that the first two lines contain equally often; a comma if there is none. */
function separatorOf(start: Uint8Array): string {
  const lines = new TextDecoder().decode(start.subarray(0, 2 ** 20)).split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== "" && !line.startsWith("#")).slice(0, 2);
  if (lines.length === 0) return ",";
  return SEPARATORS.find((separator) => {
    const [first, second = first] = lines.map((line) => countOf(separator, line.trim()));
    return first > 0 && first === second;
  }) ?? ",";
}

/** Value of a cell: NaN if it is missing, undefined if it is not a number. */
function valueOf(cell: string): number | undefined {
  if (NUMBER.test(cell)) {
    const value = Number(cell);
    return Number.isFinite(value) ? value : undefined;
  }
  const word = cell.toLowerCase();
  return MISSING.has(word) ? NaN : TRUTH[word];
}

/** True for pandas' names of an array's columns, 0, 1, 2, …. */
function countsFromZero(cells: readonly string[]): boolean {
  return cells.length > 1 && cells.every((cell, at) => cell === `${at}`);
}

/** The columns of a table and their roles. */
class Columns {
  readonly names: readonly string[];
  /** Index of the column of classes, or -1. */
  readonly label: number;
  /** Roles by index: true for a column of numbers. */
  readonly isNumber: readonly boolean[];

  constructor(
    file: string,
    names: readonly string[],
    hasHeader: boolean,
    { label, ignore = [], isTest = false }: CsvOptions,
  ) {
    const place = hasHeader ? "in the header" : "in a file without a header";
    const find = (wanted: string, setting: string): number => {
      const at = names.indexOf(wanted);
      if (at >= 0 && names.includes(wanted, at + 1)) {
        fail(
          file,
          `expected one column ${quote(wanted, QUOTED)} but found several ${place}; give its number, from 1`,
          [setting],
        );
      }
      const number = Number(wanted) - 1;
      if (at < 0 && /^\d+$/.test(wanted) && number >= 0 && number < names.length) return number;
      if (at >= 0) return at;
      fail(
        file,
        `expected a column ${quote(wanted, QUOTED)} but found ${listed(names, SHOWN)} ${place}; ` +
          "name one of these, or give a number, from 1",
        [setting],
      );
    };
    const ignored = new Set(ignore.map((name) => find(name, "ignore")));
    this.names = names;
    const isAbsent = label === undefined || isTest && !names.includes(label) && !/^\d+$/.test(label);
    this.label = isAbsent ? -1 : find(label, "label");
    this.isNumber = names.map((_, at) => at !== this.label && !ignored.has(at));
    if (!this.isNumber.includes(true)) {
      fail(file, `expected columns of numbers besides ${listed(names)} but found none`, ["label", "ignore"]);
    }
  }
}

/**
 * Reads a CSV file: rows of numbers, usually below a header. The separator (comma, semicolon, tab, bar or space) is
 * found in the first two lines; lines that begin with `#` are comments. `True` and `False` are 1 and 0. Empty cells,
 * `NA`, `NaN`, `null` and the like are missing values, returned as NaN. A first column without a name that counts
 * 0, 1, 2, … is left out.
 *
 * @param parts consecutive parts of the file, UTF-8; only a few are in memory at once
 * @param name the file's name for messages
 * @throws {InputError} if the file is not such a table, with line and column
 */
export async function readCsv(
  parts: Iterable<Uint8Array>,
  name: string,
  options: CsvOptions = {},
): Promise<Table> {
  const numbers = new Numbers();
  const texts: string[] = [], known = new Map<string, string>(); // one copy of each text
  const notes: string[] = [], warnings: Remark[] = [];
  const words = new Map<number, { readonly cell: string; readonly where: string }>(); // by column: the first cell
  let columns: Columns | undefined, missing = 0; // rows with missing values
  let count = 0, start: number | undefined, counts = true, areWhole = true; // of the first column, and of the class column

  const begin = (cells: readonly string[]): boolean => {
    const areNumbers = cells.every((cell) => valueOf(cell) !== undefined) &&
      cells.some((cell) => NUMBER.test(cell) || cell.toLowerCase() in TRUTH);
    const hasHeader = options.header ?? (!areNumbers || countsFromZero(cells));
    if (!hasHeader && options.header === undefined) {
      notes.push("no header: the first row has numbers, so columns are called 1, 2, 3, …");
    }
    if (hasHeader && countsFromZero(cells)) notes.push("the first row counts 0, 1, 2, …: read as a header");
    columns = new Columns(name, hasHeader ? cells : cells.map((_, at) => `${at + 1}`), hasHeader, options);
    return hasHeader;
  };

  const readRow = (cells: readonly string[], line: number): void => {
    const { names, label, isNumber } = columns!;
    let isMissing = false;
    for (let at = 0; at < cells.length; at++) {
      const cell = cells[at].trim();
      if (at === label) {
        if (cell === "") fail(name, `expected a class but found ${whereOf(cells[at], line, names[at])}`);
        if (!known.has(cell)) known.set(cell, cell);
        texts.push(known.get(cell)!);
      } else if (isNumber[at]) {
        const value = valueOf(cell);
        if (value === undefined) {
          if (!words.has(at)) words.set(at, { cell, where: whereOf(cells[at], line, names[at]) });
          continue;
        }
        isMissing ||= Number.isNaN(value);
        numbers.push(value);
        if (at === 0) {
          start ??= value;
          counts &&= value === start + count;
        }
        if (!Number.isInteger(value) && CLASS_NAME.test(names[at])) areWhole = false;
      }
    }
    count++;
    if (isMissing) missing++;
  };

  let parser: ReturnType<typeof parse> | undefined;
  try {
    const lines = wholeLines(parts, name);
    const first = lines.next().value ?? new Uint8Array();
    const delimiter = separatorOf(first);
    if (delimiter !== ",") notes.push(`separator: ${SEPARATOR_NAMES[delimiter]}`);
    parser = parse({
      bom: true,
      delimiter,
      comment: "#",
      comment_no_infix: true,
      max_record_size: MAX_ROW_BYTES,
      skip_empty_lines: true,
      record_delimiter: ["\r\n", "\n", "\r"], // explicit, as detecting them costs 1 µs per character
      on_record: (cells: string[], { lines }) => {
        if (columns === undefined && begin(cells.map((cell) => cell.trim()))) return null;
        readRow(cells, lines);
        return null; // keeps no records in memory
      },
    });
    const all = function* () {
      yield first;
      yield* lines;
    };
    await pipeline(all(), parser.resume());
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    fail(name, `expected valid CSV but found an error: ${toOneLine(error.message)}; fix that line`);
  }
  const comments = parser.info.comment_lines;
  if (comments > 0) notes.push(`${comments} comment line${comments > 1 ? "s" : ""} (#) skipped`);
  if (columns === undefined || count === 0) {
    fail(name, `expected rows of numbers but ${columns ? "found only a header" : "it is empty"}`);
  }
  if (words.size > 0) refuseWords(name, words, columns, missing);
  let used = columns.names.filter((_, at) => columns!.isNumber[at]);
  let values: Table["values"] = numbers.finish();
  if (columns.isNumber[0] && counts && count > 1 && (start === 0 || start === 1)) {
    const called = columns.names[0], counting = `counts ${start}, ${start + 1}, ${start + 2}, …`;
    if (/^(|unnamed: 0)$/i.test(called) && used.length > 1) {
      values = withoutFirst(values, used.length);
      used = used.slice(1);
      notes.push(`the first column has no name and ${counting}: left out`);
    } else if (used.length > 1) {
      warnings.push({
        text: `column ${
          quote(called, QUOTED)
        } ${counting} and is learned from like any other; leave an index out`,
        settings: ["ignore"],
      });
    }
  }
  const classes = used.find((column) => CLASS_NAME.test(column));
  if (classes !== undefined && columns.label < 0 && areWhole) {
    const side = Math.sqrt(used.length - 1);
    const shape = side >= 8 && Number.isInteger(side)
      ? `; the other ${used.length - 1} columns are images of ${side}×${side}`
      : "";
    warnings.push({
      text: `column ${
        quote(classes)
      } is learned from like any other number; if it has classes, name it${shape}`,
      settings: ["label", "ignore"],
    });
  }
  return {
    format: "CSV",
    count,
    shape: [used.length],
    values,
    columns: used,
    ...(columns.label < 0
      ? { classNames: [] }
      : classesOf(texts, name, `column ${quote(columns.names[columns.label], QUOTED)}`)),
    notes,
    warnings,
  };
}

/** Refuses columns with cells that are not numbers. */
function refuseWords(
  name: string,
  words: ReadonlyMap<number, { readonly cell: string; readonly where: string }>,
  { names, label }: Columns,
  missing: number,
): never {
  const [[, { cell, where }], ...others] = words;
  const isDecimalComma = /^[+-]?\d+,\d+$/.test(cell);
  const remedy = isDecimalComma
    ? "write decimal points"
    : /^[+-]?inf/i.test(cell)
    ? "replace infinite values"
    : label < 0
    ? "name the column of classes, and leave out other columns of words"
    : "leave out columns of words";
  const more = others.length === 0 ? "" : `, and words also in ${listed(others.map(([at]) => names[at]))}`;
  const also = missing === 0
    ? ""
    : `; there are missing values, too, in ${missing} row${missing > 1 ? "s" : ""}`;
  const settings = isDecimalComma ? [] : label < 0 ? ["label", "ignore"] : ["ignore"];
  fail(name, `expected a number but found ${where}${more}; ${remedy}${also}`, [
    ...settings,
    ...(missing > 0 ? ["missing"] : []),
  ]);
}

function whereOf(cell: string, line: number, column: string): string {
  return `${quote(cell, QUOTED)} in line ${line}, column ${quote(column, QUOTED)}`;
}

/** Removes the first column, in place. */
function withoutFirst(values: Table["values"], width: number): Table["values"] {
  const count = values.length / width;
  for (let n = 0; n < count; n++) values.copyWithin(n * (width - 1), n * width + 1, (n + 1) * width);
  return values.subarray(0, count * (width - 1));
}

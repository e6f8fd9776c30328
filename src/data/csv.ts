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
const TRUTH: ReadonlyMap<string, number> = new Map([["true", 1], ["false", 0]]);
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

/** Finds the separator: the first one that the first two lines contain equally often; a comma if there is none. */
function separatorOf(start: Uint8Array): string {
  const lines = new TextDecoder().decode(start.subarray(0, 2 ** 20))
    .replace(/^#.*$|"[^"]*"/gm, ([first]) => first === "#" ? "" : '""') // a cell in quotes may have several lines
    .split(/\r\n|\n|\r/).filter((line) => line.trim() !== "").slice(0, 2);
  if (lines.length === 0) return ",";
  return SEPARATORS.find((separator) => {
    const [first, second = first] = lines.map((line) => withSingleSpaces(line).split(separator).length - 1);
    return first > 0 && first === second;
  }) ?? ",";
}

/** Text whose lines have single spaces between words, and none around them. */
function withSingleSpaces(text: string): string {
  return text.replace(/ +/g, " ").replace(/^ | $/gm, "");
}

/** Value of a cell: NaN if it is missing, undefined if it is not a number. */
function valueOf(cell: string): number | undefined {
  if (NUMBER.test(cell)) {
    const value = Number(cell);
    return Number.isFinite(value) ? value : undefined;
  }
  const word = cell.toLowerCase();
  return MISSING.has(word) ? NaN : TRUTH.get(word);
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
  /** Index of a column of numbers whose name is usual for classes, or -1. */
  readonly classAt: number;
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
    this.classAt = names.findIndex((column, at) => this.isNumber[at] && CLASS_NAME.test(column));
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
  const isFilled: boolean[] = []; // by column
  const words = new Map<number, Word>(); // by column: the first cell
  let columns: Columns | undefined, missing = 0; // rows with missing values
  let count = 0, start: number | undefined, counts = true, areWhole = true; // of the first column, and of the class column

  const begin = (cells: readonly string[]): boolean => {
    const areNumbers = cells.every((cell) => valueOf(cell) !== undefined) &&
      cells.some((cell) => NUMBER.test(cell) || TRUTH.has(cell.toLowerCase()));
    const hasHeader = options.header ?? (!areNumbers || countsFromZero(cells));
    if (!hasHeader && options.header === undefined) {
      notes.push("no header: the first row has numbers, so columns are called 1, 2, 3, …");
    }
    if (hasHeader && countsFromZero(cells)) notes.push("the first row counts 0, 1, 2, …: read as a header");
    columns = new Columns(name, hasHeader ? cells : cells.map((_, at) => `${at + 1}`), hasHeader, options);
    return hasHeader;
  };

  const readRow = (cells: string[], line: number): void => {
    const { names, label, isNumber, classAt } = columns!;
    let isMissing = false;
    if (cells.length !== names.length) {
      // a separator at the end of the rows, or of the header, that the other has not
      if (cells.length === names.length + 1 && cells.at(-1)!.trim() === "") cells.pop();
      else if (cells.length === names.length - 1 && names.at(-1) === "") cells.push("");
      else {
        fail(
          name,
          `expected ${names.length} cells, as in the first row, but found ${cells.length} in line ${line}; ` +
            (count === 0 ? "fix one of them, or remove lines above the table" : "fix that line"),
        );
      }
    }
    for (let at = 0; at < cells.length; at++) {
      const cell = cells[at].trim();
      if (at === label) {
        if (cell === "") fail(name, `expected a class but found ${whereOf(cells[at], line, names[at])}`);
        if (!known.has(cell)) known.set(cell, cell);
        texts.push(known.get(cell)!);
      } else if (isNumber[at]) {
        const value = valueOf(cell);
        if (value === undefined) {
          if (!words.has(at)) {
            words.set(at, { cell, line, row: count, where: whereOf(cells[at], line, names[at]) });
          }
          continue;
        }
        if (Number.isNaN(value)) isMissing = true;
        else isFilled[at] = true;
        numbers.push(value);
        if (at === 0) {
          start ??= value;
          counts &&= value === start + count;
        }
        if (at === classAt && !Number.isInteger(value)) areWhole = false;
      }
    }
    count++;
    if (isMissing) missing++;
  };

  let parser: ReturnType<typeof parse> | undefined;
  try {
    const lines = wholeLines(parts, name), decoder = new TextDecoder(), encoder = new TextEncoder();
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
      relax_column_count: true, // readRow() checks it
      record_delimiter: ["\r\n", "\n", "\r"], // explicit, as detecting them costs 1 µs per character
      on_record: (cells: string[], { lines }) => {
        if (columns === undefined && begin(cells.map((cell) => cell.trim()))) return null;
        readRow(cells, lines);
        return null; // keeps no records in memory
      },
    });
    const all = function* () {
      for (const part of [[first], lines]) {
        for (const bytes of part) {
          yield delimiter === " " ? encoder.encode(withSingleSpaces(decoder.decode(bytes))) : bytes;
        }
      }
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
  if (words.size > 0) refuseWords(name, words, columns, missing, options.header);
  const { names, isNumber } = columns;
  const isUnnamed = (at: number) => /^(|unnamed: \d+)$/i.test(names[at]);
  const isEmpty = (at: number) => isUnnamed(at) && !isFilled[at];
  const all = names.flatMap((_, at) => isNumber[at] ? [at] : []);
  const counting = isNumber[0] && counts && count > 1 && (start === 0 || start === 1)
    ? `counts ${start}, ${start + 1}, ${start + 2}, …`
    : undefined;
  const isIndex = (at: number) => at === 0 && counting !== undefined && isUnnamed(0) && all.length > 1;
  const kept = all.filter((at) => !isEmpty(at) && !isIndex(at));
  if (kept.length === 0) fail(name, "expected columns of numbers but all are empty");
  if (all.some(isEmpty)) notes.push("columns without a name and without values: left out");
  if (all.some(isIndex)) notes.push(`the first column has no name and ${counting}: left out`);
  else if (counting !== undefined && all.length > 1) {
    warnings.push({
      text: `column ${
        quote(names[0], QUOTED)
      } ${counting} and is learned from like any other; leave an index out`,
      settings: ["ignore"],
    });
  }
  const used = kept.map((at) => names[at]);
  const values = withColumns(numbers.finish(), all.length, kept.map((at) => all.indexOf(at)));
  const side = Math.sqrt(used.length - 1);
  const isImagesAndOne = side >= 8 && Number.isInteger(side) && values instanceof Uint8Array;
  const others = isImagesAndOne ? `; the other ${used.length - 1} columns are images of ${side}×${side}` : "";
  if (columns.label < 0 && columns.classAt >= 0 && areWhole && used.length > 1) {
    const column = quote(names[columns.classAt]);
    warnings.push({
      text: `column ${column} is learned from like any other number; if it has classes, name it${others}`,
      settings: ["label", "ignore"],
    });
  } else if (columns.label < 0 && isImagesAndOne) {
    warnings.push({
      text:
        `${used.length} columns are images of ${side}×${side} and one more; if it has classes, name it or give its number`,
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

/** A cell that is not a number. */
interface Word {
  readonly cell: string;
  readonly line: number;
  /** Number of its row, from 0. */
  readonly row: number;
  /** Its place, for messages. */
  readonly where: string;
}

/** Refuses columns with cells that are not numbers. */
function refuseWords(
  name: string,
  words: ReadonlyMap<number, Word>,
  { names, label, isNumber }: Columns,
  missing: number,
  header: boolean | undefined,
): never {
  const [[, { cell, where, line, row }], ...others] = words;
  const isWholeLine = words.size === isNumber.filter(Boolean).length &&
    others.every(([, word]) => word.line === line);
  const [remedy, ...settings] = /^[+-]?\d+,\d+$/.test(cell)
    ? ["write decimal points"]
    : /^[+-]?inf/i.test(cell)
    ? ["replace infinite values"]
    : header === false && row === 0
    ? ["if the first line has the columns' names, say so", "header"]
    : isWholeLine
    ? [`remove line ${line} if it is no row of data, or write numbers in it`]
    : label < 0
    ? ["name the column of classes, and leave out other columns of words", "label", "ignore"]
    : ["leave out columns of words", "ignore"];
  const more = others.length === 0 ? "" : `, and words also in ${listed(others.map(([at]) => names[at]))}`;
  const also = missing === 0
    ? ""
    : `; there are missing values, too, in ${missing} row${missing > 1 ? "s" : ""}`;
  fail(name, `expected a number but found ${where}${more}; ${remedy}${also}`, [
    ...settings,
    ...(missing > 0 ? ["missing"] : []),
  ]);
}

function whereOf(cell: string, line: number, column: string): string {
  return `${quote(cell, QUOTED)} in line ${line}, column ${quote(column, QUOTED)}`;
}

/** Keeps some columns of a table, in place. */
function withColumns(values: Table["values"], width: number, kept: readonly number[]): Table["values"] {
  if (kept.length === width) return values;
  let to = 0;
  for (let first = 0; first < values.length; first += width) {
    for (const at of kept) values[to++] = values[first + at];
  }
  return values.subarray(0, to);
}

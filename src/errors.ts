/**
 * The one error class that means "the input is at fault, not the program": a file, a flag, a data set, a
 * machine without a GPU. Commands print its message as one line and exit with code 1, without a stack trace. Only
 * {@linkcode ShaderError} has several lines.
 * @module
 */

/** Bad input from outside the program. The message says what was attempted, expected, found, and what to do. */
export class InputError extends Error {
  /** The class's name, as printed. */
  override name = "InputError";
  /** Settings that help, by camelCase key, such as `batchSize`: the command line names their flags. */
  readonly settings: readonly string[];

  /**
   * With the message, which is all that is printed, also where a script throws it before a command can catch it.
   *
   * @param message what was attempted, expected and found, and what to do
   * @param remedy the settings that help
   */
  constructor(message: string, { settings = [] }: { readonly settings?: readonly string[] } = {}) {
    super(message);
    this.settings = settings;
    this.stack = `error: ${message}`;
  }
}

/** Training has come to NaN or infinity. The message says in what, at which step, and what to try. */
export class Diverged extends InputError {
  /** The class's name, as printed. */
  override name = "Diverged";
  /** The message without what to try. */
  readonly finding: string;

  /** With what was found, and what to try besides the usual. */
  constructor(finding: string, advice: string = "") {
    super(`${finding}; try a smaller learning rate, or clip gradients${advice && `; ${advice}`}`);
    this.finding = finding;
  }
}

/** A place in WGSL text. */
export interface ShaderPlace {
  /** The line, counted from 1. */
  readonly line: number;
  /** The column, counted from 1. */
  readonly column: number;
  /** The whole line. */
  readonly source: string;
}

/**
 * A shader that does not compile. Its message is a block of lines: file, line, column and the reason; the line of the
 * shader, with a caret under the column; what else the compiler says.
 */
export class ShaderError extends InputError {
  /** The class's name, as printed. */
  override name = "ShaderError";

  /**
   * With what is wrong, and where.
   *
   * @param path the file, or words for a part that is none
   * @param reason what is wrong
   * @param at where in the file, if that is known
   * @param notes what else the compiler says
   */
  constructor(path: string, reason: string, at?: ShaderPlace, notes: readonly string[] = []) {
    const lines = [`Cannot compile ${at ? `${path}:${at.line}:${at.column}` : path}: ${reason}`];
    if (at) {
      const indentation = at.source.search(/\S|$/);
      lines.push(at.source.slice(indentation), " ".repeat(Math.max(0, at.column - 1 - indentation)) + "^");
    }
    super([...lines, ...notes].map((line) => line.replace(UNPRINTABLE, " ")).join("\n    "));
  }
}

/** Control characters, which could move a terminal's cursor or end a line, and Unicode's other line ends. */
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u2028\u2029]/g;

/**
 * What was found, as it may stand in a message: JSON, cut off if it is long.
 *
 * @param value anything that was read
 * @param most characters that are shown at most
 */
export function quote(value: unknown, most: number = 60): string {
  if (typeof value === "function") return "a function";
  let text: string | undefined;
  try {
    text = JSON.stringify(typeof value === "string" ? cut(value, most) : value);
  } catch {
    return "something nested too deeply"; // which is all that JSON.stringify fails on in what was read from JSON
  }
  const escaped = (text ?? "nothing").replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return typeof value === "string" ? escaped : cut(escaped, most);
}

/**
 * Somebody else's message as a part of one line, cut off if it is long.
 *
 * @param text the message
 * @param most characters that are kept at most
 */
export function toOneLine(text: string, most: number = 200): string {
  return cut(text.replace(UNPRINTABLE, " ").replace(/\s+/g, " "), most);
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** A word as it must be typed in a shell: quoted if it holds anything unusual. */
export function shellWord(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

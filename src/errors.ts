/**
 * Errors caused by the user's input rather than by the program: a file, a flag, a data set, a machine without
 * a GPU. Commands print the message as one line and exit with code 1, without a stack trace. Only
 * {@linkcode ShaderError} has several lines.
 * @module
 */

/** Bad input. The message states the attempted action, the expected and actual values, and a remedy. */
export class InputError extends Error {
  /** The class's name, as printed. */
  override name = "InputError";
  /** Keys of settings that fix the error, such as `batchSize`; the command line appends their flags. */
  readonly settings: readonly string[];

  /**
   * Sets `stack` to the message, so that no stack trace is printed even where nothing catches the error.
   *
   * @param message the attempted action, the expected and actual values, and a remedy
   * @param options `settings`: keys of the settings that fix the error
   */
  constructor(message: string, { settings = [] }: { readonly settings?: readonly string[] } = {}) {
    super(message);
    this.settings = settings;
    this.stack = `error: ${message.split("\n").map((line) => visible(line)).join("\n")}`;
  }
}

/** Training has diverged to NaN or infinity. The message names the tensor or loss, the step, and remedies. */
export class Diverged extends InputError {
  /** The class's name, as printed. */
  override name = "Diverged";
  /** The message without the remedies. */
  readonly finding: string;

  /** Appends the usual remedies to the finding, and `advice` if given. */
  constructor(finding: string, advice: string = "") {
    super(`${finding}; try a smaller learning rate, or clip gradients${advice && `; ${advice}`}`);
    this.finding = finding;
  }
}

/** The GPU was lost, as after a driver reset or sleep, or has run out of memory. Nothing on it can be used again. */
export class DeviceLost extends InputError {
  /** The class's name, as printed. */
  override name = "DeviceLost";
  /** What the driver said, or the memory that was needed. */
  readonly reason: string;

  /**
   * Takes the message and the reason that it contains.
   *
   * @param message the attempted action, the reason, and a remedy
   * @param reason why the GPU was lost
   * @param options `settings`: keys of the settings that fix the error
   */
  constructor(message: string, reason: string, options?: { readonly settings?: readonly string[] }) {
    super(message, options);
    this.reason = reason;
  }
}

/** A position in WGSL text. */
export interface ShaderPlace {
  /** Line number, from 1. */
  readonly line: number;
  /** Column number, from 1. */
  readonly column: number;
  /** Text of the line. */
  readonly source: string;
}

/**
 * A shader that does not compile. The message has several lines: file, line, column and reason; the line of
 * the shader, with a caret under the column; further notes of the compiler.
 */
export class ShaderError extends InputError {
  /** The class's name, as printed. */
  override name = "ShaderError";

  /**
   * Formats the message.
   *
   * @param path path of the file, or a description of a part without a file
   * @param reason the compiler's complaint
   * @param at position in the file, if known
   * @param notes further notes of the compiler
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

/**
 * Control characters, which could move a terminal's cursor or end a line, Unicode's line separators, and what reverses
 * the direction of a text.
 */
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Formats a value for an error message: as JSON, truncated if it is long.
 *
 * @param value any value that was read
 * @param most maximum number of characters
 */
export function quote(value: unknown, most: number = 60): string {
  if (typeof value === "function") return "a function";
  let text: string | undefined;
  try {
    text = JSON.stringify(typeof value === "string" ? cut(value, most) : value);
  } catch {
    return "something nested too deeply"; // the only values parsed from JSON that JSON.stringify fails on
  }
  const escaped = (text ?? "nothing").replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return typeof value === "string" ? escaped : cut(escaped, most);
}

/**
 * Shows control characters of a text in their escaped form, such as `\x1b` and `\n`; tabs stay.
 *
 * @param text the text, such as the name of a file
 * @param most maximum number of characters
 */
export function visible(text: string, most: number = Infinity): string {
  return cut(text, most).replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0).toString(16);
    if (character === "\t") return character;
    return { "\n": "\\n", "\r": "\\r" }[character] ??
      (code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code}`);
  });
}

/**
 * Puts another program's message on one line, truncated if it is long.
 *
 * @param text the message
 * @param most maximum number of characters
 */
export function toOneLine(text: string, most: number = 200): string {
  return visible(text.replace(/\s+/g, " "), most);
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** Quotes a word for a shell if it contains special characters; control characters in a way that bash and zsh read. */
export function shellWord(word: string): string {
  const shown = visible(word.replaceAll("\\", "\\\\").replaceAll("'", "\\'"));
  if (visible(word) !== word) return `$'${shown}'`;
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Formats an integer with commas: `12,345`. `toLocaleString` takes 20 ms when it is first called. */
export function withCommas(value: number): string {
  return `${Math.round(value)}`.replace(/\B(?=(\d{3})+$)/g, ",");
}

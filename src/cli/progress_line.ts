/**
 * A line that shows how far work is: rewritten in place on a terminal, a new line for each report elsewhere.
 * @module
 */
import { visible } from "../errors.ts";

/** Options of {@linkcode ProgressLine}. */
export interface ProgressLineOptions {
  /** True to rewrite the line in place. */
  readonly terminal: boolean;
  /** Columns of the terminal; measured if absent. */
  readonly columns?: number | undefined;
  /** Output function. */
  readonly write: (text: string) => void;
}

/** Returns a function that writes text to a stream. */
export function writerTo(stream: { writeSync(bytes: Uint8Array): number }): (text: string) => void {
  return (text) => {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) written += stream.writeSync(bytes.subarray(written));
  };
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || 80; // some terminals say 0
  } catch {
    return 80;
  }
}

/** The line. */
export class ProgressLine {
  readonly #options: ProgressLineOptions;
  #isOpen = false;
  #shown = 0; // characters on the open line

  /** Shows nothing yet. */
  constructor(options: ProgressLineOptions) {
    this.#options = options;
  }

  /** Shows a text in place of the one before. */
  show(text: string): void {
    const line = visible(text);
    const { terminal, columns = terminal ? terminalColumns() : 0, write } = this.#options;
    if (!terminal) return write(`${line}\n`);
    // A line as wide as the terminal would wrap and could not be rewritten: narrow terminals get separate lines.
    if (line.length >= columns) {
      this.finish();
      return write(`${line}\n`);
    }
    write(`\r${line.padEnd(this.#shown)}`); // overwrites the old line with spaces, not with escape codes
    this.#shown = line.length;
    this.#isOpen = true;
  }

  /** Ends the line, so that further output begins on a new line. May be called more than once. */
  finish(): void {
    if (this.#isOpen) this.#options.write("\n");
    this.#isOpen = false;
    this.#shown = 0;
  }
}

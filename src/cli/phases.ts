/**
 * Lines about the work at the end of a command that takes longer than some seconds.
 * @module
 */

/** Seconds after which a phase is named. */
const SECONDS = 3;

/** Prints what a command is doing, once it has been doing it for three seconds. */
export class Phases implements Disposable {
  readonly #write: (line: string) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param write prints a line */
  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** Begins a phase, and ends the one before. */
  begin(phase: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#write(`measuring ${phase} …`), 1000 * SECONDS);
  }

  /** Ends the last phase. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

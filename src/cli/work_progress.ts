/**
 * The progress line of long work other than training, on stderr:
 *
 * ```text
 * 12,000 of 60,000 rows  0:42 left
 * ```
 * @module
 */
import { withCommas } from "../errors.ts";
import { formatDuration } from "./progress.ts";
import { ProgressLine, writerTo } from "./progress_line.ts";

/** Options of {@linkcode WorkProgress}. */
export interface WorkProgressOptions {
  /** What is being done, shown first, such as `compiling shaders`; nothing if absent. */
  readonly doing?: string;
  /** True to rewrite the line in place; by default if stderr is a terminal. */
  readonly terminal?: boolean;
  /** Columns of the terminal; measured if absent. */
  readonly columns?: number;
  /** Output function; stderr if absent. */
  readonly write?: (text: string) => void;
  /** Clock in milliseconds; `performance.now` if absent. */
  readonly now?: () => number;
}

/** Milliseconds between reports, and before the first: on a terminal, and elsewhere. */
const INTERVALS = { terminal: 500, elsewhere: 10_000 } as const;

/** Shows how far work is, several times a second on a terminal and every ten seconds elsewhere. */
export class WorkProgress {
  readonly #doing: string;
  readonly #unit: string;
  readonly #line: ProgressLine;
  readonly #interval: number;
  readonly #now: () => number;
  readonly #startedAt: number;
  #shownAt: number;

  /**
   * Starts the clock.
   *
   * @param unit what is counted, such as `rows`; empty if the line says it before
   */
  constructor(unit: string, options: WorkProgressOptions = {}) {
    const { terminal = Deno.stderr.isTerminal(), columns, write = writerTo(Deno.stderr) } = options;
    this.#doing = options.doing ? `${options.doing}  ` : "";
    this.#unit = unit && ` ${unit}`;
    this.#line = new ProgressLine({ terminal, columns, write });
    this.#interval = terminal ? INTERVALS.terminal : INTERVALS.elsewhere;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#shownAt = this.#now();
  }

  /**
   * Shows the state of the work if it is time to.
   *
   * @param done number done, up to `total`
   */
  update(done: number, total: number): void {
    const now = this.#now();
    if (now - this.#shownAt < this.#interval || done >= total) return;
    this.#shownAt = now;
    const seconds = (now - this.#startedAt) / 1000 * (total / done - 1);
    const left = done > 0 ? `  ${formatDuration(seconds)} left` : "";
    this.#line.show(`${this.#doing}${withCommas(done)} of ${withCommas(total)}${this.#unit}${left}`);
  }

  /** Ends the line. */
  finish(): void {
    this.#line.finish();
  }
}

/** Returns the progress line of reading a file of text, in megabytes: its `progress` takes the bytes read. */
export function readingProgress(): { progress(done: number, total: number): void; finish(): void } {
  const line = new WorkProgress("MB read");
  return {
    progress: (done, total) => line.update(done / 1e6, total / 1e6),
    finish: () => line.finish(),
  };
}

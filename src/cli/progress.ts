/**
 * The progress line of training:
 *
 * ```text
 * epoch  3/10  step  471/1570  loss 0.04123   12,345 images/s  0:42 left
 * ```
 *
 * On a terminal the line is rewritten in place; elsewhere each report is a separate line.
 * @module
 */
import { visible, withCommas } from "../errors.ts";
import { ProgressLine, writerTo } from "./progress_line.ts";

/** Options of {@linkcode Progress}. */
export interface ProgressOptions {
  /** Number of epochs. */
  readonly epochs: number;
  /** Total number of steps. */
  readonly steps: number;
  /** Number of steps done before the run was resumed; 0 if absent. */
  readonly firstStep?: number;
  /** True to rewrite the line in place; by default if stdout is a terminal. */
  readonly terminal?: boolean;
  /** Columns of the terminal; measured if absent. */
  readonly columns?: number;
  /** Output function; stdout if absent. */
  readonly write?: (text: string) => void;
  /** Clock in milliseconds; `performance.now` if absent. */
  readonly now?: () => number;
}

/** One progress report. */
export interface ProgressReport {
  /** Current epoch, from 1. */
  readonly epoch: number;
  /** Number of steps done, over all epochs. */
  readonly step: number;
  /** Losses by name, in display order. */
  readonly losses: Readonly<Record<string, number>>;
  /** Number of images trained on since the start or the resumption. */
  readonly images: number;
}

/** Pace of training since the report before, or since the start. */
export interface Pace {
  /** Images trained on in a second. */
  readonly imagesPerSecond: number;
  /** Time until the end at this pace; absent if no step was made. */
  readonly secondsLeft?: number;
}

/** Formats a number in about seven characters: `0.04123`, `12.3457`, `1.23e-5`, `NaN`. */
export function formatLoss(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return `${value}`;
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  const wholeDigits = Math.max(1, Math.floor(Math.log10(Math.max(size, 1))) + 1);
  return value.toFixed(6 - wholeDigits);
}

/** Formats a duration as `0:42`, `12:34` or `1:02:03`. */
export function formatDuration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const two = (value: number) => `${value}`.padStart(2, "0");
  const hours = Math.floor(total / 3600), minutes = Math.floor(total / 60) % 60, rest = two(total % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** Prints the progress of training. */
export class Progress {
  readonly #epochs: number;
  readonly #steps: number;
  readonly #line: ProgressLine;
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  #last: { readonly at: number; readonly step: number; readonly images: number };

  /** Starts the clock. */
  constructor(options: ProgressOptions) {
    this.#epochs = options.epochs;
    this.#steps = options.steps;
    const { terminal = Deno.stdout.isTerminal(), columns, write = writerTo(Deno.stdout) } = options;
    this.#line = new ProgressLine({ terminal, columns, write });
    this.#write = write;
    this.#now = options.now ?? (() => performance.now());
    this.#last = { at: this.#now(), step: options.firstStep ?? 0, images: 0 };
  }

  /**
   * Shows a report. The rate is that since the report before, and the remaining time follows from it.
   *
   * @returns both
   */
  update(report: ProgressReport): Pace {
    const pace = this.#paceOf(report), { imagesPerSecond, secondsLeft } = pace;
    const columns = [
      `epoch ${this.#part(report.epoch, this.#epochs)}`,
      `step ${this.#part(report.step, this.#steps)}`,
      ...Object.entries(report.losses).map(([name, value]) => `${name} ${formatLoss(value).padStart(7)}`),
      `${withCommas(imagesPerSecond).padStart(7)} images/s`,
      ...(secondsLeft === undefined ? [] : [`${formatDuration(secondsLeft)} left`]),
    ];
    this.#line.show(columns.join("  "));
    return pace;
  }

  #paceOf({ step, images }: ProgressReport): Pace {
    const { at: then, step: before, images: earlier } = this.#last, at = this.#now(), done = step - before;
    this.#last = { at, step, images };
    const seconds = Math.max(1e-9, (at - then) / 1000);
    return {
      imagesPerSecond: (images - earlier) / seconds,
      ...(done > 0 ? { secondsLeft: seconds / done * (this.#steps - step) } : {}), // not after a rollback
    };
  }

  /** Prints a separate line, such as the result of an evaluation, after ending the progress line. */
  note(line: string): void {
    this.finish();
    this.#write(`${visible(line)}\n`);
  }

  /** Ends the progress line, so that further output begins on a new line. May be called more than once. */
  finish(): void {
    this.#line.finish();
  }

  #part(value: number, total: number): string {
    return `${value}`.padStart(`${total}`.length) + `/${total}`;
  }
}

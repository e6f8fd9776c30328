/**
 * The line that shows how training goes:
 *
 * ```text
 * epoch  3/10  step  471/1570  loss 0.04123   12,345 images/s  0:42 left
 * ```
 *
 * On a terminal the line is rewritten in place; elsewhere each report is a line of its own.
 * @module
 */

/** How long a training run is, and where its progress goes. */
export interface ProgressOptions {
  /** Number of epochs. */
  readonly epochs: number;
  /** Number of steps in all epochs together. */
  readonly steps: number;
  /** The last step that was done before, when a run is continued; 0 if not given. */
  readonly firstStep?: number;
  /** Whether to rewrite the line; whether stdout is a terminal if not given. */
  readonly terminal?: boolean;
  /** Columns of the terminal, which the line must not exceed; measured if not given. */
  readonly columns?: number;
  /** Where text goes; stdout if not given. */
  readonly write?: (text: string) => void;
  /** A clock in milliseconds; `performance.now` if not given. */
  readonly now?: () => number;
}

/** What one report says. */
export interface ProgressReport {
  /** The current epoch, from 1. */
  readonly epoch: number;
  /** Steps done so far, over all epochs. */
  readonly step: number;
  /** Named losses, in the order in which they are shown. */
  readonly losses: Readonly<Record<string, number>>;
  /** Images trained on since the start or the continuation. */
  readonly images: number;
}

/** A number in about seven characters: `0.04123`, `12.3457`, `1.23e-5`, `NaN`. */
export function formatLoss(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return `${value}`;
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  const wholeDigits = Math.max(1, Math.floor(Math.log10(Math.max(size, 1))) + 1);
  return value.toFixed(6 - wholeDigits);
}

/** A duration as `0:42`, `12:34` or `1:02:03`. */
export function formatDuration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const two = (value: number) => `${value}`.padStart(2, "0");
  const hours = Math.floor(total / 3600), minutes = Math.floor(total / 60) % 60, rest = two(total % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** A whole number with commas: `12,345`. */
function withCommas(value: number): string {
  return `${Math.round(value)}`.replace(/\B(?=(\d{3})+$)/g, ",");
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || 80; // some terminals say 0
  } catch {
    return 80;
  }
}

function writeToStdout(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) written += Deno.stdout.writeSync(bytes.subarray(written));
}

/** Shows how training goes, from the moment it is made. How often it is called is the caller's choice. */
export class Progress {
  readonly #epochs: number;
  readonly #steps: number;
  readonly #firstStep: number;
  readonly #terminal: boolean;
  readonly #columns: number | undefined;
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  readonly #startedAt: number;
  #isLineOpen = false;
  #shown = 0; // characters on the open line

  /**
   * Starts the clock.
   *
   * @param options how long the run is, and where its progress goes
   */
  constructor(options: ProgressOptions) {
    this.#epochs = options.epochs;
    this.#steps = options.steps;
    this.#firstStep = options.firstStep ?? 0;
    this.#terminal = options.terminal ?? Deno.stdout.isTerminal();
    this.#columns = options.columns;
    this.#write = options.write ?? writeToStdout;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#now();
  }

  /** Shows a report. The rate and the time left are averages over the run so far. */
  update(report: ProgressReport): void {
    const seconds = Math.max(1e-9, (this.#now() - this.#startedAt) / 1000);
    const done = report.step - this.#firstStep;
    const columns = [
      `epoch ${this.#part(report.epoch, this.#epochs)}`,
      `step ${this.#part(report.step, this.#steps)}`,
      ...Object.entries(report.losses).map(([name, value]) => `${name} ${formatLoss(value).padStart(7)}`),
      `${withCommas(report.images / seconds).padStart(7)} images/s`,
      ...(done > 0 ? [`${formatDuration(seconds / done * (this.#steps - report.step))} left`] : []),
    ];
    this.#show(columns.join("  "));
  }

  /** Prints a line of its own, such as the result of an evaluation, without disturbing the progress line. */
  note(line: string): void {
    this.finish();
    this.#write(`${line}\n`);
  }

  /** Ends the progress line, so that what is printed next begins on a new one. May be called more than once. */
  finish(): void {
    if (this.#isLineOpen) this.#write("\n");
    this.#isLineOpen = false;
    this.#shown = 0;
  }

  #part(value: number, total: number): string {
    return `${value}`.padStart(`${total}`.length) + `/${total}`;
  }

  #show(line: string): void {
    if (!this.#terminal) return this.#write(`${line}\n`);
    // A line as wide as the terminal would wrap, and could not be rewritten: a narrow terminal gets one line after another.
    if (line.length >= (this.#columns ?? terminalColumns())) {
      this.finish();
      return this.#write(`${line}\n`);
    }
    this.#write(`\r${line.padEnd(this.#shown)}`); // spaces over what was longer: no escape codes, which not all know
    this.#shown = line.length;
    this.#isLineOpen = true;
  }
}

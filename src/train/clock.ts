/**
 * Training time of a run, without pictures, measurements and pauses.
 * @module
 */

/** A stopwatch that starts when it is created and stops during untimed work. */
export class TrainingClock {
  readonly #started = performance.now();
  #earlier = 0; // milliseconds of training before the run was resumed
  #untimed = 0; // milliseconds of untimed() work

  /** Milliseconds of training, those before the run was resumed included. */
  get milliseconds(): number {
    return this.#earlier + this.millisecondsHere;
  }

  /** Milliseconds of training in this process. */
  get millisecondsHere(): number {
    return this.now() - this.#started;
  }

  /** Milliseconds on a clock that stops during untimed work; only differences mean something. */
  now(): number {
    return performance.now() - this.#untimed;
  }

  /** Sets {@link milliseconds} to those that a checkpoint had. */
  restore(milliseconds: number): void {
    this.#earlier = milliseconds - this.millisecondsHere;
  }

  /** Runs work that does not count. */
  async untimed<T>(work: () => Promise<T>): Promise<T> {
    const before = performance.now();
    try {
      return await work();
    } finally {
      this.#untimed += performance.now() - before;
    }
  }
}

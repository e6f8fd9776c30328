/**
 * Limits the work that waits in the GPU's queue: waiting for it blocks the process, which then hears no signal.
 * @module
 */
import { turnEventLoop } from "../event_loop.ts";

/** Milliseconds of queued work after which the queue is awaited: less than the time between two presses of Ctrl-C. */
const MOST_QUEUED = 50;

/** Estimates the work that one sequence of equal submissions has queued, from the time that earlier ones took. */
export class QueuePace {
  readonly #device: GPUDevice;
  #since = performance.now();
  #submissions = 0; // since then
  #each = Infinity; // milliseconds of a submission

  /** Begins with an empty queue. */
  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Counts a submission. */
  submitted(): void {
    this.#submissions++;
  }

  /** Notes that the queue has been awaited. */
  awaited(): void {
    const now = performance.now();
    if (this.#submissions > 0) this.#each = (now - this.#since) / this.#submissions;
    this.#since = now;
    this.#submissions = 0;
  }

  /** Lets the event loop turn from time to time, after waiting for the queue if it is long. */
  async keep(): Promise<void> {
    const queued = this.#submissions * this.#each - (performance.now() - this.#since);
    if (this.#submissions > 0 && queued >= MOST_QUEUED) {
      await this.#device.queue.onSubmittedWorkDone();
      this.awaited();
    }
    await turnEventLoop();
  }
}

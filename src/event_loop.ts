/**
 * Turns of the event loop within long computations on the CPU, so that signals, timers and connections are heard.
 * @module
 */

/**
 * Milliseconds of computing after which a turn is due. Signals that come between two turns count as one where no worker
 * counts them, so that it is less than the time between two presses of Ctrl-C.
 */
const PERIOD = 50;

let turnedAt = performance.now();

/** True if {@link turnEventLoop} would wait: cheaper than to await it, in short loops. */
export function isTurnDue(): boolean {
  return performance.now() - turnedAt >= PERIOD;
}

/**
 * Lets the event loop turn, if the last turn here was more than 50 ms ago. Long computations call it every few
 * milliseconds of work.
 */
export async function turnEventLoop(): Promise<void> {
  if (!isTurnDue()) return;
  await new Promise((resolve) => setTimeout(resolve, 0)); // setImmediate() would not deliver signals
  turnedAt = performance.now();
}

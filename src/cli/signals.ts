/**
 * Ctrl-C and SIGTERM, and which signals are one press.
 * @module
 */

/**
 * Milliseconds within which two signals are one press of Ctrl-C: a terminal sends it to `deno task` and to the command,
 * and `deno task` passes it on, within 3 ms, and later on a busy machine. Two presses take longer than this.
 */
export const ONE_PRESS = 30;

/** Calls `handle` with the exit code (130, 143) at Ctrl-C and SIGTERM, until it is disposed of. Needs no permission. */
export function listenForSignals(handle: (exitCode: number) => void): Disposable {
  const listeners = new Map<Deno.Signal, () => void>([["SIGINT", () => handle(130)]]);
  if (Deno.build.os !== "windows") listeners.set("SIGTERM", () => handle(143)); // Windows has no SIGTERM
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  return {
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
      listeners.clear();
    },
  };
}

/**
 * As {@link listenForSignals}, but calls `handle` once for the signals of one press.
 *
 * @param clock the time in milliseconds
 */
export function listenForPresses(
  handle: (exitCode: number) => void,
  clock: () => number = () => performance.now(),
): Disposable {
  let heardAt = -Infinity;
  return listenForSignals((exitCode) => {
    const now = clock(), isSamePress = now - heardAt < ONE_PRESS;
    heardAt = now;
    if (!isSamePress) handle(exitCode);
  });
}

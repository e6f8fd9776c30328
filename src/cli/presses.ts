/**
 * Counts presses of Ctrl-C in a worker. The main thread sees signals only when its event loop turns, where two of them
 * are one.
 * @module
 */
import { listenForPresses, ONE_PRESS } from "./signals.ts";

/** Presses of Ctrl-C, or SIGTERMs, since {@link countPresses}. */
export interface Presses extends Disposable {
  /** Tells the presses that the main thread has not yet heard of, without a turn of its event loop. */
  look(): void;
}

/** The worker's module. */
const MODULE = new URL("./presses_worker.ts", import.meta.url);

/**
 * Calls `hear` with the number of presses so far and the last one's exit code (130, 143), perhaps repeatedly with the same
 * number. Without read permission for the worker's module, and until the worker has started, the main thread counts:
 * then presses between two turns of the event loop count as one.
 */
export function countPresses(hear: (presses: number, exitCode: number) => void): Presses {
  const shared = new Int32Array(new SharedArrayBuffer(8)); // the worker's presses, exit code of the last
  let own = 0; // presses that the main thread counted
  let earlier: number | undefined; // presses before those that the worker counts; undefined while the main thread counts
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    const counted = Atomics.load(shared, 0);
    if (earlier !== undefined && counted > 0) hear(earlier + counted, Atomics.load(shared, 1));
  };
  using owned = new DisposableStack();
  owned.use(listenForPresses((exitCode) => {
    if (earlier === undefined) return hear(++own, exitCode);
    hear(Math.max(1, earlier + Atomics.load(shared, 0)), exitCode); // the worker may hear of the first a little later
  }));
  const worker = startWorker();
  if (worker !== undefined) {
    owned.defer(() => {
      earlier = undefined;
      clearTimeout(timer);
      worker.terminate();
    });
    worker.onerror = (event) => {
      event.preventDefault();
      earlier = undefined;
    };
    worker.onmessage = ({ data }: MessageEvent<"ready" | "pressed">) => {
      if (data === "ready") {
        // By then a press that began before the worker listened is over, and is not counted a second time.
        timer = setTimeout(() => earlier = Math.max(own - Atomics.load(shared, 0), 0), ONE_PRESS);
      }
      look();
    };
    worker.postMessage(shared);
  }
  const kept = owned.move();
  return { look, [Symbol.dispose]: () => kept.dispose() };
}

function startWorker(): Worker | undefined {
  if (MODULE.protocol === "file:") {
    const { state } = Deno.permissions.querySync({ name: "read", path: MODULE });
    if (state !== "granted") return undefined; // rather than ask
  }
  return new Worker(MODULE, { type: "module", name: "presses" });
}

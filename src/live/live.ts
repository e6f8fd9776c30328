/**
 * A browser dashboard for a running training, served on 127.0.0.1. The server is a worker, as waiting for the GPU
 * blocks the event loop of the training thread.
 * @module
 */
import { InputError, toOneLine } from "../errors.ts";
import { printError } from "../terminal.ts";
import { liveAssets } from "./assets.ts";
import { CONTROL, type FromWorker, type LiveEvent, type ToWorker } from "./events.ts";

/** Options of {@linkcode startLive}. */
export interface LiveOptions {
  /** Port on 127.0.0.1; 0, the default, picks a free port. */
  readonly port?: number | undefined;
}

/** Milliseconds between checks for the end of a pause. */
const LOOK_EVERY = 50;
/** Milliseconds after which closing no longer waits for the worker, whose pages may keep on asking. */
const CLOSING_TIME = 10_000;

/**
 * Starts the dashboard's server.
 *
 * @returns the dashboard, which the caller must close
 * @throws InputError if the port is in use, or this process lacks the permission to listen on 127.0.0.1
 */
export async function startLive({ port = 0 }: LiveOptions = {}): Promise<Live> {
  const flags = new Int32Array(new SharedArrayBuffer(4 * CONTROL.count));
  const worker = startWorker();
  try {
    const answer = await new Promise<FromWorker>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(`Cannot start the dashboard's worker: ${event.message}`));
      };
      worker.postMessage(
        { kind: "start", port, flags: flags.buffer, assets: liveAssets() } satisfies ToWorker,
      );
    });
    if (answer.kind === "listening") return new Live(worker, flags, `http://127.0.0.1:${answer.port}/`);
    const reason = answer.kind === "failed" ? answer.message : `it said "${answer.kind}"`;
    throw new InputError(
      `Cannot serve the dashboard on 127.0.0.1, port ${port}: expected a free port but ${reason}; ` +
        "choose another, or 0 for a free port",
    );
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

function startWorker(): Worker {
  const options: WorkerOptions = {
    type: "module",
    name: "dashboard",
    deno: { permissions: { net: ["127.0.0.1"] } },
  };
  try {
    return new Worker(new URL("./server.ts", import.meta.url), options);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new InputError(
      "Cannot start the dashboard: expected permission to listen on 127.0.0.1; add --allow-net=127.0.0.1",
    );
  }
}

/** A running dashboard. */
export class Live {
  /** URL of the page, such as `http://127.0.0.1:41234/`. */
  readonly url: string;
  readonly #worker: Worker;
  readonly #flags: Int32Array<SharedArrayBuffer>;
  readonly #closed: Promise<void>;
  readonly #giveUp: () => void;
  #isOpen = true;

  /** Called by {@linkcode startLive} only. */
  constructor(worker: Worker, flags: Int32Array<SharedArrayBuffer>, url: string) {
    this.url = url;
    this.#worker = worker;
    this.#flags = flags;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    this.#giveUp = resolve;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "closed") resolve();
      if (data.kind === "fault") {
        printError("", `warning: the dashboard cannot show this run: ${toOneLine(data.message)}`);
      }
      if (data.kind === "failed") this.#break(data.message);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#break(event.message);
    };
  }

  /** Goes on without a dashboard. */
  #break(reason: string): void {
    if (this.#isOpen) {
      printError("", `warning: the dashboard has stopped; training continues: ${toOneLine(reason)}`);
    }
    this[Symbol.dispose]();
    this.#giveUp();
  }

  /** True after a pause request, until resumed or stopped. */
  get isPaused(): boolean {
    return this.#isOpen && !this.isStopped && Atomics.load(this.#flags, CONTROL.pause) === 1;
  }

  /** True if a page is connected; without one, no pictures are needed. */
  get isWatched(): boolean {
    return this.#isOpen && Atomics.load(this.#flags, CONTROL.watchers) > 0;
  }

  /** True after a stop request. */
  get isStopped(): boolean {
    return Atomics.load(this.#flags, CONTROL.stop) === 1;
  }

  /** Sends an update to the pages; does nothing after {@linkcode close}. */
  publish(event: LiveEvent): void {
    this.#post(event);
  }

  /**
   * Waits until training is resumed; returns at once if it is not paused.
   *
   * @param isCancelled polled every 50 ms; true ends the wait, for Ctrl-C
   */
  async whilePaused(isCancelled: () => boolean = () => false): Promise<void> {
    if (!this.isPaused) return;
    this.#post({ kind: "waiting", waiting: true });
    while (this.isPaused && !isCancelled()) await sleep(LOOK_EVERY);
    this.#post({ kind: "waiting", waiting: false });
  }

  /**
   * Tells the browsers that training has ended, and stops the server once they have fetched what they lack: at once
   * without a page, three seconds after the last request of a page that stays, and after ten seconds at most.
   */
  async close(): Promise<void> {
    this.#post({ kind: "close" });
    this.#isOpen = false;
    const patience = setTimeout(this.#giveUp, CLOSING_TIME);
    await this.#closed;
    clearTimeout(patience);
    this[Symbol.dispose]();
  }

  /** Stops the server at once without notifying the browsers, after a failed training. */
  [Symbol.dispose](): void {
    this.#isOpen = false;
    this.#worker.terminate();
  }

  /** Same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #post(message: ToWorker): void {
    if (this.#isOpen) this.#worker.postMessage(message);
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Subscribers of the event stream. Slow browsers miss messages, which they detect by record numbers; browsers that
 * stop reading are disconnected.
 * @module
 */
import type { ServerResponse } from "node:http";

/** Maximum number of open event streams. */
export const MAX_SUBSCRIBERS = 256;
/** Milliseconds after which a subscriber that does not read is disconnected. */
export const PATIENCE = 10_000;

/** The open event streams. */
export class Subscribers {
  /** Time at which each stream stalled; undefined while it is read. */
  readonly #stalled = new Map<ServerResponse, number | undefined>();
  readonly #now: () => number;

  /** Starts without subscribers; `now` is a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Number of open streams. */
  get count(): number {
    return this.#stalled.size;
  }

  /** Adds a stream and sends its first message. The caller writes the headers, and checks {@linkcode count} before. */
  add(response: ServerResponse, message: string): void {
    this.#stalled.set(response, undefined);
    response.on("drain", () => this.#stalled.has(response) && this.#stalled.set(response, undefined));
    response.on("close", () => this.#stalled.delete(response));
    this.#write(response, `retry: 1000\n${message}`);
  }

  /** Sends a message to all streams that are not stalled, and drops those stalled too long. */
  send(message: string): void {
    for (const [response, since] of this.#stalled) {
      if (since === undefined) this.#write(response, message);
      else if (this.#now() - since > PATIENCE) this.#drop(response);
    }
  }

  #write(response: ServerResponse, message: string): void {
    if (!response.write(message)) this.#stalled.set(response, this.#now());
  }

  #drop(response: ServerResponse): void {
    this.#stalled.delete(response);
    response.destroy();
  }
}

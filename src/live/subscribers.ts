/**
 * The browsers that listen to the event stream. One that does not keep up misses messages, which it notices by
 * their numbers; one that has read nothing for a while is dropped.
 * @module
 */
import type { ServerResponse } from "node:http";

/** Event streams that may be open at once. */
export const MAX_SUBSCRIBERS = 256;
/** Milliseconds for which a subscriber may leave messages unread. */
export const PATIENCE = 10_000;

/** The open event streams. */
export class Subscribers {
  /** Each with the time when it stopped to read, if it did. */
  readonly #stalled = new Map<ServerResponse, number | undefined>();
  readonly #now: () => number;

  /** Starts without any; `now` is a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many there are. */
  get count(): number {
    return this.#stalled.size;
  }

  /** Starts a stream with a first message. The caller has written the head, and has looked at {@linkcode count}. */
  add(response: ServerResponse, message: string): void {
    this.#stalled.set(response, undefined);
    response.on("drain", () => this.#stalled.has(response) && this.#stalled.set(response, undefined));
    response.on("close", () => this.#stalled.delete(response));
    this.#write(response, `retry: 1000\n${message}`);
  }

  /** Sends a message to all who keep up. */
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

/**
 * What the server says, kept complete: the whole history once, then message after message; the history again where
 * something was missed or is too large for a message.
 * @module
 */

/**
 * @typedef {import("../events.ts").LiveData} LiveData
 * @typedef {import("../events.ts").LiveMessage} LiveMessage
 * @typedef {import("../events.ts").LiveState} LiveState
 * @typedef {import("../../report/page/page_types.ts").PageData} PageData
 *
 * @typedef {object} Listener
 * @property {(state: LiveState | undefined) => void} onState how training stands; undefined while there is no connection
 * @property {(page: PageData) => Promise<void>} onPage draws the run; called once a second at most
 */

/** Milliseconds between drawings, at least and at most. */
const DRAW_EVERY = 1000, DRAW_AT_LEAST_EVERY = 30000;
/**
 * After a drawing the page rests for so many times as long as it took until it was on the screen: training may want the
 * same processors, above all where there is no GPU and they draw too.
 */
const REST = 30;
/** Milliseconds before a refused connection is tried again. */
const TRY_AGAIN = 3000;
/** Metrics records that the page lets grow before it fetches them anew, thinned out. */
const MOST_RECORDS = 6000;

/** The connection to a run's server. */
export class Connection {
  #listener;
  /** @type {LiveData | undefined} */
  #data;
  /** @type {EventSource | undefined} */
  #events;
  #isStale = true;
  #isChanged = false;
  #isBusy = false;
  #hasEnded = false;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /** Starts to listen. */
  start() {
    void this.#drawAgainAndAgain();
    document.addEventListener("visibilitychange", () => void this.#draw());
  }

  /**
   * Asks training to pause, to go on or to stop.
   *
   * @param {import("../events.ts").ControlAction} action
   */
  async control(action) {
    const headers = { "x-bottleneck-token": this.#data?.token ?? "" };
    const answer = await fetch("/control", { method: "POST", headers, body: action }).catch(() => undefined);
    if (!answer?.ok) this.#listener.onState(undefined);
  }

  async #drawAgainAndAgain() {
    const begin = performance.now();
    try {
      await this.#draw();
    } finally {
      const rest = Math.min(DRAW_AT_LEAST_EVERY, REST * (performance.now() - begin));
      setTimeout(() => void this.#drawAgainAndAgain(), Math.max(DRAW_EVERY, rest));
    }
  }

  /** Fetches what is stale and draws what has changed; pages that nobody sees wait. */
  async #draw() {
    if (this.#isBusy || (!this.#isStale && !this.#isChanged) || (document.hidden && !this.#hasEnded)) return;
    this.#isBusy = true;
    try {
      if (this.#isStale) await this.#fetch();
      this.#isChanged = false;
      if (this.#data?.page) {
        await this.#listener.onPage(this.#data.page);
        await shown();
      }
    } finally {
      this.#isBusy = false;
    }
    if (this.#hasEnded) await this.#draw(); // the end may have come while this was busy
  }

  async #fetch() {
    const answer = await fetch("/data.json").then((got) => got.ok ? got.json() : undefined).catch(() =>
      undefined
    );
    if (!answer) {
      if (this.#hasEnded) this.#isStale = false; // nobody is there any more
      else this.#listener.onState(undefined);
      return;
    }
    this.#data = /** @type {LiveData} */ (answer);
    this.#isStale = false;
    if (this.#data.phase === "ended") this.#hasEnded = true;
    this.#listener.onState(this.#data);
    if (this.#hasEnded) this.#events?.close();
    else if (!this.#events) this.#listen(this.#data.lastRecord);
  }

  /** @param {number} after the latest record that is known */
  #listen(after) {
    const events = this.#events = new EventSource(`/events?after=${after}`);
    events.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    events.onerror = () => {
      if (this.#hasEnded) return events.close();
      this.#listener.onState(undefined);
      if (events.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      setTimeout(() => this.#listen(this.#data?.lastRecord ?? 0), TRY_AGAIN);
    };
  }

  /** @param {LiveMessage} message */
  #receive(message) {
    const data = this.#data;
    if (!data || message.token !== data.token) return location.reload(); // another run listens there now
    this.#listener.onState(message);
    const isGap = message.after > data.lastRecord || !data.page;
    if (isGap || message.version !== data.version || data.page.metrics.length > MOST_RECORDS) {
      this.#isStale = true;
    } else {
      const fresh = message.records.slice(data.lastRecord - message.after);
      const page = { ...data.page, metrics: [...data.page.metrics, ...fresh] };
      this.#data = { ...data, page, lastRecord: data.lastRecord + fresh.length };
      this.#isChanged ||= fresh.length > 0;
    }
    if (message.phase === "ended") {
      this.#hasEnded = true;
      this.#isStale = true;
      void this.#draw();
    }
  }
}

/** Resolves when what was drawn is on the screen: at the second frame from now, or soon where no frames are made. */
function shown() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(resolve));
    setTimeout(resolve, 1000);
  });
}

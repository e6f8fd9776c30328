/**
 * Keeps the page's data in sync with the server: fetches the whole history once, then applies messages, and fetches
 * large parts when they have changed and are visible. Fetches the whole history again after a gap and at the end.
 * @module
 */
import type { PageData } from "../../report/page/page_types.ts";
import type {
  ControlAction,
  LiveData,
  LiveMessage,
  LiveState,
  PartAnswer,
  PartName,
  Parts,
} from "../events.ts";

/** Callbacks of a {@linkcode Connection}. */
export interface Listener {
  /** Shows the state of training, undefined while disconnected; called at each redraw and at each change of phase. */
  readonly onState: (state: LiveState | undefined) => void;
  /** Draws the run; called at most once per second. */
  readonly onPage: (page: PageData) => Promise<void>;
  /** Returns true if a part is visible. */
  readonly isInSight: (name: PartName) => boolean;
}

/** Minimum and maximum interval between redraws, in milliseconds. */
const DRAW_EVERY = 1000, DRAW_AT_LEAST_EVERY = 10000;
/**
 * After a redraw the page rests for this multiple of its duration, to leave the CPU to training, above all without a
 * GPU. The first redraw, which loads the libraries, does not count.
 */
const REST = 60;
/** Milliseconds before reconnecting after a refused connection. */
const TRY_AGAIN = 3000;
/** Maximum number of metrics records before the page fetches them again, thinned out. */
const MOST_RECORDS = 6000;
/** Parts in the order in which they are merged. */
const PARTS: readonly PartName[] = ["snapshot", "codes", "images", "pictures"];

/** Connection to the server of a run. */
export class Connection {
  readonly #listener: Listener;
  /** Data fetched so far, with the versions of its parts. */
  #data: LiveData | undefined;
  /** Latest state of the server. */
  #latest: LiveState | undefined;
  #events: EventSource | undefined;
  #isStale = true;
  #isChanged = false;
  #isBusy = false;
  #hasDrawn = false;
  #hasEnded = false;
  #restUntil = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** Fetches the data and starts listening. */
  start() {
    void this.#draw();
    document.addEventListener("visibilitychange", () => this.draw());
  }

  /** Sends a control request. */
  async control(action: ControlAction) {
    const headers = { "x-bottleneck-token": this.#data?.token ?? "" };
    const answer = await fetch("/control", { method: "POST", headers, body: action }).catch(() => undefined);
    if (!answer?.ok) this.#lose();
  }

  /** Redraws, now or when the rest is over; also called when other sections become visible. */
  draw() {
    const rest = this.#restUntil - performance.now();
    if (rest <= 0) return void this.#draw();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#draw();
    }, rest);
  }

  /** Parts that have changed and are visible, or are new. */
  get #wanted(): PartName[] {
    const known = this.#data?.versions, latest = this.#latest?.versions;
    if (!known || !latest) return [];
    return PARTS.filter((name) =>
      known[name] !== latest[name] && (known[name] === 0 || this.#listener.isInSight(name))
    );
  }

  /** Fetches the wanted parts and redraws if something has changed; hidden pages wait. */
  async #draw() {
    const isDue = this.#isStale || this.#isChanged || this.#wanted.length > 0;
    if (this.#isBusy || !isDue || (document.hidden && !this.#hasEnded)) return;
    this.#isBusy = true;
    let rest = 0;
    try {
      if (this.#isStale) await this.#fetch();
      else for (const name of this.#wanted) await this.#fetchPart(name);
      this.#isChanged = false;
      if (!this.#isStale) this.#listener.onState(this.#latest);
      if (this.#data?.page) {
        const begin = performance.now();
        await this.#listener.onPage(this.#data.page);
        await shown();
        if (this.#hasDrawn) rest = REST * (performance.now() - begin);
        this.#hasDrawn = true;
      }
    } finally {
      this.#isBusy = false;
      this.#restUntil = performance.now() + Math.min(DRAW_AT_LEAST_EVERY, Math.max(DRAW_EVERY, rest));
    }
    if (this.#hasEnded) await this.#draw(); // in case training ended meanwhile
    else this.draw(); // in case new data arrived meanwhile
  }

  async #fetch() {
    const answer = await ask<LiveData>("/data.json");
    if (!answer) {
      if (this.#hasEnded) this.#isStale = false; // the server has exited
      else this.#lose();
      return;
    }
    this.#data = answer;
    this.#latest = answer;
    this.#isStale = false;
    if (answer.phase === "ended") this.#hasEnded = true;
    if (this.#hasEnded) this.#events?.close();
    else if (!this.#events) this.#listen(answer.lastRecord);
  }

  async #fetchPart(name: PartName) {
    const answer = await ask<PartAnswer<PartName>>(`/data/${name}.json`), data = this.#data;
    if (!answer || !data?.page || answer.token !== data.token) return; // the event stream detects a new server
    const page = withPart(data.page, { name, part: answer.part } as NamedPart);
    this.#data = { ...data, page, versions: { ...data.versions, [name]: answer.version } };
  }

  /** Subscribes to messages after a record number. */
  #listen(after: number) {
    const events = this.#events = new EventSource(`/events?after=${after}`);
    events.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    events.onerror = () => {
      if (this.#hasEnded) return events.close();
      this.#lose();
      if (events.readyState !== EventSource.CLOSED) return; // the browser reconnects by itself
      setTimeout(() => this.#listen(this.#data?.lastRecord ?? 0), TRY_AGAIN);
    };
  }

  #lose() {
    this.#latest = undefined;
    this.#listener.onState(undefined);
  }

  #receive(message: LiveMessage) {
    const data = this.#data;
    if (!data || message.token !== data.token) return location.reload(); // another run uses the port now
    // also for pages in the background, as updating the title costs no frame
    if (document.hidden || message.phase !== this.#latest?.phase) this.#listener.onState(message);
    this.#latest = message;
    this.#isChanged = true;
    const isGap = message.after > data.lastRecord || !data.page;
    if (
      isGap || message.versions.rest !== data.versions.rest || data.page.metrics.length > MOST_RECORDS
    ) {
      this.#isStale = true;
    } else {
      const fresh = message.records.slice(data.lastRecord - message.after);
      const page = { ...data.page, metrics: [...data.page.metrics, ...fresh] };
      this.#data = { ...data, page, lastRecord: data.lastRecord + fresh.length };
    }
    if (message.phase === "ended") {
      this.#hasEnded = true;
      this.#isStale = true;
      void this.#draw();
    } else this.draw();
  }
}

/** Fetches JSON; returns undefined on failure. */
async function ask<T>(path: string): Promise<T | undefined> {
  try {
    const answer = await fetch(path);
    return answer.ok ? await answer.json() : undefined;
  } catch {
    return undefined;
  }
}

/** A part with its name; undefined if it no longer exists. */
type NamedPart = { [Name in PartName]: { name: Name; part: Parts[Name] | undefined } }[PartName];

/** Replaces one part of a page. The others stay the same objects, so that they are not redrawn. */
function withPart(page: PageData, { name, part }: NamedPart): PageData {
  if (name === "pictures") return { ...page, pictures: part ?? [] };
  if (name === "snapshot") return { ...page, snapshot: part && { ...part, codes: page.snapshot?.codes } };
  const { snapshot } = page, before = snapshot?.codes;
  if (!snapshot) return page;
  const codes = name === "codes"
    ? part && { ...part, images: before?.images ?? "" }
    : before && { ...before, images: part ?? "" };
  return { ...page, snapshot: { ...snapshot, codes } };
}

/** Resolves when the drawing is on the screen: at the second frame, or after a second if there are no frames. */
function shown() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(resolve));
    setTimeout(resolve, 1000);
  });
}

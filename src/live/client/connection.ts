/**
 * What the server says, kept complete: the whole history once, then message after message, and of the parts that are
 * too large for a message those that have changed and are in sight. The whole history again at the end, or where
 * something was missed.
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

/** Who hears of what arrives. */
export interface Listener {
  /** How training stands; undefined while there is no connection. Called with each drawing, and at once when the phase
   * changes. */
  readonly onState: (state: LiveState | undefined) => void;
  /** Draws the run; called once a second at most. */
  readonly onPage: (page: PageData) => Promise<void>;
  /** Whether the reader sees what shows a part. */
  readonly isInSight: (name: PartName) => boolean;
}

/** Milliseconds between drawings, at least and at most. */
const DRAW_EVERY = 1000, DRAW_AT_LEAST_EVERY = 10000;
/**
 * After a drawing the page rests for so many times as long as it took until it was on the screen: training may want the
 * same processors, above all where there is no GPU and they draw too. The first drawing, which loads the libraries, does
 * not count.
 */
const REST = 60;
/** Milliseconds before a refused connection is tried again. */
const TRY_AGAIN = 3000;
/** Metrics records that the page lets grow before it fetches them anew, thinned out. */
const MOST_RECORDS = 6000;
/** In the order in which they are put together. */
const PARTS: readonly PartName[] = ["snapshot", "codes", "images", "pictures"];

/** The connection to a run's server. */
export class Connection {
  readonly #listener: Listener;
  /** What is known; its versions are those of the parts that were fetched. */
  #data: LiveData | undefined;
  /** What there is. */
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

  /** Starts to listen. */
  start() {
    void this.#draw();
    document.addEventListener("visibilitychange", () => this.draw());
  }

  /** Asks training to pause, resume or stop. */
  async control(action: ControlAction) {
    const headers = { "x-bottleneck-token": this.#data?.token ?? "" };
    const answer = await fetch("/control", { method: "POST", headers, body: action }).catch(() => undefined);
    if (!answer?.ok) this.#lose();
  }

  /** Draws what is new, now or when the page has rested. What is in sight may be other than before. */
  draw() {
    const rest = this.#restUntil - performance.now();
    if (rest <= 0) return void this.#draw();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#draw();
    }, rest);
  }

  /** What has changed and is in sight, or was not there before. */
  get #wanted(): PartName[] {
    const known = this.#data?.versions, latest = this.#latest?.versions;
    if (!known || !latest) return [];
    return PARTS.filter((name) =>
      known[name] !== latest[name] && (known[name] === 0 || this.#listener.isInSight(name))
    );
  }

  /** Fetches what is wanted and draws what has changed; pages that nobody sees wait. */
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
    if (this.#hasEnded) await this.#draw(); // the end may have come while this was busy
    else this.draw(); // and so may news
  }

  async #fetch() {
    const answer = await ask<LiveData>("/data.json");
    if (!answer) {
      if (this.#hasEnded) this.#isStale = false; // nobody is there any more
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
    if (!answer || !data?.page || answer.token !== data.token) return; // the stream says what has become of the server
    const page = withPart(data.page, { name, part: answer.part } as NamedPart);
    this.#data = { ...data, page, versions: { ...data.versions, [name]: answer.version } };
  }

  /** Listens to what comes after a record. */
  #listen(after: number) {
    const events = this.#events = new EventSource(`/events?after=${after}`);
    events.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    events.onerror = () => {
      if (this.#hasEnded) return events.close();
      this.#lose();
      if (events.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      setTimeout(() => this.#listen(this.#data?.lastRecord ?? 0), TRY_AGAIN);
    };
  }

  #lose() {
    this.#latest = undefined;
    this.#listener.onState(undefined);
  }

  #receive(message: LiveMessage) {
    const data = this.#data;
    if (!data || message.token !== data.token) return location.reload(); // another run listens there now
    // the title of a page in the background moves too: it costs no frame
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

/** What the server answers; undefined if it does not. */
async function ask<T>(path: string): Promise<T | undefined> {
  try {
    const answer = await fetch(path);
    return answer.ok ? await answer.json() : undefined;
  } catch {
    return undefined;
  }
}

/** A part by its name; undefined if there is none any more. */
type NamedPart = { [Name in PartName]: { name: Name; part: Parts[Name] | undefined } }[PartName];

/** A page with one part of it anew; the others stay the same objects, by which those who draw know them. */
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

/** Resolves when what was drawn is on the screen: at the second frame from now, or soon where no frames are made. */
function shown() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(resolve));
    setTimeout(resolve, 1000);
  });
}

/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/**
 * The dashboard's server, a worker with its own event loop, so that it responds while training waits for the GPU. Its
 * only permission is `--allow-net=127.0.0.1`.
 * @module
 */
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type {
  Assets,
  FromWorker,
  LiveData,
  LiveMessage,
  LiveProgress,
  LiveState,
  PartAnswer,
  PartName,
  ToWorker,
  Versions,
} from "./events.ts";
import { CONTROL } from "./events.ts";
import { examine, readBody, type Refusal, type Wanted } from "./guard.ts";
import { History } from "./history.ts";
import { PageMaker, pageMetrics } from "./page.ts";
import { MAX_SUBSCRIBERS, Subscribers } from "./subscribers.ts";

/**
 * Milliseconds between messages to the browsers. Each message redraws the progress bar, which without a GPU takes
 * about 10 ms of CPU time from training. Responses to buttons are sent at once.
 */
const FLUSH_EVERY = 1000;
/** Milliseconds between keep-alive messages. */
const SIGN_OF_LIFE = 15_000;
/** Milliseconds that a browser may take to read a response. */
const ANSWER_TIME = 30_000;
/** Milliseconds without a request that end the wait for browsers to fetch the final data after training. */
const FAREWELL = 3_000;
/** Maximum number of connections; further ones are closed. */
const MAX_CONNECTIONS = 512;

const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cache-control": "no-store",
};

const history = new History();
const subscribers = new Subscribers();
const maker = new PageMaker();
const token = crypto.randomUUID();
let flags = new Int32Array(new SharedArrayBuffer(4 * CONTROL.count));
let assets: Assets = new Map();
let port = 0;
let versions: Versions = { rest: 0, snapshot: 0, codes: 0, images: 0, pictures: 0 };
let progress: LiveProgress | undefined;
let waiting = false;
let ended = false;
let sentRecord = 0;
let sentState = "";
let sentAt = 0;
let askedAt = 0;

function state(): LiveState {
  const paused = Atomics.load(flags, CONTROL.pause) === 1, stopped = Atomics.load(flags, CONTROL.stop) === 1;
  const phase = ended ? "ended" : stopped ? "stopping" : !paused ? "running" : waiting ? "paused" : "pausing";
  return { token, versions, progress, phase };
}

/** Builds a message with the records after `after`, or none if there are too many; the browser detects the gap. */
function messageAfter(after: number): string {
  const records = history.recordsAfter(after);
  const message: LiveMessage = {
    ...state(),
    after: records ? after : history.lastRecord,
    records: history.run && records ? pageMetrics(history.run, records) : [],
  };
  return `id: ${history.lastRecord}\ndata: ${JSON.stringify(message)}\n\n`;
}

/** Sends changes to the subscribers, and publishes their number. */
function flush(): void {
  Atomics.store(flags, CONTROL.watchers, subscribers.count);
  const now = performance.now(), current = JSON.stringify(state());
  if (current !== sentState || history.lastRecord !== sentRecord) {
    subscribers.send(messageAfter(sentRecord));
    [sentRecord, sentState, sentAt] = [history.lastRecord, current, now];
  } else if (now - sentAt > SIGN_OF_LIFE) {
    subscribers.send(":\n\n");
    sentAt = now;
  }
}

let packed: { readonly key: string; readonly bytes: Buffer } | undefined;

/** Response with the whole history, cached until something changes. */
function data(): Buffer {
  const current = { ...state(), lastRecord: history.lastRecord }, key = JSON.stringify(current);
  if (packed?.key !== key) {
    const run = history.run;
    const all: LiveData = { ...current, page: run && maker.whole(run) };
    packed = { key, bytes: Buffer.from(JSON.stringify(all)) };
  }
  return packed.bytes;
}

/** Response with one part, absent before there is a run. */
function part(name: PartName): Buffer {
  const run = history.run;
  const all: PartAnswer<PartName> = {
    token,
    version: versions[name],
    ...(run ? { part: maker.part(run, name) } : {}),
  };
  return Buffer.from(JSON.stringify(all));
}

function answer(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  response.writeHead(status, { ...SECURITY_HEADERS, "content-type": type, "content-length": bytes.length });
  const timer = setTimeout(() => response.destroy(), ANSWER_TIME);
  response.on("close", () => clearTimeout(timer));
  response.end(response.req.method === "HEAD" ? undefined : bytes);
}

function refuse(response: ServerResponse, { status, text, headers = {} }: Refusal): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader("connection", "close");
  answer(response, status, "text/plain; charset=utf-8", `${text}\n`);
}

function openEvents(response: ServerResponse, after: number): void {
  if (subscribers.count >= MAX_SUBSCRIBERS) {
    return refuse(response, { status: 503, text: "too many pages are connected" });
  }
  response.writeHead(200, { ...SECURITY_HEADERS, "content-type": "text/event-stream" });
  flush(); // the next message to all then continues where this first one ends
  subscribers.add(response, messageAfter(after));
  Atomics.store(flags, CONTROL.watchers, subscribers.count); // training then takes the next picture
}

async function control(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readBody(request);
  if (typeof body !== "string") return refuse(response, body);
  if (request.headers["x-bottleneck-token"] !== token) {
    return refuse(response, { status: 403, text: "the token does not belong to this run" });
  }
  switch (body) {
    case "pause":
      Atomics.store(flags, CONTROL.pause, 1);
      break;
    case "resume":
      Atomics.store(flags, CONTROL.pause, 0);
      break;
    case "stop":
      Atomics.store(flags, CONTROL.stop, 1);
      break;
    default:
      return refuse(response, { status: 400, text: "expected pause, resume or stop" });
  }
  answer(response, 200, "application/json", JSON.stringify(state()));
  flush();
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const wanted: Wanted | Refusal = examine(request, port, assets);
  if ("status" in wanted) return refuse(response, wanted);
  switch (wanted.kind) {
    case "control":
      return await control(request, response);
    case "data":
      return answer(response, 200, "application/json", data());
    case "part":
      return answer(response, 200, "application/json", part(wanted.name));
    case "events":
      return openEvents(response, wanted.after);
    case "asset": {
      const { type, body } = assets.get(wanted.path)!;
      return answer(response, 200, type, body);
    }
  }
}

const server = createServer({
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8192,
}, (request, response) => {
  askedAt = performance.now();
  response.on("error", () => response.destroy()); // the browser has disconnected
  handle(request, response).catch((error) => {
    if (request.complete) complain(error); // else the browser disconnected during its request
    response.destroy();
  });
});
server.maxConnections = MAX_CONNECTIONS;

function post(message: FromWorker): void {
  self.postMessage(message);
}

let hasComplained = false;

/** Reports an error in the terminal, once, as browsers retry. */
function complain(error: unknown): void {
  if (!hasComplained) post({ kind: "fault", message: `${error}` });
  hasComplained = true;
}

async function close(): Promise<void> {
  ended = true;
  flush();
  askedAt = performance.now();
  while (subscribers.count > 0 && performance.now() - askedAt < FAREWELL) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  clearInterval(flushing);
  server.close();
  server.closeAllConnections();
  post({ kind: "closed" });
}

function changed(...names: readonly (keyof Versions)[]): void {
  versions = { ...versions, ...Object.fromEntries(names.map((name) => [name, versions[name] + 1])) };
}

const flushing = setInterval(flush, FLUSH_EVERY);

/** Gives up after an error that nothing caught: Deno would print its stack trace in the middle of training's output. */
function giveUp(event: Event, error: unknown): void {
  event.preventDefault();
  post({ kind: "failed", message: `${error}` });
}
self.addEventListener("error", (event) => giveUp(event, event.error));
self.addEventListener("unhandledrejection", (event) => giveUp(event, event.reason));

self.onmessage = ({ data: message }: MessageEvent<ToWorker>) => {
  switch (message.kind) {
    case "start":
      flags = new Int32Array(message.flags);
      assets = message.assets;
      server.on("error", ({ message }) => post({ kind: "failed", message }));
      server.listen(message.port, "127.0.0.1", () => {
        port = (server.address() as AddressInfo).port;
        post({ kind: "listening", port });
      });
      break;
    case "run":
      history.start(message.run);
      changed("rest"); // makes pages fetch everything
      break;
    case "change":
      changed(...history.change(message.change));
      break;
    case "picture":
      history.addPicture(message.picture);
      changed("pictures");
      break;
    case "metrics":
      history.addRecord(message.record);
      break;
    case "progress":
      progress = message.progress;
      break;
    case "waiting":
      waiting = message.waiting;
      flush();
      break;
    case "close":
      void close();
      break;
  }
};

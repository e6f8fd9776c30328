import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { InputError } from "../../src/errors.ts";
import { type LiveData, type LiveMessage, PART_NAMES, type PartName } from "../../src/live/events.ts";
import { History, MAX_PICTURES, MAX_RECORDS, RECENT_RECORDS } from "../../src/live/history.ts";
import { type Live, startLive } from "../../src/live/live.ts";
import { MAX_SUBSCRIBERS, PATIENCE, Subscribers } from "../../src/live/subscribers.ts";
import { imageGrid } from "../../src/report/picture.ts";
import type { MetricsRecord, RunData, Snapshot } from "../../src/report/run_data.ts";
import { ROOT } from "../helpers/commands.ts";
import { eightAtOnce, exampleRun, exampleSnapshot, rawRequest } from "../helpers/live.ts";
import { ownMemory } from "../helpers/own_memory.ts";

async function startExample(): Promise<Live> {
  const live = await startLive();
  live.publish({ kind: "run", run: exampleRun() });
  return live;
}

function publishSteps(live: Live, count: number, first = 1): void {
  for (let step = first; step < first + count; step++) {
    live.publish({ kind: "metrics", record: { epoch: 1, step, loss: 1 / step } });
  }
}

async function dataOf(live: Live): Promise<LiveData> {
  return await (await fetch(`${live.url}data.json`)).json();
}

/** Asks until something holds, for a minute at most. */
async function eventually<T>(ask: () => Promise<T> | T, holds: (answer: T) => boolean): Promise<T> {
  for (let k = 0; k < 1200; k++) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`never happened; last was ${JSON.stringify(await ask())}`);
}

/** The messages of an event stream. */
async function* listen(live: Live, after: number, headers: HeadersInit = {}): AsyncGenerator<LiveMessage> {
  const response = await fetch(`${live.url}events?after=${after}`, { headers });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  let text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end));
      text = text.slice(end + 2);
      if (data) yield JSON.parse(data[1]);
    }
  }
}

async function firstMessage(live: Live, after: number, headers?: HeadersInit): Promise<LiveMessage> {
  for await (const message of listen(live, after, headers)) return message;
  assert.fail("no message");
}

function control(live: Live, token: string, body: string, more: HeadersInit = {}): Promise<Response> {
  const origin = new URL(live.url).origin;
  const headers = { origin, "x-bottleneck-token": token, ...more };
  return fetch(`${live.url}control`, { method: "POST", headers, body });
}

async function statusOf(answer: Promise<Response>): Promise<number> {
  const response = await answer;
  await response.text();
  return response.status;
}

Deno.test("a late visitor gets the whole history", async () => {
  await using live = await startExample();
  publishSteps(live, 50);
  live.publish({ kind: "change", change: { snapshot: exampleSnapshot(2), status: "finished" } });
  live.publish({
    kind: "progress",
    progress: { epoch: 1, epochs: 3, step: 50, steps: 99, imagesPerSecond: 1000 },
  });
  const { page, lastRecord, progress, phase } = await eventually(
    () => dataOf(live),
    (data) => !!data.progress,
  );
  assert.deepEqual(page?.metrics.map(({ step }) => step), Array.from({ length: 50 }, (_, k) => k + 1));
  assert.equal(lastRecord, 50);
  assert.equal(page.recipe, "deep");
  assert.equal(page.status, "finished");
  assert.equal(page.snapshot?.epoch, 2);
  assert.equal(page.snapshot.codes?.points.length, 120);
  assert.equal(progress?.step, 50);
  assert.equal(phase, "running");
});

Deno.test("images behind the codes are the same, whether packed anew or remembered", async () => {
  await using live = await startExample();
  const images: (string | undefined)[] = [];
  for (const [k, count] of [40, 40, 30].entries()) {
    live.publish({ kind: "change", change: { snapshot: exampleSnapshot(k + 1, count, k) } });
    const { page } = await eventually(() => dataOf(live), (data) => data.page?.snapshot?.epoch === k + 1);
    assert.equal(page?.snapshot?.codes?.points[0], Number(Math.sin(k).toPrecision(4)));
    images.push(page.snapshot.codes.images);
  }
  assert.ok(images[0]);
  assert.equal(images[1], images[0]);
  assert.notEqual(images[2], images[0]);
});

Deno.test("what has changed is counted by parts, and each part is sent by itself", async () => {
  await using live = await startExample();
  const codesOf = ({ codes }: Snapshot) => ({ ...codes!, values: codes!.values.map((value) => -value) });
  const part = async (name: PartName) => await (await fetch(`${live.url}data/${name}.json`)).json();
  const { versions: first, token } = await dataOf(live);
  const change = async (snapshot: Snapshot, changed: readonly PartName[]) => {
    const before = (await dataOf(live)).versions;
    live.publish({ kind: "change", change: { snapshot } });
    const seen = await eventually(() => dataOf(live), (data) => data.versions.snapshot > before.snapshot);
    const { versions } = seen;
    assert.deepEqual(PART_NAMES.filter((name) => versions[name] !== before[name]), changed);
    assert.equal(versions.rest, before.rest);
    for (const name of PART_NAMES) {
      const answer = await part(name);
      assert.deepEqual([answer.token, answer.version], [token, versions[name]]);
    }
    const { codes, ...rest } = seen.page!.snapshot!;
    assert.deepEqual((await part("snapshot")).part, rest);
    assert.deepEqual((await part("codes")).part, { ...codes, images: "" });
    assert.equal((await part("images")).part, codes!.images);
  };
  assert.deepEqual(PART_NAMES.map((name) => first[name]), [0, 0, 0, 0]);
  const whole = exampleSnapshot(1), { codes: _codes, ...pictures } = exampleSnapshot(2, 40, 5);
  await change(whole, ["snapshot", "codes", "images"]);
  await change({ ...pictures, activations: [] }, ["snapshot"]);
  await change({ ...whole, codes: codesOf(whole) }, ["snapshot", "codes"]);
  const picture = { kind: "samples", epoch: 1, png: imageGrid(new Uint8Array(64), 1, [8, 8]) } as const;
  live.publish({ kind: "picture", picture });
  const { versions, page } = await eventually(() => dataOf(live), (data) => data.versions.pictures === 1);
  assert.equal(versions.snapshot, 3);
  assert.equal(page?.pictures.length, 1);
  assert.deepEqual((await part("pictures")).part, page.pictures);
});

Deno.test("training is told whether somebody watches", async () => {
  await using live = await startExample();
  await dataOf(live);
  assert.equal(live.isWatched, false);
  const messages = listen(live, 0);
  await messages.next();
  assert.equal(live.isWatched, true);
  await messages.return(undefined);
  await eventually(() => live.isWatched, (isWatched) => !isWatched);
});

Deno.test("the stream sends each record once, and continues where a browser left off", async () => {
  await using live = await startExample();
  publishSteps(live, 10);
  await eventually(() => dataOf(live), (data) => data.lastRecord === 10);
  const seen: unknown[] = [];
  let at = 4;
  for await (const message of listen(live, 4)) {
    assert.equal(message.after, at);
    seen.push(...message.records.map(({ step }) => step));
    at += message.records.length;
    if (at === 10) publishSteps(live, 5, 11);
    if (at >= 15) break;
  }
  assert.deepEqual(seen, [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  const again = await firstMessage(live, 4, { "last-event-id": "13" });
  assert.deepEqual(again.records.map(({ step }) => step), [14, 15]);
});

Deno.test.each([[99], [0]])(
  "after record %d the browser must fetch, and is told so by a gap",
  async (after) => {
    await using live = await startExample();
    publishSteps(live, after === 0 ? RECENT_RECORDS + 5 : 5);
    const { lastRecord } = await eventually(() => dataOf(live), (data) => data.lastRecord >= 5);
    const message = await firstMessage(live, after);
    assert.deepEqual(message.records, []);
    assert.equal(message.after, lastRecord);
  },
);

Deno.test("a figure that is no number stays readable", async () => {
  await using live = await startExample();
  live.publish({ kind: "metrics", record: { epoch: 1, step: 1, loss: NaN } });
  const [record] =
    (await eventually(() => firstMessage(live, 0), ({ records }) => records.length > 0)).records;
  assert.equal(record.loss, "NaN");
});

Deno.test("pages load while training blocks its thread", async () => {
  await using live = await startExample();
  publishSteps(live, 500);
  live.publish({ kind: "change", change: { snapshot: exampleSnapshot(1, 2000) } });
  await dataOf(live);
  const visitor = new Worker(new URL("../helpers/live_visitor.ts", import.meta.url), { type: "module" });
  const done = new Int32Array(new SharedArrayBuffer(4));
  const ready = new Promise((resolve) => visitor.onmessage = resolve);
  visitor.postMessage({ url: live.url, visits: 1, done: new Int32Array(new SharedArrayBuffer(4)) });
  await ready; // its code is there
  visitor.postMessage({ url: live.url, visits: 20, done });
  const woken = Atomics.wait(done, 0, 0, 120_000); // this thread does nothing until all visits are over
  visitor.terminate();
  assert.notEqual(woken, "timed-out", "no page came while the thread was blocked");
});

Deno.test("pause, resume and stop reach training without its event loop", async () => {
  await using live = await startExample();
  const { token } = await dataOf(live);
  assert.equal(live.isPaused, false);
  assert.equal(await statusOf(control(live, token, "pause")), 200);
  assert.equal(live.isPaused, true);
  assert.equal((await dataOf(live)).phase, "pausing");

  const waiting = live.whilePaused();
  await eventually(() => dataOf(live), ({ phase }) => phase === "paused");
  assert.equal(await statusOf(control(live, token, "resume")), 200);
  await waiting;
  await eventually(() => dataOf(live), ({ phase }) => phase === "running");

  assert.equal(await statusOf(control(live, token, "pause")), 200);
  let asked = 0;
  await live.whilePaused(() => ++asked === 3); // as Ctrl-C would
  assert.equal(live.isPaused, true);

  const stopped = live.whilePaused();
  assert.equal(await statusOf(control(live, token, "stop")), 200);
  await stopped;
  assert.equal(live.isStopped, true);
  assert.equal(live.isPaused, false);
  assert.equal((await dataOf(live)).phase, "stopping");
});

Deno.test("controls are refused without this run's token, from other origins, and in other words", async () => {
  await using live = await startExample();
  const { token } = await dataOf(live);
  const port = new URL(live.url).port;
  assert.equal(await statusOf(control(live, "", "stop")), 403);
  assert.equal(await statusOf(control(live, crypto.randomUUID(), "stop")), 403);
  assert.equal(await statusOf(control(live, token, "stop", { origin: "http://evil.example" })), 403);
  assert.equal(await statusOf(control(live, token, "stop", { origin: "null" })), 403);
  assert.equal(await statusOf(control(live, token, "stop", { origin: `https://127.0.0.1:${port}` })), 403);
  assert.equal(await statusOf(control(live, token, "stop", { "sec-fetch-site": "cross-site" })), 403);
  assert.equal(await statusOf(control(live, token, "explode")), 400);
  assert.equal(await statusOf(control(live, token, "stop".padEnd(1025))), 413);
  const noOrigin = { method: "POST", headers: { "x-bottleneck-token": token }, body: "stop" };
  assert.equal(await statusOf(fetch(`${live.url}control`, noOrigin)), 403);
  const chunked = new Blob(["stop".padEnd(2000)]).stream();
  const headers = { origin: new URL(live.url).origin, "x-bottleneck-token": token };
  assert.equal(await statusOf(fetch(`${live.url}control`, { method: "POST", headers, body: chunked })), 413);
  assert.equal(live.isStopped, false);
});

// each is the request line and headers; HOST stands for the server's own name, LONG for 20,000 letters
Deno.test.each([
  ["GET / HTTP/1.1\r\nHost: HOST", 200],
  ["HEAD / HTTP/1.1\r\nHost: HOST", 200],
  ["GET / HTTP/1.1\r\nHost: evil.example", 403],
  ["GET /data.json HTTP/1.1\r\nHost: evil.example:80", 403],
  ["GET / HTTP/1.1\r\nHost: 127.0.0.1", 403],
  ["GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example", 403],
  ["GET / HTTP/1.1\r\nHost: HOST\r\nHost: evil.example", 403],
  ["GET / HTTP/1.1\r\nHost: evil.example\r\nHost: HOST", 403],
  ["GET / HTTP/1.1\r\nHost: HOST\r\nOrigin: http://evil.example", 403],
  ["GET /data.json HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: cross-site", 403],
  ["GET /events?after=0 HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: same-site", 403],
  ["GET http://evil.example/ HTTP/1.1\r\nHost: HOST", 404],
  ["GET /../deno.json HTTP/1.1\r\nHost: HOST", 404],
  ["GET /..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: HOST", 404],
  ["GET /%2e%2e/deno.json HTTP/1.1\r\nHost: HOST", 404],
  ["GET //etc/passwd HTTP/1.1\r\nHost: HOST", 404],
  ["GET /etc/passwd HTTP/1.1\r\nHost: HOST", 404],
  ["GET /live.js%00.html HTTP/1.1\r\nHost: HOST", 404],
  ["GET /live.js/ HTTP/1.1\r\nHost: HOST", 404],
  ["GET /?x=1 HTTP/1.1\r\nHost: HOST", 404],
  ["GET /__proto__ HTTP/1.1\r\nHost: HOST", 404],
  ["GET /events?after=x HTTP/1.1\r\nHost: HOST", 404],
  ["GET /data/codes.json HTTP/1.1\r\nHost: HOST", 200],
  ["GET /data/codes.json HTTP/1.1\r\nHost: evil.example", 403],
  ["GET /data/codes.json HTTP/1.1\r\nHost: HOST\r\nOrigin: http://evil.example", 403],
  ["GET /data/images.json HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: cross-site", 403],
  ["GET /data/../data.json HTTP/1.1\r\nHost: HOST", 404],
  ["GET /data/..%2fdata.json HTTP/1.1\r\nHost: HOST", 404],
  ["GET /data/%63odes.json HTTP/1.1\r\nHost: HOST", 404],
  ["GET /data/codes.json%00 HTTP/1.1\r\nHost: HOST", 404],
  ["GET /data/codes.json/ HTTP/1.1\r\nHost: HOST", 404],
  ["GET /data/codes.json?x=1 HTTP/1.1\r\nHost: HOST", 404],
  ["GET /data/rest.json HTTP/1.1\r\nHost: HOST", 404],
  ["GET /data/__proto__.json HTTP/1.1\r\nHost: HOST", 404],
  ["GET /data/constructor.json HTTP/1.1\r\nHost: HOST", 404],
  ["GET /data/.json HTTP/1.1\r\nHost: HOST", 404],
  ["GET /data/codes.json\0 HTTP/1.1\r\nHost: HOST", 400],
  ["POST /data/codes.json HTTP/1.1\r\nHost: HOST\r\nOrigin: http://HOST", 405],
  ["GET /control HTTP/1.1\r\nHost: HOST", 405],
  ["HEAD /events?after=0 HTTP/1.1\r\nHost: HOST", 405],
  ["POST / HTTP/1.1\r\nHost: HOST\r\nOrigin: http://HOST", 405],
  ["PUT / HTTP/1.1\r\nHost: HOST", 405],
  ["DELETE /data.json HTTP/1.1\r\nHost: HOST", 405],
  ["OPTIONS /control HTTP/1.1\r\nHost: HOST", 405],
  ["TRACE / HTTP/1.1\r\nHost: HOST", 405],
  ["GET / HTTP/1.1\r\nHost: HOST\r\nX: LONG", 431],
  ["GET /\0 HTTP/1.1\r\nHost: HOST", 400],
  ["nonsense", 400],
])("%j is answered with %d", async (head, status) => {
  await using live = await startExample();
  const { host, port } = new URL(live.url);
  const text = `${
    head.replaceAll("HOST", host).replace("LONG", "x".repeat(20_000))
  }\r\nConnection: close\r\n\r\n`;
  const answer = await rawRequest(Number(port), text);
  assert.equal(answer.status, status, answer.head);
  assert.doesNotMatch(answer.head, /access-control/i);
  if (status >= 400) assert.ok(answer.body.length < 100, answer.body);
});

Deno.test("every answer says what a browser may do with it", async () => {
  await using live = await startExample();
  for (const path of ["", "data.json", "data/codes.json", "live.js", "nowhere"]) {
    const response = await fetch(live.url + path);
    await response.text();
    const policy = response.headers.get("content-security-policy");
    assert.match(policy ?? "", /default-src 'none'; script-src 'self'; /);
    assert.doesNotMatch(policy ?? "", /unsafe/);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    assert.equal(response.headers.get("referrer-policy"), "no-referrer");
    assert.equal(response.headers.get("cross-origin-resource-policy"), "same-origin");
  }
});

Deno.test("requests that never end are cut", async () => {
  await using live = await startExample();
  const { host, port } = new URL(live.url);
  const answers = await Promise.all([ // which never come if nothing is cut
    `GET / HTTP/1.1\r\nHost: ${host}\r\n`,
    `POST /control HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nContent-Length: 9\r\n\r\nst`,
  ].map((text) => rawRequest(Number(port), text)));
  assert.deepEqual(answers.map(({ status }) => status), [408, 408]);
});

Deno.test("200 connections at once and 1,000 reconnects do no harm", async () => {
  await using live = await startExample();
  publishSteps(live, 200);
  await eventually(() => dataOf(live), ({ lastRecord }) => lastRecord === 200);
  const visit = async (after: number) => {
    const { records } = await firstMessage(live, after);
    assert.equal(records.length, 200 - after);
  };
  await eightAtOnce(20, () => visit(0));
  const before = ownMemory();
  const open = await eightAtOnce(200, () => listening(live));
  const begin = performance.now();
  for (let k = 0; k < 50; k++) await eightAtOnce(20, () => visit(k));
  const seconds = (performance.now() - begin) / 1000;
  const next = open.map(async (messages) => (await messages.next()).value?.records.length);
  publishSteps(live, 1, 201);
  assert.deepEqual(new Set(await Promise.all(next)), new Set([1]));
  await Promise.all(open.map((messages) => messages.return(undefined)));
  const grown = (ownMemory() - before) / 2 ** 20;
  console.log(`1,000 reconnects in ${seconds.toFixed(1)} s; memory grew by ${grown.toFixed(0)} MiB`);
  assert.ok(grown < 300, `${grown} MiB`);
});

/** A page that listens and has its first message. */
async function listening(live: Live): Promise<AsyncGenerator<LiveMessage>> {
  const messages = listen(live, 0);
  await messages.next();
  return messages;
}

Deno.test("a page too many is turned away", async () => {
  await using live = await startExample();
  const open = await eightAtOnce(MAX_SUBSCRIBERS, () => listening(live));
  assert.equal(await statusOf(fetch(`${live.url}events?after=0`)), 503);
  await Promise.all(open.map((messages) => messages.return(undefined)));
  await eventually(async () => { // the server may take a while to notice
    const { status, body } = await fetch(`${live.url}events?after=0`);
    await body?.cancel();
    return status;
  }, (status) => status === 200);
});

Deno.test("who listens learns of the end, and is answered until then", async () => {
  const live = await startExample();
  const phases: string[] = [];
  const last = (async () => {
    for await (const { phase } of listen(live, 0)) {
      phases.push(phase);
      if (phase === "ended") return (await dataOf(live)).phase; // as pages do, for the last figures
    }
    assert.fail("the stream broke off");
  })();
  await eventually(() => phases.length, (count) => count > 0);
  await live.close();
  assert.equal(await last, "ended");
  await assert.rejects(fetch(live.url));
  live.publish({ kind: "run", run: exampleRun() });
  await live.whilePaused();
  await live.close();
});

Deno.test("closing does not wait for browsers that stay", async () => {
  const live = await startExample();
  const messages = await listening(live);
  await live.close(); // else never
  await messages.return(undefined);
});

/** What `body` prints on stderr. */
async function complaintsOf(body: () => Promise<void>): Promise<string[]> {
  const lines: string[] = [], before = console.error;
  console.error = (line: string) => lines.push(line);
  try {
    await body();
  } finally {
    console.error = before;
  }
  return lines;
}

Deno.test("a run that cannot be drawn is said once, and the server stays", async () => {
  await using live = await startExample();
  const snapshot = { ...exampleSnapshot(), imageShape: [0, 0] } as const;
  const lines = await complaintsOf(async () => {
    live.publish({ kind: "change", change: { snapshot } });
    await assert.rejects(dataOf(live));
    await assert.rejects(dataOf(live));
    live.publish({ kind: "change", change: { snapshot: undefined } });
    assert.equal((await dataOf(live)).page?.recipe, "deep");
  });
  assert.equal(lines.length, 1);
  assert.match(lines[0], /^\nwarning: the dashboard cannot show this run: /);
});

Deno.test("a broken dashboard says so, and training continues", async () => {
  const live = await startExample();
  const lines = await complaintsOf(async () => {
    live.publish({ kind: "run", run: {} as unknown as RunData });
    await eventually(
      () => fetch(live.url).then((page) => page.text()).catch(() => "gone"),
      (page) => page === "gone",
    );
    live.publish({ kind: "run", run: exampleRun() });
    await live.whilePaused();
    await live.close();
  });
  assert.equal(lines.length, 1);
  assert.match(lines[0], /^\nwarning: the dashboard has stopped; training continues: TypeError: [^\n]*$/);
});

Deno.test("a port that is taken is one clear line", async () => {
  await using live = await startExample();
  const port = Number(new URL(live.url).port);
  await assert.rejects(startLive({ port }), (error: Error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, new RegExp(`port ${port}: expected a free port but .*; choose another`));
    return true;
  });
});

async function runFixture(permissions: readonly string[], ...args: string[]) {
  const script = `${ROOT}/tests/helpers/live_fixture.ts`;
  const command = new Deno.Command("deno", {
    args: ["run", "--no-prompt", ...permissions, script, ...args],
    cwd: ROOT,
    signal: AbortSignal.timeout(300_000), // only if it never ends
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

const LEAST = ["--allow-read", "--allow-net=127.0.0.1"];

Deno.test("a process with a dashboard ends when training does, with the least permissions", async () => {
  const { code, stdout, stderr } = await runFixture(LEAST);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\/\n$/);
  assert.equal(stderr, "");
});

Deno.test("a process with a dashboard ends when training breaks", async () => {
  const { code, stderr } = await runFixture(LEAST, "fail");
  assert.equal(code, 1);
  assert.match(stderr, /training broke/);
});

Deno.test("a dashboard that breaks is one line on stderr, and its process goes on", async () => {
  const { code, stdout, stderr } = await runFixture(LEAST, "break");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /\ntraining has ended\n$/);
  assert.match(stderr, /^\nwarning: the dashboard has stopped; training continues: TypeError: [^\n]*\n$/);
});

Deno.test("pages that vanish in the middle of an answer or a request go unnoticed", async () => {
  await using live = await startExample();
  const { host, port } = new URL(live.url);
  const lines = await complaintsOf(async () => {
    for (
      const text of [
        "GET /events?after=0 HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /library/three.core.min.js HTTP/1.1\r\nHost: HOST\r\n\r\n",
        "GET /data.json HTTP/1.1\r\nHo",
        "POST /control HTTP/1.1\r\nHost: HOST\r\nOrigin: http://HOST\r\nContent-Length: 9\r\n\r\nst",
      ]
    ) {
      await eightAtOnce(16, async () => {
        using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
        await connection.write(new TextEncoder().encode(text.replaceAll("HOST", host)));
        if (text.includes("events") || text.includes("library")) await connection.read(new Uint8Array(8));
      });
    }
    publishSteps(live, 3);
    await eventually(() => dataOf(live), ({ lastRecord }) => lastRecord === 3);
  });
  assert.deepEqual(lines, []);
});

Deno.test("without the permission to listen, one line says which to add", async () => {
  const { code, stderr } = await runFixture(["--allow-read", "--allow-net=example.com"]);
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot start the dashboard: .*add --allow-net=127\.0\.0\.1\n$/);
});

Deno.test("pictures alone leave codes and activations as the last whole snapshot had them", () => {
  const history = new History();
  history.start(exampleRun());
  const whole = exampleSnapshot(1), { codes: _codes, ...pictures } = exampleSnapshot(2, 40, 5);
  history.change({ snapshot: { ...pictures, activations: [] } });
  assert.equal(history.run!.snapshot!.codes, undefined);
  history.change({ snapshot: whole });
  history.change({ snapshot: { ...pictures, activations: [] } });
  const { epoch, codes, activations, reconstructions } = history.run!.snapshot!;
  assert.deepEqual([epoch, codes, activations], [2, whole.codes, whole.activations]);
  assert.deepEqual(reconstructions, pictures.reconstructions);
});

Deno.test("the history is bounded, and keeps the recent, the first and the rare", () => {
  const history = new History();
  history.start(exampleRun());
  const count = MAX_RECORDS * 2 + 123;
  for (let step = 1; step <= count; step++) {
    history.addRecord(step % 1000 === 1 ? { step, testError: 0.1 } : { step, loss: 0.1 });
  }
  const { metrics } = history.run!;
  const steps = (list: readonly MetricsRecord[] | undefined) => list?.map(({ step }) => step);
  assert.ok(metrics.length <= MAX_RECORDS, `${metrics.length}`);
  assert.equal(history.lastRecord, count);
  assert.equal(metrics[0].step, 1);
  assert.ok(metrics.filter((record) => "testError" in record).length >= 10);
  const recent = Array.from({ length: RECENT_RECORDS }, (_, k) => count - RECENT_RECORDS + 1 + k);
  assert.deepEqual(steps(metrics.slice(-RECENT_RECORDS)), recent);
  assert.deepEqual(steps(history.recordsAfter(count - 2)), [count - 1, count]);
  assert.deepEqual(history.recordsAfter(count), []);
  for (const after of [0, count + 1, -1, NaN]) assert.equal(history.recordsAfter(after), undefined);
  for (let epoch = 1; epoch <= 3 * MAX_PICTURES; epoch++) {
    history.addPicture({ kind: "samples", epoch, png: new Uint8Array(1) });
  }
  const epochs = history.run!.pictures.map(({ epoch }) => epoch);
  assert.ok(epochs.length <= MAX_PICTURES);
  assert.deepEqual([epochs[0], epochs.at(-1)], [1, 3 * MAX_PICTURES]);
});

Deno.test("a subscriber that stops to read misses messages, and is dropped after a while", () => {
  class Response extends EventEmitter {
    readonly received: string[] = [];
    isReading = true;
    write(text: string): boolean {
      this.received.push(text);
      return this.isReading;
    }
    destroy(): void {
      this.emit("close");
    }
  }
  let now = 0;
  const subscribers = new Subscribers(() => now);
  const [quick, slow] = [new Response(), new Response()];
  for (const response of [quick, slow]) subscribers.add(response as unknown as ServerResponse, "first");
  slow.isReading = false;
  for (const text of ["a", "b", "c"]) subscribers.send(text);
  assert.deepEqual(quick.received.slice(1), ["a", "b", "c"]);
  assert.deepEqual(slow.received.slice(1), ["a"]);
  slow.emit("drain");
  subscribers.send("d");
  assert.deepEqual(slow.received.slice(1), ["a", "d"]);
  now += PATIENCE + 1;
  subscribers.send("e");
  assert.equal(subscribers.count, 1);
  slow.emit("drain");
  subscribers.send("f");
  assert.deepEqual(quick.received.slice(1), ["a", "b", "c", "d", "e", "f"]);
  assert.deepEqual(slow.received.slice(1), ["a", "d"]);
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { sha256 } from "../../src/data/catalogue.ts";
import { downloadFile, type DownloadProgress, progressBar } from "../../src/data/download.ts";
import { writeIdx } from "../../src/data/idx.ts";
import { InputError } from "../../src/errors.ts";
import { RandomStream } from "../../src/random.ts";

const FILE = "labels.gz";
// Random, so that gzip cannot shrink it and cutting the stream cuts the data.
const STREAM = new RandomStream(1, "test");
const PLAIN = writeIdx([100_000], Uint8Array.from({ length: 100_000 }, () => STREAM.nextBelow(256)));
const SUM = sha256(PLAIN);
const PACKED = gzip(PLAIN);

function gzip(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(bytes));
}

type Handler = (request: Request) => Response | Promise<Response>;

/** Runs `body` with a server on a free port of 127.0.0.1 and an empty folder, and clears both away. */
async function withServer(handler: Handler, body: (origin: string, folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  try {
    await body(`http://127.0.0.1:${server.addr.port}/`, folder);
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

/** A server that answers one request with these raw bytes and then closes, or holds the connection open. */
async function withRawServer(answer: Uint8Array, hold: boolean, body: (origin: string) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    const connection = await listener.accept();
    await connection.read(new Uint8Array(4096));
    await connection.write(answer);
    if (hold) { while (await connection.read(new Uint8Array(4096)).catch(() => null) !== null); }
    connection.close();
  })();
  try {
    await body(`http://127.0.0.1:${listener.addr.port}/`);
    await served;
  } finally {
    listener.close();
  }
}

/** The first part of an HTTP answer which promises the whole file. */
function promiseOfWholeFile(sent: number): Uint8Array {
  const head = new TextEncoder().encode(`HTTP/1.1 200 OK\r\ncontent-length: ${PACKED.length}\r\n\r\n`);
  const answer = new Uint8Array(head.length + sent);
  answer.set(head);
  answer.set(PACKED.subarray(0, sent), head.length);
  return answer;
}

function names(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), (entry) => entry.name).sort();
}

/** Asserts that the download fails with one line that matches everything given, and leaves nothing behind. */
async function assertFails(mirrors: string[], folder: string, patterns: RegExp[], silenceMs = 20_000) {
  await assert.rejects(downloadFile({ file: FILE, mirrors, sum: SUM, folder, silenceMs }), (error) => {
    assert.ok(error instanceof InputError, `expected an InputError but got ${error}`);
    for (
      const pattern of [/^Cannot download "labels\.gz": expected it from one of \d+ mirror/, ...patterns]
    ) {
      assert.match(error.message, pattern);
    }
    for (const mirror of mirrors) assert.ok(error.message.includes(mirror + FILE), `names ${mirror}`);
    assert.ok(!error.message.includes("\n"), "one line");
    return true;
  });
  assert.deepEqual(names(folder), []);
}

Deno.test("downloadFile() saves the file as sent and gives its decompressed bytes", async () => {
  const requested: string[] = [];
  const handler: Handler = (request) => {
    requested.push(new URL(request.url).pathname);
    return new Response(PACKED);
  };
  await withServer(handler, async (origin, folder) => {
    const deep = join(folder, "not", "yet", "there");
    const progress: DownloadProgress[] = [];
    const bytes = await downloadFile({
      file: FILE,
      mirrors: [`${origin}some/path/`],
      sum: SUM,
      folder: deep,
      onProgress: (p) => progress.push(p),
    });
    assert.deepEqual(requested, ["/some/path/labels.gz"]);
    assert.equal(sha256(bytes), SUM);
    assert.deepEqual(names(deep), [FILE]);
    assert.deepEqual(new Uint8Array(await Deno.readFile(join(deep, FILE))), PACKED);
    assert.deepEqual(progress[0], { file: FILE, received: 0, total: PACKED.length });
    assert.deepEqual(progress.at(-1), { file: FILE, received: PACKED.length, total: PACKED.length });
    assert.ok(progress.every((p, i) => i === 0 || p.received > progress[i - 1].received));
  });
});

Deno.test("downloadFile() replaces a damaged file of the same name", async () => {
  await withServer(() => new Response(PACKED), async (origin, folder) => {
    await Deno.writeTextFile(join(folder, FILE), "damaged");
    await downloadFile({ file: FILE, mirrors: [origin], sum: SUM, folder });
    assert.deepEqual(new Uint8Array(await Deno.readFile(join(folder, FILE))), PACKED);
    assert.deepEqual(names(folder), [FILE]);
  });
});

Deno.test("downloadFile() accepts a server that marks the gzip as a content-encoding", async () => {
  const encoded = () => new Response(PACKED, { headers: { "content-encoding": "gzip" } });
  await withServer(encoded, async (origin, folder) => {
    const bytes = await downloadFile({ file: FILE, mirrors: [origin], sum: SUM, folder });
    assert.equal(sha256(bytes), SUM);
  });
});

const wrongSum = /wrong SHA-256 of the decompressed bytes: expected [0-9a-f]{64} but found [0-9a-f]{64}/;
const damaged = PACKED.slice();
damaged.fill(0x55, 5000, 5400);
Deno.test.each<[string, Handler, RegExp]>([
  ["404", () => new Response("no", { status: 404 }), /labels\.gz: HTTP 404 Not Found/],
  ["500", () => new Response("oh\nno", { status: 500 }), /HTTP 500 Internal Server Error/],
  ["an empty answer", () => new Response(""), /it is empty/],
  ["a web page", () => new Response("<!doctype html>"), wrongSum],
  ["a complete but short gzip", () => new Response(gzip(PLAIN.subarray(0, 5000))), wrongSum],
  [
    "a cut gzip",
    () => new Response(PACKED.subarray(0, 5000)),
    /truncated at byte 5000, which gives \d+ of 100008/,
  ],
  ["a damaged gzip", () => new Response(damaged), /is corrupt \(/],
  ["another file", () => new Response(gzip(writeIdx([3], new Uint8Array(3)))), wrongSum],
])("downloadFile() refuses %s and leaves nothing behind", async (_what, handler, pattern) => {
  await withServer(handler, (origin, folder) => assertFails([origin], folder, [pattern]));
});

Deno.test("downloadFile() refuses a server that promises more bytes than it sends", async () => {
  const folder = await Deno.makeTempDir();
  await withRawServer(promiseOfWholeFile(5000), false, async (origin) => {
    await assertFails([origin], folder, [new RegExp(`stopped at byte 5000 of ${PACKED.length}`)]);
  });
  await Deno.remove(folder);
});

Deno.test("downloadFile() gives up on a server that falls silent", async () => {
  const folder = await Deno.makeTempDir();
  await withRawServer(promiseOfWholeFile(5000), true, async (origin) => {
    const pattern = new RegExp(`stopped at byte 5000 of ${PACKED.length} \\(no data for 0\\.2 s\\)`);
    await assertFails([origin], folder, [pattern], 200);
  });
  await withRawServer(new Uint8Array(), true, async (origin) => {
    await assertFails([origin], folder, [/labels\.gz: no data for 0\.2 s/], 200);
  });
  await Deno.remove(folder);
});

Deno.test("downloadFile() reports a refused connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const origin = `http://127.0.0.1:${listener.addr.port}/`;
  listener.close();
  const folder = await Deno.makeTempDir();
  await assertFails([origin], folder, [/refused/i]);
  await Deno.remove(folder);
});

Deno.test("downloadFile() names the permission that is missing", async () => {
  const folder = await Deno.makeTempDir();
  await assertFails(["http://localhost:8765/"], folder, [
    /no permission; run with --allow-net=localhost:8765/,
  ]);
  await Deno.remove(folder);
});

Deno.test("downloadFile() turns to the next mirror, and lists what each one said", async () => {
  const handler: Handler = (request) => {
    const path = new URL(request.url).pathname;
    if (path.startsWith("/gone/")) return new Response("", { status: 410 });
    return new Response(path.startsWith("/bad/") ? damaged : PACKED);
  };
  await withServer(handler, async (origin, folder) => {
    const bad = [`${origin}gone/`, `${origin}bad/`];
    await assertFails(bad, folder, [/gone\/labels\.gz: HTTP 410 Gone \| .*bad\/labels\.gz: .*corrupt/]);
    const bytes = await downloadFile({ file: FILE, mirrors: [...bad, `${origin}good/`], sum: SUM, folder });
    assert.equal(sha256(bytes), SUM);
    assert.deepEqual(names(folder), [FILE]);
  });
});

Deno.test("downloadFile() reports a folder that cannot be written and leaves no part behind", async () => {
  await withServer(() => new Response(PACKED), async (origin, folder) => {
    await Deno.mkdir(join(folder, FILE, "in the way"), { recursive: true }); // rename() onto it fails
    await assert.rejects(downloadFile({ file: FILE, mirrors: [origin], sum: SUM, folder }), (error) => {
      assert.ok(error instanceof InputError);
      assert.match(
        error.message,
        /^Cannot write ".*labels\.gz": it is a folder, not a file; check the path$/,
      );
      return true;
    });
    assert.deepEqual(names(folder), [FILE]);
  });
});

Deno.test("progressBar() shows the share, with and without a known total", () => {
  const bar = (received: number, total: number | undefined) =>
    progressBar({ file: "a.gz", received, total }, 10);
  assert.equal(bar(0, 9.5e6), "a.gz [>         ] 0 % 0.0/9.5 MB");
  assert.equal(bar(4.94e6, 9.5e6), "a.gz [=====>    ] 52 % 4.9/9.5 MB");
  assert.equal(bar(9.49e6, 9.5e6), "a.gz [=========>] 99 % 9.5/9.5 MB");
  assert.equal(bar(9.5e6, 9.5e6), "a.gz [==========] 100 % 9.5/9.5 MB");
  assert.equal(bar(4.94e6, undefined), "a.gz 4.9 MB");
});

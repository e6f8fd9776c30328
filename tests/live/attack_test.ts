/** A dashboard under attack while its process trains: every attack is refused or cut, and training does not notice. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { decodeSafetensors } from "../../src/files/safetensors.ts";
import { fileOf, ROOT, runTask, taskArguments, withFolder } from "../helpers/commands.ts";
import { eightAtOnce, rawRequest } from "../helpers/live.ts";
import { readMetrics } from "../../src/runs/metrics_log.ts";

const SECRET = "what no page may read";
const FLAGS = ["--limit", "64", "--log-every", "100"];

/** A training process with a dashboard. */
interface DeviceTraits {
  readonly folder: string;
  readonly run: string;
  readonly url: URL;
  readonly port: number;
  readonly pid: number;
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function shell(command: string): Promise<string> {
  return text((await new Deno.Command("sh", { args: ["-c", command] }).output()).stdout);
}

/** Mebibytes of the process in memory. */
async function residentOf({ pid }: DeviceTraits): Promise<number> {
  const status = await shell(`cat /proc/${pid}/status`);
  return Number(/VmRSS:\s*(\d+) kB/.exec(status)![1]) / 1024;
}

/** Steps that the run has filed. */
function stepsOf({ run }: DeviceTraits): number {
  return Number(readMetrics(run).at(-1)?.step ?? 0);
}

/** Sends a request line and headers; HOST stands for the server's own name. */
function ask({ url, port }: DeviceTraits, head: string): ReturnType<typeof rawRequest> {
  return rawRequest(port, `${head.replaceAll("HOST", url.host)}\r\nConnection: close\r\n\r\n`);
}

/** Writes as slowly as it can, and for ever; returns when the server has cut it off, and what it said. */
async function dribble(
  { url, port }: DeviceTraits,
  start: string,
  piece: string,
): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const bytes = (part: string) => new TextEncoder().encode(part.replaceAll("HOST", url.host));
  let isCut = false;
  const writing = (async () => {
    try {
      await connection.write(bytes(start));
      while (!isCut) {
        await new Promise((resolve) => setTimeout(resolve, 250));
        await connection.write(bytes(piece));
      }
    } catch {
      // cut off: what the test waits for
    }
  })();
  let answer = "";
  const buffer = new Uint8Array(4096);
  try {
    for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
      answer += text(buffer.subarray(0, n));
    }
  } catch {
    // reset by the server
  }
  isCut = true;
  await writing;
  return answer;
}

/** A page that listens: resolves with its connection once the first message is there. */
async function listen({ url, port }: DeviceTraits): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(
    new TextEncoder().encode(`GET /events?after=0 HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`),
  );
  const buffer = new Uint8Array(4096);
  let received = "";
  while (!received.includes("\ndata: ")) {
    const n = await connection.read(buffer);
    if (n === null) throw new Error(`the stream ended after ${JSON.stringify(received)}`);
    received += text(buffer.subarray(0, n));
  }
  return connection;
}

/** Paths that lead out of what is served, from each place that something is served under. */
const ESCAPES = ["/", "/live/client/", "/report/page/client/", "/library/", "/pictures/", "/picture/"]
  .flatMap(
    (place) =>
      [
        "../secret.txt",
        "../../../../../../../../etc/passwd",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "%2e%2e%2f%2e%2e%2fsecret.txt",
        "%252e%252e%252fsecret.txt",
        "..\\secret.txt",
        "..%5csecret.txt",
        "%c0%ae%c0%ae/secret.txt",
        "....//secret.txt",
        "link.txt",
        "link.txt%00.png",
        "%00",
        "live.js%00.html",
        "config.json",
        "model.safetensors",
        "metrics.jsonl",
        "/etc/passwd",
        "%2fetc%2fpasswd",
      ].map((path) => place + path),
  );

const HEADS: readonly (readonly [string, string, number])[] = [
  ["another host", "GET / HTTP/1.1\r\nHost: evil.example", 403],
  ["no host", "GET / HTTP/1.0", 403],
  ["two hosts", "GET / HTTP/1.1\r\nHost: HOST\r\nHost: evil.example", 403],
  ["its port under another name", "GET / HTTP/1.1\r\nHost: [::1]:80", 403],
  ["another origin", "GET /data.json HTTP/1.1\r\nHost: HOST\r\nOrigin: http://evil.example", 403],
  ["no origin for a command", "POST /control HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4", 403],
  ["another site", "GET /data.json HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: cross-site", 403],
  ["another server's address", "GET http://evil.example/ HTTP/1.1\r\nHost: HOST", 404],
  ["a file's address", "GET file:///etc/passwd HTTP/1.1\r\nHost: HOST", 404],
  ["a NUL", "GET /\0 HTTP/1.1\r\nHost: HOST", 400],
  ["a long header", `GET / HTTP/1.1\r\nHost: HOST\r\nX: ${"x".repeat(20_000)}`, 431],
  ["many headers", `GET / HTTP/1.1\r\nHost: HOST${"\r\nX: y".repeat(5000)}`, 431],
  [
    "a body of a terabyte",
    `POST /control HTTP/1.1\r\nHost: HOST\r\nOrigin: http://HOST\r\nContent-Length: ${2 ** 40}`,
    413,
  ],
];

/** What is sent at once and what is sent four times a second: requests that never end. */
const SLOW: readonly (readonly [string, string, string])[] = [
  ["a header that never ends", "GET / HTTP/1.1\r\nHost: HOST\r\n", "X: y\r\n"],
  ["a line that never ends", "GET /", "x"],
  ["silence", "", ""],
  [
    "a body that never ends",
    "POST /control HTTP/1.1\r\nHost: HOST\r\nOrigin: http://HOST\r\nContent-Length: 999\r\n\r\n",
    "x",
  ],
];

/** Starts training that would take hours. */
async function train(folder: string, body: (target: DeviceTraits) => Promise<void>): Promise<void> {
  const run = join(folder, "run");
  await Deno.writeTextFile(join(folder, "secret.txt"), SECRET);
  const args = [...FLAGS, "--iterations", "1000000000", "--live", "--port", "0", "--out", run];
  const command = new Deno.Command("deno", {
    args: taskArguments("basic", args, folder),
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  });
  await using process = command.spawn();
  const stderr = new Response(process.stderr).text();
  let stdout = "", running = false;
  for await (const piece of process.stdout.pipeThrough(new TextDecoderStream())) {
    stdout += piece;
    const address = /^dashboard (\S+)\s/m.exec(stdout)?.[1];
    if (running || address === undefined) continue;
    running = true;
    await Deno.symlink(join(folder, "secret.txt"), join(run, "link.txt"));
    const url = new URL(address);
    try {
      await body({ folder, run, url, port: Number(url.port), pid: process.pid });
    } catch (error) {
      process.kill("SIGKILL");
      throw error;
    }
  }
  const { code } = await process.status;
  assert.equal(code, 0, `${stdout}\n${await stderr}`);
}

Deno.test("every attack on a dashboard is refused, and training is not harmed", async (t) => {
  await withFolder(async (folder) => {
    let run = "";
    await train(folder, async (target) => {
      run = target.run;
      const page = async () => await (await fetch(new URL("data.json", target.url))).json();
      const { token } = await page();
      for (const connection of await eightAtOnce(20, () => listen(target))) {
        connection.close();
      }
      const began = { steps: stepsOf(target), resident: await residentOf(target) };

      await t.step("it listens on the loopback address only", async () => {
        const port = target.port.toString(16).toUpperCase().padStart(4, "0");
        const sockets = (await shell("cat /proc/net/tcp /proc/net/tcp6")).split("\n")
          .filter((line) => new RegExp(`^\\s*\\d+: \\w+:${port} \\w+:0000 0A `).test(line));
        assert.deepEqual(sockets.map((line) => /: (\w+):/.exec(line)![1]), ["0100007F"]);
      });
      for (const [what, head, status] of HEADS) {
        await t.step(`${what} is refused with ${status}`, async () => {
          const answer = await ask(target, head);
          assert.equal(answer.status, status, answer.head);
          assert.ok(answer.body.length < 100, answer.body);
        });
      }
      await t.step(`${ESCAPES.length} paths out of what is served find nothing`, async () => {
        for (const path of ESCAPES) {
          const { status, body } = await ask(target, `GET ${path} HTTP/1.1\r\nHost: HOST`);
          assert.ok(status === 404 || status === 400, `${path}: ${status}`);
          assert.ok(!body.includes(SECRET) && !body.includes("root:") && body.length < 100, path);
        }
      });
      await t.step("slow requests are cut while 200 pages listen and 1,000 come and go", async () => {
        const slow = Promise.all(SLOW.map(([, start, piece]) => dribble(target, start, piece)));
        const open = await eightAtOnce(200, () => listen(target));
        for (let k = 0; k < 50; k++) {
          for (const connection of await eightAtOnce(20, () => listen(target))) {
            connection.close();
          }
        }
        assert.equal((await page()).token, token, "the same server still answers");
        for (const connection of open) connection.close();
        for (const [k, answer] of (await slow).entries()) { // a request that is not cut never ends
          assert.match(answer, /^(HTTP\/1\.1 4\d\d .*)?$/s, SLOW[k][0]);
        }
      });

      while (stepsOf(target) === began.steps) await new Promise((resolve) => setTimeout(resolve, 100));
      const ended = { steps: stepsOf(target), resident: await residentOf(target) };
      const grown = ended.resident - began.resident;
      console.log(
        `${ended.steps - began.steps} training steps meanwhile; memory changed by ${grown.toFixed(0)} MiB`,
      );
      assert.ok(grown < 150, `${grown} MiB`);
      const stop = await fetch(new URL("control", target.url), {
        method: "POST",
        headers: { origin: target.url.origin, "x-bottleneck-token": token },
        body: "stop",
      });
      assert.equal(stop.status, 200, await stop.text());
    });

    await t.step("the model is that of a training which nobody attacked, to the bit", async () => {
      const { metadata, tensors } = decodeSafetensors(await fileOf(run, "model.safetensors"));
      const alone = join(folder, "alone"), { step } = metadata;
      const { code } = await runTask("basic", [...FLAGS, "--iterations", step, "--out", alone], folder);
      assert.equal(code, 0);
      assert.deepEqual(tensors, decodeSafetensors(await fileOf(alone, "model.safetensors")).tensors);
    });
  });
});

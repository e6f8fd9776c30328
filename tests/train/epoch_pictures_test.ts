import assert from "node:assert/strict";
import { join } from "node:path";
import { decode } from "../../src/dependencies/fast_png.ts";
import { readRunData } from "../../src/runs/read_run_data.ts";
import {
  assertRefused,
  complaints,
  fileOf,
  ROOT,
  runTask,
  taskArguments,
  withFolder,
} from "../helpers/commands.ts";
import { readSvg, textsOf } from "../helpers/svg.ts";
import { readMetrics } from "../../src/runs/metrics_log.ts";

const SMALL = ["--limit", "640", "--epochs", "2", "--log-every", "5"];

/** Starts a training task; `firstMatch` waits for a pattern on its stdout. */
function start(task: "train" | "vae", args: readonly string[], folder: string) {
  const command = new Deno.Command("deno", {
    args: taskArguments(task, args, folder),
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  });
  const child = command.spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let output = "";
  return {
    child,
    async firstMatch(pattern: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const found = pattern.exec(output);
        if (found) return found;
        const { value, done } = await reader.read();
        if (done) throw new Error(`stdout ended without ${pattern}:\n${output}`);
        output += value;
      }
    },
    async end(): Promise<{ code: number; output: string }> {
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) output += chunk.value;
      await child.stderr.cancel();
      return { code: (await child.status).code, output };
    },
  };
}

Deno.test("a run writes SVG charts, PNG pictures and a report", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const outcome = await runTask("vae", [...SMALL, "--out", run], folder);
    assert.deepEqual(complaints(outcome), []);
    const names = [
      "weights",
      "reconstructions",
      "reconstructions-0002",
      "samples-0001",
      "samples-0002",
    ];
    for (const name of names) {
      const { width, height, data } = decode(await fileOf(run, `${name}.png`));
      assert.ok(width > 200 && height > 100, `${name}: ${width}x${height}`);
      assert.ok(new Set(data.slice(0, 200_000)).size > 3, `${name} is blank`);
    }
    const [loss, codes] = await Promise.all(
      ["loss", "codes"].map(async (name) => readSvg(await fileOf(run, `${name}.svg`))),
    );
    assert.ok(textsOf(loss).some((text) => text.startsWith("loss (nats per image)")), `${textsOf(loss)}`);
    assert.ok(textsOf(codes).includes("2,000 test images"));
    const { status, snapshot, pictures, weights, rows, command } = readRunData(run);
    assert.equal(status, "finished");
    assert.equal(command, "deno task vae " + SMALL.join(" "));
    assert.deepEqual([snapshot?.epoch, snapshot?.step, snapshot?.codes?.size], [2, 10, 20]);
    assert.equal(snapshot?.samples?.length, 64 * 784);
    assert.deepEqual(pictures.map(({ kind, epoch }) => `${kind} ${epoch}`).sort(), [
      "reconstructions 1",
      "reconstructions 2",
      "samples 1",
      "samples 2",
    ]);
    assert.equal(weights.length, 2);
    assert.ok(rows.some(({ label }) => label === "active code units"));
    const page = new TextDecoder().decode(await fileOf(run, "report.html"));
    assert.match(page, /^<!doctype html>/i);
    assert.ok(page.length > 300_000 && page.length < 1_500_000, `${page.length} bytes`);
  }));

Deno.test("--quiet prints nothing", () =>
  withFolder(async (folder) => {
    const outcome = await runTask("train", [...SMALL, "--quiet", "--out", join(folder, "run")], folder);
    assert.equal(outcome.code, 0);
    assert.equal(outcome.stdout, "");
    assert.deepEqual(complaints(outcome), []);
  }));

Deno.test("--live does not affect training, and its stop button saves the run", () =>
  withFolder(async (folder) => {
    const plain = join(folder, "plain"), live = join(folder, "live"), stopped = join(folder, "stopped");
    const long = ["--epochs", "1", "--limit", "9600", "--log-every", "50"]; // 150 steps
    assert.equal((await runTask("train", [...long, "--out", plain], folder)).code, 0);
    const watched = start("train", [...long, "--live", "--picture-every", "3", "--out", live], folder);
    const [, address] = await watched.firstMatch(/^dashboard (http:\/\/127\.0\.0\.1:\d+\/)$/m);
    const stream = await fetch(`${address}events?after=0`); // pictures are taken for who watches
    let early: { readonly step: number } | undefined;
    for (let k = 0; k < 1000 && !early; k++) {
      early = (await (await fetch(`${address}data.json`)).json()).page?.snapshot;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await stream.body!.cancel();
    assert.ok(early && early.step < 150 && early.step % 3 === 0, `a picture after ${early?.step} steps`);
    assert.equal((await watched.end()).code, 0);
    assert.deepEqual(await fileOf(live, "model.safetensors"), await fileOf(plain, "model.safetensors"));

    const args = ["--epochs", "1000", "--log-every", "20", "--live", "--quiet", "--out", stopped];
    const training = start("train", args, folder);
    const [, url] = await training.firstMatch(/^dashboard (http:\S+)$/m);
    const data = async () => await (await fetch(`${url}data.json`)).json();
    let seen = await data();
    for (let k = 0; k < 2000 && seen.page.metrics.length < 3; k++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      seen = await data();
    }
    assert.ok(seen.page.metrics.length >= 3, "metrics arrive while it trains");
    assert.equal(seen.page.status, "running");
    const answer = await fetch(`${url}control`, {
      method: "POST",
      headers: { "x-bottleneck-token": seen.token, origin: url.slice(0, -1) },
      body: "stop",
    });
    const said = await answer.text();
    assert.ok(answer.ok, `${answer.status} ${said}`);
    const { code } = await training.end();
    assert.equal(code, 0);
    const { status, snapshot } = readRunData(stopped);
    assert.equal(status, "interrupted");
    assert.ok(snapshot, "there is a snapshot");
    assert.ok((await fileOf(stopped, "report.html")).length > 300_000);
  }));

Deno.test("--live on a port in use is refused and creates no run folder", () =>
  withFolder(async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr;
    const run = join(folder, "run");
    const outcome = await runTask("train", [...SMALL, "--live", "--port", `${port}`, "--out", run], folder);
    assertRefused(
      outcome,
      1,
      new RegExp(`Cannot serve the dashboard on 127.0.0.1, port ${port}: expected a free port`),
    );
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("a killed run still gets a report of what it wrote", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run");
    const training = start(
      "train",
      ["--epochs", "1000", "--limit", "1280", "--log-every", "5", "--out", run],
      folder,
    );
    await training.firstMatch(/epoch {4}3\//);
    training.child.kill("SIGKILL");
    await training.end();
    Deno.writeTextFileSync(join(run, "metrics.jsonl"), '{"epoch":3,"st', { append: true }); // torn
    const before = readMetrics(run).length;
    assert.ok(before >= 10, `${before} lines`);
    const made = await runTask("report", [run], folder);
    assert.equal(made.code, 0, made.stderr);
    const { status, metrics, snapshot, pictures } = readRunData(run);
    assert.equal(status, "crashed");
    assert.equal(metrics.length, before);
    assert.ok(snapshot!.epoch >= 1 && pictures.length >= 1);
    assert.ok((await fileOf(run, "report.html")).length > 300_000);
  }));

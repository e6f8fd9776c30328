/**
 * Runs that are cut and gone on with, and what they must have in common with a run that was never cut.
 *
 *     deno run --allow-run=deno --allow-read --allow-write tests/helpers/resume_runs.ts --rounds 20 --seed 7     # every recipe, five cuts a round
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { writeIdx } from "../../src/data/idx.ts";
import { RandomStream } from "../../src/random.ts";
import { readLastCheckpoint } from "../../src/runs/checkpoint_file.ts";
import { runCommand } from "../../src/cli/command.ts";
import { integer, optionalText, parseFlags } from "../../src/recipe/flags.ts";
import { fileOf, ROOT, taskArguments, withFolder } from "./commands.ts";
import type { Task } from "./permission_cases.ts";
import { readMetrics } from "../../src/runs/metrics_log.ts";

const STAGES = "--sizes 100,8,4,2 --stages 1,2,1";

/** A way of training: its name, its task and its flags. Between them they checkpoint in every way, and at odd steps. */
export const WAYS: readonly (readonly [string, Task, string])[] = [
  ["deep", "train", "--sizes 100,8,2 --epochs 4 --schedule cosine --warmup 3"],
  ["basic", "basic", "--sizes 100,8 --iterations 50 --checkpoint-every 4 --keep 3"],
  ["basic --full-data", "basic", "--sizes 100,8 --iterations 47 --full-data --log-every 4"],
  ["tied", "tied", "--sizes 100,8,4 --epochs 4 --checkpoint-every 5 --clip-norm 0.5"],
  ["vae", "vae", "--sizes 100,8,2 --epochs 4 --patience 3 --min-delta 1000"],
  ["matched", "matched", "--sizes 100,8,4 --epochs 4 --match bce --checkpoint-every 1"],
  ["stacked", "stacked", `${STAGES} --checkpoint-every 7`],
  ["stacked --freeze", "stacked", `${STAGES} --freeze --patience 1 --min-delta 1e-4`],
  ["stacked --end-to-end", "stacked", `${STAGES} --end-to-end`],
  ["denoising", "denoising", `${STAGES} --noise gaussian:0.3 --checkpoint-every 3epochs`],
  ["denoising --freeze", "denoising", `${STAGES} --freeze --checkpoint-every 6`],
  ["sparse", "sparse", `${STAGES} --checkpoint-every 9 --keep 2`],
  ["sparse --freeze", "sparse", `${STAGES} --freeze --noise mask:0.25`],
];

/**
 * Of {@link WAYS}, one of each layer-wise recipe, which `deno task test` interrupts; runs of the other recipes it kills.
 * tests/slow/resume_runs.ts interrupts all the others.
 */
export const FEW_WAYS: readonly string[] = ["stacked --freeze", "denoising", "sparse"];

/** Writes the images that these runs are trained on, and returns the flags that name them. */
export async function makeImages(folder: string): Promise<string[]> {
  const random = new RandomStream(1, "resume"), count = 120;
  const pixels = Uint8Array.from({ length: count * 100 }, () => random.nextBelow(256));
  const path = join(folder, "images.idx");
  await Deno.writeFile(path, writeIdx([count, 10, 10], pixels));
  return ["--data", path, "--test-fraction", "0.25", "--batch-size", "8"]; // 12 steps an epoch, the last of 2 images
}

/** When to end a process, and how. */
export interface Cut {
  /** What it is sent. */
  readonly signal: Deno.Signal;
  /** As soon as it has said that it has done so many steps. */
  readonly step?: number;
  /** So many milliseconds after it was started. */
  readonly after?: number;
}

/** Trains with a task as {@link trainWith} does. */
export function train(
  task: Task,
  args: readonly string[],
  folder: string,
  cut?: Cut,
): Promise<boolean> {
  return trainWith(taskArguments(task, args, folder), cut);
}

/**
 * Trains, to the end or to a cut.
 *
 * @param args arguments of deno
 * @returns whether it came to its end
 * @throws Error with what it said if it ended in another way than by the cut
 */
export async function trainWith(args: readonly string[], cut?: Cut): Promise<boolean> {
  const command = new Deno.Command("deno", { args: [...args], cwd: ROOT, stdout: "piped", stderr: "piped" });
  const child = command.spawn();
  let isCut = false, output = "";
  const end = ({ signal }: Cut) => {
    if (isCut) return;
    isCut = true;
    try {
      child.kill(signal);
    } catch { /* it has just ended by itself */ }
  };
  const timer = cut?.after === undefined ? undefined : setTimeout(end, cut.after, cut);
  const said = new Response(child.stderr).text();
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    const step = Number([...output.matchAll(/ step +(\d+)\//g)].at(-1)?.[1] ?? 0);
    if (cut?.step !== undefined && step >= cut.step) end(cut);
  }
  const { code, signal } = await child.status;
  clearTimeout(timer);
  const stderr = await said;
  if (code === 0) return true;
  if (cut && isCut && (signal === cut.signal || code === 130 || code === 143)) return false;
  throw new Error(`deno ${args.join(" ")} ended with ${signal ?? code}:\n${output}${stderr}`);
}

/** Whether a run has come to its end. */
export function hasEnded(run: string): boolean {
  try {
    return JSON.parse(Deno.readTextFileSync(join(run, "results.json"))).status === "finished";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Lines of metrics without the time that training took until then, which only grows. */
function timeless(folder: string) {
  let before = 0;
  return readMetrics(folder).map(({ seconds = Infinity, ...line }) => {
    assert.ok(Number(seconds) >= before, `${seconds} seconds after ${before}`);
    before = Number(seconds);
    return line;
  });
}

/**
 * Asserts that two runs left the same, to the byte, but for times and paths. Of checkpoints only the last counts: Ctrl-C
 * leaves one besides.
 */
export async function assertSameRun(actual: string, expected: string): Promise<void> {
  const namesIn = (folder: string) =>
    [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => !/^checkpoint-/.test(name)).sort();
  assert.deepEqual(namesIn(actual), namesIn(expected));
  assert.deepEqual(timeless(actual), timeless(expected));
  for (const name of namesIn(expected)) {
    if (name === "results.json") {
      const resultsOf = async (folder: string) =>
        JSON.parse(new TextDecoder().decode(await fileOf(folder, name)));
      const [a, b] = [await resultsOf(actual), await resultsOf(expected)];
      assert.deepEqual({ ...a, stepMilliseconds: 0 }, { ...b, stepMilliseconds: 0 });
    } else if (!/^(config\.json|metrics\.jsonl|report\.html)$/.test(name)) {
      const [a, b] = [await fileOf(actual, name), await fileOf(expected, name)];
      assert.ok(a.length === b.length && a.every((byte, k) => byte === b[k]), `${name} differs`);
    }
  }
  const [a, b] = [readLastCheckpoint(actual)!, readLastCheckpoint(expected)!];
  const still = ({ metricsBytes: _b, metricsChecksum: _c, seconds: _s, ...place }: typeof a.place) => place;
  assert.deepEqual({ ...a, place: still(a.place) }, { ...b, place: still(b.place) });
}

/** A run's steps in all. */
function stepsOf(folder: string): number {
  return Math.max(...readMetrics(folder).map(({ step }) => Number(step ?? 0)));
}

/** The signals that cut, SIGKILL as often as the others together. */
const SIGNALS = ["SIGKILL", "SIGKILL", "SIGINT", "SIGTERM"] as const;

/**
 * Trains once without a cut and, in each round, once with several at random steps; asserts that they left the same.
 *
 * @throws Error if they did not, or if runs end again and again before they can be cut
 */
export async function cutAndCompare(
  [name, task, flags]: (typeof WAYS)[number],
  { seed, rounds, cuts, folder }: { seed: number; rounds: number; cuts: number; folder: string },
): Promise<void> {
  const random = new RandomStream(seed, name);
  const args = [...await makeImages(folder), "--log-every", "5", ...flags.split(" ")];
  const whole = join(folder, "whole"), run = join(folder, "cut");
  assert.ok(await train(task, [...args, "--out", whole], folder));
  const steps = stepsOf(whole);

  async function cutOften(): Promise<boolean> {
    const points = Array.from({ length: cuts }, () => 1 + random.nextBelow(steps - 5)).sort((a, b) => a - b);
    for (const [k, step] of points.entries()) {
      const how = { signal: SIGNALS[random.nextBelow(4)], step };
      await train(task, k === 0 ? [...args, "--out", run] : ["--resume", run], folder, how);
      if (hasEnded(run)) return false; // it was faster than the signal
    }
    return true;
  }
  for (let round = 0, early = 0; round < rounds;) {
    if (await cutOften()) {
      round++;
      assert.ok(await train(task, ["--resume", run], folder));
    } else if (++early > 30 + rounds) throw new Error(`${name}: most runs end before they are cut`);
    await assertSameRun(run, whole);
    await Deno.remove(run, { recursive: true });
  }
}

const FLAGS = {
  seed: integer(1, "seed of where and how runs are cut", { min: 0 }),
  rounds: integer(1, "runs of each way of training", { min: 1 }),
  cuts: integer(5, "cuts of each run", { min: 1 }),
  only: optionalText("the one way of training to look at", "all"),
};

async function main(): Promise<void> {
  const { only, ...config } = parseFlags(
    { name: "resume_runs", description: "Cuts runs." },
    FLAGS,
    Deno.args,
  );
  console.log(`seed ${config.seed}`);
  for (const way of WAYS.filter(([name]) => only === undefined || name === only)) {
    await withFolder(async (folder) => {
      await cutAndCompare(way, { ...config, folder });
      console.log(`${way[0]}: ${config.rounds} runs, each cut ${config.cuts} times, bit-exact`);
    });
  }
}

if (import.meta.main) await runCommand(main);

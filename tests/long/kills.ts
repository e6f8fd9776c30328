/**
 * Kills runs at random moments and resumes them: each must end with the same files as a
 * run that was left alone.
 *
 *     deno run --allow-run=deno --allow-read --allow-write tests/long/kills.ts --count 100 --seed 7
 *
 * @module
 */
import { join } from "node:path";
import { RandomStream } from "../../src/random.ts";
import { runCommand } from "../../src/cli/command.ts";
import { integer, parseFlags } from "../../src/recipe/flags.ts";
import { withFolder } from "../helpers/commands.ts";
import { assertSameRun, hasEnded, makeImages, train, WAYS } from "../helpers/resume_runs.ts";

/** What became of the runs. */
export interface Kills {
  /** Runs that were killed, gone on with, and ended as if nothing had been. */
  killed: number;
  /** Of these, how many were killed once more while they went on. */
  killedAgain: number;
  /** Of these, how many were killed while a file was being written. */
  whileWriting: number;
  /** Of these, how many had no checkpoint yet, and began again. */
  withoutCheckpoint: number;
  /** Processes that had not made a run yet when they were killed: there was nothing to lose. */
  tooEarly: number;
  /** Processes that had ended before they were killed. */
  tooLate: number;
}

/**
 * Kills runs until `count` of them were hit, several at a time. All recipes have their turns, with a checkpoint at every
 * step, so that many are hit while they write one.
 *
 * @throws Error if one cannot be gone on with, or ends with other files
 */
export async function killMany(
  { count, seed, together, folder }: { count: number; seed: number; together: number; folder: string },
): Promise<Kills> {
  const kills: Kills = {
    killed: 0,
    killedAgain: 0,
    whileWriting: 0,
    withoutCheckpoint: 0,
    tooEarly: 0,
    tooLate: 0,
  };
  const images = await makeImages(folder);
  const argsOf = (
    k: number,
  ) => [...images, "--log-every", "5", ...WAYS[k][2].split(" "), "--checkpoint-every", "1"];
  /** What others are compared with, made when first asked for: how many milliseconds it took to make. */
  const wholes = new Map<number, Promise<number>>();

  async function makeWhole(k: number): Promise<number> {
    const before = performance.now();
    await train(WAYS[k][1], [...argsOf(k), "--out", join(folder, `whole-${k}`)], folder);
    return performance.now() - before;
  }

  async function killOne(number: number): Promise<void> {
    const k = number % Math.min(WAYS.length, count), task = WAYS[k][1];
    if (!wholes.has(k)) wholes.set(k, makeWhole(k));
    const milliseconds = await wholes.get(k)!, run = join(folder, `run-${number}`);
    const random = new RandomStream(seed, "kill", number), after = random.nextUnit() * milliseconds;
    await train(task, [...argsOf(k), "--out", run], folder, { signal: "SIGKILL", after });
    const names = namesIn(run);
    if (!names.includes("config.json")) kills.tooEarly++;
    else if (hasEnded(run)) {
      await assertSameRun(run, join(folder, `whole-${k}`));
      kills.tooLate++;
    } else {
      if (number % 3 === 0) { // again, after it was resumed
        await train(task, ["--resume", run], folder, {
          signal: "SIGKILL",
          after: random.nextUnit() * milliseconds,
        });
        kills.killedAgain++;
      }
      if (!hasEnded(run)) await train(task, ["--resume", run], folder);
      await assertSameRun(run, join(folder, `whole-${k}`));
      kills.killed++;
      if (names.some((name) => name.endsWith(".partial"))) kills.whileWriting++;
      if (!names.some((name) => name.startsWith("checkpoint-"))) kills.withoutCheckpoint++;
    }
    await Deno.remove(run, { recursive: true }).catch(() => {}); // which a process that was killed early has not made
  }

  async function worker(first: number): Promise<void> {
    for (let k = first; kills.killed < count; k += together) await killOne(k);
  }
  await Promise.all(Array.from({ length: together }, (_, k) => worker(k)));
  return kills;
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

const FLAGS = {
  seed: integer(1, "seed of the moments", { min: 0 }),
  count: integer(100, "runs to kill", { min: 1 }),
  together: integer(2, "runs at a time", { min: 1, max: 13 }),
};

async function main(): Promise<void> {
  const config = parseFlags({ name: "kills", description: "Kills runs." }, FLAGS, Deno.args);
  console.log(`seed ${config.seed}`);
  await withFolder(async (folder) => {
    const { killed, killedAgain, whileWriting, withoutCheckpoint, tooEarly, tooLate } = await killMany({
      ...config,
      folder,
    });
    console.log(
      `${killed} runs killed, ${whileWriting} of them while they wrote a file and ${withoutCheckpoint} before their ` +
        `first checkpoint, ${killedAgain} a second time; all resumed and ended with the same files, 0 lost ` +
        `(besides: ${tooEarly} killed before there was a run, ${tooLate} ended before they were killed)`,
    );
  });
}

if (import.meta.main) await runCommand(main);

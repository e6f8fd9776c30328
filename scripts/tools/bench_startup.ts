// Times startup: the first step, compiling without a shader cache, loading data.
// Run: deno task bench:startup [--rounds N] [--data-dir DIR]    DIR holds MNIST's files, if .cache/datasets does not
//      deno task bench:startup --quick    skips compiling, which takes minutes
// Each measurement runs in its own process. On a shared processor, CPU time is more reliable than wall-clock time:
// startup is mostly single-threaded.
import denoConfig from "../../deno.json" with { type: "json" };
import { fileURLToPath } from "node:url";
import { InputError, toOneLine } from "../../src/errors.ts";
import { print, printJson } from "../../src/terminal.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flag, integer, optionalText, parseFlags } from "../../src/recipe/flags.ts";
import { type MedianAndRange, medianAndRange } from "../../src/stats/median.ts";
import { RECIPE_NAMES } from "./find_recipe.ts";

const flags = {
  rounds: integer(5, "number of rounds, of which the median counts; uncached compiling has one", { min: 1 }),
  quick: flag("skip compiling"),
  dataDir: optionalText("folder with MNIST's IDX files", "the download cache"),
  json: flag("print the results as JSON"),
};

/** Time of one measurement, in milliseconds. */
interface Time {
  readonly wall: number;
  /** CPU time of all threads; absent if the process was killed. */
  readonly cpu?: number;
}

/** Name, number of rounds and function of a measurement. */
type Measurement = readonly [what: string, rounds: number, measure: () => Promise<Time>];

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Environment that disables the shader caches of Mesa and of NVIDIA's driver. */
const COLD = { MESA_SHADER_CACHE_DISABLE: "true", __GL_SHADER_DISK_CACHE: "0" };

async function main(): Promise<void> {
  const info = {
    name: "bench:startup",
    examples: ["--quick", "--rounds 5"],
    description: "Times startup: the first step, compiling, loading data.",
  };
  const { rounds, quick, dataDir, json } = parseFlags(info, flags, Deno.args);
  const recipes = RECIPE_NAMES;
  const compiling: Measurement[] = [
    ...recipes.map((name): Measurement => [
      `compiling ${name} without a shader cache`,
      1,
      () => timePart(["compile", name], COLD),
    ]),
    ["compiling all recipes without a shader cache", 1, () => timePart(["compile", ...recipes], COLD)],
    ["compiling all recipes with a shader cache", rounds, () => timePart(["compile", ...recipes])],
  ];
  const measurements: Measurement[] = [
    ["first step of the deep recipe, from launch", rounds, timeFirstStep],
    ...quick ? [] : compiling,
    ["loading the shipped images", rounds, () => timePart(["load", "fashion-mnist-mini"])],
    ["loading MNIST", rounds, () => timePart(["load", "mnist", ...dataDir === undefined ? [] : [dataDir]])],
  ];
  await timeFirstStep(); // fills the shader cache and Deno's module cache
  const table = [];
  for (const [what, times, measure] of measurements) {
    const found: Time[] = [];
    try {
      for (let round = 0; round < times; round++) found.push(await measure());
    } catch (error) {
      if (!(error instanceof InputError) || what !== "loading MNIST" || dataDir !== undefined) throw error;
      if (!json) {
        print(`${what}: skipped, not found; run deno task data mnist, or pass --data-dir`);
      }
      continue;
    }
    const cpu = found.flatMap(({ cpu }) => cpu ?? []);
    const wall = medianAndRange(found.map(({ wall }) => wall));
    const row = { what, wall, ...cpu.length > 0 ? { cpu: medianAndRange(cpu) } : {} };
    table.push(row);
    if (!json) print(formatRow(row));
  }
  if (json) printJson(table);
}

/** Formats a row of the table. */
function formatRow(
  { what, wall, cpu }: { what: string; wall: MedianAndRange; cpu?: MedianAndRange },
): string {
  const seconds = ({ median, least, most }: MedianAndRange) =>
    `${(median / 1000).toFixed(2)} s (${(least / 1000).toFixed(2)} to ${(most / 1000).toFixed(2)})`;
  return `${what.padEnd(46)}  ${seconds(wall)}${cpu ? `, ${seconds(cpu)} of CPU time` : ""}`;
}

/** Times from launching the command to the report of the first step. */
async function timeFirstStep(): Promise<Time> {
  const folder = `runs/startup-${crypto.randomUUID()}`;
  await Deno.mkdir(folder, { recursive: true }); // fails early if not permitted
  const start = performance.now();
  // not `deno task`, whose child process would survive the kill below
  const child = new Deno.Command("deno", {
    args: [...denoConfig.tasks.train.command.split(" ").slice(1), "--log-every", "1", "--out", folder],
    cwd: ROOT,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    let text = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (/step +1\//.test(text)) return { wall: performance.now() - start };
    }
    throw new InputError(`Cannot time the deep recipe: it ended before its first step: ${toOneLine(text)}`);
  } finally {
    try {
      child.kill("SIGKILL"); // after SIGTERM it would save a checkpoint first
    } catch {
      // already exited
    }
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
}

/** Times one part of startup in its own process, which has no write permission. */
async function timePart(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Time> {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "--no-prompt", "--allow-read", "scripts/tools/startup_part.ts", ...args],
    cwd: ROOT,
    env: { ...env },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (code !== 0) throw new InputError(`Cannot time ${args.join(" ")}: ${toOneLine(text(stderr))}`);
  return JSON.parse(text(stdout)) as Time;
}

if (import.meta.main) await runCommand(main);

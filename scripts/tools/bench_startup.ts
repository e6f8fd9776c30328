// Times what comes before training: the first step, compiling without a shader cache, loading data.
// Run: deno task bench:startup [--rounds N] [--data-dir DIR]    DIR holds MNIST's files, if .cache/datasets does not
//      deno task bench:startup --quick    without compiling, which takes long
// Each measurement is a process of its own. Where other work shares the processor, CPU time tells more than the clock:
// what is measured is mostly one thread.
import denoConfig from "../../deno.json" with { type: "json" };
import { fileURLToPath } from "node:url";
import { InputError, toOneLine } from "../../src/errors.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flag, integer, optionalText, parseFlags } from "../../src/recipe/flags.ts";
import { type MedianAndRange, medianAndRange } from "../../src/stats/median.ts";
import { RECIPE_NAMES } from "./find_recipe.ts";

const flags = {
  rounds: integer(5, "rounds, of which the median counts; compiling without a cache has one", { min: 1 }),
  quick: flag("leave out compiling"),
  dataDir: optionalText("folder that holds MNIST's IDX files", "the cache of downloads"),
  json: flag("print the figures as JSON"),
};

/** Milliseconds of a measurement. */
interface Time {
  readonly wall: number;
  /** Of all threads; absent where a process is cut off. */
  readonly cpu?: number;
}

/** What is measured, in how many rounds, and how. */
type Measurement = readonly [what: string, rounds: number, measure: () => Promise<Time>];

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What keeps drivers from finding what they compiled before: Mesa's, NVIDIA's. */
const COLD = { MESA_SHADER_CACHE_DISABLE: "true", __GL_SHADER_DISK_CACHE: "0" };

async function main(): Promise<void> {
  const info = {
    name: "bench:startup",
    examples: ["--quick", "--rounds 5"],
    description: "Times what comes before training.",
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
    ["compiling all recipes with one", rounds, () => timePart(["compile", ...recipes])],
  ];
  const measurements: Measurement[] = [
    ["the deep recipe, to the end of its first step", rounds, timeFirstStep],
    ...quick ? [] : compiling,
    ["loading the shipped images", rounds, () => timePart(["load", "fashion-mnist-mini"])],
    ["loading MNIST", rounds, () => timePart(["load", "mnist", ...dataDir === undefined ? [] : [dataDir]])],
  ];
  await timeFirstStep(); // its shaders are compiled and its scripts cached from now on
  const table = [];
  for (const [what, times, measure] of measurements) {
    const found: Time[] = [];
    try {
      for (let round = 0; round < times; round++) found.push(await measure());
    } catch (error) {
      if (!(error instanceof InputError) || what !== "loading MNIST" || dataDir !== undefined) throw error;
      if (!json) {
        console.log(`${what} is left out: type deno task data mnist, or give its folder (--data-dir)`);
      }
      continue;
    }
    const cpu = found.flatMap(({ cpu }) => cpu ?? []);
    const wall = medianAndRange(found.map(({ wall }) => wall));
    const row = { what, wall, ...cpu.length > 0 ? { cpu: medianAndRange(cpu) } : {} };
    table.push(row);
    if (!json) console.log(formatRow(row));
  }
  if (json) console.log(JSON.stringify(table, null, 2));
}

/** A line of the table. */
function formatRow(
  { what, wall, cpu }: { what: string; wall: MedianAndRange; cpu?: MedianAndRange },
): string {
  const seconds = ({ median, least, most }: MedianAndRange) =>
    `${(median / 1000).toFixed(2)} s (${(least / 1000).toFixed(2)} to ${(most / 1000).toFixed(2)})`;
  return `${what.padEnd(46)}  ${seconds(wall)}${cpu ? `, ${seconds(cpu)} of CPU time` : ""}`;
}

/** From the command to the report of the first step, which has waited for it. */
async function timeFirstStep(): Promise<Time> {
  const folder = `runs/startup-${crypto.randomUUID()}`;
  await Deno.mkdir(folder, { recursive: true }); // may be refused, and then before anything else
  const start = performance.now();
  // not `deno task`, whose own child would live on
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
      child.kill("SIGKILL"); // SIGTERM would have it save what it learned
    } catch {
      // it has ended
    }
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
}

/** A part of starting up, in a process of its own that may read but write nothing. */
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

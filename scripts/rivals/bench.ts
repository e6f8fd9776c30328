// Times the same training steps in Bottleneck, TensorFlow.js, jax-js and, if installed, PyTorch, round-robin in one run.
// Run: deno task bench:rivals    (downloads the rivals from npm; nothing else in the project needs them)
// All start from the same parameters and see the same batches; the losses of 20 steps are compared, to verify that all
// do the same work. Each runs in its own process, which waits while another is timed.
import { InputError } from "../../src/errors.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flag, integer, parseFlags, text } from "../../src/recipe/flags.ts";
import { type MedianAndRange, medianAndRange } from "../../src/stats/median.ts";
import { COMPARED_STEPS } from "./entrant.ts";
import { EntrantProcess, type Launch } from "./entrant_process.ts";
import { createTask, type ModelName, MODELS } from "./models.ts";
import type { Task } from "./task.ts";

const OURS = "bottleneck";
const RIVALS = ["pytorch", "jax-wasm", "jax-webgpu", "tfjs-wasm", "tfjs-webgpu"] as const;
const LOSS_AGREEMENT = 1e-2; // relative tolerance; another summation order in float32 differs by about 1e-4
const flags = {
  models: text("all", `models to time, comma-separated: ${Object.keys(MODELS).join(", ")}`),
  rivals: text("all", `rivals to time, comma-separated: ${RIVALS.join(", ")}`),
  rounds: integer(5, "number of rounds, taken in turn; medians are reported", { min: 1 }),
  steps: integer(20, "steps per round, with one wait at the end", { min: 20, max: 1000 }),
  json: flag("print the results as JSON"),
};

/** Results of one entrant on one model. */
interface Figures {
  readonly entrant: string;
  readonly name: string;
  /** Its fastest configuration; empty if it has only one. */
  readonly setting: string;
  /** Largest relative difference of its losses from ours. */
  readonly lossDifference: number;
  /** Milliseconds per step. */
  readonly step: MedianAndRange;
  /** Its time divided by ours, per round. */
  readonly ratio: MedianAndRange;
}

async function main(): Promise<number> {
  const { models, rivals, rounds, steps, json } = parseFlags(
    { name: "bench:rivals", description: "Times training steps against other libraries." },
    flags,
    Deno.args,
  );
  const entrants = [OURS, ...chosen("rivals", rivals, RIVALS)];
  const results = [];
  for (const model of chosen("models", models, Object.keys(MODELS) as ModelName[])) {
    const result = { model, ...await race(await createTask(model, COMPARED_STEPS), entrants, rounds, steps) };
    results.push(result);
    if (!json) console.log(format(result));
  }
  if (json) console.log(JSON.stringify({ rounds, steps, results }, null, 2));
  const astray = results.flatMap(({ model, figures }) =>
    figures.filter(({ lossDifference }) => !(lossDifference <= LOSS_AGREEMENT))
      .map(({ name, lossDifference }) => `${name} on ${model} by ${lossDifference.toExponential(1)}`)
  );
  if (astray.length === 0) return 0;
  console.error(`error: Cannot compare these with Bottleneck, as their losses differ: ${astray.join("; ")}`);
  return 1;
}

async function race(task: Task, entrants: readonly string[], rounds: number, steps: number) {
  const missing: { entrant: string; reason: string }[] = [];
  const racing: (Omit<Figures, "step" | "ratio"> & { process: EntrantProcess; times: number[] })[] = [];
  let expected: readonly number[] | undefined;
  for (const entrant of entrants) {
    try {
      const { process, name, losses, setting } = await fastest(await launches(entrant), task, steps);
      expected ??= losses; // ours come first
      racing.push({
        entrant,
        name,
        setting,
        process,
        times: [],
        lossDifference: difference(losses, expected),
      });
    } catch (error) {
      if (entrant === OURS) throw error;
      missing.push({ entrant, reason: (error as Error).message });
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const { process, times } of racing) times.push((await process.train(steps)).milliseconds);
  }
  await Promise.all(racing.map(({ process }) => process.end()));
  const figures = racing.map(({ process: _process, times, ...rest }): Figures => ({
    ...rest,
    step: medianAndRange(times),
    ratio: medianAndRange(times.map((time, round) => time / racing[0].times[round])),
  }));
  return { figures, missing };
}

/** Starts an entrant in its fastest configuration. */
async function fastest(settings: readonly Launch[], task: Task, steps: number) {
  let best: { process: EntrantProcess; name: string; losses: readonly number[]; setting: string } | undefined;
  let bestTime = Infinity;
  for (const launch of settings) {
    const process = new EntrantProcess(launch);
    const { name, losses } = await process.start(task);
    await process.train(3); // warm-up: lazy compilation happens here
    const { milliseconds } = await process.train(steps);
    if (milliseconds < bestTime) {
      await best?.process.end();
      [best, bestTime] = [{ process, name, losses, setting: launch.setting ?? "" }, milliseconds];
    } else await process.end();
  }
  return best!;
}

/** Commands that start an entrant, one for each configuration; @throws Error if it is not installed. */
async function launches(entrant: string): Promise<Launch[]> {
  const deno = (permissions: string[], ...args: string[]): Launch => ({
    program: "deno",
    args: ["run", "--no-prompt", "--no-check", ...permissions, ...args],
  });
  const locked = ["--no-config", "--lock", "./deno.lock", "--frozen", "--allow-read"];
  if (entrant === OURS) return [deno([], "./ours.ts")];
  const [library, backend] = entrant.split("-");
  if (library === "jax") return [deno(locked, "./jax.ts", backend)];
  if (library === "tfjs") {
    const products = backend === "webgpu" ? { "its own choice of product": -1, "product 3": 3 } : { "": -1 };
    return Object.entries(products).map(([setting, product]) => ({
      ...deno(locked, "./tensorflow.ts", backend, String(product)),
      setting,
    }));
  }
  const program = await findTorch();
  return [
    { program, args: ["./pytorch.py", "0"], setting: "its own threads" },
    { program, args: ["./pytorch.py", "0"], env: { OMP_WAIT_POLICY: "PASSIVE" }, setting: "passive waits" },
    { program, args: ["./pytorch.py", "1"], setting: "1 thread beside BLAS'" },
  ];
}

/** Finds a Python interpreter with PyTorch. */
async function findTorch(): Promise<string> {
  for (const program of ["python3", "/usr/bin/python3"]) {
    try {
      const { success } = await new Deno.Command(program, { args: ["-c", "import torch"] }).output();
      if (success) return program;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable)) throw error;
    }
  }
  throw new Error("found no python3 with torch");
}

/** Largest relative difference between two series; NaN if any value is not finite. */
export function difference(actual: readonly number[], expected: readonly number[]): number {
  return Math.max(...expected.map((loss, k) => Math.abs(actual[k] - loss) / Math.abs(loss)));
}

/** Parses the comma-separated names of a flag. */
export function chosen<T extends string>(name: string, list: string, known: readonly T[]): readonly T[] {
  if (list === "all") return known;
  return list.split(",").map((word) => {
    const found = known.find((entry) => entry === word.trim());
    if (found !== undefined) return found;
    throw new InputError(
      `Cannot set --${name}: expected all or some of ${known.join(", ")} but received "${word}"`,
    );
  });
}

function format(
  { model, figures, missing }: { model: ModelName } & Awaited<ReturnType<typeof race>>,
): string {
  const range = ({ median, least, most }: MedianAndRange) =>
    `${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
  const rows = [
    ["", "ms/step", "relative to ours", "loss difference"],
    ...figures.map(({ name, setting, step, ratio, lossDifference }, at) => [
      setting === "" ? name : `${name}, ${setting}`,
      range(step),
      at === 0 ? "" : range(ratio),
      at === 0 ? "" : lossDifference.toExponential(1),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return [
    `${model}: ${MODELS[model].network}, batch ${MODELS[model].batchSize}`,
    ...rows.map((row) => "  " + row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd()),
    ...missing.map(({ entrant, reason }) => `  ${entrant} did not run: ${reason}`),
    "",
  ].join("\n");
}

if (import.meta.main) await runCommand(main);

/**
 * Plants faults one at a time and asserts that each is noticed, and by what docs/faults.md says. A fault in a training loop
 * is planted in a copy of the project, which then trains with the flags of a PyTorch trace. `deno task test` plants a
 * sample; here they are all planted:
 *
 *     deno run --allow-run=deno --allow-read --allow-write tests/long/faults.ts
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findRecipe, RECIPE_NAMES } from "../../scripts/tools/find_recipe.ts";
import { checkTracedFlags, replayTraining } from "../../scripts/tools/replay_training.ts";
import {
  formatTrainingReport,
  parseTrainingTrace,
  type TrainingReport,
  type TrainingTrace,
} from "../../src/check/training_trace.ts";
import { runCommand } from "../../src/cli/command.ts";
import { number, parseFlags } from "../../src/recipe/flags.ts";
import {
  describe,
  LOOP_FAULTS,
  type LoopFault,
  SHADER_FAULTS,
  type ShaderFault,
} from "../gradients/faults.ts";
import { plantAll } from "../gradients/planting.ts";
import { copyProject, ROOT, withFolder } from "../helpers/commands.ts";
import { checkIn, lineOf, listedFaults } from "../helpers/fault_table.ts";

/** The folder of the traces and their data. */
export const TRACES = join(ROOT, "fixtures/training");
/** Number of concurrent training runs: each alternates between CPU and GPU. */
const AT_ONCE = 3;

/** Names of the traces; that of a recipe's first is the recipe's. */
export const TRACE_NAMES: readonly string[] = [...Deno.readDirSync(TRACES)].map(({ name }) => name)
  .filter((name) => name.endsWith(".json")).sort();

/** The first fault in a recipe's script, and the first in what recipes share: `deno task test` plants them. */
export const FEW_LOOP_FAULTS: readonly LoopFault[] = ["scripts/", "src/"].map((folder) =>
  LOOP_FAULTS.find(({ file }) => file.startsWith(folder))!
);

/** Reads a file of {@link TRACES}. */
export function readTrace(name: string): TrainingTrace {
  return parseTrainingTrace(Deno.readTextFileSync(join(TRACES, name)), name, RECIPE_NAMES);
}

/** Processes a list with several concurrent workers, each with its own number. */
async function forEach<T>(
  list: readonly T[],
  work: (one: T, worker: number) => Promise<void>,
): Promise<void> {
  const left = list.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async (_, worker) => {
    for (const one of left) await work(one, worker);
  }));
}

/** Trains with the flags of a trace, using the scripts of a project. */
export async function train(trace: TrainingTrace, root: string): Promise<TrainingReport> {
  const script = join(root, "scripts", `${trace.recipe}.ts`);
  let report: TrainingReport | undefined;
  await withFolder(async (folder) => {
    report = await replayTraining(trace, { script, folder, dataFolder: TRACES });
  });
  return report!;
}

/**
 * Trains with the flags of each trace.
 *
 * @throws Error with the reports of those that deviate from PyTorch
 */
export async function trainAsPyTorch(traces: readonly TrainingTrace[]): Promise<void> {
  const failed: string[] = [];
  await forEach(traces, async (trace) => {
    checkTracedFlags(trace, (await findRecipe(trace.recipe)).recipe.flags);
    assert.ok(trace.steps.length >= 20, trace.name);
    const report = await train(trace, ROOT), line = formatTrainingReport(report);
    console.log(line);
    if (!report.passed) failed.push(line);
  });
  assert.deepEqual(failed, []);
}

/** Detector of a fault: the first kind of number that deviates, or a missing item. */
function noticedBy({ worst, differences }: TrainingReport): string {
  if (differences.length > 0) return "counts";
  return Object.entries(worst).find(([, { error, bound }]) => !(error <= bound))?.[0] ?? "nothing";
}

/** Trains with a copy of the project that contains a fault. */
async function trainWith(
  { file, text, becomes, fault, trace }: LoopFault,
  copy: string,
): Promise<TrainingReport> {
  const path = join(copy, file), original = await Deno.readTextFile(path);
  assert.equal(original.split(text).length, 2, `${file}, ${fault}: "${text}" must occur once`);
  await Deno.writeTextFile(path, original.replace(text, () => becomes));
  try {
    return await train(readTrace(`${trace}.json`), copy);
  } finally {
    await Deno.writeTextFile(path, original);
  }
}

/**
 * Plants some of {@link SHADER_FAULTS}. The list in docs/faults.md must name all, those too that are not planted.
 *
 * @throws Error naming those that nothing notices, or that something else notices than the list says
 */
export async function plantInShaders(faults: readonly ShaderFault[]): Promise<void> {
  const { noticed, survivors } = await plantAll(faults), checks = new Map<ShaderFault, string>();
  for (const { fault, check, message } of noticed) {
    console.log(`${describe(fault)}: noticed by ${check}: ${message}`);
    assert.ok(message.length > 20, `${describe(fault)}: ${message}`);
    checks.set(fault, check);
  }
  assert.deepEqual(survivors, []);
  const { shaders } = await listedFaults();
  const lines = SHADER_FAULTS.map((fault, k) =>
    lineOf({ fault, check: checks.get(fault) ?? checkIn(shaders[k]) })
  );
  assert.deepEqual(shaders, lines, "the list in docs/faults.md; tests/helpers/fault_table.ts writes it");
}

/** As {@link plantInShaders}, with some of {@link LOOP_FAULTS}. */
export async function plantInLoops(faults: readonly LoopFault[]): Promise<void> {
  await withFolder(async (folder) => {
    const copies = Array.from({ length: AT_ONCE }, (_, k) => join(folder, `${k}`));
    for (const copy of copies) copyProject(copy);
    const checks = new Map<LoopFault, string>();
    await forEach(faults, async (fault, worker) => {
      const check = noticedBy(await trainWith(fault, copies[worker]));
      console.log(`${fault.file}, ${fault.fault}: noticed by ${check} of ${fault.trace}`);
      checks.set(fault, check);
    });
    const survivors = faults.filter((fault) => checks.get(fault) === "nothing");
    assert.deepEqual(survivors.map(({ file, fault }) => `${file}: ${fault}`), []);
    const { loops } = await listedFaults();
    const lines = LOOP_FAULTS.map((one, k) =>
      `| \`${one.file}\` | ${one.fault} | \`${one.trace}\` | ${checks.get(one) ?? checkIn(loops[k])} |`
    );
    assert.deepEqual(loops, lines, "the list in docs/faults.md");
  });
}

async function main(): Promise<void> {
  const { share } = parseFlags(
    { name: "faults", description: "Plants every fault." },
    { share: number(1, "share of the faults", { above: 0, max: 1 }) },
    Deno.args,
  );
  const of = <T>(faults: readonly T[]) => faults.slice(0, Math.ceil(share * faults.length));
  const [shaders, loops] = [of(SHADER_FAULTS), of(LOOP_FAULTS)];
  await plantInShaders(shaders);
  await plantInLoops(loops);
  console.log(
    `${shaders.length} faults in shaders and ${loops.length} in training loops, all noticed by what docs/faults.md says`,
  );
}

if (import.meta.main) await runCommand(main);

// Replays whole trainings that PyTorch recorded: runs the script of each trace's recipe with the trace's flags, and
// compares every loss, the final parameters and the results table.
// Run: deno task replay:training fixtures/training/*.json
// Prints the worst deviation of each kind for each file; exit code 1 if any fails.
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  compareTraining,
  formatTrainingReport,
  parseTrainingTrace,
  type TrainingReport,
  type TrainingTrace,
} from "../../src/check/training_trace.ts";
import { InputError, toOneLine } from "../../src/errors.ts";
import { print, printText } from "../../src/terminal.ts";
import { runCommand } from "../../src/cli/command.ts";
import {
  flagName,
  type FlagSet,
  optionalText,
  parseFlags,
  positionals,
  readFlags,
} from "../../src/recipe/flags.ts";
import { type KernelsChoice, kernelsFlag } from "../../src/recipe/flags.ts";
import { readText } from "../../src/files/read_file.ts";
import { readResults } from "../../src/runs/read_results.ts";
import { readSafetensors } from "../../src/files/safetensors.ts";
import { findRecipe, RECIPE_NAMES } from "./find_recipe.ts";
import { readMetrics } from "../../src/runs/metrics_log.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Flags that a trace must not set: paths, output, and the choice of kernels. */
const OURS =
  "data dataDir dataset out resume live port pictureEvery keepPictures logEvery quiet dryRun printPlan profile kernels"
    .split(" ");

const flags = {
  files: positionals("FILE", "training-trace files to replay"),
  recipe: optionalText(
    "script of the traces' recipe, if it is not a shipped one",
    "the recipe that each trace names",
  ),
  kernels: kernelsFlag(),
};

/** Options of {@linkcode replayTraining}. */
export interface TrainingOptions {
  /** Path of the recipe's script. */
  readonly script: string;
  /** An empty folder for the run. */
  readonly folder: string;
  /** Folder of the trace's data file. */
  readonly dataFolder: string;
  /** Matrix-product kernels; `auto` if absent. */
  readonly kernels?: KernelsChoice;
}

/**
 * Rejects a trace with flags that its recipe does not have, or that a trace must not set.
 *
 * @throws InputError naming the flag
 */
export function checkTracedFlags({ name, recipe, flags: words }: TrainingTrace, declared: FlagSet): void {
  const outcome = readFlags({ name: recipe, description: "" }, declared, words);
  if (outcome.kind !== "config") {
    const why = outcome.kind === "error"
      ? outcome.message.replace(/ \(see --help\)$/, "")
      : "they ask for help";
    throw new InputError(`Cannot train ${name}: its flags do not fit recipe ${recipe}: ${toOneLine(why)}`);
  }
  const ours = OURS.find((key) => outcome.given.has(key));
  if (ours !== undefined) {
    throw new InputError(`Cannot train ${name}: a trace must not set ${flagName(ours)}; remove it`);
  }
}

/**
 * Runs the script of a trace's recipe in a child process, and compares the resulting run folder with the trace.
 *
 * @throws InputError with the script's error message, if it fails
 */
export async function replayTraining(
  trace: TrainingTrace,
  { script, folder, dataFolder, kernels = "auto" }: TrainingOptions,
): Promise<TrainingReport> {
  const run = join(folder, "run");
  const data = trace.data === undefined ? [] : ["--data", join(dataFolder, trace.data), "--scale", "byte"];
  const ours = [...data, "--kernels", kernels, "--log-every", "1", "--out", run, "--quiet"];
  const permissions = ["--no-prompt", "--no-check", "--allow-read", `--allow-write=${folder}`];
  const child = new Deno.Command("deno", { args: ["run", ...permissions, script, ...trace.flags, ...ours] });
  const { code, stderr } = await child.output();
  if (code !== 0) {
    const said = new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
    throw new InputError(`Cannot train ${trace.name}: its script failed: ${toOneLine(said)}`);
  }
  return compareTraining(trace, {
    metrics: readMetrics(run),
    tensors: readSafetensors(join(run, "model.safetensors")).tensors,
    rows: readResults(join(run, "results.json")).rows,
  });
}

async function main(): Promise<number> {
  const { files, recipe: path, kernels } = parseFlags(
    {
      name: "replay:training",
      examples: ["fixtures/training/*.json", "training.json --recipe ./mine.ts"],
      description: "Replays whole trainings that PyTorch recorded, and prints the deviations.",
    },
    flags,
    Deno.args,
  );
  const own = path === undefined ? undefined : (await findRecipe(path)).recipe;
  const cache = join(ROOT, ".cache");
  await Deno.mkdir(cache, { recursive: true });
  let failures = 0;
  for (const file of files) {
    const folder = await Deno.makeTempDir({ dir: cache, prefix: "training-" });
    try {
      const trace = parseTrainingTrace(readText(file), file, own ? [own.name] : RECIPE_NAMES);
      checkTracedFlags(trace, (own ?? (await findRecipe(trace.recipe)).recipe).flags);
      const script = path === undefined ? join(ROOT, "scripts", `${trace.recipe}.ts`) : resolve(path);
      const report = await replayTraining(trace, { script, folder, dataFolder: dirname(file), kernels });
      printText(formatTrainingReport(report));
      if (!report.passed) failures++;
    } catch (error) {
      if (!(error instanceof InputError)) throw error; // a bad file does not stop the others
      print(`FAIL  ${error.message}`);
      failures++;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  return failures > 0 ? 1 : 0;
}

if (import.meta.main) await runCommand(main);

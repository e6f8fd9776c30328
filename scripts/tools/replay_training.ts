// Trains as PyTorch did: runs each trace's recipe by its own script, under the trace's flags, and compares every loss,
// the final parameters and the results table. Run: deno task replay:training fixtures/training/*.json
// Prints for each file the worst deviation of each kind; exit code 1 if any fails.
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
/** Flags that no trace decides: where things are, what is shown, and how it is computed. */
const OURS =
  "data dataDir dataset out resume live port pictureEvery logEvery quiet dryRun printPlan profile kernels"
    .split(" ");

const flags = {
  files: positionals("FILE", "training traces"),
  recipe: optionalText(
    "script of the traces' recipe, if that is not a shipped one",
    "the shipped recipes of their names",
  ),
  kernels: kernelsFlag(),
};

/** How a trace is trained again. */
export interface TrainingOptions {
  /** The script. */
  readonly script: string;
  /** An empty folder for the run. */
  readonly folder: string;
  /** Where the trace's data file lies. */
  readonly dataFolder: string;
  /** Which kernels compute; what suits the adapter if absent. */
  readonly kernels?: KernelsChoice;
}

/**
 * Refuses a trace with flags that its recipe does not have, or that are not a trace's to decide.
 *
 * @throws InputError naming the flag
 */
export function checkTracedFlags({ name, recipe, flags: words }: TrainingTrace, declared: FlagSet): void {
  const outcome = readFlags({ name: recipe, description: "" }, declared, words);
  if (outcome.kind !== "config") {
    const why = outcome.kind === "error"
      ? outcome.message.replace(/ \(see --help\)$/, "")
      : "they ask for help";
    throw new InputError(`Cannot train ${name}: its flags are not those of ${recipe}: ${toOneLine(why)}`);
  }
  const ours = OURS.find((key) => outcome.given.has(key));
  if (ours !== undefined) {
    throw new InputError(`Cannot train ${name}: ${flagName(ours)} is not a trace's to decide; leave it out`);
  }
}

/**
 * Trains a trace's recipe by its own script, in a process of its own, and compares what it leaves.
 *
 * @throws InputError with the script's own complaint, if it fails
 */
export async function replayTraining(
  trace: TrainingTrace,
  { script, folder, dataFolder, kernels = "auto" }: TrainingOptions,
): Promise<TrainingReport> {
  const run = join(folder, "run");
  const data = trace.data === undefined ? [] : ["--data", join(dataFolder, trace.data)];
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
      description:
        "Trains as training traces say, by the recipes' own scripts, and says how far off they end.",
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
      console.log(formatTrainingReport(report));
      if (!report.passed) failures++;
    } catch (error) {
      if (!(error instanceof InputError)) throw error; // one trace that is none does not end the others
      console.log(`FAIL  ${error.message}`);
      failures++;
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  return failures > 0 ? 1 : 0;
}

if (import.meta.main) await runCommand(main);

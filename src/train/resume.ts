/**
 * `--resume RUN`: resumes a run with its original flags.
 * @module
 */
import { join } from "node:path";
import { InputError, quote } from "../errors.ts";
import { printError } from "../terminal.ts";
import type { Checkpoint } from "../runs/checkpoint_file.ts";
import {
  type CommandInfo,
  type Config,
  flagName,
  type FlagSet,
  readCommandLine,
  restoreConfig,
} from "../recipe/flags.ts";
import { commandLine } from "../cli/command_line.ts";
import { readResults } from "../runs/read_results.ts";
import { matchScripts, readScript, scriptIn } from "../recipe/recipe_script.ts";
import { readRun, type Run } from "../runs/run_config.ts";
import { refuseUnbegun } from "../runs/run_folder.ts";

/** Flags for paths, output and checkpoints, on which the trained model does not depend. */
const OUTSIDE: ReadonlySet<string> = new Set([
  "out",
  "dataDir",
  "data",
  "labels",
  "testData",
  "testLabels",
  "resume",
  "checkpointEvery",
  "keep",
  "onNan",
  "onDeviceLoss",
  "live",
  "port",
  "pictureEvery",
  "keepPictures",
  "quiet",
  "dryRun",
  "printPlan",
  "profile",
]);

/** Returns the flags on which the trained model and the metrics depend. */
export function learnedConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !OUTSIDE.has(key)));
}

/** Flags on which the metrics depend, or the end of training, or rounding, but not what a step learns. */
const NOT_LEARNED: ReadonlySet<string> = new Set(["logEvery", "patience", "minDelta", "kernels"]);

/** Returns the flags that a model file has: those on which its weights depend. `config.json` has all. */
export function modelConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(learnedConfig(config)).filter(([key]) => !NOT_LEARNED.has(key)));
}

/**
 * True if a resumed run may use a larger value of a flag, with the same result as if it had begun with it:
 * `--patience` and, if the learning rate does not depend on the number of steps, the training length.
 */
function mayGrow(key: string, before: unknown, now: unknown, schedule: unknown): boolean {
  if (key === "patience") return Number(now) > Number(before);
  if (schedule !== "constant") return false;
  if (key === "stages") return isLongerLast(before, now);
  return ["epochs", "iterations"].includes(key) && Number(now) > Number(before);
}

/** True if the stages are the same, but for more epochs in the last one. */
function isLongerLast(before: unknown, now: unknown): boolean {
  if (!Array.isArray(before) || !Array.isArray(now) || before.length !== now.length) return false;
  return before.every((epochs, k) =>
    k < now.length - 1 ? epochs === now[k] : Number(now[k]) > Number(epochs)
  );
}

/**
 * Parses a recipe's command line into a typed configuration, as `parseFlags` does. With `--resume` it returns
 * the configuration of that run: other flags must match it, except those for paths and output, and except
 * `--patience` and the training length, which may increase.
 *
 * ```ts
 * import { parseRecipe } from "@bottleneck/bottleneck";
 * import { deep } from "@bottleneck/bottleneck/recipes/deep";
 *
 * console.log(parseRecipe(deep, ["--epochs", "3"]).epochs); // 3
 * ```
 *
 * @param recipe recipe that defines the flags
 * @param args command-line arguments, such as `Deno.args`
 * @param script URL of the script that defines the recipe; default `Deno.mainModule`
 * @throws InputError if the run cannot be read, is of another recipe, has other flags, or has finished
 */
export function parseRecipe<F extends FlagSet>(
  { name, description, flags }: Pick<CommandInfo, "name" | "description"> & { readonly flags: F },
  args: readonly string[],
  script: string = Deno.mainModule,
): Config<F> {
  const length = ["epochs", "iterations"].find((key) => key in flags);
  const examples = [
    length ? `${flagName(length)} ${length === "epochs" ? 20 : 5000} --live` : "--live",
    "--data images.csv --label class",
  ];
  const info = { name, description, start: commandLine(script, []), examples };
  const { config, given } = readCommandLine(info, flags, args);
  const folder = (config as Readonly<Record<string, unknown>>).resume;
  if (typeof folder !== "string") return config;
  const action = `Cannot resume "${folder}"`;
  refuseUnbegun(folder);
  const run = readRun(folder);
  if (run.recipe !== name) {
    throw new InputError(
      `${action}: expected a run of ${name} but found one of ${quote(run.recipe)}; use that recipe's command`,
    );
  }
  refuseOtherScript(action, run, script);
  if (given.has("out")) {
    throw new InputError(`${action} with --out: a resumed run stays in its own folder; omit --out`);
  }
  const stored: Record<string, unknown> = restoreConfig(flags, run.config, `"${folder}"`);
  const merged: Record<string, unknown> = { ...stored, resume: folder };
  let grows = false;
  for (const [key, value] of Object.entries(config)) {
    const isSwitch = flags[key].kind === "switch";
    if (OUTSIDE.has(key)) {
      if (given.has(key) || isSwitch) merged[key] = value;
    } else if (given.has(key) && JSON.stringify(value) !== JSON.stringify(stored[key])) {
      if (!mayGrow(key, stored[key], value, stored.schedule)) {
        throw new InputError(
          `${action} with ${flagName(key)} ${quote(value)}: the run began with ${
            quote(stored[key])
          }; omit the flag`,
        );
      }
      merged[key] = value;
      grows = true;
    }
  }
  if (!grows && hasFinished(folder)) {
    const longer = ["epochs", "iterations", "stages"].filter((key) => key in flags);
    const how = longer.includes("stages") ? "--stages and a larger last number" : `${longer.map(flagName)} N`;
    const advice = longer.length > 0 && stored.schedule === "constant" ? `; train it longer with ${how}` : "";
    throw new InputError(`${action}: expected an unfinished run but it has finished${advice}`);
  }
  return merged as Config<F>;
}

/** Warns if the run's script has changed since; refuses another script whose recipe has the same name. */
function refuseOtherScript(action: string, { recipe, facts }: Run, script: string): void {
  const trained = scriptIn(facts), now = readScript(script);
  const match = matchScripts(trained, now);
  if (match === "changed") {
    printError(
      `warning: ${now!.path} has changed since this run began; training continues with the current script`,
    );
  } else if (match === "other") {
    throw new InputError(
      `${action}: expected its own script ${trained!.path} but received ${now!.path}, whose recipe is also ` +
        `named "${recipe}"; use that script, or rename one of the recipes`,
    );
  }
}

function hasFinished(folder: string): boolean {
  if (![...Deno.readDirSync(folder)].some(({ name }) => name === "results.json")) return false;
  return readResults(join(folder, "results.json")).status === "finished";
}

/** Properties that a checkpoint must share with the run that resumes from it. */
export type RunIdentity = Pick<Checkpoint, "recipe" | "config" | "dataset"> & {
  /** Shapes of the parameters by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Number of stages; 1 without stages. */
  readonly stages: number;
};

/**
 * Refuses a checkpoint of another run.
 *
 * @param folder the run folder, for messages
 * @param checkpoint checkpoint read from the folder
 * @param run the run to resume
 * @throws InputError naming the first difference
 */
export function refuseOthers(folder: string, checkpoint: Checkpoint, run: RunIdentity): void {
  const refuse = (what: string, expected: string, found: string): InputError =>
    new InputError(
      `Cannot resume "${folder}": expected a checkpoint of ${what} ${expected} but found one of ${found}`,
    );
  if (checkpoint.recipe !== run.recipe) throw refuse("recipe", run.recipe, quote(checkpoint.recipe));
  for (const key of new Set([...Object.keys(run.config), ...Object.keys(checkpoint.config)])) {
    const [expected, found] = [run.config[key], checkpoint.config[key]];
    if (
      JSON.stringify(expected) !== JSON.stringify(found) &&
      !mayGrow(key, found, expected, checkpoint.config.schedule)
    ) {
      throw refuse(flagName(key), quote(expected), quote(found));
    }
  }
  const [data, other] = [run.dataset, checkpoint.dataset];
  if (data.checksum !== other.checksum) {
    const short = ({ name, checksum }: typeof data) =>
      `${quote(name)} (SHA-256 ${quote(checksum.slice(0, 12))}…)`;
    throw refuse("data set", short(data), short(other));
  }
  const found = new Map(checkpoint.parameters.map(({ name, shape }) => [name, shape]));
  for (const name of new Set([...run.shapes.keys(), ...found.keys()])) {
    const [expected, shape] = [run.shapes.get(name), found.get(name)];
    if (expected?.join() !== shape?.join()) {
      throw refuse(`tensor ${quote(name)}`, quote(expected), quote(shape));
    }
  }
  const { stageSteps, current, step } = checkpoint.place;
  const total = stageSteps.reduce((sum, steps) => sum + steps, 0);
  if (
    stageSteps.length !== run.stages || step !== total || stageSteps[current] !== checkpoint.state.count ||
    checkpoint.state.unread > stageSteps[current]
  ) {
    throw refuse("steps", `in ${run.stages} stages`, `${quote(stageSteps)}, ${step} in all`);
  }
}

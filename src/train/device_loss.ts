/**
 * A GPU that is lost in training: the error says how to resume the run or, with `--on-device-loss resume`, the recipe's
 * main function is called again to do so.
 * @module
 */
import { withoutFlag } from "../cli/command_line.ts";
import { runCommand } from "../cli/command.ts";
import { DeviceLost, InputError } from "../errors.ts";
import { printError } from "../terminal.ts";
import type { RunInProgress } from "./run_in_progress.ts";

/** Largest number of times that a run resumes by itself: a device that is lost again has another problem. */
const MAX_RESUMES = 3;

/** A run whose GPU was lost. The message has the step, the reason, and the command that resumes it. */
export class LostRun extends InputError {
  /** The class's name, as printed. */
  override name = "LostRun";
  /** Step and reason. */
  readonly finding: string;
  /** Path of the run folder. */
  readonly folder: string;
  /** True if the run is to resume by itself. */
  readonly resumes: boolean;

  /** Describes a run by the error that ended it. */
  constructor({ step, folder, resumeLine, options }: RunInProgress, { reason }: DeviceLost) {
    const finding = `the GPU was lost in step ${step} (${reason})`;
    super(`Cannot continue training: ${finding}; ${resumeLine}`);
    this.finding = finding;
    this.folder = folder;
    this.resumes = options.config.onDeviceLoss === "resume";
  }
}

/**
 * Does a part of a run's work.
 *
 * @throws LostRun in place of {@link DeviceLost}
 */
export async function unlessLost<T>(run: RunInProgress, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DeviceLost)) throw error;
    run.progress.finish();
    throw new LostRun(run, error);
  }
}

/**
 * Runs the main function of a recipe's script, as {@linkcode runCommand} does. If a run with `--on-device-loss resume`
 * loses its GPU, the function is called again to resume it, at most three times.
 *
 * ```ts
 * import { parseRecipe, runTraining } from "@bottleneck/bottleneck";
 * import { deep } from "@bottleneck/bottleneck/recipes/deep";
 *
 * await runTraining((args) => {
 *   const { epochs } = parseRecipe(deep, args);
 *   return Promise.resolve(epochs > 0 ? 0 : 1); // a recipe's script trains here
 * });
 * ```
 *
 * @param main takes the command-line arguments; returns the exit code, or undefined for 0
 */
export async function runTraining(main: (args: readonly string[]) => Promise<number | void>): Promise<void> {
  await runCommand(async () => {
    let args: readonly string[] = Deno.args, lost: LostRun | undefined;
    for (let resumes = 1;; resumes++) {
      try {
        return await main(args);
      } catch (error) {
        if (error instanceof LostRun) lost = error;
        else if (!(error instanceof DeviceLost)) throw error;
        // a DeviceLost that follows a LostRun: the GPU was lost again before the run was resumed
        if (!lost?.resumes || resumes > MAX_RESUMES) throw lost ?? error;
        printError(
          `warning: ${lost.finding}; opening it anew and resuming ${lost.folder}, ` +
            `${resumes} of at most ${MAX_RESUMES} times`,
        );
        args = [...withoutFlag("--out", withoutFlag("--resume", Deno.args)), "--resume", lost.folder];
      }
    }
  });
}

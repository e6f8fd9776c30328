/**
 * The closing of a run: saving its model, evaluating it, and what is printed at the end.
 * @module
 */
import { join } from "node:path";
import { Phases } from "../cli/phases.ts";
import { measureOverfit } from "../evaluate/overfit.ts";
import { writeSafetensors } from "../files/safetensors.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import { writeMeanImage } from "../runs/mean_image_file.ts";
import type { RunInProgress } from "./run_in_progress.ts";
import { bestLine, saveResults } from "./save_results.ts";

/**
 * Saves the model, evaluates it on the test images, saves results, pictures, codes and the report, and prints
 * the results table.
 *
 * @returns exit code of the script: 0, or that of Ctrl-C
 */
export async function finishRun(run: RunInProgress): Promise<number> {
  const { options, folder, step, pictures, metrics, checkpoints: { best } } = run;
  run.progress.finish();
  await options.gpu.device.queue.onSubmittedWorkDone();
  const stepMilliseconds = step > 0 ? run.clock.milliseconds / step : undefined;
  if (!run.isSaved) await saveModel(run);
  const status = run.isInterrupted ? "interrupted" : "finished";
  const say = (...lines: readonly string[]) => run.say(...lines);
  run.test[Symbol.dispose](); // frees the test images, which saveResults() uploads again
  using phases = new Phases(say);
  const begin = (phase: string) => phases.begin(phase), releaseSignals = () => run.interrupt.dispose();
  const log = (record: MetricsRecord) => run.log(record);
  const ended = { folder, pictures, metrics, stepMilliseconds, status } as const;
  say(...(await saveResults({ ...options, ...ended, log, begin, releaseSignals })).split("\n"));
  if (best) say(bestLine(best));
  if (options.config.overfitBatch) say(await measureOverfit(options));
  say(`run saved in ${folder}; open report.html there`);
  if (status === "interrupted") say(run.resumeLine);
  return run.interrupt.exitCode;
}

/** Saves checkpoint and model; from then on, an interruption ends the process at once. */
export async function saveModel(run: RunInProgress): Promise<void> {
  const { folder, checkpoints, options: { evaluated } } = run;
  run.progress.finish();
  const isTrained = run.step === run.options.steps;
  if (run.isInterrupted) {
    run.say(isTrained ? "saving the model" : "interrupted: saving the model trained so far");
  }
  if (checkpoints.savedStep !== run.step) await run.saveCheckpoint();
  const { tensors, metadata } = await checkpoints.model();
  const mean = evaluated.usedMeanImage();
  if (mean) writeMeanImage(folder, mean); // before the model, which marks a finished run
  writeSafetensors(join(folder, "model.safetensors"), tensors, metadata);
  run.isSaved = true;
  run.interrupt.exitWith(
    `Stopped before all was measured: the model is saved in ${folder}; ${run.resumeLine}`,
  );
}

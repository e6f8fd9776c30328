/**
 * What a run writes into its `config.json`: when it begins, and when it goes on.
 * @module
 */
import denoConfig from "../../deno.json" with { type: "json" };
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { InputError, quote, toOneLine } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { commandLine } from "../cli/command_line.ts";
import { flagName } from "../recipe/flags.ts";
import type { InitialLoss } from "../evaluate/initial_loss.ts";
import { commandOf } from "../runs/read_run_data.ts";
import { readScript } from "../recipe/recipe_script.ts";
import { learnedConfig } from "./resume.ts";
import { createRunFolder } from "../runs/run_folder.ts";
import { readRun, writeConfig } from "../runs/run_config.ts";
import { removeFile, removePartialFiles } from "../files/write_file.ts";
import type { EvaluatedNetwork } from "../recipe/evaluated_network.ts";

/** What is written down of a run. */
export interface RunBeginning {
  /** The recipe's name. */
  readonly recipe: string;
  /** Every resolved flag. */
  readonly config: Readonly<Record<string, unknown>> & {
    readonly seed: number;
    readonly out?: string | undefined;
  };
  /** The device. */
  readonly gpu: Gpu;
  /** Which products of the training each kernel computes. */
  readonly kernels: Readonly<Record<string, readonly string[]>>;
  /** The data set. */
  readonly data: Dataset;
  /** How the network is measured. */
  readonly evaluated: EvaluatedNetwork;
  /** The loss before training; absent where a run goes on. */
  readonly initialLoss: InitialLoss | undefined;
}

/**
 * Makes the folder of a new run, with its configuration.
 *
 * @returns the folder
 * @throws InputError if it exists and is not empty, or cannot be written
 */
export function beginFolder(
  { recipe, config, gpu, kernels, data, evaluated, initialLoss }: RunBeginning,
): string {
  const startedAt = new Date();
  const folder = createRunFolder({ recipe, seed: config.seed, out: config.out, startedAt });
  writeConfig(folder, {
    recipe,
    startedAt: startedAt.toISOString(),
    config,
    facts: {
      command: commandLine(),
      script: readScript(Deno.mainModule),
      lossUnit: evaluated.lossUnit,
      lossIsPerBatch: evaluated.lossIsPerBatch,
      versions: { bottleneck: denoConfig.version, deno: Deno.version.deno },
      adapter: gpu.adapterName,
      software: gpu.isSoftware,
      kernels,
      dataset: data.name,
      datasetSource: data.source,
      datasetChecksum: data.checksum,
      trainImages: data.train.count,
      testImages: data.test.count,
      width: data.width,
      imageShape: data.imageShape,
      classNames: data.classNames,
      initialLoss,
    },
  });
  return folder;
}

/**
 * Writes down that a run goes on. Warns if that is on another adapter, or with other kernels.
 *
 * @param folder its folder
 * @param beginning what it goes on with
 * @param restoreCheckpoint takes it back to where an earlier process left it, and returns the steps done until then
 * @throws InputError if the images are others than those that it began with, or nothing can be written
 */
export function continueFolder(
  folder: string,
  { config, gpu, kernels, data }: RunBeginning,
  restoreCheckpoint: () => number,
): void {
  const run = readRun(folder), { facts } = run;
  if (facts.datasetChecksum !== data.checksum) {
    throw new InputError(
      `Cannot resume "${folder}": expected the images that it began with, those of ${
        quote(facts.dataset)
      }, ` +
        `but found others in "${data.name}"; say where they are with --data-dir or --data`,
    );
  }
  const step = restoreCheckpoint();
  removePartialFiles(folder);
  removeFile(join(folder, "results.json")); // it has not ended any more
  const earlier = Array.isArray(facts.resumedAtSteps) ? facts.resumedAtSteps : [];
  const grown = Object.entries(learnedConfig(config)).filter(([key, value]) =>
    key in run.config && JSON.stringify(value) !== JSON.stringify(run.config[key])
  );
  const command = [commandOf(run), ...grown.map(([key, value]) => `${flagName(key)} ${value}`)].join(" ");
  writeConfig(folder, {
    ...run,
    config: { ...run.config, ...Object.fromEntries(grown) },
    facts: { ...facts, command, resumedAtSteps: [...earlier, step] },
  });
  const [before, now] = [[facts.adapter, facts.kernels], [gpu.adapterName, kernels]].map((fact) =>
    toOneLine(JSON.stringify(fact))
  );
  if (before === now) return;
  console.error(
    `warning: this run began with ${before} and goes on with ${now}: rounding differs, so it will not end with ` +
      "the bits that it would have had",
  );
}

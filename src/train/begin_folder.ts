/**
 * The `config.json` of a run: written at its start, updated when it is resumed.
 * @module
 */
import denoConfig from "../../deno.json" with { type: "json" };
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { InputError, quote, toOneLine } from "../errors.ts";
import { printError } from "../terminal.ts";
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

/** Facts about a run that go into its `config.json`. */
export interface RunBeginning {
  readonly recipe: string;
  /** All flags, resolved. */
  readonly config: Readonly<Record<string, unknown>> & {
    readonly seed: number;
    readonly out?: string | undefined;
  };
  readonly gpu: Gpu;
  /** Names of the matrix products that each kernel computes. */
  readonly kernels: Readonly<Record<string, readonly string[]>>;
  readonly data: Dataset;
  readonly evaluated: EvaluatedNetwork;
  /** Loss before the first step; absent for a resumed run. */
  readonly initialLoss: InitialLoss | undefined;
}

/**
 * Creates the folder of a new run and writes its `config.json`.
 *
 * @returns path of the folder
 * @throws InputError if the folder exists and is not empty, or cannot be written
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
      scaling: data.scaling,
      initialLoss,
    },
  });
  return folder;
}

/**
 * Records in `config.json` that a run is resumed. Warns if the adapter or the kernels have changed.
 *
 * @param folder the run folder
 * @param beginning the flags, device and data of the resumed run
 * @param restoreCheckpoint restores the last checkpoint and returns the number of steps that it contains
 * @throws InputError if the images differ from those of the original run, or the folder cannot be written
 */
export function continueFolder(
  folder: string,
  { config, gpu, kernels, data }: RunBeginning,
  restoreCheckpoint: () => number,
): void {
  const run = readRun(folder), { facts } = run;
  if (facts.datasetChecksum !== data.checksum) {
    throw new InputError(
      `Cannot resume "${folder}": expected the run's own images, from ${quote(facts.dataset)}, ` +
        `but found others in "${data.name}"; pass their path with --data-dir or --data`,
    );
  }
  const step = restoreCheckpoint();
  removePartialFiles(folder);
  removeFile(join(folder, "results.json")); // the run is no longer finished
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
  printError(
    `warning: this run began with ${before} and continues with ${now}: rounding differs, so its results will not be ` +
      "bit-exact with those of an uninterrupted run",
  );
}

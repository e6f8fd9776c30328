/**
 * The end of a run: the trained model evaluated on the test images, and what of that is saved and printed.
 * @module
 */
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { evaluate, type Evaluation, PICTURES } from "../evaluate/evaluate.ts";
import { verdict } from "../evaluate/verdict.ts";
import { worstRows } from "../evaluate/worst_rows.ts";
import { writeFileAtomic } from "../files/write_file.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Parameters } from "../graph/parameters.ts";
import { baselinesOf, type EvaluatedNetwork, resultsRows } from "../recipe/evaluated_network.ts";
import { reconstructionGrid } from "../report/picture.ts";
import { resultsTable } from "../report/results_table.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import type { StoredModel } from "../runs/checkpoint_file.ts";
import { codesCsv } from "../runs/codes_csv.ts";
import type { Results } from "../runs/results.ts";
import { writeScores } from "../runs/scores_file.ts";
import { saveWorstRows } from "../runs/worst_rows_file.ts";
import type { RunPictures } from "./epoch_pictures.ts";

/** What {@link saveResults} takes of a run. */
export interface EndedRun {
  /** Path of the run folder. */
  readonly folder: string;
  /** The device that it was trained on. */
  readonly gpu: Gpu;
  /** The data set. */
  readonly data: Dataset;
  /** The trained parameters. */
  readonly parameters: Parameters;
  /** The network as it is evaluated. */
  readonly evaluated: EvaluatedNetwork;
  /** Flags of the run. */
  readonly config: {
    readonly overfitBatch?: boolean | undefined;
    readonly holdOutClass?: readonly string[] | undefined;
  };
  /** Pictures of the run. */
  readonly pictures: RunPictures;
  /** Lines of metrics.jsonl, to which `log` adds. */
  readonly metrics: readonly MetricsRecord[];
  /** Logs a line of metrics. */
  log(record: MetricsRecord): void;
  /** Milliseconds per training step; absent if there was none. */
  readonly stepMilliseconds: number | undefined;
  /** Receives the name of each phase of the measurement. */
  begin(phase: string): void;
  /** Called before the report, which is made in one go: from now on signals end the process by themselves. */
  releaseSignals(): void;
  /** How the run ended. */
  readonly status: Results["status"];
}

/**
 * Evaluates the model on the test images and saves `reconstructions.png`, `codes.csv`, the last metrics, the results
 * and the report.
 *
 * @returns the results table as text, and a verdict where one is due
 */
export async function saveResults(run: EndedRun): Promise<string> {
  const { folder, gpu, data, parameters, evaluated, pictures, metrics, stepMilliseconds, status } = run;
  const result = await evaluate(gpu, evaluated.build, parameters, data, (phase) => run.begin(phase));
  const reconstructions = await pictures.noisyReconstructions() ?? cleanReconstructions(data, result);
  writeFileAtomic(join(folder, "reconstructions.png"), reconstructions);
  const { test: { labels }, testRows } = data, { codes, codeSize } = result;
  writeFileAtomic(join(folder, "codes.csv"), codesCsv(codes, labels, codeSize, testRows));
  const { holdOutClass = [] } = run.config,
    anomalies = new Set(holdOutClass.map((name) => data.classNames.indexOf(name)));
  const isAnomaly = (n: number) => anomalies.has(data.test.labels?.[n] ?? -1);
  writeScores(folder, {
    scores: result.scores.filter((_, n) => !isAnomaly(n)),
    ...(anomalies.size > 0 ? { anomalies: result.scores.filter((_, n) => isAnomaly(n)) } : {}),
  });
  saveWorstRows(folder, worstRows(data, result.worst));
  run.log({
    testError: result.error,
    meanImageError: result.meanImageError,
    pcaError: result.pcaError,
    ...(result.accuracy === undefined ? {} : { accuracy: result.accuracy }),
  });
  run.begin("the recipe's own figures");
  const rows = await resultsRows(evaluated, { gpu, parameters, data, result, metrics });
  const lines = await baselinesOf(evaluated, result, data);
  run.releaseSignals();
  await pictures.finish({
    rows,
    baselines: lines,
    ...(stepMilliseconds === undefined ? {} : { stepMilliseconds }),
    status,
  });
  const line = run.config.overfitBatch ? undefined : verdict(result, data); // test images say nothing of one batch
  return [resultsTable(rows), line].filter((text) => text !== undefined).join("\n");
}

/** Message about the best model. */
export function bestLine({ metadata: { metric, value, epoch } }: StoredModel): string {
  return `best.safetensors is the model after epoch ${epoch}, ${metric} ${Number(value).toPrecision(4)}; ` +
    "model.safetensors is the final model, whose results are shown here";
}

/** PNG of test images above their reconstructions. */
function cleanReconstructions({ test, imageShape }: Dataset, { reconstructions }: Evaluation): Uint8Array {
  return reconstructionGrid([test.images, reconstructions], Math.min(PICTURES, test.count), imageShape);
}

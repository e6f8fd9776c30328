/**
 * What a recipe declares of how its network is evaluated.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Value } from "../graph/tensor.ts";
import type { TableRow } from "../report/results_table.ts";
import type { MetricsRecord } from "../report/run_data.ts";
import type { Evaluation } from "./evaluate.ts";

/**
 * What a network is recorded for. `train`: the noise of training. `test`: noise too, the same at every measurement, for
 * losses on held-out images. `encode`: no noise, for codes and reconstructions. `replay`: the noise is an input of the graph,
 * because a trace gives it.
 */
export type Purpose = "train" | "test" | "encode" | "replay";

/** What a network is recorded for, of those that have a choice. */
export interface NetworkUse {
  /** What for. */
  readonly purpose: Exclude<Purpose, "replay">;
  /** The stage; all layers if absent. */
  readonly stage?: number | undefined;
}

/** Records a decoder, from codes [B, code size] to logits [B, pixels]. */
export type BuildDecoder = (graph: Graph, parameters: Parameters, codes: Value) => Value;

/** What a recipe's own rows of the results table are made from. */
export interface ResultsContext {
  /** The device. */
  readonly gpu: Gpu;
  /** What was learned. */
  readonly parameters: Parameters;
  /** The data set. */
  readonly data: Dataset;
  /** What was measured of every recipe's network. */
  readonly result: Evaluation;
  /** The lines that training filed. */
  readonly metrics: readonly MetricsRecord[];
  /** Records the recipe's network. */
  network(use: NetworkUse): BuildModel;
}

/** What a recipe measures beside the usual: squared error, PCA, mean image, nearest neighbors. */
export interface RecipeEvaluation {
  /** Whether it trains with noise: then its losses on held-out images are measured with noise too. False if absent. */
  readonly hasNoise?: boolean;
  /** What its loss is measured in, such as `nats per image`; the report shows it. Squared error per pixel if absent. */
  readonly lossUnit?: string;
  /** Whether the metrics have its loss for a whole batch, which the report divides by images. False if absent. */
  readonly lossIsPerBatch?: boolean;
  /** The terms, without weights, whose sum means something: that of a bound. */
  readonly total?: readonly string[];
  /** The term that is a cross-entropy with the pixels, and whether it is measured per image or per pixel. */
  readonly crossEntropy?: { readonly label: string; readonly per: "image" | "pixel" } | undefined;
  /** What draws images from codes of the prior. */
  readonly generator?: { readonly decoder: BuildDecoder; readonly codeSize: number };
  /** The mean activation that each unit of a code should have. */
  readonly sparsityTarget?: number;
  /** The recipe's own rows of the results table. */
  readonly rows?: (closing: ResultsContext) => readonly TableRow[] | Promise<readonly TableRow[]>;
}

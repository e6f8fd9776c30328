/**
 * The declaration of a recipe's evaluation.
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
 * Purpose of a network. `train`: with training noise. `test`: with noise that is the same at every
 * measurement, for losses on held-out images. `encode`: without noise, for codes and reconstructions.
 * `replay`: the noise is an input of the graph, given by a trace.
 */
export type Purpose = "train" | "test" | "encode" | "replay";

/** Purpose and stage of a network. */
export interface NetworkUse {
  /** Purpose of the network. */
  readonly purpose: Exclude<Purpose, "replay">;
  /** Number of the stage; all layers if absent. */
  readonly stage?: number | undefined;
}

/** Adds a decoder to a graph, from codes [B, code size] to logits [B, pixels]. */
export type BuildDecoder = (graph: Graph, parameters: Parameters, codes: Value) => Value;

/** Data from which a recipe computes its own rows of the results table. */
export interface ResultsContext {
  /** The device. */
  readonly gpu: Gpu;
  /** The trained parameters. */
  readonly parameters: Parameters;
  /** The data set, with training and test images. */
  readonly data: Dataset;
  /** The measurements common to all recipes. */
  readonly result: Evaluation;
  /** The lines of `metrics.jsonl`. */
  readonly metrics: readonly MetricsRecord[];
  /** Returns the recipe's network. */
  network(use: NetworkUse): BuildModel;
}

/** A recipe's evaluation, in addition to squared error, PCA, mean image and nearest neighbors. */
export interface RecipeEvaluation {
  /** True if training uses noise; losses on held-out images then use noise too. Default false. */
  readonly hasNoise?: boolean;
  /** Unit of the loss for the report, such as `nats per image`; default squared error per pixel. */
  readonly lossUnit?: string;
  /** True if logged losses are sums over a batch, which the report divides by its size. Default false. */
  readonly lossIsPerBatch?: boolean;
  /** Labels of unweighted terms with a meaningful sum, such as a variational bound. */
  readonly total?: readonly string[];
  /** Label of the cross-entropy term of the pixels, and its unit: per image or per pixel. */
  readonly crossEntropy?: { readonly label: string; readonly per: "image" | "pixel" } | undefined;
  /** Decoder and code size of a model that can sample from its prior. */
  readonly generator?: { readonly decoder: BuildDecoder; readonly codeSize: number };
  /** Target mean activation of the code units. */
  readonly sparsityTarget?: number;
  /** Returns the recipe's own rows of the results table. */
  readonly rows?: (closing: ResultsContext) => readonly TableRow[] | Promise<readonly TableRow[]>;
}

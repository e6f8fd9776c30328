/**
 * How a recipe's network is measured: while it trains, when it ends, and when it is loaded back.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import type { Gpu } from "../gpu/device.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import { entropyFloor } from "../stats/baselines.ts";
import type { TableRow } from "../report/results_table.ts";
import type { Baseline, MetricsRecord } from "../report/run_data.ts";
import { type Evaluation, evaluationRows } from "./evaluate.ts";
import type { Network } from "./test_losses.ts";
import type { Config } from "../recipe/flag_kinds.ts";
import {
  type NetworkData,
  networkOf,
  type NetworkUse,
  type Recipe,
  type RecipeFlags,
  settingsFor,
} from "../recipe/recipe.ts";
import { withReferenceFigures } from "../recipe/reference_figures.ts";
import type { BuildDecoder } from "./variational.ts";

/** What a recipe's own rows of the closing table are made from. */
export interface Closing {
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
  /** The recipe's own rows of the closing table. */
  readonly rows?: (closing: Closing) => readonly TableRow[] | Promise<readonly TableRow[]>;
}

/** A recipe under its flags on a data set, as it is measured. */
export interface Measured extends Network, RecipeEvaluation {
  /** The network of a stage, if it is trained in stages. */
  readonly ofStage: (stage: number | undefined) => Network;
  /** Records the network. */
  readonly network: (use: NetworkUse) => BuildModel;
  /** The recipe. */
  readonly recipe: Recipe;
  /** Its flags. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * How a recipe's network is measured.
 *
 * @param config its flags, resolved
 * @param data what is known of the data
 * @throws InputError if the flags do not fit the data
 */
export function measuredOf(
  recipe: Recipe,
  config: Config<RecipeFlags>,
  data: NetworkData,
): Measured {
  const evaluation = recipe.evaluation?.(settingsFor(recipe, config, data.width)) ?? {};
  const network = (use: NetworkUse) => networkOf(recipe, config, data, use);
  const ofStage = (stage: number | undefined): Network => ({
    build: network({ purpose: "encode", stage }),
    noisy: evaluation.hasNoise ? network({ purpose: "test", stage }) : undefined,
  });
  return { ...evaluation, ...ofStage(undefined), ofStage, network, recipe, config };
}

/** The closing table: the rows of all recipes, and the recipe's own, beside what PyTorch reaches. */
export async function closingRows(
  { rows, network, recipe, config }: Measured,
  closing: Omit<Closing, "network">,
): Promise<TableRow[]> {
  const all = [...evaluationRows(closing.result), ...await rows?.({ ...closing, network }) ?? []];
  return withReferenceFigures(all, recipe, config);
}

/**
 * What the metrics of the test images are to be compared with: PCA and the mean image, and, for a cross-entropy, the
 * entropy that the pixels themselves have.
 */
export function baselinesOf(
  { crossEntropy }: Measured,
  { codeSize, pcaError, meanImageError }: Evaluation,
  { test, width }: Dataset,
): Baseline[] {
  return [
    { label: "mean image", value: meanImageError, metric: "testError" },
    { label: `PCA, ${codeSize} components`, value: pcaError, metric: "testError" },
    ...(crossEntropy
      ? [{
        label: "entropy floor",
        value: entropyFloor(test.images) * (crossEntropy.per === "image" ? width : 1),
        metric: `test.${crossEntropy.label}`,
      }]
      : []),
  ];
}

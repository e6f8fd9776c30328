/**
 * How a recipe's network is measured: while it trains, when it ends, and when it is loaded back.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { type Evaluation, evaluationRows } from "../evaluate/evaluate.ts";
import type { NetworkUse, RecipeEvaluation, ResultsContext } from "../evaluate/recipe_evaluation.ts";
import type { Network } from "../evaluate/test_losses.ts";
import type { BuildModel } from "../graph/model.ts";
import type { TableRow } from "../report/results_table.ts";
import type { Baseline } from "../report/run_data.ts";
import { entropyFloor } from "../stats/baselines.ts";
import type { Config } from "./flag_kinds.ts";
import { type NetworkData, networkOf, type Recipe, type RecipeFlags, settingsFor } from "./recipe.ts";
import { withReferenceFigures } from "./reference_figures.ts";

/** A recipe under its flags on a data set, as it is measured. */
export interface EvaluatedNetwork extends Network, RecipeEvaluation {
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
export function evaluatedNetwork(
  recipe: Recipe,
  config: Config<RecipeFlags>,
  data: NetworkData,
): EvaluatedNetwork {
  const evaluation = recipe.evaluation?.(settingsFor(recipe, config, data.width)) ?? {};
  const network = (use: NetworkUse) => networkOf(recipe, config, data, use);
  const ofStage = (stage: number | undefined): Network => ({
    build: network({ purpose: "encode", stage }),
    noisy: evaluation.hasNoise ? network({ purpose: "test", stage }) : undefined,
  });
  return { ...evaluation, ...ofStage(undefined), ofStage, network, recipe, config };
}

/** The results table: the rows of all recipes, and the recipe's own, beside what PyTorch reaches. */
export async function resultsRows(
  { rows, network, recipe, config }: EvaluatedNetwork,
  closing: Omit<ResultsContext, "network">,
): Promise<TableRow[]> {
  const all = [...evaluationRows(closing.result), ...await rows?.({ ...closing, network }) ?? []];
  return withReferenceFigures(all, recipe, config);
}

/**
 * What the metrics of the test images are to be compared with: PCA and the mean image, and, for a cross-entropy, the
 * entropy that the pixels themselves have.
 */
export function baselinesOf(
  { crossEntropy }: EvaluatedNetwork,
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

/**
 * Evaluation of a recipe's network, during training, at its end, and after loading it.
 * @module
 */
import type { Dataset } from "../data/dataset.ts";
import { type Evaluation, evaluationRows } from "../evaluate/evaluate.ts";
import { ownUnitRows } from "../evaluate/own_units.ts";
import type { NetworkUse, RecipeEvaluation, ResultsContext } from "../evaluate/recipe_evaluation.ts";
import type { Network } from "../evaluate/test_losses.ts";
import type { BuildModel } from "../graph/model.ts";
import type { TableRow } from "../report/results_table.ts";
import type { Baseline } from "../report/run_data.ts";
import { entropyFloor } from "../stats/baselines.ts";
import type { Config } from "./flag_kinds.ts";
import { type NetworkData, networkOf, type Recipe, type RecipeFlags, settingsFor } from "./recipe.ts";
import { withReferenceFigures } from "./reference_figures.ts";

/** A recipe's network under given flags, with its evaluation. */
export interface EvaluatedNetwork extends Network, RecipeEvaluation {
  /** Returns the network of a stage; of all layers if undefined. */
  readonly ofStage: (stage: number | undefined) => Network;
  /** Returns a function that records the network. */
  readonly network: (use: NetworkUse) => BuildModel;
  /** Returns the mean training image if a recorded network has read it. */
  readonly usedMeanImage: () => ArrayLike<number> | undefined;
  readonly recipe: Recipe;
  /** Values of the recipe's flags. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * Combines a recipe's network with its evaluation.
 *
 * @param config values of the recipe's flags
 * @param data facts about the training data
 * @throws InputError if the flags do not fit the data
 */
export function evaluatedNetwork(
  recipe: Recipe,
  config: Config<RecipeFlags>,
  data: NetworkData,
): EvaluatedNetwork {
  const evaluation = recipe.evaluation?.(settingsFor(recipe, config, data.width)) ?? {};
  let mean: ArrayLike<number> | undefined;
  const watched: NetworkData = {
    width: data.width,
    get meanImage() {
      return mean = data.meanImage;
    },
  };
  const network = (use: NetworkUse) => networkOf(recipe, config, watched, use);
  const ofStage = (stage: number | undefined): Network => ({
    build: network({ purpose: "encode", stage }),
    noisy: evaluation.hasNoise ? network({ purpose: "test", stage }) : undefined,
  });
  const usedMeanImage = () => mean;
  return { ...evaluation, ...ofStage(undefined), ofStage, network, usedMeanImage, recipe, config };
}

/**
 * Rows of the results table: those of all recipes, errors in the units of the user's own data, then the recipe's own
 * rows, with PyTorch's figures where known.
 */
export async function resultsRows(
  { rows, network, recipe, config }: EvaluatedNetwork,
  closing: Omit<ResultsContext, "network">,
): Promise<TableRow[]> {
  const { result, data } = closing, common = [...evaluationRows(result), ...ownUnitRows(result, data)];
  const all = [...common, ...await rows?.({ ...closing, network }) ?? []];
  return withReferenceFigures(all, recipe, config, data.checksum);
}

/**
 * Baselines for the test metrics: the mean image, PCA and, for a cross-entropy, the entropy of the pixels, its lower
 * bound.
 */
export async function baselinesOf(
  { crossEntropy }: EvaluatedNetwork,
  { codeSize, pcaError, meanImageError }: Evaluation,
  { test, width }: Dataset,
): Promise<Baseline[]> {
  return [
    { label: "mean image", value: meanImageError, metric: "testError" },
    { label: `PCA, ${codeSize} components`, value: pcaError, metric: "testError" },
    ...(crossEntropy
      ? [{
        label: "entropy floor",
        value: await entropyFloor(test.images) * (crossEntropy.per === "image" ? width : 1),
        metric: `test.${crossEntropy.label}`,
      }]
      : []),
  ];
}

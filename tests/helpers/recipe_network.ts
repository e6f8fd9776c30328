/** Networks of recipes, for tests of what lies below recipes; it runs in pages too. */
import type { BuildModel } from "../../src/graph/model.ts";
import type { Purpose } from "../../src/evaluate/recipe_evaluation.ts";
import { anyData, type Recipe } from "../../src/recipe/recipe.ts";

/**
 * Records a recipe's network as it trains, all layers of it.
 *
 * @param changes settings that are not the recipe's own, such as `sizes`
 */
export function recipeNetwork(
  recipe: Recipe,
  changes: Readonly<Record<string, unknown>> = {},
  purpose: Purpose = "train",
): BuildModel {
  const usual = Object.fromEntries(
    Object.entries(recipe.flags).map(([key, { defaultValue }]) => [key, defaultValue]),
  );
  const settings = { ...recipe.architecture, ...usual, ...changes } as Parameters<Recipe["network"]>[0];
  return (graph, parameters, pixels) =>
    recipe.network(settings, {
      ...{ graph, parameters, pixels, purpose, seed: 0, stage: undefined },
      data: anyData(pixels.width),
      inputs: new Set(),
    });
}

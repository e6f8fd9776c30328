// Loads a trained model for programs: mod.ts exports it. It lies here because it knows the shipped recipes.
import { InputError } from "../src/errors.ts";
import { type LoadedModel, openModel } from "../src/model/loaded_model.ts";
import { restoreConfig } from "../src/recipe/flags.ts";
import type { Recipe } from "../src/recipe/recipe.ts";
import { matchScripts, readScript, scriptIn } from "../src/recipe/recipe_script.ts";
import { readTrainedRun } from "../src/runs/load_run.ts";
import type { Run } from "../src/runs/run_config.ts";
import { SHIPPED } from "./recipes.ts";

/** Options of {@link loadModel}. */
export interface LoadModelOptions {
  /** Recipe of the run; the shipped one of its name if absent. */
  readonly recipe?: Recipe;
}

/**
 * Loads the model of a finished run, and opens the GPU for it once. It needs neither the training data nor a
 * permission but to read the run.
 *
 * ```ts
 * import { loadModel } from "@bottleneck/bottleneck";
 *
 * using model = await loadModel("fixtures/run"); //        rows of 49 pixels, codes of 3 numbers
 * const rows = new Float32Array(2 * model.width).fill(0.5); // [2, 49], row-major
 * const codes = await model.encode(rows); //               [2, 3]
 * const images = await model.decode(codes); //             [2, 49]
 * const errors = await model.score(rows); //               [2]: squared error, mean over the pixels
 * if (codes.length !== 6 || images.length !== 98 || !(errors[0] < 1)) throw new Error("unexpected");
 * ```
 *
 * @param path path of the run folder
 * @throws InputError if the run is damaged or its recipe is not a shipped one, or there is no GPU
 */
export async function loadModel(path: string, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const run = readTrainedRun(path);
  const recipe = options.recipe ?? await shippedRecipe(run);
  if (recipe.name !== run.recipe) {
    throw new InputError(
      `Cannot load "${path}": expected its recipe, "${run.recipe}", but received "${recipe.name}"`,
    );
  }
  return await openModel(run, recipe, restoreConfig(recipe.flags, run.config, `"${path}"`));
}

/** Finds the shipped recipe that trained a run. Scripts named in the run are never executed. */
async function shippedRecipe({ path, recipe: name, facts }: Run): Promise<Recipe> {
  if (isShipped(name)) {
    const now = readScript(new URL(`${name}.ts`, import.meta.url).href);
    const module: Readonly<Record<string, unknown>> = await SHIPPED[name]();
    if (matchScripts(scriptIn(facts), now) !== "other") return module[name] as Recipe;
  }
  throw new InputError(
    `Cannot load "${path}": it was not trained by a shipped recipe; pass its recipe "${name}" as loadModel(path, ` +
      "{ recipe })",
  );
}

function isShipped(name: string): name is keyof typeof SHIPPED {
  return Object.hasOwn(SHIPPED, name);
}

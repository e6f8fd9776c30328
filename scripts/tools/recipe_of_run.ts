// Finds the recipe of a run, for the tools that load runs: the shipped one of its name, or the user's --recipe.
import { InputError, shellWord } from "../../src/errors.ts";
import { printError } from "../../src/terminal.ts";
import type { Config, Flag } from "../../src/recipe/flag_kinds.ts";
import { optionalText, restoreConfig } from "../../src/recipe/flags.ts";
import type { Recipe, RecipeFlags } from "../../src/recipe/recipe.ts";
import { matchScripts, scriptIn } from "../../src/recipe/recipe_script.ts";
import { findRecipe, RECIPE_NAMES } from "./find_recipe.ts";
import type { Run } from "../../src/runs/run_config.ts";

/** The flag `--recipe`. */
export function recipeFlag(): Flag<string | undefined> {
  return optionalText(
    "script of the run's recipe, if it is not a shipped one",
    "the shipped recipe of that name",
  );
}

/**
 * Finds a run's recipe and the flags that it was trained with. Scripts named in the run folder are never executed: a
 * user's own script is imported only if the user passes it.
 *
 * @param path the value of `--recipe`
 * @throws InputError if the recipe is not a shipped one and no `path` is given, or if it is not the run's recipe
 */
export async function recipeOfRun(
  run: Run,
  path: string | undefined,
): Promise<{ readonly recipe: Recipe; readonly config: Config<RecipeFlags> }> {
  const trained = scriptIn(run.facts), action = `Cannot load "${run.path}"`;
  const wanted = trained && path === undefined ? `; pass --recipe ${shellWord(trained.path)}` : "";
  if (path === undefined && !RECIPE_NAMES.includes(run.recipe)) {
    throw new InputError(
      `${action}: its recipe "${run.recipe}" is not one of the shipped recipes (${RECIPE_NAMES.join(", ")})` +
        (wanted || "; pass the path of its script with --recipe PATH"),
    );
  }
  const { recipe, script } = await findRecipe(path ?? run.recipe);
  if (recipe.name !== run.recipe) {
    throw new InputError(`${action}: expected recipe "${run.recipe}" but "${path}" exports "${recipe.name}"`);
  }
  const match = matchScripts(trained, script);
  if (match === "other" && path === undefined) {
    throw new InputError(
      `${action}: it was trained by ${
        trained!.path
      }, not by the shipped recipe of the same name, "${run.recipe}"${wanted}`,
    );
  }
  if (match === "changed") {
    printError(`warning: ${script!.path} has changed since "${run.path}" was trained`);
  } else if (match === "other") {
    printError(`warning: "${run.path}" was trained by ${trained!.path}, not by ${script!.path}`);
  }
  return { recipe, config: restoreConfig(recipe.flags, run.config, `"${run.path}"`) };
}

// The recipe of a run, for the tools that load one: the shipped one of its name, or the one that the user names.
import { InputError, shellWord } from "../../src/errors.ts";
import type { Config, Flag } from "../../src/recipe/flag_kinds.ts";
import { optionalText, restoreConfig } from "../../src/recipe/flags.ts";
import type { Recipe, RecipeFlags } from "../../src/recipe/recipe.ts";
import { matchScripts, scriptIn } from "../../src/recipe/recipe_script.ts";
import { findRecipe, RECIPE_NAMES } from "./find_recipe.ts";
import type { Run } from "../../src/runs/run_config.ts";

/** The flag `--recipe`. */
export function recipeFlag(): Flag<string | undefined> {
  return optionalText(
    "script of the run's recipe, if that is not a shipped one",
    "the shipped recipe of its name",
  );
}

/**
 * A run's recipe, and the flags that it was trained under. Nothing that the run's folder names is run: a script of the
 * user's own is imported only if the user names it.
 *
 * @param path what `--recipe` says
 * @throws InputError if the recipe is not shipped and not named, or is another one than the run's
 */
export async function recipeOfRun(
  run: Run,
  path: string | undefined,
): Promise<{ readonly recipe: Recipe; readonly config: Config<RecipeFlags> }> {
  const trained = scriptIn(run.facts), action = `Cannot load "${run.path}"`;
  const wanted = trained && path === undefined ? `; say --recipe ${shellWord(trained.path)}` : "";
  if (path === undefined && !RECIPE_NAMES.includes(run.recipe)) {
    throw new InputError(
      `${action}: its recipe "${run.recipe}" is none of the shipped ones (${RECIPE_NAMES.join(", ")})` +
        (wanted || "; say where its script is with --recipe PATH"),
    );
  }
  const { recipe, script } = await findRecipe(path ?? run.recipe);
  if (recipe.name !== run.recipe) {
    throw new InputError(`${action}: expected recipe "${run.recipe}" but "${path}" holds "${recipe.name}"`);
  }
  const match = matchScripts(trained, script);
  if (match === "other" && path === undefined) {
    throw new InputError(
      `${action}: it was trained by ${
        trained!.path
      }, whose recipe is called "${run.recipe}" too but is not the shipped ` +
        `one${wanted}`,
    );
  }
  if (match === "changed") {
    console.error(`warning: ${script!.path} is not as it was when "${run.path}" was trained`);
  } else if (match === "other") {
    console.error(`warning: "${run.path}" was trained by ${trained!.path}, not by ${script!.path}`);
  }
  return { recipe, config: restoreConfig(recipe.flags, run.config, `"${run.path}"`) };
}

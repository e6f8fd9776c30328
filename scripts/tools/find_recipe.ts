// Finds recipes for the tools that work on any of them: a shipped one by its name, a user's own by its script's path.
import denoConfig from "../../deno.json" with { type: "json" };
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { InputError, oneLine, shown } from "../../src/errors.ts";
import { isRecipe, type Recipe } from "../../src/run/recipe.ts";
import { readScript, type RecipeScript } from "../../src/run/recipe_script.ts";

/** A recipe and where it is. */
export interface FoundRecipe {
  /** The recipe. */
  readonly recipe: Recipe;
  /** Its script; absent where that cannot be read, as without a permission. */
  readonly script: RecipeScript | undefined;
}

/** The names of the shipped recipes: those of the tasks that run a script beside this folder, each once. */
export const RECIPE_NAMES: readonly string[] = [
  ...new Set(
    Object.values(denoConfig.tasks).flatMap(({ command }) =>
      / scripts\/([\w-]+)\.ts$/.exec(command)?.[1] ?? []
    ),
  ),
];

/** How the help of a tool calls what {@link findRecipe} takes. */
export const RECIPE_HELP = `${RECIPE_NAMES.join(", ")}, or the path of a script that exports a recipe`;

/**
 * The recipe of a name or of a script. A script is imported, and so run: never give what a file says, only what the user
 * typed.
 *
 * @param nameOrPath one of {@link RECIPE_NAMES}, or a path: what has a slash or a dot in it
 * @throws InputError if there is none, or the script cannot be loaded or exports none
 */
export async function findRecipe(nameOrPath: string): Promise<FoundRecipe> {
  const isPath = /[./\\]/.test(nameOrPath);
  if (!isPath && !RECIPE_NAMES.includes(nameOrPath)) {
    throw new InputError(
      `Cannot find recipe ${shown(nameOrPath)}: expected one of ${
        RECIPE_NAMES.join(", ")
      }, or a script's path ` +
        "such as ./mine.ts",
    );
  }
  const url = isPath ? pathToFileURL(resolve(nameOrPath)) : new URL(`../${nameOrPath}.ts`, import.meta.url);
  const module: Readonly<Record<string, unknown>> = isPath
    ? await importScript(url, nameOrPath)
    : await import(`../${nameOrPath}.ts`); // a template, so that no permission is needed and a URL will do
  return { recipe: recipeIn(module, nameOrPath), script: readScript(url.href) };
}

/** All shipped recipes. */
export async function allRecipes(): Promise<FoundRecipe[]> {
  return await Promise.all(RECIPE_NAMES.map(findRecipe));
}

async function importScript(url: URL, path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(url.href);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    throw new InputError(`Cannot load recipe "${path}": ${name}: ${oneLine(message, 500)}`);
  }
}

/** The one recipe that a module exports; of several, the one that is called as the file is. */
function recipeIn(module: Readonly<Record<string, unknown>>, path: string): Recipe {
  const recipes = [...new Set(Object.values(module).filter(isRecipe))];
  const named = recipes.filter(({ name }) => `${name}.ts` === basename(path));
  const [found, ...others] = named.length > 0 ? named : recipes;
  if (found && others.length === 0) return found;
  throw new InputError(
    `Cannot use "${path}" as a recipe: expected one export made by recipe({ … }), as in scripts/deep.ts, but found ` +
      (found ? `${recipes.length}: ${recipes.map(({ name }) => name).join(", ")}` : "none"),
  );
}

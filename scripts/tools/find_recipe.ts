// Finds recipes for the tools: a shipped one by name, a user's own by the path of its script.
import { basename, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { InputError, quote, toOneLine } from "../../src/errors.ts";
import { isRecipe, type Recipe } from "../../src/recipe/recipe.ts";
import { SHIPPED } from "../recipes.ts";
import { readScript, type RecipeScript } from "../../src/recipe/recipe_script.ts";

/** A recipe and its script. */
export interface FoundRecipe {
  readonly recipe: Recipe;
  /** Undefined if the script cannot be read, for example without permission. */
  readonly script: RecipeScript | undefined;
}

/** Names of the shipped recipes. */
export const RECIPE_NAMES: readonly string[] = Object.keys(SHIPPED);

/** Help text for an argument of {@link findRecipe}. */
export const RECIPE_HELP = `${RECIPE_NAMES.join(", ")}, or the path of a script that exports a recipe`;

/**
 * Finds a recipe by its name or by its script. The script is imported, which runs it: pass only names that the user
 * typed, never names read from a file.
 *
 * @param nameOrPath one of {@link RECIPE_NAMES}, the name of another script in `scripts/`, or a path, recognized by a
 *   slash or a dot
 * @throws InputError if there is no such recipe, or the script cannot be loaded or exports no recipe
 */
export async function findRecipe(nameOrPath: string): Promise<FoundRecipe> {
  const isPath = /[./\\]/.test(nameOrPath);
  const url = isPath ? pathToFileURL(resolve(nameOrPath)) : new URL(`../${nameOrPath}.ts`, import.meta.url);
  const module: Readonly<Record<string, unknown>> = isShipped(nameOrPath)
    ? await SHIPPED[nameOrPath]()
    : await importScript(url, nameOrPath, isPath);
  return { recipe: recipeIn(module, basename(url.pathname)), script: readScript(url.href) };
}

function isShipped(name: string): name is keyof typeof SHIPPED {
  return Object.hasOwn(SHIPPED, name);
}

/** Imports all shipped recipes. */
export async function allRecipes(): Promise<FoundRecipe[]> {
  return await Promise.all(RECIPE_NAMES.map(findRecipe));
}

async function importScript(
  url: URL,
  given: string,
  isPath: boolean,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(url.href);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const isMissing = message.startsWith("Module not found") && message.includes(url.href);
    if (isMissing && !isPath) {
      throw new InputError(
        `Unknown recipe ${quote(given)}; choose from: ${
          RECIPE_NAMES.join(", ")
        }, or pass the path of a script, such as ` +
          "./mine.ts",
      );
    }
    const why = isMissing
      ? `there is no file ${quote(fileURLToPath(url), 200)}`
      : `${name}: ${toOneLine(message, 500)}`;
    throw new InputError(`Cannot load recipe ${quote(given, 200)}: ${why}`);
  }
}

/** Returns the one recipe that a module exports; of several, the one named like the file. */
function recipeIn(module: Readonly<Record<string, unknown>>, file: string): Recipe {
  const recipes = [...new Set(Object.values(module).filter(isRecipe))];
  const named = recipes.filter(({ name }) => `${name}.ts` === file);
  const [found, ...others] = named.length > 0 ? named : recipes;
  if (found && others.length === 0) return found;
  throw new InputError(
    `Cannot use "${file}" as a recipe: expected one export made by recipe({ … }), as in scripts/deep.ts, but found ` +
      (found ? `${recipes.length}: ${recipes.map(({ name }) => name).join(", ")}` : "none"),
  );
}

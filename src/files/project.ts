/**
 * Where the project is: a folder, or the URL that it was imported from.
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root. */
export const PROJECT: URL = new URL("../../", import.meta.url);

/** The project's root as a path; the current folder where the project was imported from the network. */
export const PROJECT_FOLDER: string = PROJECT.protocol === "file:" ? fileURLToPath(PROJECT) : "";

/** Where a file of the project's cache is, which git ignores. */
export function cachePath(name: string): string {
  return join(PROJECT_FOLDER, ".cache", name);
}

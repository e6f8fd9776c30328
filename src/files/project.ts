/**
 * Location of the project: a folder, or the URL that it was imported from.
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** URL of the project's root. */
export const PROJECT: URL = new URL("../../", import.meta.url);

/** Path of the project's root; the current folder if the project was imported from the network. */
export const PROJECT_FOLDER: string = PROJECT.protocol === "file:" ? fileURLToPath(PROJECT) : "";

/** Path of a file in the project's cache folder. */
export function cachePath(name: string): string {
  return join(PROJECT_FOLDER, ".cache", name);
}

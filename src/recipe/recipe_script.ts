/**
 * The script that a recipe stands in: what a run writes down of it, and what is said where it is another one now.
 * @module
 */
import { createHash } from "node:crypto";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_FOLDER } from "../files/project.ts";

/** A recipe's script as a run remembers it. */
export interface RecipeScript {
  /** Its path from the project's root, or its URL if it is not a file. */
  readonly path: string;
  /** SHA-256 of its text, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Reads a script.
 *
 * @param url its URL
 * @returns nothing if it is not a file, or cannot be read
 */
export function readScript(url: string): RecipeScript | undefined {
  if (!url.startsWith("file:")) return undefined;
  try {
    const sha256 = createHash("sha256").update(Deno.readFileSync(fileURLToPath(url))).digest("hex");
    return { path: relative(PROJECT_FOLDER, fileURLToPath(url)), sha256 };
  } catch {
    return undefined; // a recipe can be trained without this, and who needs it says what it lacks
  }
}

/** The script in a run's facts; nothing if the run is older than that. */
export function scriptIn(facts: Readonly<Record<string, unknown>>): RecipeScript | undefined {
  const { path, sha256 } = (facts.script ?? {}) as Partial<Record<keyof RecipeScript, unknown>>;
  return typeof path === "string" && typeof sha256 === "string" ? { path, sha256 } : undefined;
}

/** What a run's script and the one at hand are to each other. */
export type ScriptMatch = "same" | "changed" | "other";

/**
 * Whether a run was trained by this script: `same` if so, or if nobody knows; `changed` if the script of that path has
 * another text now; `other` if it was trained by a script of another path and text, such as a copy.
 */
export function matchScripts(trained: RecipeScript | undefined, now: RecipeScript | undefined): ScriptMatch {
  if (!trained || !now || trained.sha256 === now.sha256) return "same";
  return trained.path === now.path ? "changed" : "other";
}

/**
 * The script of a recipe: its path and checksum as stored in a run, and their comparison with today's script.
 * @module
 */
import { createHash } from "node:crypto";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_FOLDER } from "../files/project.ts";

/** Path and checksum of a recipe's script, as a run stores them. */
export interface RecipeScript {
  /** Path relative to the project's root. */
  readonly path: string;
  /** SHA-256 of its text, in hexadecimal. */
  readonly sha256: string;
}

/** Reads the script at a URL; returns undefined if it is not a file, or cannot be read. */
export function readScript(url: string): RecipeScript | undefined {
  if (!url.startsWith("file:")) return undefined;
  try {
    const sha256 = createHash("sha256").update(Deno.readFileSync(fileURLToPath(url))).digest("hex");
    return { path: relative(PROJECT_FOLDER, fileURLToPath(url)), sha256 };
  } catch {
    return undefined; // training does not need it; tools that do report it
  }
}

/** Script in a run's facts; undefined for runs from before it was stored. */
export function scriptIn(facts: Readonly<Record<string, unknown>>): RecipeScript | undefined {
  const { path, sha256 } = (facts.script ?? {}) as Partial<Record<keyof RecipeScript, unknown>>;
  return typeof path === "string" && typeof sha256 === "string" ? { path, sha256 } : undefined;
}

/** Result of comparing a run's script with the current one. */
export type ScriptMatch = "same" | "changed" | "other";

/**
 * Compares the script that trained a run with the current one: `same` text, or unknown; `changed` text at the same
 * path; or an `other` script, with another path and text, such as a copy.
 */
export function matchScripts(trained: RecipeScript | undefined, now: RecipeScript | undefined): ScriptMatch {
  if (!trained || !now || trained.sha256 === now.sha256) return "same";
  return trained.path === now.path ? "changed" : "other";
}

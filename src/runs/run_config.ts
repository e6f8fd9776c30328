/**
 * `config.json`: the configuration of a run and facts about it.
 * @module
 */

import { join } from "node:path";
import { InputError, quote } from "../errors.ts";
import { ioError } from "../files/io_error.ts";
import { isRecord, parseJson } from "../files/json.ts";
import { readText } from "../files/read_file.ts";
import { writeFileAtomic } from "../files/write_file.ts";
import { RECIPE_NAME } from "./run_folder.ts";

const CONFIG_FILE = "config.json";
const CONFIG_FORMAT = "bottleneck-run-1";

/** Content of `config.json`. */
export interface RunConfig {
  /** Name of the recipe. */
  readonly recipe: string;
  /** Start time of the run: ISO 8601, UTC. */
  readonly startedAt: string;
  /** Flags of the recipe by camelCase key. A flag without a value is absent. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Facts, such as the name of the GPU and the number of images. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A run read from its folder. */
export interface Run extends RunConfig {
  /** Path of the run folder. */
  readonly path: string;
}

/**
 * Writes `config.json` into a run folder. Undefined values are omitted.
 *
 * @param path path of the run folder
 * @param run content of the file
 * @throws InputError if it cannot be written
 */
export function writeConfig(path: string, run: RunConfig): void {
  const { recipe, startedAt, config, facts } = run;
  const text = JSON.stringify({ format: CONFIG_FORMAT, recipe, startedAt, config, facts }, null, 2);
  writeFileAtomic(join(path, CONFIG_FILE), text + "\n");
}

/**
 * Reads the `config.json` of a run folder.
 *
 * @param path path of the run folder
 * @param needs other files that must exist, such as `model.safetensors`
 * @throws InputError if the folder or one of its files is missing, or `config.json` is damaged
 */
export function readRun(path: string, needs: readonly string[] = []): Run {
  const action = `Cannot read the run "${path}"`;
  let text = "";
  try {
    if (!Deno.statSync(path).isDirectory) {
      throw new InputError(
        `${action}: expected a run folder but found a file; pass the folder that contains it`,
      );
    }
    const present = new Set([...Deno.readDirSync(path)].map((entry) => entry.name));
    const missing = [CONFIG_FILE, ...needs].filter((name) => !present.has(name));
    if (missing.length > 0) {
      const list = missing.map((name) => `"${name}"`).join(" and ");
      const whose = needs.length > 0 ? "a finished run" : "a run";
      throw new InputError(`${action}: ${list} is missing; pass the folder of ${whose}`);
    }
    text = readText(join(path, CONFIG_FILE));
  } catch (error) {
    throw ioError(action, error);
  }
  const refuse = (expected: string, found: unknown): InputError => {
    const what = found === undefined ? "something else" : quote(found);
    return new InputError(`${action}: expected ${expected} in ${CONFIG_FILE} but found ${what}; train again`);
  };
  const stored = parseJson(text);
  if (!isRecord(stored)) throw refuse("a JSON object", undefined);
  if (stored.format !== CONFIG_FORMAT) throw refuse(`"format": "${CONFIG_FORMAT}"`, stored.format);
  const { recipe, startedAt, config, facts } = stored;
  if (typeof recipe !== "string") throw refuse(`a string as "recipe"`, recipe);
  if (!RECIPE_NAME.test(recipe)) throw refuse(`a plain name as "recipe"`, recipe);
  if (typeof startedAt !== "string") throw refuse(`a string as "startedAt"`, startedAt);
  if (!isRecord(config)) throw refuse(`an object as "config"`, config);
  if (!Object.values(config).every(isSetting)) throw refuse(`values or lists in "config"`, config);
  if (!isRecord(facts)) throw refuse(`an object as "facts"`, facts);
  if (!isFacts(facts)) throw refuse(`values, lists and nested objects in "facts"`, facts);
  return { path, recipe, startedAt, config: withCurrentNames(config), facts: withCurrentKernels(facts) };
}

/** Renames flags of older runs: texture kernels were called `image` until version 0.1. */
export function withCurrentNames(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return config.kernels === "image" ? { ...config, kernels: "texture" } : config;
}

/** Renames the kernels of older runs. */
function withCurrentKernels(facts: RunConfig["facts"]): RunConfig["facts"] {
  if (!isRecord(facts.kernels)) return facts;
  const kernels = Object.entries(facts.kernels).map(([name, products]) => [
    name.replace(/^image /, "texture "),
    products,
  ]);
  return { ...facts, kernels: Object.fromEntries(kernels) };
}

/** True for a scalar or a list of scalars. */
function isSetting(value: unknown): boolean {
  return Array.isArray(value) ? value.every(isScalar) : isScalar(value);
}

/** True for a number, string, boolean or null. */
export function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

/** True for settings or nested objects of settings. */
function isFacts(value: unknown, depth = 4): boolean {
  return isSetting(value) ||
    isRecord(value) && depth > 0 && Object.values(value).every((item) => isFacts(item, depth - 1));
}

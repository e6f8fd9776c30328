/**
 * The networks in a recipe's `checks`, for gradcheck, bench and tune.
 * @module
 */
import { InputError } from "../errors.ts";
import type { BuildModel } from "../graph/model.ts";
import { type Flag, optionalText, readFlags } from "./flags.ts";
import { anyData, networkOf, type Recipe } from "./recipe.ts";
import type { Optimizer } from "../step/update.ts";

/** A recipe's training network under some flags. */
export interface CheckedNetwork {
  /** Name of the recipe. */
  readonly recipe: string;
  /** Stage, if any, and flags that identify the network among the recipe's others; may be empty. */
  readonly options: string;
  /** Returns a function that records the network for images of `width` pixels. */
  readonly network: (width: number) => BuildModel;
  /** Optimizer under the same flags. */
  readonly optimizer: Optimizer;
  /** Images per step. */
  readonly batchSize: number;
}

/**
 * Returns the networks of a recipe's `checks`, in order; for a recipe that trains in stages, one per stage.
 *
 * @throws InputError if one of the checks has wrong flags
 */
export function checkedNetworks(recipe: Recipe): CheckedNetwork[] {
  return (recipe.checks ?? [""]).flatMap((options) => networksOf(recipe, options));
}

/**
 * Declares `--variant`, a recipe's flags in one text.
 *
 * @param help help text
 * @param absent default as the help shows it
 */
export function variantFlag(help: string, absent: string): Flag<string | undefined> {
  const parse = (text: string) => text; // unlike other texts, it may begin with --
  return { ...optionalText(help, absent), placeholder: "flags", expected: "flags", parse };
}

/**
 * Returns the networks of a recipe under some flags, one per stage.
 *
 * @param options flags, such as `--code 2`
 * @throws InputError for wrong flags
 */
export function networksOf(recipe: Recipe, options: string): CheckedNetwork[] {
  const { name, description, flags } = recipe;
  const outcome = readFlags({ name, description }, flags, options.split(/\s+/).filter(Boolean));
  if (outcome.kind !== "config") {
    const why = outcome.kind === "error" ? outcome.message : "it asks for help";
    throw new InputError(`Cannot record ${name} with "${options}": ${why}`);
  }
  const { config } = outcome, settings = { ...recipe.architecture, ...config };
  const stages = recipe.stages?.(settings).filter(({ epochs }) => epochs > 0) ?? [{ stage: undefined }];
  return stages.map(({ stage }) => ({
    recipe: name,
    options: [...(stage === undefined ? [] : [`stage ${stage}`]), ...(options ? [options] : [])].join(" "),
    network: (width) => networkOf(recipe, config, anyData(width), { purpose: "train", stage }),
    optimizer: recipe.optimizer(settings),
    batchSize: config.batchSize,
  }));
}

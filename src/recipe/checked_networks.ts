/**
 * The networks that a recipe names in its `checks`: what gradcheck checks, bench times and tune measures.
 * @module
 */
import { InputError } from "../errors.ts";
import type { BuildModel } from "../graph/model.ts";
import { type Flag, optionalText, readFlags } from "./flags.ts";
import { anyData, networkOf, type Recipe } from "./recipe.ts";
import type { Optimizer } from "../graph/update.ts";

/** A network, as it trains. */
export interface CheckedNetwork {
  /** The recipe's name. */
  readonly recipe: string;
  /** What tells it from the recipe's others: its stage if there are stages, and its flags; may be empty. */
  readonly options: string;
  /** Records it, for images of a width. */
  readonly network: (width: number) => BuildModel;
  /** The rule that its flags give it. */
  readonly optimizer: Optimizer;
  /** Images per step. */
  readonly batchSize: number;
}

/**
 * The networks of a recipe, the usual one first; of a recipe that trains in stages, that of each stage.
 *
 * @throws InputError if one of its checks is no command line of it
 */
export function checkedNetworks(recipe: Recipe): CheckedNetwork[] {
  return (recipe.checks ?? [""]).flatMap((options) => networksOf(recipe, options));
}

/**
 * The flag `--variant`: a recipe's flags in one text.
 *
 * @param help what it means
 * @param absent what absence means
 */
export function variantFlag(help: string, absent: string): Flag<string | undefined> {
  const parse = (text: string) => text; // unlike other texts, it begins with --
  return { ...optionalText(help, absent), placeholder: "flags", expected: "flags", parse };
}

/**
 * The networks of a recipe under some flags.
 *
 * @param options a command line, such as `--code 2`
 * @throws InputError if it is none
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

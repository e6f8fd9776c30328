/**
 * A recipe: the value that a training script exports, with everything that the tools need. See `scripts/deep.ts` for
 * an example; CONTRIBUTING.md writes a new one.
 * @module
 */
import { meanImage } from "../data/mean_image.ts";
import type { Dataset } from "../data/dataset.ts";
import { InputError, quote } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import type { BuildModel, Model } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Value } from "../graph/tensor.ts";
import {
  type CommonDefaults,
  type CommonFlags,
  commonFlags,
  type ScheduleFlags,
  scheduleFlags,
} from "./common_flags.ts";
import type { Config, FlagSet } from "./flag_kinds.ts";
import type { NetworkUse, Purpose, RecipeEvaluation } from "../evaluate/recipe_evaluation.ts";
import { sizesFor } from "./sizes.ts";
import type { Stage } from "./stage_flags.ts";
import type { Optimizer } from "../step/update.ts";

/** Facts about the training data that a network may use. */
export interface NetworkData {
  /** Pixels of an image. */
  readonly width: number;
  /** Mean training image, [width], in [0, 1]. */
  readonly meanImage: ArrayLike<number>;
}

/** Inputs of a recipe's `network()`. */
export interface NetworkContext {
  /** Graph to record the network on. */
  readonly graph: Graph;
  /** Parameters of the model; layers look theirs up by name, or create them. */
  readonly parameters: Parameters;
  /** Images, [B, width], in [0, 1]. */
  readonly pixels: Value;
  /** Facts about the training data. */
  readonly data: NetworkData;
  /** Random seed of the noise. */
  readonly seed: number;
  /** Purpose of the network, such as training or testing. */
  readonly purpose: Purpose;
  /** Stage to record, from 0, for recipes that train in stages; undefined for all layers. */
  readonly stage: number | undefined;
  /** Names of a trace's inputs other than the pixels; only for `replay`. */
  readonly inputs: ReadonlySet<string>;
}

/** The flags that every recipe has; `trainingFlags` makes them. */
export type RecipeFlags = FlagSet & Omit<CommonFlags & ScheduleFlags, "epochs" | "learningRate">;

/** Values of a recipe's flags together with its architecture. `sizes` begins with the width of the images. */
export type RecipeSettings<F extends FlagSet, A extends object> = Config<F> & Readonly<A>;

/** A recipe; make one with {@link recipe}. */
export interface Recipe<F extends RecipeFlags = RecipeFlags, A extends object = object> {
  /** Name of lower-case letters, digits, `-` and `_`; the script's file has the same name. */
  readonly name: string;
  /** One-sentence description for `--help`. */
  readonly description: string;
  /** Flags of the script; spread {@link trainingFlags} into them. */
  readonly flags: F;
  /** Settings without a flag: activations, biases, reductions. Traces of other networks may override them. */
  readonly architecture: A;
  /** Records the network on a graph; called once per graph. */
  network(settings: RecipeSettings<F, A>, context: NetworkContext): Model;
  /** Returns the optimizer, such as `adam`. */
  optimizer(settings: RecipeSettings<F, A>): Optimizer;
  /** Returns the training stages of a layer-wise recipe; absent for end-to-end training. */
  stages?(settings: RecipeSettings<F, A>): readonly Stage[];
  /** Returns the recipe's additional evaluation; absent if there is none. */
  evaluation?(settings: RecipeSettings<F, A>): RecipeEvaluation;
  /** Flags, such as `--code 2`, of the networks that gradcheck checks and bench times by default; `[""]` if absent. */
  readonly checks?: readonly string[];
  /** Flags for `compare-recipes`; the defaults if absent. */
  readonly comparison?: string;
}

const NAME = /^[a-z0-9][a-z0-9_-]*$/;

/**
 * Declares a recipe.
 *
 * ```ts
 * import { adam, adamFlags, dense, recipe, sizesFlag, squaredError, trainingFlags } from "@bottleneck/bottleneck";
 *
 * export const small = recipe({
 *   name: "small",
 *   description: "Trains a network of two layers.",
 *   flags: {
 *     ...trainingFlags({ epochs: 1, batchSize: 64, learningRate: 1e-3 }),
 *     ...adamFlags(),
 *     sizes: sizesFlag([784, 32]),
 *   },
 *   architecture: {},
 *   network({ sizes }, { graph, parameters, pixels }) {
 *     const layer = { activation: "sigmoid", initializer: "glorot-uniform" } as const;
 *     const code = dense(graph, parameters, pixels, { ...layer, label: "encoder", outputs: sizes[1] });
 *     const output = dense(graph, parameters, code, { ...layer, label: "decoder", outputs: sizes[0] });
 *     return { code, output, losses: [squaredError(graph, output, pixels, { label: "loss", reduction: "mean" })] };
 *   },
 *   optimizer: adam,
 * });
 * ```
 *
 * @throws InputError for a name that cannot be part of a folder name
 */
export function recipe<F extends RecipeFlags, const A extends object>(
  declaration: Recipe<F, A>,
): Recipe<F, A> {
  if (!NAME.test(declaration.name)) {
    throw new InputError(
      "Cannot declare a recipe: expected a name of lower-case letters, digits, - and _ but received " +
        quote(declaration.name),
    );
  }
  return declaration;
}

/** Returns true if a value is a recipe; scripts may export other values too. */
export function isRecipe(value: unknown): value is Recipe {
  const { name, flags, network, optimizer } = (value ?? {}) as Partial<Record<keyof Recipe, unknown>>;
  return typeof name === "string" && typeof flags === "object" && flags !== null &&
    typeof network === "function" && typeof optimizer === "function";
}

/**
 * Declares the flags of training, with the recipe's own defaults.
 *
 * ```ts
 * import { trainingFlags } from "@bottleneck/bottleneck";
 *
 * const flags = { ...trainingFlags({ epochs: 10, batchSize: 64, learningRate: 5e-3 }) };
 * ```
 *
 * @param defaults values that differ between recipes
 */
export function trainingFlags(defaults: CommonDefaults): CommonFlags & ScheduleFlags;
/** The same without `--epochs`, for a recipe with another measure of training length. */
export function trainingFlags(
  defaults: Omit<CommonDefaults, "epochs">,
): Omit<CommonFlags, "epochs"> & ScheduleFlags;
export function trainingFlags(
  { epochs, ...defaults }: Omit<CommonDefaults, "epochs"> & { readonly epochs?: number },
): Omit<CommonFlags, "epochs"> & ScheduleFlags {
  const { epochs: flag, ...common } = commonFlags({ epochs: epochs ?? 1, ...defaults });
  return { ...(epochs === undefined ? {} : { epochs: flag }), ...scheduleFlags(), ...common };
}

/** Returns the facts about a data set for `network()`; the mean image is computed on first use. */
export function networkData({ train, width }: Pick<Dataset, "train" | "width">): NetworkData {
  let mean: ArrayLike<number> | undefined;
  return {
    width,
    get meanImage() {
      return mean ??= meanImage(train.images, width);
    },
  };
}

/** Returns a placeholder where there is no data set, as in gradcheck: images with a mean of 0.2 everywhere. */
export function anyData(width: number): NetworkData {
  return {
    width,
    get meanImage() { // lazy, as the width may still be invalid
      return new Float32Array(width).fill(0.2);
    },
  };
}

/**
 * Returns the settings of a recipe for images of `width` pixels: `sizes`, if it has that flag, begins with the width,
 * and ends with `code` if that is given.
 *
 * @throws InputError if `sizes` begins with another width
 */
export function settingsFor<F extends RecipeFlags, A extends object>(
  { name, flags, architecture }: Pick<Recipe<F, A>, "name" | "flags" | "architecture">,
  config: Config<F>,
  width: number,
): RecipeSettings<F, A> {
  const { sizes, code } = config as { readonly sizes?: readonly number[]; readonly code?: number };
  const usual = (flags as FlagSet).sizes?.defaultValue as readonly number[] | undefined;
  const fitted = sizes && usual ? { sizes: sizesFor(sizes, usual, width, code) } : {};
  return { ...architecture, ...config, ...fitted, ...outputOf(name, architecture, config) };
}

/** Activation of the output, if `--output` is given. */
function outputOf(name: string, architecture: object, { output }: { readonly output?: unknown }): object {
  if (output === undefined) return {};
  if ("outputActivation" in architecture) return { outputActivation: output };
  throw new InputError(
    `Cannot use --output ${output} with ${name}: its output has a fixed activation, as a cross-entropy needs ` +
      "probabilities; omit it, or use another recipe",
  );
}

/**
 * Returns a function that records a recipe's network on a graph.
 *
 * @param config values of the recipe's flags
 * @param data facts about the training data
 * @throws InputError if the flags do not fit the data
 */
export function networkOf<F extends RecipeFlags, A extends object>(
  recipe: Recipe<F, A>,
  config: Config<F>,
  data: NetworkData,
  { purpose, stage }: NetworkUse,
): BuildModel {
  const settings = settingsFor(recipe, config, data.width);
  const seed = Number(config.seed), inputs = new Set<string>();
  return (graph, parameters, pixels) =>
    recipe.network(settings, { graph, parameters, pixels, data, seed, purpose, stage, inputs });
}

/**
 * A recipe as one value: what a training script exports, and all that the tools need to know of it. `scripts/deep.ts` is
 * the example; CONTRIBUTING.md makes a new one.
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
import type { Optimizer } from "../graph/update.ts";

/** What a network may know of the data that it is for. */
export interface NetworkData {
  /** Pixels of an image. */
  readonly width: number;
  /** The mean training image, [width], in [0, 1]. */
  readonly meanImage: ArrayLike<number>;
}

/** Where a network is recorded, and for what. */
export interface NetworkContext {
  /** The graph to record it on. */
  readonly graph: Graph;
  /** Where its parameters are found or made. */
  readonly parameters: Parameters;
  /** The images, [B, width], in [0, 1]. */
  readonly pixels: Value;
  /** What is known of the data. */
  readonly data: NetworkData;
  /** The seed of noise. */
  readonly seed: number;
  /** What it is for. */
  readonly purpose: Purpose;
  /** The stage to record, from 0, of a recipe that trains in stages; undefined for all layers. */
  readonly stage: number | undefined;
  /** Names of the inputs that a trace gives beside the pixels; only for `replay`. */
  readonly inputs: ReadonlySet<string>;
}

/** The flags that every recipe has; `trainingFlags` makes them. */
export type RecipeFlags = FlagSet & Omit<CommonFlags & ScheduleFlags, "epochs" | "learningRate">;

/** A recipe's flags, resolved, and what no flag changes. `sizes` begins with the width of the images. */
export type RecipeSettings<F extends FlagSet, A extends object> = Config<F> & Readonly<A>;

/** A recipe. Make one with {@link recipe}. */
export interface Recipe<F extends RecipeFlags = RecipeFlags, A extends object = object> {
  /** Its name: lower-case letters, digits, `-` and `_`. A script's file is called the same. */
  readonly name: string;
  /** What it does, in a sentence, for `--help`. */
  readonly description: string;
  /** The command line; spread {@link trainingFlags} into it. */
  readonly flags: F;
  /** Settings that no flag changes: activations, biases, reductions. Traces of other networks may replace them. */
  readonly architecture: A;
  /** Records the network; called once for each graph that needs it. */
  network(settings: RecipeSettings<F, A>, context: NetworkContext): Model;
  /** The rule that updates the parameters. */
  optimizer(settings: RecipeSettings<F, A>): Optimizer;
  /** The stages of training, for a recipe that trains layer by layer; absent if there are none. */
  stages?(settings: RecipeSettings<F, A>): readonly Stage[];
  /** What is measured beside the usual; nothing if absent. */
  evaluation?(settings: RecipeSettings<F, A>): RecipeEvaluation;
  /**
   * Command lines, such as `--code 2`, whose networks gradcheck checks and bench times; the first is the usual one.
   * Defaults alone if absent.
   */
  readonly checks?: readonly string[];
  /** The command line under which it takes part in `compare-recipes`; defaults alone if absent. */
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
 * @throws InputError for a name that cannot be a part of a folder's name
 */
export function recipe<F extends RecipeFlags, const A extends object>(
  declaration: Recipe<F, A>,
): Recipe<F, A> {
  if (!NAME.test(declaration.name)) {
    throw new InputError(
      "Cannot declare a recipe: expected a name of lower-case letters, digits, - and _ but received " +
        `${quote(declaration.name)}; rename it`,
    );
  }
  return declaration;
}

/** Whether a value is a recipe: scripts may export other things beside theirs. */
export function isRecipe(value: unknown): value is Recipe {
  const { name, flags, network, optimizer } = (value ?? {}) as Partial<Record<keyof Recipe, unknown>>;
  return typeof name === "string" && typeof flags === "object" && flags !== null &&
    typeof network === "function" && typeof optimizer === "function";
}

/**
 * The flags of training, with the recipe's own defaults.
 *
 * ```ts
 * import { trainingFlags } from "@bottleneck/bottleneck";
 *
 * const flags = { ...trainingFlags({ epochs: 10, batchSize: 64, learningRate: 5e-3 }) };
 * ```
 *
 * @param defaults the values in which recipes differ
 */
export function trainingFlags(defaults: CommonDefaults): CommonFlags & ScheduleFlags;
/** The same without `--epochs`, for a recipe that says otherwise how long it trains. */
export function trainingFlags(
  defaults: Omit<CommonDefaults, "epochs">,
): Omit<CommonFlags, "epochs"> & ScheduleFlags;
export function trainingFlags(
  { epochs, ...defaults }: Omit<CommonDefaults, "epochs"> & { readonly epochs?: number },
): Omit<CommonFlags, "epochs"> & ScheduleFlags {
  const { epochs: flag, ...common } = commonFlags({ epochs: epochs ?? 1, ...defaults });
  return { ...(epochs === undefined ? {} : { epochs: flag }), ...scheduleFlags(), ...common };
}

/** What `network()` knows of a data set; the mean image is computed when it is asked for. */
export function networkData({ train, width }: Pick<Dataset, "train" | "width">): NetworkData {
  let mean: ArrayLike<number> | undefined;
  return {
    width,
    get meanImage() {
      return mean ??= meanImage(train.images, width);
    },
  };
}

/** Stands for a data set where there is none, as in gradcheck: images whose mean is 0.2 everywhere. */
export function anyData(width: number): NetworkData {
  return {
    width,
    get meanImage() { // made only if it is asked for: nobody has checked the width yet
      return new Float32Array(width).fill(0.2);
    },
  };
}

/**
 * The settings of a recipe for images of a width: `sizes`, if it has that flag, begins with the width, and ends with
 * `code`, if that is given.
 *
 * @throws InputError if `sizes` begins with another width
 */
export function settingsFor<F extends RecipeFlags, A extends object>(
  { flags, architecture }: Recipe<F, A>,
  config: Config<F>,
  width: number,
): RecipeSettings<F, A> {
  const { sizes, code } = config as { readonly sizes?: readonly number[]; readonly code?: number };
  const usual = (flags as FlagSet).sizes?.defaultValue as readonly number[] | undefined;
  const fitted = sizes && usual ? { sizes: sizesFor(sizes, usual, width, code) } : {};
  return { ...architecture, ...config, ...fitted };
}

/**
 * What records a recipe's network on a graph.
 *
 * @param config the recipe's flags, resolved
 * @param data what is known of the data
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

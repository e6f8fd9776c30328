/**
 * The network of a finished run, recorded with its trained weights.
 * @module
 */
import { InputError, quote } from "../errors.ts";
import { parseScaling, type Scaling } from "../data/scaling.ts";
import type { TrainedNetwork } from "../export/network.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Config } from "../recipe/flag_kinds.ts";
import { type InputRange, inputRange } from "../recipe/data_range.ts";
import { evaluatedNetwork } from "../recipe/evaluated_network.ts";
import type { Recipe, RecipeFlags } from "../recipe/recipe.ts";
import { loadParameters, type TrainedRun } from "../runs/load_run.ts";
import { readMeanImage } from "../runs/mean_image_file.ts";

/** A trained model: how to record it, and its parameters. */
export interface TrainedModel {
  /** Records the network without noise. */
  readonly build: BuildModel;
  /** Trained parameters; free them after use. */
  readonly parameters: Parameters;
  /** Number of columns of the input. */
  readonly width: number;
  /** Scaling of the training data; absent for the data sets of the catalogue, whose bytes are divided by 255. */
  readonly scaling?: Scaling | undefined;
  /** Range of the scaled rows that the network takes. */
  readonly range: InputRange;
}

/**
 * Returns the model of a run. It needs no data set: the facts about the data lie with the run.
 *
 * @param config values of the recipe's flags, as trained
 * @throws InputError if a file of the run is missing or does not match the recipe
 */
export function trainedModel(run: TrainedRun, recipe: Recipe, config: Config<RecipeFlags>): TrainedModel {
  const width = storedWidth(run);
  let mean: Float32Array | undefined;
  const data = {
    width,
    get meanImage() {
      return mean ??= readMeanImage(run, width);
    },
  };
  const evaluated = evaluatedNetwork(recipe, config, data),
    { build } = evaluated,
    scaling = storedScaling(run);
  const range = inputRange(evaluated, scaling);
  return { build, parameters: loadParameters(run, build, width), width, scaling, range };
}

/**
 * Returns the network of a run with its weights, for exporters.
 *
 * @param config values of the recipe's flags, as trained
 * @throws InputError as {@link trainedModel}
 */
export async function trainedNetwork(
  run: TrainedRun,
  recipe: Recipe,
  config: Config<RecipeFlags>,
): Promise<TrainedNetwork> {
  const { build, parameters, width, scaling, range: { clamps } } = trainedModel(run, recipe, config);
  const graph = new Graph(1);
  const pixels = graph.input("pixels", width);
  const model = build(graph, parameters, pixels);
  const weights = await parameters.read();
  return { name: recipe.name, graph, pixels, model, weights, scale: scaling, clamps };
}

/** Number of columns of a run's data, as stored in its `config.json`. */
function storedWidth({ path, facts: { width } }: TrainedRun): number {
  if (Number.isSafeInteger(width) && Number(width) > 0) return Number(width);
  throw new InputError(
    `Cannot load "${path}": expected "width" to be a positive integer but found ${quote(width)}; train again`,
  );
}

/** Scaling of a run's data, as stored in its `config.json`. */
function storedScaling({ path, facts: { scaling } }: TrainedRun): Scaling | undefined {
  const parsed = parseScaling(scaling);
  if (parsed || scaling === undefined) return parsed;
  throw new InputError(
    `Cannot load "${path}": expected "scaling" to be offsets and divisors but found ${
      quote(scaling)
    }; train again`,
  );
}

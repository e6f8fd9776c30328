// The recipes by name, for the tools that work on any of them: gradcheck, replay and evaluate.
import type { Trace } from "../src/check/trace.ts";
import { InputError } from "../src/errors.ts";
import type { Optimizer } from "../src/graph/compile.ts";
import type { BuildModel } from "../src/graph/model.ts";
import { adam } from "../src/optim/adam.ts";
import { restoreConfig } from "../src/run/flags.ts";
import * as basic from "./basic.ts";
import * as deep from "./deep.ts";

/** What a tool needs to know of a recipe. */
export interface Recipe {
  /** Records the network of a run, from the configuration that the run stored; `source` is named in errors. */
  readonly fromConfig: (config: Readonly<Record<string, unknown>>, source: string) => BuildModel;
  /** Records the network as the script does by default. */
  readonly build: BuildModel;
  /** Records the network that a trace tells of. */
  readonly fromTrace: (trace: Trace) => BuildModel;
  /** The optimizer with the default figures. */
  readonly optimizer: Optimizer;
}

/** All recipes. */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  basic: {
    fromConfig: (config, source) => {
      const { code } = restoreConfig(basic.flags, config, source);
      const architecture = { ...basic.ARCHITECTURE, sizes: [basic.ARCHITECTURE.sizes[0], code] };
      return (graph, parameters, pixels) => basic.model(graph, parameters, pixels, architecture);
    },
    build: (graph, parameters, pixels) => basic.model(graph, parameters, pixels),
    fromTrace: ({ name, model, reduction }) => {
      if (model.sizes.length !== 2 || model.code !== model.activation) {
        throw new InputError(
          `Cannot replay ${name}: recipe basic has two sizes and no activation for its code`,
        );
      }
      return (graph, parameters, pixels) => basic.model(graph, parameters, pixels, { ...model, reduction });
    },
    optimizer: adam({ learningRate: basic.flags.learningRate.defaultValue }),
  },
  deep: {
    fromConfig: (config, source) => {
      restoreConfig(deep.flags, config, source);
      return (graph, parameters, pixels) => deep.model(graph, parameters, pixels);
    },
    build: (graph, parameters, pixels) => deep.model(graph, parameters, pixels),
    fromTrace: ({ model, reduction }) => (graph, parameters, pixels) =>
      deep.model(graph, parameters, pixels, { ...model, reduction }),
    optimizer: adam({ learningRate: deep.flags.learningRate.defaultValue }),
  },
};

/**
 * The recipe of that name.
 *
 * @throws InputError if there is none
 */
export function findRecipe(name: string): Recipe {
  if (!Object.hasOwn(RECIPES, name)) {
    throw new InputError(`Cannot find recipe "${name}": there are ${Object.keys(RECIPES).join(", ")}`);
  }
  return RECIPES[name];
}

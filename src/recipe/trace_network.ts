/**
 * The network that a trace tells of, recorded as its recipe records its own.
 * @module
 */
import { InputError } from "../errors.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Recipe } from "./recipe.ts";
import type { Trace } from "../check/trace.ts";

/** The ops that compute a reconstruction loss, by the name that traces have for it. */
const RECONSTRUCTIONS: Readonly<Record<string, string>> = {
  mse: "squared error",
  bce: "binary cross-entropy with logits",
};

/**
 * What records a trace's network: the recipe's under the trace's settings, noise coming from the trace. A recipe that
 * trains in stages has the parameters of all of them, whichever is trained.
 *
 * @throws InputError if the recipe has no setting for something that the trace says, when it is recorded too
 */
export function traceNetwork(recipe: Recipe, trace: Trace): BuildModel {
  const { sizes, stage, mean } = trace.model;
  const settings = settingsOf(recipe, trace), inputs = new Set(trace.steps[0].inputs.keys());
  const data = {
    width: sizes[0],
    get meanImage(): ArrayLike<number> {
      return mean ?? refuse(trace, `expected a mean image, which recipe ${recipe.name} subtracts`);
    },
  };
  return (graph, parameters, pixels) => {
    const about = { parameters, data, seed: 0, purpose: "replay" as const, inputs };
    if (recipe.stages) {
      for (let stage = 0; stage < sizes.length - 1; stage++) {
        const other = new Graph(1);
        recipe.network(settings, { ...about, graph: other, pixels: other.input("x", sizes[0]), stage });
      }
    }
    const model = recipe.network(settings, { ...about, graph, pixels, stage });
    const { reconstruction } = trace.loss, { name } = recipe;
    const op = graph.nodes.find(({ term }) => term === model.losses[0])?.op;
    if (reconstruction !== undefined && op !== RECONSTRUCTIONS[reconstruction]) {
      refuse(trace, `recipe ${name} measures its reconstruction by ${op}, not by ${reconstruction}`);
    }
    if (!("outputActivation" in settings) && model.output.activation !== trace.model.output) {
      refuse(trace, `the output of recipe ${name} is ${model.output.activation}, not ${trace.model.output}`);
    }
    return model;
  };
}

/** The recipe's settings with the trace's in their places. */
function settingsOf({ name, flags, architecture }: Recipe, trace: Trace): Parameters<Recipe["network"]>[0] {
  const { model, loss } = trace;
  const usual = Object.entries(flags).map(([key, { defaultValue }]) => [key, defaultValue]);
  const settings: Record<string, unknown> = {
    ...architecture,
    ...Object.fromEntries(usual),
    sizes: model.sizes,
  };
  const put = (key: string, value: unknown, what: string, isNeeded = true) => {
    if (value === undefined) return;
    if (key in settings) settings[key] = value;
    else if (isNeeded) refuse(trace, `recipe ${name} has no ${what} of its own`);
  };
  put("activation", model.activation, "activation of hidden layers");
  put("codeActivation", model.code, "activation for its code", model.code !== model.activation);
  put("outputActivation", model.output, "activation of its output", false);
  put("bias", model.bias, "choice of biases");
  put("reduction", loss.reduction, "reduction");
  put("beta", loss.kl, "weight of a Gaussian KL");
  put("rho", loss.sparsity?.rho, "sparsity penalty");
  put("sparsityWeight", loss.sparsity?.weight, "sparsity penalty");
  put("match", loss.match, "matching of levels");
  put("local", loss.local, "local matching of levels");
  return settings as Parameters<Recipe["network"]>[0];
}

function refuse(trace: Trace, why: string): never {
  throw new InputError(`Cannot replay ${trace.name}: ${why}`);
}

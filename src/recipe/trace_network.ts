/**
 * The network of a trace, recorded by the trace's recipe.
 * @module
 */
import { InputError } from "../errors.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import type { Recipe } from "./recipe.ts";
import type { Trace } from "../check/trace.ts";

/** Ops of the reconstruction losses, by their names in traces. */
const RECONSTRUCTIONS: Readonly<Record<string, string>> = {
  mse: "squared error",
  bce: "binary cross-entropy with logits",
};

/**
 * Returns a function that records the recipe's network with the trace's settings and noise. A recipe that trains in
 * stages has the parameters of all stages, whichever is trained.
 *
 * @throws InputError, now or when recording, if the recipe does not support one of the trace's settings
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
      refuse(trace, `the reconstruction loss of recipe ${name} is ${op}, not ${reconstruction}`);
    }
    if (!("outputActivation" in settings) && model.output.activation !== trace.model.output) {
      refuse(trace, `the output of recipe ${name} is ${model.output.activation}, not ${trace.model.output}`);
    }
    return model;
  };
}

/** Returns the recipe's default settings, overridden by the trace's. */
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
    else if (isNeeded) refuse(trace, `recipe ${name} has no setting for ${what}`);
  };
  put("activation", model.activation, "the activation of hidden layers");
  put("codeActivation", model.code, "the activation of its code", model.code !== model.activation);
  put("outputActivation", model.output, "the activation of its output", false);
  put("bias", model.bias, "biases");
  put("reduction", loss.reduction, "the reduction of its losses");
  put("beta", loss.kl, "the weight of a Gaussian KL");
  put("rho", loss.sparsity?.rho, "a sparsity penalty");
  put("sparsityWeight", loss.sparsity?.weight, "a sparsity penalty");
  put("match", loss.match, "the matching of levels");
  put("local", loss.local, "the local matching of levels");
  return settings as Parameters<Recipe["network"]>[0];
}

function refuse(trace: Trace, why: string): never {
  throw new InputError(`Cannot replay ${trace.name}: ${why}`);
}

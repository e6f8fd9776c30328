// The networks that traces tell of, recorded as the recipes record theirs.
import type { Trace } from "../../src/check/trace.ts";
import { InputError } from "../../src/errors.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { BuildModel } from "../../src/graph/model.ts";
import type { Value } from "../../src/graph/tensor.ts";
import { add } from "../../src/layers/add.ts";
import * as basic from "../basic.ts";
import * as deep from "../deep.ts";
import * as matched from "../matched.ts";
import { findRecipe } from "./recipes.ts";
import * as stacked from "../stacked.ts";
import * as tied from "../tied.ts";
import * as vae from "../vae.ts";

const MODELS: Readonly<Record<string, (trace: Trace) => BuildModel>> = {
  basic: (trace) => {
    const { name, model, loss } = trace;
    squaredErrorsOnly(trace);
    if (model.sizes.length !== 2 || model.code !== model.activation) {
      throw new InputError(
        `Cannot replay ${name}: recipe basic has two sizes and no activation for its code`,
      );
    }
    return (g, p, x) => basic.model(g, p, x, { ...model, reduction: loss.reduction });
  },
  deep: (trace) => {
    squaredErrorsOnly(trace);
    return (g, p, x) => deep.model(g, p, x, { ...trace.model, reduction: trace.loss.reduction });
  },
  stacked: layerwise,
  denoising: layerwise,
  sparse: layerwise,
  tied: (trace) => {
    const { name, model, loss } = trace;
    squaredErrorsOnly(trace);
    if (model.code !== model.activation) {
      throw new InputError(`Cannot replay ${name}: recipe tied has no activation of its own for its code`);
    }
    return (g, p, x) => tied.model(g, p, x, model.mean!, { ...model, reduction: loss.reduction });
  },
  vae: ({ name, model, loss }) => {
    const { sizes, output } = model;
    if (output !== "sigmoid" || loss.reconstruction !== "bce") {
      throw new InputError(
        `Cannot replay ${name}: recipe vae has a sigmoid output and cross-entropy (bce)`,
      );
    }
    return (g, p, x) => {
      const epsilon = g.input("eps", sizes.at(-1)!);
      return vae.model(g, p, x, { epsilon }, { ...model, reduction: loss.reduction, beta: loss.kl! });
    };
  },
  matched: ({ name, model, loss }) => {
    const { activation, code, output } = model;
    if (activation !== "sigmoid" || code !== activation || output !== activation) {
      throw new InputError(`Cannot replay ${name}: every layer of recipe matched is a sigmoid`);
    }
    const { reduction, match = "mse", local = false } = loss;
    return (g, p, x) => matched.model(g, p, x, { ...model, reduction, match, local, tied: false });
  },
};

/**
 * Records the network that a trace tells of.
 *
 * @throws InputError if there is no such recipe, or the trace is of a network that the recipe cannot have
 */
export function traceModel(trace: Trace): BuildModel {
  findRecipe(trace.recipe);
  return MODELS[trace.recipe](trace);
}

/** The network of a trace of layer-wise training; all stages' parameters are there, whichever is trained. */
function layerwise(trace: Trace): BuildModel {
  const { name, recipe, model, loss, steps } = trace;
  squaredErrorsOnly(trace);
  if (model.code !== model.activation || model.bias) {
    throw new InputError(
      `Cannot replay ${name}: recipe ${recipe} has no bias, and its code no activation of its own`,
    );
  }
  const corrupt = (g: Graph, x: Value) => add(g, x, g.input("noise", x.width), { label: "noisy pixels" });
  return (g, p, x) => {
    model.sizes.slice(1).forEach((outputs, k) => {
      const inputs = model.sizes[k];
      p.declare(`ae.${k}.encoder.weight`, [outputs, inputs], "glorot-uniform", inputs);
      p.declare(`ae.${k}.decoder.weight`, [inputs, outputs], "glorot-uniform", outputs);
    });
    return stacked.model(g, p, x, {
      ...model,
      reduction: loss.reduction,
      corrupt: steps[0].inputs.has("noise") ? corrupt : undefined,
      sparsity: loss.sparsity,
    });
  };
}

function squaredErrorsOnly({ name, recipe, loss }: Trace): void {
  if (loss.reconstruction !== "mse") {
    throw new InputError(
      `Cannot replay ${name}: recipe ${recipe} has squared errors, not ${loss.reconstruction}`,
    );
  }
}

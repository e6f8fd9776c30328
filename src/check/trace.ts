/**
 * Parser of traces: optimizer steps recorded by another framework (ARCHITECTURE.md describes the format).
 * @module
 */
import { toOneLine } from "../errors.ts";
import { type Activation, ACTIVATIONS } from "../graph/tensor.ts";
import { Field, type TraceTensor } from "./trace_field.ts";

export type { TraceTensor } from "./trace_field.ts";

/** One step: its batch, and its loss before the update. */
export interface TraceStep {
  /** Inputs of the step by name: `x` [rows, pixels] and, depending on the recipe, `noise` or `eps`. */
  readonly inputs: ReadonlyMap<string, TraceTensor>;
  /** Number of rows of the batch. */
  readonly rows: number;
  /** Total loss, the sum of the weighted terms. */
  readonly loss: number;
  /** Weighted loss terms by name. */
  readonly parts: ReadonlyMap<string, number>;
}

/** Layers of a recipe, as described in a trace. */
export interface TraceModel {
  /** Widths from pixels to code; the decoder mirrors them. */
  readonly sizes: readonly number[];
  /** Activation of the hidden layers. */
  readonly activation: Activation;
  /** Activation of the code. */
  readonly code: Activation;
  /** Activation of the last layer. */
  readonly output: Activation;
  /** True if layers have a bias. */
  readonly bias: boolean;
  /** Stage of layer-wise training; undefined if all layers are trained at once. */
  readonly stage?: number | undefined;
  /** Mean image, subtracted from each input. */
  readonly mean?: Float32Array | undefined;
}

/** Loss of a recipe, as described in a trace. */
export interface TraceLoss {
  /** Loss of the pixels: squared error or binary cross-entropy; absent if levels are matched. */
  readonly reconstruction?: "mse" | "bce" | undefined;
  /** Reduction of the terms over the batch. */
  readonly reduction: "mean" | "sum";
  /** Weight of the Gaussian KL. */
  readonly kl?: number | undefined;
  /** Target activation ρ and weight of the sparsity KL. */
  readonly sparsity?: { readonly rho: number; readonly weight: number } | undefined;
  /** Loss that matches levels of encoder and decoder. */
  readonly match?: "mse" | "bce" | "none" | undefined;
  /** True if the gradient of each level stops at that level. */
  readonly local?: boolean | undefined;
}

/** A trace of another framework's training. */
export interface Trace {
  /** Name of the file, for messages. */
  readonly name: string;
  /** Name of the recipe. */
  readonly recipe: string;
  /** Layers of the model. */
  readonly model: TraceModel;
  /** Loss of the model. */
  readonly loss: TraceLoss;
  /** Hyperparameters of Adam; weight decay is PyTorch's L2 penalty. */
  readonly optimizer: {
    /** Learning rate η. */
    readonly learningRate: number;
    /** Decay rates β1 and β2 of the moments. */
    readonly betas: readonly [number, number];
    /** Constant ε in the denominator. */
    readonly epsilon: number;
    /** Coefficient λ of the L2 penalty. */
    readonly weightDecay: number;
  };
  /** Names of the trained parameters. */
  readonly trainable: readonly string[];
  /** Initial parameters. */
  readonly params: ReadonlyMap<string, TraceTensor>;
  /** Steps in order. */
  readonly steps: readonly TraceStep[];
  /** Gradients of the first step. */
  readonly firstGrads: ReadonlyMap<string, TraceTensor>;
  /** Parameters after the last step. */
  readonly finalParams: ReadonlyMap<string, TraceTensor>;
}

const FORMAT = "autoencoder-trace/1";

/** Options of each recipe's traces beyond those common to all; `noise` is in all steps or in none. */
const OPTIONS: Readonly<
  Record<string, { model?: readonly string[]; loss: readonly string[]; inputs?: readonly string[] }>
> = {
  basic: { loss: ["reconstruction"] },
  deep: { loss: ["reconstruction"] },
  stacked: { model: ["stage"], loss: ["reconstruction"] },
  denoising: { model: ["stage"], loss: ["reconstruction"], inputs: ["noise"] },
  sparse: { model: ["stage"], loss: ["reconstruction", "sparsity"], inputs: ["noise"] },
  tied: { model: ["tied", "mean"], loss: ["reconstruction"] },
  vae: { loss: ["reconstruction", "kl"], inputs: ["eps"] },
  matched: { loss: ["match", "local"] },
};

/** Returns the options of a trace of a custom recipe: those of any recipe that the trace contains. */
function optionsIn(root: Field): typeof OPTIONS[string] {
  const [model, loss, step] = [root.get("model"), root.get("loss"), root.get("steps").list().at(0)];
  const all = Object.values(OPTIONS);
  const known = (field: Field | undefined, of: (options: typeof OPTIONS[string]) => readonly string[]) => [
    ...new Set(all.flatMap(of).filter((key) => field?.has(key))),
  ];
  return {
    model: known(model, ({ model = [] }) => model),
    loss: known(loss, ({ loss }) => loss),
    inputs: known(step, ({ inputs = [] }) => inputs),
  };
}

/**
 * Parses a trace.
 *
 * @param text content of the file
 * @param name name of the file, for errors
 * @param recipes names of the recipes that can be replayed
 * @throws InputError if a field is missing, has a wrong type or is unknown
 */
export function parseTrace(text: string, name: string, recipes: readonly string[]): Trace {
  const root = Field.parse(text, name);
  root.get("format").oneOf([FORMAT]);
  const recipe = root.get("recipe").oneOf(recipes);
  const known = Object.hasOwn(OPTIONS, recipe) ? OPTIONS[recipe] : optionsIn(root);
  const tensors = ["params", "firstGrads", "finalParams"];
  root.onlyHas(["format", "recipe", "model", "loss", "optimizer", "trainable", "steps", ...tensors]);

  const optimizer = root.get("optimizer");
  optimizer.onlyHas(["name", "lr", "beta1", "beta2", "eps", "weightDecay"]);
  optimizer.get("name").oneOf(["adam"]);
  const model = readModel(root.get("model"), known.model ?? []);
  const firstGrads = root.get("firstGrads").tensors();
  const steps = root.get("steps").list().map((step) => readStep(step, model, known.inputs ?? []));
  if (steps.length === 0) throw root.get("steps").error("expected at least one step");
  const noiseless = steps.findIndex(({ inputs }) => inputs.has("noise") !== steps[0].inputs.has("noise"));
  if (noiseless > 0) {
    throw root.get("steps").error(
      `expected "noise" in all steps or in none, found it ` +
        (steps[0].inputs.has("noise")
          ? `in step 0 but not in step ${noiseless}`
          : `in step ${noiseless} but not in step 0`),
    );
  }
  const params = root.get("params").tensors();
  const needed = model.sizes.slice(1).reduce((sum, size, k) => sum + size * model.sizes[k], 0);
  const there = params.values().reduce((sum, { data }) => sum + data.length, 0);
  if (needed > there) {
    throw root.get("model").get("sizes").error(`expected ${needed} parameters or more, found ${there}`);
  }
  return {
    name,
    recipe,
    model,
    loss: readLoss(root.get("loss"), known.loss),
    optimizer: {
      learningRate: optimizer.get("lr").number(),
      betas: [optimizer.get("beta1").number(), optimizer.get("beta2").number()],
      epsilon: optimizer.get("eps").number(),
      weightDecay: optimizer.get("weightDecay").number(),
    },
    trainable: root.has("trainable")
      ? root.get("trainable").list().map((item) => item.text())
      : [...firstGrads.keys()],
    params,
    steps,
    firstGrads,
    finalParams: root.get("finalParams").tensors(),
  };
}

function readModel(model: Field, more: readonly string[]): TraceModel {
  model.onlyHas(["sizes", "activation", "code", "output", "bias", ...more]);
  const sizes = model.get("sizes").list().map((size) => size.integer(1));
  if (sizes.length < 2) throw model.get("sizes").error("expected at least two widths");
  const activations = Object.keys(ACTIVATIONS) as Activation[];
  const activation = model.get("activation").oneOf(activations);
  let stage;
  if (model.has("stage") && !model.get("stage").isNull()) {
    stage = model.get("stage").integer(0);
    if (stage > sizes.length - 2) {
      throw model.get("stage").error(`expected at most ${sizes.length - 2}, found ${stage}`);
    }
  }
  if (model.has("tied") && !model.get("tied").boolean()) {
    throw model.get("tied").error("expected true; an untied model is another recipe");
  }
  let mean;
  if (more.includes("mean")) {
    mean = Float32Array.from(model.get("mean").list(), (item) => item.number());
    if (mean.length !== sizes[0]) {
      throw model.get("mean").error(`expected ${sizes[0]} numbers, found ${mean.length}`);
    }
  }
  return {
    sizes,
    activation,
    code: model.has("code") ? model.get("code").oneOf(activations) : activation,
    output: model.get("output").oneOf(activations),
    bias: model.get("bias").boolean(),
    stage,
    mean,
  };
}

function readLoss(loss: Field, more: readonly string[]): TraceLoss {
  loss.onlyHas(["reduction", ...more]);
  const sparsity = loss.has("sparsity") ? loss.get("sparsity") : undefined;
  sparsity?.onlyHas(["rho", "weight"]);
  if (loss.has("kl")) loss.get("kl").onlyHas(["weight"]);
  return {
    reconstruction: more.includes("reconstruction")
      ? loss.get("reconstruction").oneOf(["mse", "bce"])
      : undefined,
    reduction: loss.get("reduction").oneOf(["mean", "sum"]),
    kl: more.includes("kl") ? loss.get("kl").get("weight").number() : undefined,
    sparsity: sparsity && {
      rho: sparsity.get("rho").numberIn("in (0, 1)", (rho) => rho > 0 && rho < 1),
      weight: sparsity.get("weight").number(),
    },
    match: more.includes("match") ? loss.get("match").oneOf(["mse", "bce", "none"]) : undefined,
    local: loss.has("local") ? loss.get("local").boolean() : undefined,
  };
}

function readStep(step: Field, { sizes }: TraceModel, more: readonly string[]): TraceStep {
  step.onlyHas(["x", ...more, "loss", "parts"]);
  const widths: Record<string, number> = { x: sizes[0], noise: sizes[0], eps: sizes[sizes.length - 1] };
  const inputs = new Map<string, TraceTensor>();
  for (const input of ["x", ...more]) {
    if (input === "noise" && !step.has(input)) continue;
    const tensor = step.get(input).tensor();
    const rows = inputs.get("x")?.shape[0];
    const [found, width] = tensor.shape;
    if (tensor.shape.length !== 2 || found < 1 || found !== (rows ?? found) || width !== widths[input]) {
      throw step.get(input).error(
        `expected a shape [${rows ?? "rows"}, ${widths[input]}], found [${
          toOneLine(tensor.shape.join(", "))
        }]`,
      );
    }
    inputs.set(input, tensor);
  }
  return {
    inputs,
    rows: inputs.get("x")!.shape[0],
    loss: step.get("loss").number(),
    parts: step.has("parts") ? step.get("parts").numbers() : new Map(),
  };
}

/**
 * Reading traces: optimizer steps that another framework wrote down (the format is in ARCHITECTURE.md).
 * @module
 */
import { toOneLine } from "../errors.ts";
import { type Activation, ACTIVATIONS } from "../graph/tensor.ts";
import { Field, type TraceTensor } from "./trace_field.ts";

export type { TraceTensor } from "./trace_field.ts";

/** One step: its batch, and what the loss was before the update. */
export interface TraceStep {
  /** What the step is given, by name: `x` [rows, pixels], and where the recipe has them `noise` or `eps`. */
  readonly inputs: ReadonlyMap<string, TraceTensor>;
  /** Rows of the batch. */
  readonly rows: number;
  /** The total loss. */
  readonly loss: number;
  /** Each term's share of the total, by name. */
  readonly parts: ReadonlyMap<string, number>;
}

/** A recipe's layers as a trace tells them. */
export interface TraceModel {
  /** Widths from pixels to code; the decoder mirrors them. */
  readonly sizes: readonly number[];
  /** Of hidden layers. */
  readonly activation: Activation;
  /** Of the code. */
  readonly code: Activation;
  /** Of the last layer. */
  readonly output: Activation;
  /** Whether layers have one. */
  readonly bias: boolean;
  /** The stage of layer-wise training; undefined for training all at once. */
  readonly stage?: number | undefined;
  /** The mean image, which is subtracted from each input. */
  readonly mean?: Float32Array | undefined;
}

/** A recipe's loss as a trace tells it. */
export interface TraceLoss {
  /** Squared error (`mse`) or binary cross-entropy (`bce`) of the pixels, where the recipe does not match levels. */
  readonly reconstruction?: "mse" | "bce" | undefined;
  /** How terms are put together. */
  readonly reduction: "mean" | "sum";
  /** The weight of the Gaussian KL. */
  readonly kl?: number | undefined;
  /** ρ and the weight of the sparsity KL. */
  readonly sparsity?: { readonly rho: number; readonly weight: number } | undefined;
  /** How levels are matched. */
  readonly match?: "mse" | "bce" | "none" | undefined;
  /** Whether each level's gradient stops at that level. */
  readonly local?: boolean | undefined;
}

/** A trace. */
export interface Trace {
  /** Where it was read from. */
  readonly name: string;
  /** The recipe's name. */
  readonly recipe: string;
  /** Its layers. */
  readonly model: TraceModel;
  /** Its loss. */
  readonly loss: TraceLoss;
  /** Adam's figures; weight decay is PyTorch's L2. */
  readonly optimizer: {
    /** η */
    readonly learningRate: number;
    /** β1 and β2 */
    readonly betas: readonly [number, number];
    /** ε */
    readonly epsilon: number;
    /** λ */
    readonly weightDecay: number;
  };
  /** Names of the parameters that are trained. */
  readonly trainable: readonly string[];
  /** Initial parameters. */
  readonly params: ReadonlyMap<string, TraceTensor>;
  /** The steps. */
  readonly steps: readonly TraceStep[];
  /** Gradients of the first step. */
  readonly firstGrads: ReadonlyMap<string, TraceTensor>;
  /** Parameters after the last step. */
  readonly finalParams: ReadonlyMap<string, TraceTensor>;
}

const FORMAT = "autoencoder-trace/1";

/** What a recipe's traces may say beyond what all of them say; `noise` may be absent, but then from all steps. */
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

/** What a trace of a user's own recipe may say: whatever any trace may, as far as this one does. */
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
 * Reads a trace.
 *
 * @param text the file's text
 * @param name its name, for errors
 * @param recipes the recipes that can be replayed
 * @throws InputError for anything that is missing, of a wrong type, or not known
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
    throw model.get("tied").error("expected true: what is not tied is another recipe");
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

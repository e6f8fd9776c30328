/**
 * Reading traces: optimizer steps that another framework wrote down (the format is in ARCHITECTURE.md).
 * @module
 */
import { InputError } from "../errors.ts";
import { type Activation, ACTIVATIONS } from "../graph/tensor.ts";

/** A tensor of a trace. */
export interface TraceTensor {
  /** Its shape. */
  readonly shape: readonly number[];
  /** Its numbers, row-major. */
  readonly data: readonly number[];
}

/** One step: its batch, and what the loss was before the update. */
export interface TraceStep {
  /** [rows, pixels] */
  readonly x: TraceTensor;
  /** The total loss. */
  readonly loss: number;
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
}

/** A trace. */
export interface Trace {
  /** Where it was read from. */
  readonly name: string;
  /** The recipe's name. */
  readonly recipe: string;
  /** Its layers. */
  readonly model: TraceModel;
  /** How squared errors are put together. */
  readonly reduction: "mean" | "sum";
  /** Adam's figures; weight decay is PyTorch's L2. */
  readonly optimizer: {
    /** η */
    readonly learningRate: number;
    /** β1 */
    readonly beta1: number;
    /** β2 */
    readonly beta2: number;
    /** ε */
    readonly epsilon: number;
    /** λ */
    readonly weightDecay: number;
  };
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

/**
 * Reads a trace.
 *
 * @param text the file's text
 * @param name its name, for errors
 * @param recipes the recipes that can be replayed
 * @throws InputError for anything that is missing, of a wrong type, or not known
 */
export function parseTrace(text: string, name: string, recipes: readonly string[]): Trace {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`Cannot read trace ${name}: ${(error as Error).message}`);
  }
  const root = new Field(name, "", json);
  root.get("format").oneOf([FORMAT]);
  const recipe = root.get("recipe").oneOf(recipes);
  root.onlyHas([
    "format",
    "recipe",
    "model",
    "loss",
    "optimizer",
    "params",
    "steps",
    "firstGrads",
    "finalParams",
  ]);

  const model = root.get("model");
  model.onlyHas(["sizes", "activation", "code", "output", "bias"]);
  const sizes = model.get("sizes").list().map((size) => size.integer(1));
  if (sizes.length < 2) throw model.get("sizes").error("expected at least two widths");
  const activations = Object.keys(ACTIVATIONS) as Activation[];
  const activation = model.get("activation").oneOf(activations);

  const loss = root.get("loss");
  loss.onlyHas(["reconstruction", "reduction"]);
  loss.get("reconstruction").oneOf(["mse"]);

  const optimizer = root.get("optimizer");
  optimizer.onlyHas(["name", "lr", "beta1", "beta2", "eps", "weightDecay"]);
  optimizer.get("name").oneOf(["adam"]);

  const steps = root.get("steps").list().map((step) => {
    step.onlyHas(["x", "loss", "parts"]);
    const x = step.get("x").tensor();
    if (x.shape.length !== 2 || x.shape[0] < 1 || x.shape[1] !== sizes[0]) {
      throw step.get("x").error(`expected a shape [rows, ${sizes[0]}], found [${x.shape.join(", ")}]`);
    }
    return { x, loss: step.get("loss").number() };
  });
  if (steps.length === 0) throw root.get("steps").error("expected at least one step");
  return {
    name,
    recipe,
    model: {
      sizes,
      activation,
      code: model.has("code") ? model.get("code").oneOf(activations) : activation,
      output: model.get("output").oneOf(activations),
      bias: model.get("bias").boolean(),
    },
    reduction: loss.get("reduction").oneOf(["mean", "sum"]),
    optimizer: {
      learningRate: optimizer.get("lr").number(),
      beta1: optimizer.get("beta1").number(),
      beta2: optimizer.get("beta2").number(),
      epsilon: optimizer.get("eps").number(),
      weightDecay: optimizer.get("weightDecay").number(),
    },
    params: root.get("params").tensors(),
    steps,
    firstGrads: root.get("firstGrads").tensors(),
    finalParams: root.get("finalParams").tensors(),
  };
}

/** A place in the file, which knows its name when something is wrong with it. */
class Field {
  readonly #file: string;
  readonly #path: string;
  readonly #value: unknown;

  constructor(file: string, path: string, value: unknown) {
    this.#file = file;
    this.#path = path;
    this.#value = value;
  }

  error(what: string): InputError {
    return new InputError(`Cannot read trace ${this.#file}: ${this.#path || "the file"}: ${what}`);
  }

  #object(): Readonly<Record<string, unknown>> {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw this.error("expected an object");
    }
    return value as Record<string, unknown>;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#object(), key);
  }

  get(key: string): Field {
    if (!this.has(key)) throw this.error(`expected a field "${key}"`);
    return new Field(this.#file, this.#path ? `${this.#path}.${key}` : key, this.#object()[key]);
  }

  onlyHas(keys: readonly string[]): void {
    for (const key of Object.keys(this.#object())) {
      if (!keys.includes(key)) {
        throw this.error(`option "${key}" is not known to this replay (known: ${keys.join(", ")})`);
      }
    }
  }

  oneOf<T extends string>(known: readonly T[]): T {
    if (!known.includes(this.#value as T)) {
      throw this.error(`expected ${known.join(" or ")}, found ${JSON.stringify(this.#value)?.slice(0, 80)}`);
    }
    return this.#value as T;
  }

  list(): Field[] {
    if (!Array.isArray(this.#value)) throw this.error("expected a list");
    return this.#value.map((item, k) => new Field(this.#file, `${this.#path}[${k}]`, item));
  }

  number(): number {
    if (typeof this.#value !== "number" || !Number.isFinite(this.#value)) {
      throw this.error("expected a number");
    }
    return this.#value;
  }

  integer(least: number): number {
    const value = this.number();
    if (!Number.isInteger(value) || value < least) {
      throw this.error(`expected an integer of at least ${least}, found ${value}`);
    }
    return value;
  }

  boolean(): boolean {
    if (typeof this.#value !== "boolean") throw this.error("expected true or false");
    return this.#value;
  }

  tensor(): TraceTensor {
    this.onlyHas(["shape", "data"]);
    const shape = this.get("shape").list().map((size) => size.integer(0));
    const data = this.get("data").list().map((item) => item.number());
    const count = shape.reduce((product, size) => product * size, 1);
    if (data.length !== count) {
      throw this.error(`expected ${count} numbers for shape [${shape.join(", ")}], found ${data.length}`);
    }
    return { shape, data };
  }

  tensors(): Map<string, TraceTensor> {
    return new Map(Object.keys(this.#object()).map((key) => [key, this.get(key).tensor()]));
  }
}

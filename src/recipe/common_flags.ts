/**
 * The flags that every recipe has.
 * @module
 */
import { ACTIVATION_NAMES, type ActivationLike } from "../elementwise/activation_names.ts";
import { KERNEL_KINDS, type KernelPreference } from "../gpu/product_kernel.ts";
import { MISSING_CHOICES } from "../data/missing_values.ts";
import { SCALES } from "../data/scaling.ts";
import { SCHEDULE_NAMES } from "../optim/schedule.ts";
import { checkpointEveryFlag } from "./checkpoint_every.ts";
import {
  choice,
  type Flag,
  flag,
  type FlagSet,
  integer,
  number,
  optional,
  optionalInteger,
  optionalNumber,
  optionalText,
  optionalTexts,
  pair,
  toggle,
} from "./flag_kinds.ts";

/** Name of a shipped or downloadable data set. */
export type DatasetName = "fashion-mnist-mini" | "mnist" | "fashion-mnist";

/** Defaults that differ between recipes. */
export interface CommonDefaults {
  /** Number of training epochs. */
  readonly epochs: number;
  /** Images per step. */
  readonly batchSize: number;
  /** Learning rate of the optimizer. */
  readonly learningRate: number;
  /** Data set; `fashion-mnist-mini` if absent. */
  readonly dataset?: DatasetName;
  /** Steps between progress reports; 100 if absent. */
  readonly logEvery?: number;
}

/** The flags that every recipe has. */
export interface CommonFlags {
  /** Number of training epochs. */
  readonly epochs: Flag<number>;
  /** Images per step. */
  readonly batchSize: Flag<number>;
  /** Learning rate of the optimizer. */
  readonly learningRate: Flag<number>;
  /** Random seed for weights, shuffling and noise. */
  readonly seed: Flag<number>;
  /** Data set to train on. */
  readonly dataset: Flag<DatasetName>;
  /** Folder of the data set's files. */
  readonly dataDir: Flag<string | undefined>;
  /** Path of the user's own data file, used instead of a data set. */
  readonly data: Flag<string | undefined>;
  /** CSV column with the class labels: its name, or its number from 1. */
  readonly label: Flag<string | undefined>;
  /** Path of a file with the class labels. */
  readonly labels: Flag<string | undefined>;
  /** Path of a file of test rows. */
  readonly testData: Flag<string | undefined>;
  /** Path of a file with the test rows' class labels. */
  readonly testLabels: Flag<string | undefined>;
  /** CSV columns to leave out. */
  readonly ignore: Flag<readonly string[] | undefined>;
  /** True if a CSV file has a header; found by its contents if undefined. */
  readonly header: Flag<boolean | undefined>;
  /** Treatment of missing values. */
  readonly missing: Flag<typeof MISSING_CHOICES[number] | undefined>;
  /** Scaling of the user's own data. */
  readonly scale: Flag<typeof SCALES[number] | "auto" | undefined>;
  /** Height and width of the images that rows are, or `none` for a table. */
  readonly image: Flag<string | undefined>;
  /** Activation of the output, in place of the recipe's. */
  readonly output: Flag<"identity" | undefined>;
  /** Names of the classes that are not learned from. */
  readonly holdOutClass: Flag<readonly string[] | undefined>;
  /** Fraction of the user's own rows held out for testing. */
  readonly testFraction: Flag<number>;
  /** Number of training images to use. */
  readonly limit: Flag<number | undefined>;
  /** Kernels of matrix products. */
  readonly kernels: Flag<KernelsChoice>;
  /** Sanity check: overfits the first batch. */
  readonly overfitBatch: Flag<boolean>;
  /** Path of the run folder. */
  readonly out: Flag<string | undefined>;
  /** Path of the run folder to resume. */
  readonly resume: Flag<string | undefined>;
  /** Path of the run or safetensors file whose weights training starts from. */
  readonly from: Flag<string | undefined>;
  /** Interval between checkpoints, in steps or epochs. */
  readonly checkpointEvery: Flag<string | undefined>;
  /** Number of checkpoints to keep. */
  readonly keep: Flag<number | undefined>;
  /** Epochs without improvement before early stopping. */
  readonly patience: Flag<number | undefined>;
  /** Smallest decrease of the test error that counts as an improvement. */
  readonly minDelta: Flag<number | undefined>;
  /** Reaction to NaN and infinities. */
  readonly onNan: Flag<"stop" | "rollback">;
  /** Reaction to a lost GPU. */
  readonly onDeviceLoss: Flag<"stop" | "resume">;
  /** Steps between progress reports. */
  readonly logEvery: Flag<number>;
  /** Serves a dashboard while training. */
  readonly live: Flag<boolean>;
  /** Port of the dashboard. */
  readonly port: Flag<number>;
  /** Steps between pictures on the dashboard. */
  readonly pictureEvery: Flag<number>;
  /** Number of epochs whose pictures are kept. */
  readonly keepPictures: Flag<number | undefined>;
  /** Prints errors only. */
  readonly quiet: Flag<boolean>;
  /** Builds everything and exits before training. */
  readonly dryRun: Flag<boolean>;
  /** Prints the compiled plan and exits. */
  readonly printPlan: Flag<boolean>;
  /** Prints the time of each dispatch and exits. */
  readonly profile: Flag<boolean>;
}

/**
 * Declares the flags that every recipe has, with the recipe's own defaults. Spread them into the recipe's `flags`.
 *
 * @param defaults values that differ between recipes
 */
export function commonFlags(defaults: CommonDefaults): CommonFlags {
  return {
    ...grouped("Common flags", {
      epochs: integer(defaults.epochs, "number of training epochs", { min: 1 }),
      batchSize: integer(defaults.batchSize, "mini-batch size, in images", { min: 1 }),
      learningRate: number(defaults.learningRate, "learning rate of the optimizer", { above: 0 }),
      seed: integer(0, "random seed for weights, shuffling and noise", { min: 0, max: 4294967295 }),
      dataset: choice(
        ["fashion-mnist-mini", "mnist", "fashion-mnist"],
        defaults.dataset ?? "fashion-mnist-mini",
        "data set to train on",
      ),
      data: optionalText("your own data: CSV, NPY, NPZ, IDX, Parquet, PNG folder, …", "the data set"),
      limit: optionalInteger("use only the first N training images", { min: 1, absent: "all" }),
      out: optionalText("run folder to create; must be new or empty", "runs/RECIPE-DATE-TIME-SEED"),
      resume: {
        ...optionalText("resume the run in this folder from its last checkpoint, with the run's own flags"),
        placeholder: "RUN",
      },
      from: {
        ...optionalText("start from the weights of this run or safetensors file", "random weights"),
        placeholder: "RUN|FILE",
      },
      live: flag("serve a dashboard on 127.0.0.1 while training: curves, pictures, pause and stop"),
    }, { isRare: false }),
    ...grouped("Data", {
      dataDir: optionalText("folder with the data set's IDX files", "the standard locations"),
      label: {
        ...optionalText("CSV column with the class labels: its name, or its number from 1"),
        placeholder: "column",
      },
      labels: optionalText("file with a class label for each row: NPY, IDX or a text line each"),
      testData: optionalText("file with the test rows of your own data", "rows held out"),
      testLabels: optionalText("file with a class label for each row of --test-data"),
      ignore: optionalTexts("CSV columns to leave out: names or numbers, separated by commas", "columns"),
      header: {
        ...optional(
          toggle(true, "the first line of a CSV file has the columns' names"),
          "found by its contents",
        ),
      },
      missing: optional(
        choice(MISSING_CHOICES, "error", "missing values: drop the rows, or use the training rows' mean"),
        "error",
      ),
      scale: optional(
        choice(["auto", ...SCALES], "auto", "scaling of your own data; standard needs --output identity"),
        "auto",
      ),
      image: {
        ...optionalText(
          "rows are images of HEIGHTxWIDTH, scaled as a whole; none: a table",
          "found by the data",
        ),
        placeholder: "HxW",
        expected: "two sizes, such as 28x28, or none",
        parse: parseImage,
        accepts: (value) => typeof value === "string" && parseImage(value) !== undefined,
      },
      output: optional(
        choice(["identity"], "identity", "activation of the output; identity has no bounds"),
        "the recipe's",
      ),
      holdOutClass: optionalTexts("classes not to learn from, by name; test images keep them", "classes"),
      testFraction: number(0.2, "fraction of your own file's rows held out for testing, drawn by the seed", {
        above: 0,
        below: 1,
      }),
    }),
    ...grouped("Stopping and resuming", {
      checkpointEvery: checkpointEveryFlag(),
      keep: optionalInteger("number of most recent checkpoints to keep", { min: 1, absent: "2" }),
      patience: optionalInteger("early stopping: epochs without a lower test error before training stops", {
        min: 1,
        absent: "no early stopping",
      }),
      minDelta: optionalNumber("early stopping: smallest decrease of the test error that counts", {
        min: 0,
        absent: "0",
      }),
      onNan: choice(
        ["stop", "rollback"],
        "stop",
        "on NaN or infinity: stop, or restore the last checkpoint and halve the learning rate",
      ),
      onDeviceLoss: choice(
        ["stop", "resume"],
        "stop",
        "on a lost GPU: stop, or resume from the last checkpoint, three times at most",
      ),
    }),
    ...grouped("Progress", {
      logEvery: integer(defaults.logEvery ?? 100, "steps between progress reports", {
        min: 1,
        max: 1000,
      }),
      pictureEvery: integer(100, "steps between pictures on the dashboard", { min: 1, max: 1000 }),
      keepPictures: optionalInteger("number of epochs whose pictures to keep, spread over the run", {
        min: 1,
        absent: "all",
      }),
      port: integer(0, "port of the dashboard; 0 picks a free port", { min: 0, max: 65535 }),
      quiet: flag("print only errors and, with --live, the dashboard's address"),
    }),
    ...grouped("Kernels and plans", {
      kernels: kernelsFlag(),
      overfitBatch: flag("sanity check: train on the first batch only, and report whether it overfits"),
      dryRun: flag("build everything, print what would be trained, and exit"),
      printPlan: flag("print every GPU dispatch of a training step, and exit"),
      profile: flag("time every GPU dispatch of a training step, and exit"),
    }),
  };
}

/** Returns the value of `--image` if it is valid: `none`, or two sizes. */
function parseImage(text: string): string | undefined {
  return text === "none" || /^[1-9]\d{0,5}[x×][1-9]\d{0,5}$/.test(text) ? text : undefined;
}

/** Puts flags under a heading of the help; rare flags are printed only by `--help all`. */
function grouped<F extends FlagSet>(group: string, flags: F, { isRare = true } = {}): F {
  const entries = Object.entries(flags).map(([key, flag]) => [key, { ...flag, group, isRare }]);
  return Object.fromEntries(entries) as F;
}

/** Value of `--kernels`. */
export type KernelsChoice = KernelPreference["kind"];

/** Declares `--kernels`, the kernels of matrix products. */
export function kernelsFlag(): Flag<KernelsChoice> {
  return choice(
    ["auto", ...KERNEL_KINDS],
    "auto",
    "matrix-product kernels; auto: fused for small layers, else tuned, else the adapter's defaults",
  );
}

/** Flags of the learning-rate schedule and of gradient clipping. */
export interface ScheduleFlags {
  /** Learning-rate schedule. */
  readonly schedule: Flag<typeof SCHEDULE_NAMES[number]>;
  /** Steps of linear warm-up. */
  readonly warmup: Flag<number>;
  /** Maximum global norm of the gradients. */
  readonly clipNorm: Flag<number | undefined>;
}

/** Declares the flags of the learning-rate schedule and of gradient clipping; all are off by default. */
export function scheduleFlags(): ScheduleFlags {
  return grouped(OPTIMIZER, {
    schedule: choice(SCHEDULE_NAMES, "constant", "learning-rate schedule; cosine decays to 0"),
    warmup: integer(0, "steps of linear learning-rate warm-up", { min: 0 }),
    clipNorm: optionalNumber("clip the global norm of the gradients to this value", {
      above: 0,
      max: 1e30,
      absent: "no clipping",
    }),
  });
}

/** Heading of the optimizer's flags in the help. */
const OPTIMIZER = "Optimizer";

/** Flags of Adam other than the learning rate, named like `adam()`'s options. */
export interface AdamFlags {
  /** Decay rates β1 and β2 of the moments, each in [0, 1). */
  readonly betas: Flag<readonly [number, number]>;
  /** Term ε in the denominator. */
  readonly epsilon: Flag<number>;
  /** Weight decay λ. */
  readonly weightDecay: Flag<number>;
  /** Type of weight decay. */
  readonly decay: Flag<"l2" | "decoupled">;
}

/**
 * Declares the flags of Adam, for recipes whose optimizer is `adam`.
 *
 * ```ts
 * import { adamFlags } from "@bottleneck/bottleneck";
 *
 * const flags = { ...adamFlags({ epsilon: 1e-7 }) }; // --betas, --epsilon, --weight-decay, --decay
 * ```
 *
 * @param defaults the recipe's own values; PyTorch's if absent
 */
export function adamFlags({ epsilon = 1e-8 }: { readonly epsilon?: number } = {}): AdamFlags {
  return grouped(OPTIMIZER, {
    betas: pair([0.9, 0.999], "Adam's β1 and β2, the decay rates of the moments", { min: 0, below: 1 }),
    epsilon: number(epsilon, "Adam's ε, added to the denominator", { min: 1e-37, max: 1 }),
    weightDecay: number(0, "weight decay λ, for weights and biases", { min: 0, max: 1e6 }),
    decay: choice(
      ["l2", "decoupled"],
      "l2",
      "type of weight decay: l2 as in torch.optim.Adam, decoupled as in AdamW",
    ),
  });
}

/**
 * Declares `--activation`, the name of a shipped activation or of the recipe's own.
 *
 * ```ts
 * import { activationFlag } from "@bottleneck/bottleneck";
 *
 * const flags = { activation: activationFlag("tanh", "hidden layers") }; // --activation gelu
 * ```
 *
 * @param defaultValue a name, or a value of `activationOf`, which the flag then accepts by its name
 * @param whose layers that use it, for the help, such as `hidden layers`
 */
export function activationFlag(defaultValue: ActivationLike, whose: string): Flag<ActivationLike> {
  const nameOf = (activation: ActivationLike) =>
    typeof activation === "string" ? activation : activation.name;
  const names = [...new Set([...ACTIVATION_NAMES, nameOf(defaultValue)])];
  const parse = (text: string) =>
    text === nameOf(defaultValue) ? defaultValue : ACTIVATION_NAMES.find((name) => name === text);
  return {
    ...choice(names, nameOf(defaultValue), `activation of ${whose}`),
    defaultValue,
    parse,
    accepts: (value) => typeof value === "string" && parse(value) !== undefined,
    restore: (value) => parse(value as string)!,
  };
}

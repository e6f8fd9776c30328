/**
 * The flags that every recipe has.
 * @module
 */
import { ACTIVATION_NAMES, type ActivationLike } from "../elementwise/activation_names.ts";
import { KERNEL_KINDS, type KernelPreference } from "../gpu/product_kernel.ts";
import { SCHEDULE_NAMES } from "../optim/schedule.ts";
import { checkpointEveryFlag } from "./checkpoint_every.ts";
import {
  choice,
  type Flag,
  flag,
  type FlagSet,
  integer,
  number,
  optionalInteger,
  optionalNumber,
  optionalText,
  pair,
} from "./flag_kinds.ts";

/** A data set that every recipe can be pointed at. */
export type DatasetName = "fashion-mnist-mini" | "mnist" | "fashion-mnist";

/** The defaults in which recipes differ. */
export interface CommonDefaults {
  /** Passes over the training set. */
  readonly epochs: number;
  /** Images per step. */
  readonly batchSize: number;
  /** Adam's step size. */
  readonly learningRate: number;
  /** The data set; `fashion-mnist-mini` if not given. */
  readonly dataset?: DatasetName;
  /** Steps between two progress reports; 100 if not given. */
  readonly logEvery?: number;
}

/** The flags that every recipe has. */
export interface CommonFlags {
  /** Passes over the training set. */
  readonly epochs: Flag<number>;
  /** Images per step. */
  readonly batchSize: Flag<number>;
  /** The optimizer's step size. */
  readonly learningRate: Flag<number>;
  /** Seed of everything random. */
  readonly seed: Flag<number>;
  /** Which data set to train on. */
  readonly dataset: Flag<DatasetName>;
  /** Where the data set's files lie. */
  readonly dataDir: Flag<string | undefined>;
  /** A file of the user's own to train on, instead of a data set. */
  readonly data: Flag<string | undefined>;
  /** The column of its classes. */
  readonly label: Flag<string | undefined>;
  /** The share of it that is held out. */
  readonly testFraction: Flag<number>;
  /** How many training images to use. */
  readonly limit: Flag<number | undefined>;
  /** Which kernels compute matrix products. */
  readonly kernels: Flag<KernelsChoice>;
  /** Whether to train on the first batch only. */
  readonly overfitBatch: Flag<boolean>;
  /** The run folder. */
  readonly out: Flag<string | undefined>;
  /** The run to go on with. */
  readonly resume: Flag<string | undefined>;
  /** How often a checkpoint is saved. */
  readonly checkpointEvery: Flag<string | undefined>;
  /** How many checkpoints are kept. */
  readonly keep: Flag<number | undefined>;
  /** Epochs without improvement after which training stops. */
  readonly patience: Flag<number | undefined>;
  /** What counts as an improvement. */
  readonly minDelta: Flag<number | undefined>;
  /** What to do about NaN and infinities. */
  readonly onNan: Flag<"stop" | "rollback">;
  /** Steps between two progress reports. */
  readonly logEvery: Flag<number>;
  /** Whether to serve a dashboard while training. */
  readonly live: Flag<boolean>;
  /** The dashboard's port. */
  readonly port: Flag<number>;
  /** Steps between two of the dashboard's pictures. */
  readonly pictureEvery: Flag<number>;
  /** Whether to say nothing. */
  readonly quiet: Flag<boolean>;
  /** Whether to stop before training. */
  readonly dryRun: Flag<boolean>;
  /** Whether to print the compiled plan. */
  readonly printPlan: Flag<boolean>;
  /** Whether to print what each dispatch costs. */
  readonly profile: Flag<boolean>;
}

/**
 * The flags that every recipe has, with the recipe's own defaults. Spread them into the recipe's declaration.
 *
 * @param defaults the values in which recipes differ
 */
export function commonFlags(defaults: CommonDefaults): CommonFlags {
  return {
    ...grouped("Common flags", {
      epochs: integer(defaults.epochs, "passes over the training set", { min: 1 }),
      batchSize: integer(defaults.batchSize, "images per step", { min: 1 }),
      learningRate: number(defaults.learningRate, "step size of the optimizer", { above: 0 }),
      seed: integer(0, "seed of weights, shuffles and noise", { min: 0, max: 4294967295 }),
      dataset: choice(
        ["fashion-mnist-mini", "mnist", "fashion-mnist"],
        defaults.dataset ?? "fashion-mnist-mini",
        "data set to train on",
      ),
      data: optionalText("file of your own to train on: IDX, NPY, or CSV with a header", "the data set"),
      limit: optionalInteger("use only the first images of the training set", { min: 1, absent: "all" }),
      out: optionalText("folder to write the run to; must be new or empty", "runs/RECIPE-DATE-TIME-SEED"),
      resume: {
        ...optionalText("run folder to go on with from its last checkpoint; the run's own flags are used"),
        placeholder: "RUN",
      },
      live: flag("serve a dashboard on 127.0.0.1 while training: curves, pictures, pause and stop"),
    }, { isRare: false }),
    ...grouped("Data", {
      dataDir: optionalText(
        "folder that holds the data set's IDX files",
        "where the data set is usually kept",
      ),
      label: {
        ...optionalText("column of a CSV file that holds the classes, whole numbers or words"),
        placeholder: "column",
      },
      testFraction: number(0.2, "share of your own file's rows to test on, drawn by the seed", {
        above: 0,
        below: 1,
      }),
    }),
    ...grouped("Stopping and resuming", {
      checkpointEvery: checkpointEveryFlag(),
      keep: optionalInteger("checkpoints that are kept, the newest", { min: 1, absent: "1" }),
      patience: optionalInteger("stop once so many epochs have not improved the error on test images", {
        min: 1,
        absent: "never",
      }),
      minDelta: optionalNumber("with --patience, the least fall of that error that improves it", {
        min: 0,
        absent: "0",
      }),
      onNan: choice(
        ["stop", "rollback"],
        "stop",
        "on NaN or infinity: stop, or go back to the last checkpoint with half the learning rate",
      ),
    }),
    ...grouped("Progress", {
      logEvery: integer(defaults.logEvery ?? 100, "steps between two progress reports", {
        min: 1,
        max: 1000,
      }),
      pictureEvery: integer(100, "steps between two pictures on the dashboard", { min: 1, max: 1000 }),
      port: integer(0, "port of the dashboard; 0 is any free one", { min: 0, max: 65535 }),
      quiet: flag("say nothing but errors and, with --live, the dashboard's address"),
    }),
    ...grouped("Kernels and plans", {
      kernels: kernelsFlag(),
      overfitBatch: flag("train on the first batch only, and say whether it was learned by heart"),
      dryRun: flag("build everything, say what would be trained, and stop"),
      printPlan: flag("print every GPU dispatch of one step, and stop"),
      profile: flag("time every GPU dispatch of one step, print what each costs, and stop"),
    }),
  };
}

/** The same flags under a heading of the help, which only `--help all` prints if they are rare. */
function grouped<F extends FlagSet>(group: string, flags: F, { isRare = true } = {}): F {
  const entries = Object.entries(flags).map(([key, flag]) => [key, { ...flag, group, isRare }]);
  return Object.fromEntries(entries) as F;
}

/** What `--kernels` may say. */
export type KernelsChoice = KernelPreference["kind"];

/** The flag that says which kernels compute products. */
export function kernelsFlag(): Flag<KernelsChoice> {
  return choice(
    ["auto", ...KERNEL_KINDS],
    "auto",
    "kernels of matrix products; auto: what deno task tune found, else what suits the adapter",
  );
}

/** The flags of how steps are taken, for recipes that offer it. */
export interface ScheduleFlags {
  /** How the learning rate changes. */
  readonly schedule: Flag<typeof SCHEDULE_NAMES[number]>;
  /** Steps over which it rises first. */
  readonly warmup: Flag<number>;
  /** The norm that gradients are clipped to. */
  readonly clipNorm: Flag<number | undefined>;
}

/** The flags of how steps are taken: none of them changes anything unless it is given. */
export function scheduleFlags(): ScheduleFlags {
  return grouped(OPTIMIZER, {
    schedule: choice(SCHEDULE_NAMES, "constant", "how the learning rate changes; cosine falls to 0"),
    warmup: integer(0, "steps over which the learning rate rises from 0 first", { min: 0 }),
    clipNorm: optionalNumber("largest norm of all gradients together", {
      above: 0,
      max: 1e30,
      absent: "any",
    }),
  });
}

/** The heading of what changes how steps are taken. */
const OPTIMIZER = "Optimizer";

/** The flags of Adam beside its step size, named and meant as `adam()`'s options. */
export interface AdamFlags {
  /** β1 and β2. */
  readonly betas: Flag<readonly [number, number]>;
  /** ε. */
  readonly epsilon: Flag<number>;
  /** λ. */
  readonly weightDecay: Flag<number>;
  /** How λ acts. */
  readonly decay: Flag<"l2" | "decoupled">;
}

/**
 * The flags of Adam, for recipes whose optimizer is `adam`.
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
    betas: pair([0.9, 0.999], "Adam's β1 and β2: how slowly the means of gradients and of squares change", {
      min: 0,
      below: 1,
    }),
    epsilon: number(epsilon, "Adam's ε, added to the root of the mean square", { min: 1e-37, max: 1 }),
    weightDecay: number(0, "weight decay λ, of weights and biases alike", { min: 0, max: 1e6 }),
    decay: choice(
      ["l2", "decoupled"],
      "l2",
      "l2 adds λ·p to the gradient (torch.optim.Adam), decoupled shrinks p itself (AdamW)",
    ),
  });
}

/**
 * The flag `--activation`: the name of a shipped one, or of the recipe's own.
 *
 * ```ts
 * import { activationFlag } from "@bottleneck/bottleneck";
 *
 * const flags = { activation: activationFlag("tanh", "hidden layers") }; // --activation gelu
 * ```
 *
 * @param defaultValue a name, or what `activationOf` made: then the flag knows that by its name too
 * @param whose the layers that it is for, such as `hidden layers`
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

/**
 * Command-line flags that follow from one typed object. A recipe declares its configuration once; the flags,
 * their help, their checks and the type of the result all come from that declaration.
 *
 * ```ts
 * import { integer, number, readFlags } from "./flags.ts";
 *
 * const flags = {
 *   batchSize: integer(64, "images per step", { min: 1 }),
 *   learningRate: number(5e-3, "Adam's step size", { above: 0 }),
 * };
 * const outcome = readFlags({ name: "deep", description: "An example." }, flags, ["--batch-size", "32"]);
 * if (outcome.kind === "config") console.log(outcome.config.batchSize + 1); // 33
 * ```
 *
 * Parsing is done by commander. It needs no permission: commander asks the environment about colours only
 * when nobody tells it whether there are colours, and here somebody does.
 * @module
 */

import { Argument, Command, CommanderError, Option } from "commander";
import { InputError } from "../errors.ts";

/** One declared flag or positional argument, and how its text becomes a value. */
export interface Flag<T> {
  /** Whether it is `--name VALUE`, `--name` alone, one positional argument, or all remaining ones. */
  readonly kind: "value" | "switch" | "positional" | "positionals";
  /** What stands for the value in the help, such as `integer` or `FILE`. */
  readonly placeholder: string;
  /** What it means, with its unit. */
  readonly help: string;
  /** What is acceptable, as it reads after "expected", such as "an integer, at least 1". */
  readonly expected: string;
  /** The allowed range as the help shows it; empty if there is none to show. */
  readonly range: string;
  /** The value when the flag is absent. */
  readonly defaultValue: T;
  /** The default as the help shows it. */
  readonly defaultText: string;
  /** How many must be given; for positional arguments only. */
  readonly least: number;
  /** The value of a text, or undefined if the text is not acceptable. */
  readonly parse: (text: string) => T | undefined;
  /** Whether a value that was stored earlier is acceptable. */
  readonly accepts: (value: unknown) => boolean;
}

/** A declaration of flags: each camelCase key becomes one `--kebab-case` flag. */
export type FlagSet = Readonly<Record<string, Flag<unknown>>>;

/** The values that a declaration of flags leads to. */
export type Config<F extends FlagSet> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

/** Bounds of a number. All are optional. */
export interface Range {
  /** The least allowed value. */
  readonly min?: number;
  /** The greatest allowed value. */
  readonly max?: number;
  /** A bound that the value must exceed. */
  readonly above?: number;
  /** A bound that the value must stay under. */
  readonly below?: number;
}

/** Bounds of a number that need not be given. */
export interface OptionalRange extends Range {
  /** What absence means, as the help shows it, such as "all". Without it the help says "none". */
  readonly absent?: string;
}

/** What a command is called and what it does, for its help. */
export interface CommandInfo {
  /** The command's name, such as `deep`. */
  readonly name: string;
  /** What it does, in a sentence or two. */
  readonly description: string;
  /** How it is called, such as `deno task train [flags]`. Without it, the name and `[flags]`. */
  readonly usage?: string;
}

/** What a command line turned out to be: values, a request for help, or a mistake. */
export type FlagOutcome<F extends FlagSet> =
  | { readonly kind: "config"; readonly config: Config<F> }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "error"; readonly message: string };

/** Exit code of a command whose flags are wrong. */
export const USAGE_EXIT_CODE = 2;

const INTEGER_PATTERN = /^[+-]?\d+(e\+?\d+)?$/i;
const NUMBER_PATTERN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function rangeText({ min, max, above, below }: Range): string {
  if (min !== undefined && max !== undefined) return `from ${min} to ${max}`;
  const parts = [
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(above === undefined ? [] : [`above ${above}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
    ...(below === undefined ? [] : [`below ${below}`]),
  ];
  return parts.join(" and ");
}

function isInside(value: number, { min, max, above, below }: Range): boolean {
  return (min === undefined || value >= min) && (max === undefined || value <= max) &&
    (above === undefined || value > above) && (below === undefined || value < below);
}

interface Numeric {
  readonly expected: string;
  readonly range: string;
  readonly parse: (text: string) => number | undefined;
  readonly accepts: (value: unknown) => value is number;
}

function numeric(range: Range, whole: boolean): Numeric {
  const accepts = (value: unknown): value is number =>
    typeof value === "number" && (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    isInside(value, range);
  const bounds = rangeText(range);
  return {
    expected: (whole ? "an integer" : "a number") + (bounds === "" ? "" : `, ${bounds}`),
    range: bounds,
    accepts,
    parse: (text) => {
      if (!(whole ? INTEGER_PATTERN : NUMBER_PATTERN).test(text)) return undefined;
      const value = Number(text) + 0; // + 0 turns -0 into 0
      return accepts(value) ? value : undefined;
    },
  };
}

function requiredNumber(defaultValue: number, help: string, range: Range, whole: boolean): Flag<number> {
  const rules = numeric(range, whole);
  if (!rules.accepts(defaultValue)) {
    throw new RangeError(`Cannot declare flag "${help}": default ${defaultValue} is not ${rules.expected}`);
  }
  const placeholder = whole ? "integer" : "number";
  return {
    ...rules,
    kind: "value",
    placeholder,
    help,
    defaultValue,
    defaultText: `${defaultValue}`,
    least: 0,
  };
}

/**
 * A whole number. Texts such as `12` and `1e3` are whole numbers, `1.0`, `0x10` and the empty text are not.
 *
 * @param defaultValue the value when the flag is absent
 * @param help what it means, with its unit
 * @param range what is allowed
 * @throws RangeError if the default is outside the range
 */
export function integer(defaultValue: number, help: string, range: Range = {}): Flag<number> {
  return requiredNumber(defaultValue, help, range, true);
}

/**
 * A finite decimal number, such as `0.5` or `5e-3`.
 *
 * @param defaultValue the value when the flag is absent
 * @param help what it means, with its unit
 * @param range what is allowed
 * @throws RangeError if the default is outside the range
 */
export function number(defaultValue: number, help: string, range: Range = {}): Flag<number> {
  return requiredNumber(defaultValue, help, range, false);
}

function optionalNumeric(help: string, range: OptionalRange, whole: boolean): Flag<number | undefined> {
  return {
    ...numeric(range, whole),
    kind: "value",
    placeholder: whole ? "integer" : "number",
    help,
    defaultValue: undefined,
    defaultText: range.absent ?? "none",
    least: 0,
  };
}

/**
 * A whole number that may be left out, such as a limit.
 *
 * @param help what it means, with its unit
 * @param range what is allowed, and what absence means
 */
export function optionalInteger(help: string, range: OptionalRange = {}): Flag<number | undefined> {
  return optionalNumeric(help, range, true);
}

/**
 * A finite decimal number that may be left out.
 *
 * @param help what it means, with its unit
 * @param range what is allowed, and what absence means
 */
export function optionalNumber(help: string, range: OptionalRange = {}): Flag<number | undefined> {
  return optionalNumeric(help, range, false);
}

/**
 * One of several words.
 *
 * @param choices the words that are allowed
 * @param defaultValue the word when the flag is absent
 * @param help what it means
 */
export function choice<const T extends string>(
  choices: readonly T[],
  defaultValue: NoInfer<T>,
  help: string,
): Flag<T> {
  const list = choices.join(", ");
  return {
    kind: "value",
    placeholder: "name",
    help,
    expected: `one of ${list}`,
    range: list,
    defaultValue,
    defaultText: defaultValue,
    least: 0,
    parse: (text) => choices.find((word) => word === text),
    accepts: (value) => choices.some((word) => word === value),
  };
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

// A forgotten value, as in "--out --dry-run", would otherwise become the text "--dry-run".
const parseText = (text: string): string | undefined =>
  text === "" || text.startsWith("--") ? undefined : text;

/**
 * A text, such as a name.
 *
 * @param defaultValue the text when the flag is absent
 * @param help what it means
 */
export function text(defaultValue: string, help: string): Flag<string> {
  return {
    kind: "value",
    placeholder: "text",
    help,
    expected: 'a text that is not empty and does not begin with "--"',
    range: "",
    defaultValue,
    defaultText: defaultValue,
    least: 0,
    parse: parseText,
    accepts: isText,
  };
}

/**
 * A text that may be left out, such as a path.
 *
 * @param help what it means
 * @param absent what absence means, as the help shows it
 */
export function optionalText(help: string, absent: string = "none"): Flag<string | undefined> {
  return { ...text("", help), placeholder: "path", defaultValue: undefined, defaultText: absent };
}

/**
 * A switch: false when absent, true when given. It takes no value.
 *
 * @param help what it does
 */
export function flag(help: string): Flag<boolean> {
  return {
    kind: "switch",
    placeholder: "",
    help,
    expected: "true or false",
    range: "",
    defaultValue: false,
    defaultText: "",
    least: 0,
    parse: () => undefined,
    accepts: (value) => typeof value === "boolean",
  };
}

/**
 * One required positional argument.
 *
 * @param placeholder what stands for it in the help, such as `RUN`
 * @param help what it means
 */
export function positional(placeholder: string, help: string): Flag<string> {
  return {
    kind: "positional",
    placeholder,
    help,
    expected: "a text that is not empty",
    range: "",
    defaultValue: "",
    defaultText: "",
    least: 1,
    parse: (argument) => argument === "" ? undefined : argument,
    accepts: isText,
  };
}

/**
 * All positional arguments that remain. It must be the last positional argument that is declared.
 *
 * @param placeholder what stands for each in the help, such as `FILE`
 * @param help what they mean
 * @param least how many there must be: 0 or 1
 */
export function positionals(placeholder: string, help: string, least: 0 | 1 = 1): Flag<readonly string[]> {
  return {
    kind: "positionals",
    placeholder,
    help,
    expected: "texts that are not empty",
    range: "",
    defaultValue: [],
    defaultText: "",
    least,
    parse: (argument) => argument === "" ? undefined : [argument],
    accepts: (value) => Array.isArray(value) && value.every(isText),
  };
}

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
  /** How many training images to use. */
  readonly limit: Flag<number | undefined>;
  /** The run folder. */
  readonly out: Flag<string | undefined>;
  /** Steps between two progress reports. */
  readonly logEvery: Flag<number>;
  /** Whether to stop before training. */
  readonly dryRun: Flag<boolean>;
  /** Whether to print the compiled plan. */
  readonly printPlan: Flag<boolean>;
}

/**
 * The flags that every recipe has, with the recipe's own defaults. Spread them into the recipe's declaration.
 *
 * @param defaults the values in which recipes differ
 */
export function commonFlags(defaults: CommonDefaults): CommonFlags {
  return {
    epochs: integer(defaults.epochs, "passes over the training set", { min: 1 }),
    batchSize: integer(defaults.batchSize, "images per step", { min: 1 }),
    learningRate: number(defaults.learningRate, "step size of the optimizer", { above: 0 }),
    seed: integer(0, "seed of weights, shuffles and noise", { min: 0, max: 4294967295 }),
    dataset: choice(
      ["fashion-mnist-mini", "mnist", "fashion-mnist"],
      defaults.dataset ?? "fashion-mnist-mini",
      "data set to train on",
    ),
    dataDir: optionalText("folder that holds the data set's IDX files", "where the data set is usually kept"),
    limit: optionalInteger("use only the first images of the training set", { min: 1, absent: "all" }),
    out: optionalText("folder to write the run to; must be new or empty", "runs/RECIPE-DATE-TIME-SEED"),
    logEvery: integer(defaults.logEvery ?? 100, "steps between two progress reports", { min: 1, max: 1000 }),
    dryRun: flag("build everything, say what would be trained, and stop"),
    printPlan: flag("print every GPU dispatch of one step, and stop"),
  };
}

/** `batchSize` → `--batch-size` */
function flagName(key: string): string {
  return "--" + key.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
}

function helpText(declared: Flag<unknown>): string {
  const notes = [
    ...(declared.range === "" ? [] : [declared.range]),
    ...(declared.defaultText === "" ? [] : [`default: ${declared.defaultText}`]),
  ];
  return notes.length === 0 ? declared.help : `${declared.help} (${notes.join("; ")})`;
}

function helpWidth(): number {
  try {
    return Deno.stdout.isTerminal() ? Deno.consoleSize().columns || 100 : 100; // some terminals say 0
  } catch {
    return 100;
  }
}

function usageOf(command: CommandInfo, flags: FlagSet): string {
  if (command.usage !== undefined) return command.usage;
  const rest = Object.values(flags).flatMap((declared) => {
    if (declared.kind === "positional") return [declared.placeholder];
    if (declared.kind !== "positionals") return [];
    return [declared.least === 0 ? `[${declared.placeholder}…]` : `${declared.placeholder}…`];
  });
  return [command.name, "[flags]", ...rest].join(" ");
}

/** Commander's complaint, reworded as one line. */
function complaint(error: CommanderError): string {
  const line = error.message.replace(/^error: /, "").replace(/\s+/g, " ");
  const quoted = /'(.*?)'/.exec(line)?.[1] ?? "";
  if (error.code === "commander.unknownOption") {
    const similar = /\(Did you mean (.*)\?\)/.exec(line)?.[1];
    return `Unknown flag "${quoted}"` + (similar === undefined ? "" : `: did you mean ${similar}?`);
  }
  if (error.code === "commander.optionMissingArgument") {
    const [name, placeholder] = quoted.split(" ");
    return `Cannot set ${name}: expected ${placeholder} after it but received nothing`;
  }
  if (error.code === "commander.missingArgument") return `Missing argument ${quoted}`;
  return line;
}

/**
 * Reads a command line without printing or exiting: {@linkcode parseFlags} for those who decide themselves.
 *
 * @param command name and description for the help
 * @param flags what is declared
 * @param args the command line, such as `Deno.args`
 * @throws RangeError if the declaration itself is impossible
 */
export function readFlags<const F extends FlagSet>(
  command: CommandInfo,
  flags: F,
  args: readonly string[],
): FlagOutcome<F> {
  let printed = "";
  const parser = new Command(command.name)
    .description(command.description)
    .exitOverride()
    .allowExcessArguments(true)
    .configureOutput({
      writeOut: (part) => printed += part,
      writeErr: () => {},
      getOutHelpWidth: helpWidth,
      getErrHelpWidth: helpWidth,
      getOutHasColors: () => false, // without these two, commander reads the environment,
      getErrHasColors: () => false, // which needs a permission
    })
    .configureHelp({
      commandUsage: () => usageOf(command, flags),
      styleTitle: (title) => title === "Options:" ? "Flags:" : title,
    })
    .helpOption("-h, --help", "print this help, and stop");
  const options = new Map<string, Option>();
  for (const [key, declared] of Object.entries(flags)) {
    if (declared.kind === "value" || declared.kind === "switch") {
      const name = flagName(key);
      if (key === "help" || name.startsWith("--no-")) {
        throw new RangeError(`Cannot declare flag "${key}": the names "help" and "no…" mean something else`);
      }
      const option = new Option(
        declared.kind === "switch" ? name : `${name} <${declared.placeholder}>`,
        helpText(declared),
      );
      options.set(key, option);
      parser.addOption(option);
    } else {
      const many = declared.kind === "positionals" ? "..." : "";
      const [open, close] = declared.least === 0 ? ["[", "]"] : ["<", ">"];
      parser.addArgument(new Argument(`${open}${declared.placeholder}${many}${close}`, helpText(declared)));
    }
  }
  try {
    parser.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") return { kind: "help", text: printed };
    return { kind: "error", message: `${complaint(error)} (see --help)` };
  }

  const given: Readonly<Record<string, unknown>> = parser.opts();
  const refuse = (name: string, declared: Flag<unknown>, received: string): FlagOutcome<F> => ({
    kind: "error",
    message: `Cannot set ${name}: expected ${declared.expected} but received ${
      JSON.stringify(received)
    } (see --help)`,
  });
  const values: Record<string, unknown> = {};
  let next = 0; // the first positional argument that is still unused
  for (const [key, declared] of Object.entries(flags)) {
    values[key] = declared.defaultValue;
    if (declared.kind === "switch") {
      values[key] = given[options.get(key)!.attributeName()] === true;
    } else if (declared.kind === "value") {
      const received = given[options.get(key)!.attributeName()];
      if (typeof received !== "string") continue;
      const value = declared.parse(received);
      if (value === undefined) return refuse(flagName(key), declared, received);
      values[key] = value;
    } else {
      const mine = parser.args.slice(next, declared.kind === "positional" ? next + 1 : undefined);
      next += mine.length;
      for (const received of mine) {
        if (declared.parse(received) === undefined) return refuse(declared.placeholder, declared, received);
      }
      values[key] = declared.kind === "positional" ? mine[0] : mine;
    }
  }
  if (next < parser.args.length) {
    const message = `Unexpected argument ${JSON.stringify(parser.args[next])} (see --help)`;
    return { kind: "error", message };
  }
  return { kind: "config", config: values as Config<F> };
}

/**
 * Reads a command line into a typed configuration. For `--help` it prints the help and ends the process with
 * exit code 0; for a mistake it prints one line to stderr and ends the process with exit code 2.
 *
 * @param command name and description for the help
 * @param flags what is declared
 * @param args the command line, such as `Deno.args`
 */
export function parseFlags<const F extends FlagSet>(
  command: CommandInfo,
  flags: F,
  args: readonly string[],
): Config<F> {
  const outcome = readFlags(command, flags, args);
  if (outcome.kind === "config") return outcome.config;
  if (outcome.kind === "help") {
    console.log(outcome.text.trimEnd());
    Deno.exit(0);
  }
  console.error(`error: ${outcome.message}`);
  Deno.exit(USAGE_EXIT_CODE);
}

/**
 * Checks a configuration that was stored earlier, such as the one in a run folder, against a declaration.
 * Keys that the declaration does not know are left out.
 *
 * @param flags what is declared
 * @param stored the stored values, by camelCase key
 * @param source where they come from, for messages
 * @throws InputError if a value is missing or not acceptable
 */
export function restoreConfig<const F extends FlagSet>(
  flags: F,
  stored: Readonly<Record<string, unknown>>,
  source: string,
): Config<F> {
  const values: Record<string, unknown> = {};
  for (const [key, declared] of Object.entries(flags)) {
    const value = Object.hasOwn(stored, key) ? stored[key] : undefined;
    const mayBeAbsent = declared.defaultValue === undefined && value === undefined;
    if (!mayBeAbsent && !declared.accepts(value)) {
      const found = value === undefined ? "nothing" : JSON.stringify(value);
      throw new InputError(
        `Cannot use ${source}: expected "${key}" to be ${declared.expected} but found ${found}; train again`,
      );
    }
    values[key] = value;
  }
  return values as Config<F>;
}

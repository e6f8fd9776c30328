/**
 * Command-line flags declared by one typed object: parsing, help, checks and the type of the configuration all
 * come from that declaration.
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
 * Commander does the parsing. It needs no permission here: it reads environment variables only to detect colors,
 * and colors are set explicitly.
 * @module
 */

import { Argument, Command, CommanderError, Option } from "../dependencies/commander.ts";
import { InputError, quote, toOneLine } from "../errors.ts";
import { printError, printText } from "../terminal.ts";
import { type Config, type Flag, flagName, type FlagSet } from "./flag_kinds.ts";

export * from "./common_flags.ts";
export * from "./flag_kinds.ts";

/** Name and description of a command, for its help. */
export interface CommandInfo {
  /** Name, such as `deep`. */
  readonly name: string;
  /** Description in a sentence or two. */
  readonly description: string;
  /** Command that starts it, such as `deno task train`; `deno task` and the name if absent. */
  readonly start?: string;
  /** Arguments of example commands, such as `--epochs 20`. */
  readonly examples?: readonly string[];
}

/** Result of parsing a command line: values and the keys of the given flags, the help text, or a usage error. */
export type FlagOutcome<F extends FlagSet> =
  | { readonly kind: "config"; readonly config: Config<F>; readonly given: ReadonlySet<string> }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "error"; readonly message: string };

/** Exit code for wrong usage. */
export const USAGE_EXIT_CODE = 2;

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
  const rest = Object.values(flags).flatMap((declared) => {
    if (declared.kind === "positional") return [declared.placeholder];
    if (declared.kind !== "positionals") return [];
    return [declared.least === 0 ? `[${declared.placeholder}…]` : `${declared.placeholder}…`];
  });
  return [startOf(command), "[flags]", ...rest].join(" ");
}

function startOf({ name, start = `deno task ${name}` }: CommandInfo): string {
  return start;
}

/** Rewords commander's error as one line. */
function complaint(error: CommanderError): string {
  const line = toOneLine(error.message.replace(/^error: /, ""));
  const quoted = /'(.*?)'/.exec(line)?.[1] ?? "";
  if (error.code === "commander.unknownOption") {
    const similar = /\(Did you mean (.*)\?\)/.exec(line)?.[1];
    return `Unknown flag "${quoted}"` + (similar === undefined ? "" : `: did you mean ${similar}?`);
  }
  if (error.code === "commander.optionMissingArgument") {
    const [name, placeholder] = quoted.split(" ");
    return `Cannot set ${name}: expected ${placeholder} but received nothing`;
  }
  if (error.code === "commander.missingArgument") return `Missing argument ${quoted}`;
  return line;
}

/** Returns true for `--help all`, the help that includes the rare flags. */
function asksForAll(args: readonly string[]): boolean {
  return args.some((word, k) => ["-h", "--help"].includes(word) && args[k + 1] === "all");
}

/**
 * Parses a command line like {@linkcode parseFlags}, but without printing or exiting.
 *
 * @param command name and description for the help
 * @param flags declared flags
 * @param args command line, such as `Deno.args`
 * @throws RangeError if a flag's name is reserved
 */
export function readFlags<const F extends FlagSet>(
  command: CommandInfo,
  flags: F,
  args: readonly string[],
): FlagOutcome<F> {
  let printed = "";
  const declarations = Object.entries(flags).filter(([, { kind }]) => !kind.startsWith("positional"));
  const hasRare = declarations.some(([, { isRare }]) => isRare), showsRare = hasRare && asksForAll(args);
  const parser = new Command(command.name)
    .description(command.description)
    .exitOverride()
    .allowExcessArguments(true)
    .configureOutput({
      writeOut: (part) => printed += part,
      writeErr: () => {},
      getOutHelpWidth: helpWidth,
      getErrHelpWidth: helpWidth,
      getOutHasColors: () => false, // without these two, commander reads environment variables,
      getErrHasColors: () => false, // which needs a permission
    })
    .configureHelp({
      commandUsage: () => usageOf(command, flags),
      styleTitle: (title) => title === "Options:" ? "Flags:" : title,
    });
  const help = new Option(
    hasRare ? "-h, --help [all]" : "-h, --help",
    "print this help and exit" + (hasRare ? "; all: include the rarely used flags" : ""),
  );
  const common = declarations.find(([, { group, isRare }]) => group !== undefined && !isRare)?.[1].group;
  parser.addHelpOption(common === undefined ? help : help.helpGroup(`${common}:`));
  if (hasRare && !showsRare) {
    const groups = new Set(declarations.flatMap(([, { group, isRare }]) => isRare && group ? [group] : []));
    parser.addHelpText("after", `\nMore flags with --help all: ${[...groups].join(", ").toLowerCase()}.`);
  }
  const examples = (command.examples ?? []).map((args) => `\n  ${startOf(command)} ${args}`);
  if (examples.length > 0) parser.addHelpText("after", `\nExamples:${examples.join("")}`);
  const options = new Map<string, Option>();
  const place = ({ group, isRare }: Flag<unknown>) => group === undefined ? 0 : isRare ? 2 : 1;
  const inOrder = Object.entries(flags).sort(([, a], [, b]) => place(a) - place(b));
  for (const [key, declared] of inOrder) {
    if (declared.kind !== "positional" && declared.kind !== "positionals") {
      const name = flagName(key);
      if (key === "help" || name.startsWith("--no-")) {
        throw new RangeError(`Cannot declare flag "${key}": the names "help" and "no…" are reserved`);
      }
      const option = new Option(
        declared.kind === "value" ? `${name} <${declared.placeholder}>` : name,
        helpText(declared),
      );
      options.set(key, option);
      const add = (option: Option) => {
        if (declared.group !== undefined) option.helpGroup(`${declared.group}:`);
        parser.addOption(option.hideHelp(declared.isRare === true && !showsRare));
      };
      add(option);
      if (declared.kind === "toggle") {
        add(new Option(name.replace("--", "--no-"), `turn ${name} off`));
      }
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
    message: `Cannot set ${name}: expected ${declared.expected} but received ${quote(received)} (see --help)`,
  });
  const values: Record<string, unknown> = {};
  let next = 0; // index of the first unused positional argument
  for (const [key, declared] of Object.entries(flags)) {
    values[key] = declared.defaultValue;
    if (declared.kind === "switch") {
      values[key] = given[options.get(key)!.attributeName()] === true;
    } else if (declared.kind === "toggle") {
      values[key] = given[options.get(key)!.attributeName()] ?? declared.defaultValue;
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
    const message = `Unexpected argument ${quote(parser.args[next])} (see --help)`;
    return { kind: "error", message };
  }
  const wasGiven = (key: string) =>
    parser.getOptionValueSource(options.get(key)?.attributeName() ?? "") === "cli";
  return { kind: "config", config: values as Config<F>, given: new Set(Object.keys(flags).filter(wasGiven)) };
}

/**
 * Parses a command line into a typed configuration. For `--help` it prints the help and exits with code 0; for
 * wrong usage it prints one line to stderr and exits with code 2.
 *
 * @param command name and description for the help
 * @param flags declared flags
 * @param args command line, such as `Deno.args`
 */
export function parseFlags<const F extends FlagSet>(
  command: CommandInfo,
  flags: F,
  args: readonly string[],
): Config<F> {
  return readCommandLine(command, flags, args).config;
}

/**
 * Like {@linkcode parseFlags}, but also returns the keys of the given flags.
 *
 * @throws InputError if both `--data` and `--dataset` are given
 */
export function readCommandLine<const F extends FlagSet>(
  command: CommandInfo,
  flags: F,
  args: readonly string[],
): { readonly config: Config<F>; readonly given: ReadonlySet<string> } {
  const outcome = readFlags(command, flags, args);
  if (outcome.kind === "config") {
    if (outcome.given.has("data") && outcome.given.has("dataset")) {
      throw new InputError(
        "Cannot use two data sets: expected --data or --dataset but received both; omit one",
      );
    }
    return outcome;
  }
  if (outcome.kind === "help") {
    printText(outcome.text.trimEnd());
    Deno.exit(0);
  }
  printError(`error: ${outcome.message}`);
  Deno.exit(USAGE_EXIT_CODE);
}

/**
 * Checks a stored configuration, such as that of a run folder, against the declared flags. Unknown keys are dropped.
 * Missing keys, of flags that are newer than the file, get the flag's default, with a warning.
 *
 * @param flags declared flags
 * @param stored stored values, by camelCase key
 * @param source origin of the values, for messages
 * @throws InputError if a value is not acceptable
 */
export function restoreConfig<const F extends FlagSet>(
  flags: F,
  stored: Readonly<Record<string, unknown>>,
  source: string,
): Config<F> {
  const values: Record<string, unknown> = {};
  const missing: string[] = [];
  for (const [key, declared] of Object.entries(flags)) {
    const isStored = Object.hasOwn(stored, key) && stored[key] !== undefined;
    const value = isStored ? stored[key] : declared.defaultValue;
    if (!isStored && declared.kind !== "switch" && value !== undefined) {
      missing.push(`"${key}" (${quote(value)})`);
    }
    if (isStored && !declared.accepts(value)) {
      throw new InputError(
        `Cannot use ${source}: expected "${key}" to be ${declared.expected} but found ${
          quote(value)
        }; train again`,
      );
    }
    values[key] = isStored && declared.restore ? declared.restore(value) : value;
  }
  if (missing.length > 0) {
    printError(
      `warning: ${source} is older than these flags; using their defaults: ${missing.join(", ")}`,
    );
  }
  return values as Config<F>;
}

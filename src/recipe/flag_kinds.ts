/**
 * Kinds of flags: numbers, lists of numbers, choices, texts, switches and positional arguments, with range checks.
 * @module
 */

/** Declaration of one flag or positional argument, with its parser. */
export interface Flag<T> {
  /** `--name VALUE`, `--name`, `--name` or `--no-name`, one positional argument, or all remaining ones. */
  readonly kind: "value" | "switch" | "toggle" | "positional" | "positionals";
  /** Placeholder of the value in the help, such as `integer` or `FILE`. */
  readonly placeholder: string;
  /** Help text, with the unit. */
  readonly help: string;
  /** Acceptable values, for errors, as after "expected": "an integer, at least 1". */
  readonly expected: string;
  /** Allowed range, for the help; may be empty. */
  readonly range: string;
  /** Value if the flag is absent. */
  readonly defaultValue: T;
  /** Default, for the help. */
  readonly defaultText: string;
  /** Minimum number of arguments; for positional arguments only. */
  readonly least: number;
  /** Parses a text; returns undefined if it is not acceptable. */
  readonly parse: (text: string) => T | undefined;
  /** Returns true if a value from a stored configuration is acceptable. */
  readonly accepts: (value: unknown) => boolean;
  /** Converts an accepted stored value to the flag's value; the identity if absent. */
  readonly restore?: (value: unknown) => T;
  /** Heading in the help; the command's own flags, which come first, have none. */
  readonly group?: string;
  /** True if only `--help all` prints it; false if absent. */
  readonly isRare?: boolean;
}

/** A set of declared flags: each camelCase key becomes one `--kebab-case` flag. */
export type FlagSet = Readonly<Record<string, Flag<unknown>>>;

/** Values of a set of flags, by key. */
export type Config<F extends FlagSet> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

/** Bounds of a number, all optional. */
export interface Range {
  /** Smallest allowed value. */
  readonly min?: number;
  /** Largest allowed value. */
  readonly max?: number;
  /** Exclusive lower bound. */
  readonly above?: number;
  /** Exclusive upper bound. */
  readonly below?: number;
}

/** Bounds of an optional number. */
export interface OptionalRange extends Range {
  /** Default as the help shows it, such as "all"; "none" if absent. */
  readonly absent?: string;
}

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
 * Declares an integer flag. It accepts texts such as `12` and `1e3`, but not `1.0`, `0x10` or the empty text.
 *
 * ```ts
 * import { integer } from "@bottleneck/bottleneck";
 *
 * const flags = { batchSize: integer(64, "images per step", { min: 1 }) }; // --batch-size 32
 * ```
 *
 * @param defaultValue value if the flag is absent
 * @param help help text, with the unit
 * @param range allowed range
 * @throws RangeError if the default is out of range
 */
export function integer(defaultValue: number, help: string, range: Range = {}): Flag<number> {
  return requiredNumber(defaultValue, help, range, true);
}

/**
 * Declares a flag with a finite decimal number, such as `0.5` or `5e-3`.
 *
 * ```ts
 * import { number } from "@bottleneck/bottleneck";
 *
 * const flags = { beta: number(1, "weight of the KL term", { min: 0 }) }; // --beta 4
 * ```
 *
 * @param defaultValue value if the flag is absent
 * @param help help text, with the unit
 * @param range allowed range
 * @throws RangeError if the default is out of range
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
 * Declares an optional integer flag, such as a limit.
 *
 * ```ts
 * import { optionalInteger } from "@bottleneck/bottleneck";
 *
 * const flags = { limit: optionalInteger("images to use", { min: 1, absent: "all" }) }; // --limit 1000
 * ```
 *
 * @param help help text, with the unit
 * @param range allowed range, and the default as the help shows it
 */
export function optionalInteger(help: string, range: OptionalRange = {}): Flag<number | undefined> {
  return optionalNumeric(help, range, true);
}

/**
 * Declares an optional flag with a finite decimal number.
 *
 * ```ts
 * import { optionalNumber } from "@bottleneck/bottleneck";
 *
 * const flags = { clipNorm: optionalNumber("largest norm of gradients", { above: 0 }) }; // --clip-norm 1
 * ```
 *
 * @param help help text, with the unit
 * @param range allowed range, and the default as the help shows it
 */
export function optionalNumber(help: string, range: OptionalRange = {}): Flag<number | undefined> {
  return optionalNumeric(help, range, false);
}

/** Declares a flag with comma-separated numbers. */
function listOf<T extends readonly number[]>(
  defaultValue: T,
  help: string,
  { each, placeholder, some, holds }: {
    readonly each: Numeric;
    readonly placeholder: string;
    readonly some: string;
    readonly holds: (count: number) => boolean;
  },
): Flag<T> {
  const bounds = each.range === "" ? "" : `${each.range} each`;
  const accepts = (value: unknown): value is T =>
    Array.isArray(value) && holds(value.length) && value.every(each.accepts);
  const expected = `${some}${bounds === "" ? "" : `, ${bounds}`}`;
  if (!accepts(defaultValue)) {
    throw new RangeError(`Cannot declare flag "${help}": default ${defaultValue} is not ${expected}`);
  }
  return {
    kind: "value",
    placeholder,
    help,
    expected,
    range: bounds,
    defaultValue,
    defaultText: defaultValue.join(),
    least: 0,
    parse: (text) => {
      const values: unknown = text.split(",").map((part) => each.parse(part.trim()));
      return accepts(values) ? values : undefined;
    },
    accepts,
  };
}

/**
 * Declares a flag with a list of integers, such as `784,64,3`.
 *
 * ```ts
 * import { integers } from "@bottleneck/bottleneck";
 *
 * const flags = { stages: integers([2, 4], "epochs of each stage", { min: 0 }) }; // --stages 1,1
 * ```
 *
 * @param defaultValue list if the flag is absent
 * @param help help text
 * @param range allowed range of each number
 * @param least minimum number of elements
 * @throws RangeError if the default is not acceptable
 */
export function integers(
  defaultValue: readonly number[],
  help: string,
  range: Range = {},
  least: number = 1,
): Flag<readonly number[]> {
  return listOf(defaultValue, help, {
    each: numeric(range, true),
    placeholder: "integers",
    some: `${least} or more comma-separated integers`,
    holds: (count) => count >= least,
  });
}

/**
 * Declares a flag with two finite decimal numbers, such as `0.9,0.999`.
 *
 * @param defaultValue numbers if the flag is absent
 * @param help help text
 * @param range allowed range of each number
 * @throws RangeError if the default is not acceptable
 */
export function pair(
  defaultValue: readonly [number, number],
  help: string,
  range: Range = {},
): Flag<readonly [number, number]> {
  return listOf(defaultValue, help, {
    each: numeric(range, false),
    placeholder: "numbers",
    some: "two comma-separated numbers",
    holds: (count) => count === 2,
  });
}

/**
 * Declares a flag that takes one of several words.
 *
 * ```ts
 * import { choice } from "@bottleneck/bottleneck";
 *
 * const flags = { match: choice(["mse", "bce"], "mse", "loss between levels") }; // --match bce
 * ```
 *
 * @param choices allowed words
 * @param defaultValue word if the flag is absent
 * @param help help text
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

// Rejects "--…": with a forgotten value, as in "--out --dry-run", commander passes the next flag as the value.
const parseText = (text: string): string | undefined =>
  text === "" || text.startsWith("--") ? undefined : text;

/**
 * Declares a text flag, such as a name.
 *
 * ```ts
 * import { text } from "@bottleneck/bottleneck";
 *
 * const flags = { title: text("mine", "title of the report") }; // --title yours
 * ```
 *
 * @param defaultValue text if the flag is absent
 * @param help help text
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
 * Declares an optional text flag, such as a path.
 *
 * @param help help text
 * @param absent default as the help shows it
 */
export function optionalText(help: string, absent: string = "none"): Flag<string | undefined> {
  return { ...text("", help), placeholder: "path", defaultValue: undefined, defaultText: absent };
}

/**
 * Declares an optional list of texts, separated by commas.
 *
 * @param help help text
 * @param placeholder placeholder of the value in the help
 */
export function optionalTexts(help: string, placeholder: string): Flag<readonly string[] | undefined> {
  return {
    kind: "value",
    help,
    range: "",
    least: 0,
    placeholder,
    expected: "texts separated by commas",
    defaultValue: undefined,
    defaultText: "none",
    parse: (given) => {
      const parts = parseText(given)?.split(",").map((part) => part.trim());
      return parts?.every(isText) ? parts : undefined;
    },
    accepts: (value) => Array.isArray(value) && value.every(isText),
  };
}

/**
 * Makes a flag optional: undefined if it is not given.
 *
 * @param absent default as the help shows it
 */
export function optional<T>(declared: Flag<T>, absent: string): Flag<T | undefined> {
  return { ...declared, defaultValue: undefined, defaultText: absent } as Flag<T | undefined>;
}

/**
 * Declares a switch without a value: true if given, else false.
 *
 * ```ts
 * import { flag } from "@bottleneck/bottleneck";
 *
 * const flags = { tied: flag("share weights between encoder and decoder") }; // --tied
 * ```
 *
 * @param help help text
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
 * Declares a switch with both forms, `--name` and `--no-name`; the last one given counts.
 *
 * ```ts
 * import { toggle } from "@bottleneck/bottleneck";
 *
 * const flags = { freeze: toggle(false, "train the new layer only") }; // --freeze, --no-freeze
 * ```
 *
 * @param defaultValue value if neither is given
 * @param help help text of `--name`
 */
export function toggle(defaultValue: boolean, help: string): Flag<boolean> {
  return { ...flag(help), kind: "toggle", defaultValue, defaultText: defaultValue ? "on" : "off" };
}

/**
 * Declares a required positional argument.
 *
 * @param placeholder its name in the help, such as `RUN`
 * @param help help text
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
 * Declares all remaining positional arguments. It must be the last positional declaration.
 *
 * @param placeholder their name in the help, such as `FILE`
 * @param help help text
 * @param least minimum number of arguments, 0 or 1
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

/** Returns a flag's name from its key: `batchSize` → `--batch-size`. */
export function flagName(key: string): string {
  return "--" + key.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
}

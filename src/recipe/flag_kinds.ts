/**
 * The kinds of flags: numbers and lists of them, words, texts, switches and positional arguments, each with its range and its check.
 * @module
 */

/** One declared flag or positional argument, and how its text becomes a value. */
export interface Flag<T> {
  /**
   * Whether it is `--name VALUE`, `--name` alone, `--name` or `--no-name`, one positional argument, or all remaining
   * ones.
   */
  readonly kind: "value" | "switch" | "toggle" | "positional" | "positionals";
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
  /** The value that was meant by one that was stored and is acceptable; the same if absent. */
  readonly restore?: (value: unknown) => T;
  /** The heading that the help prints it under; the command's own flags, which come first, have none. */
  readonly group?: string;
  /** Whether only `--help all` prints it; false if absent. */
  readonly isRare?: boolean;
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
 * ```ts
 * import { integer } from "@bottleneck/bottleneck";
 *
 * const flags = { batchSize: integer(64, "images per step", { min: 1 }) }; // --batch-size 32
 * ```
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
 * ```ts
 * import { number } from "@bottleneck/bottleneck";
 *
 * const flags = { beta: number(1, "weight of the KL term", { min: 0 }) }; // --beta 4
 * ```
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
 * ```ts
 * import { optionalInteger } from "@bottleneck/bottleneck";
 *
 * const flags = { limit: optionalInteger("images to use", { min: 1, absent: "all" }) }; // --limit 1000
 * ```
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
 * ```ts
 * import { optionalNumber } from "@bottleneck/bottleneck";
 *
 * const flags = { clipNorm: optionalNumber("largest norm of gradients", { above: 0 }) }; // --clip-norm 1
 * ```
 *
 * @param help what it means, with its unit
 * @param range what is allowed, and what absence means
 */
export function optionalNumber(help: string, range: OptionalRange = {}): Flag<number | undefined> {
  return optionalNumeric(help, range, false);
}

/** What is said of numbers with commas between, and how they are read. */
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
 * A list of whole numbers, such as `784,64,3`.
 *
 * ```ts
 * import { integers } from "@bottleneck/bottleneck";
 *
 * const flags = { stages: integers([2, 4], "epochs of each stage", { min: 0 }) }; // --stages 1,1
 * ```
 *
 * @param defaultValue the list when the flag is absent
 * @param help what it means
 * @param range what is allowed of each number
 * @param least how few numbers there may be
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
    some: `${least} or more integers with commas between`,
    holds: (count) => count >= least,
  });
}

/**
 * Two finite decimal numbers, such as `0.9,0.999`.
 *
 * @param defaultValue the numbers when the flag is absent
 * @param help what they mean
 * @param range what is allowed of each
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
    some: "two numbers with a comma between",
    holds: (count) => count === 2,
  });
}

/**
 * One of several words.
 *
 * ```ts
 * import { choice } from "@bottleneck/bottleneck";
 *
 * const flags = { match: choice(["mse", "bce"], "mse", "loss between levels") }; // --match bce
 * ```
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
 * ```ts
 * import { text } from "@bottleneck/bottleneck";
 *
 * const flags = { title: text("mine", "title of the report") }; // --title yours
 * ```
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
 * ```ts
 * import { flag } from "@bottleneck/bottleneck";
 *
 * const flags = { tied: flag("share weights between encoder and decoder") }; // --tied
 * ```
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
 * A switch that can be turned either way, `--name` or `--no-name`; the last one counts. It takes no value.
 *
 * ```ts
 * import { toggle } from "@bottleneck/bottleneck";
 *
 * const flags = { freeze: toggle(false, "train the new layer only") }; // --freeze, --no-freeze
 * ```
 *
 * @param defaultValue which way it is when absent
 * @param help what it does when turned on
 */
export function toggle(defaultValue: boolean, help: string): Flag<boolean> {
  return { ...flag(help), kind: "toggle", defaultValue, defaultText: defaultValue ? "on" : "off" };
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

/** A flag's name from its key: `batchSize` → `--batch-size`. */
export function flagName(key: string): string {
  return "--" + key.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
}

/**
 * How often checkpoints are saved, as a flag says it: `500` is steps, `2epochs` is epochs.
 * @module
 */
import { type Flag, optionalText } from "./flag_kinds.ts";

/** A number of steps or of epochs, at least 1. */
export interface CheckpointEvery {
  /** What is counted. */
  readonly unit: "steps" | "epochs";
  /** How many. */
  readonly count: number;
}

const PATTERN = /^([1-9]\d{0,8})(epochs?)?$/;

/** The flag `--checkpoint-every`. */
export function checkpointEveryFlag(): Flag<string | undefined> {
  const help = "how often a checkpoint is saved: in steps, such as 500, or in epochs, such as 2epochs";
  const parse = (text: string) => PATTERN.test(text) ? text : undefined;
  return {
    ...optionalText(help, "1epoch"),
    placeholder: "steps",
    expected: "a number of steps such as 500, or of epochs such as 2epochs, at least 1",
    parse,
    accepts: (value) => typeof value === "string" && parse(value) !== undefined,
  };
}

/**
 * What the flag means.
 *
 * @param text its value; absent means each epoch
 * @throws RangeError for a text that the flag does not accept
 */
export function parseCheckpointEvery(text: string = "1epoch"): CheckpointEvery {
  const [, count, epochs] = PATTERN.exec(text) ?? [];
  if (count === undefined) throw new RangeError(`Cannot read how often to save checkpoints from "${text}"`);
  return { unit: epochs ? "epochs" : "steps", count: Number(count) };
}

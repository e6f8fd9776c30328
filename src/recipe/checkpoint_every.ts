/**
 * The interval between checkpoints: `500` is steps, `2epochs` is epochs.
 * @module
 */
import { type Flag, optionalText } from "./flag_kinds.ts";

/** Interval in steps or epochs, at least 1. */
export interface CheckpointEvery {
  readonly unit: "steps" | "epochs";
  readonly count: number;
}

const PATTERN = /^([1-9]\d{0,8})(epochs?)?$/;

/** Declares `--checkpoint-every`. */
export function checkpointEveryFlag(): Flag<string | undefined> {
  const help = "interval between checkpoints, in steps (500) or epochs (2epochs)";
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
 * Parses the flag's value.
 *
 * @param text the value; every epoch if absent
 * @throws RangeError for a text that the flag does not accept
 */
export function parseCheckpointEvery(text: string = "1epoch"): CheckpointEvery {
  const [, count, epochs] = PATTERN.exec(text) ?? [];
  if (count === undefined) throw new RangeError(`Cannot parse the checkpoint interval "${text}"`);
  return { unit: epochs ? "epochs" : "steps", count: Number(count) };
}

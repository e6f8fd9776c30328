/**
 * Saying what PyTorch reaches with the same recipe, beside what was reached here.
 * @module
 */
import type { FlagSet } from "./flag_kinds.ts";

/** Flags that change nothing that PyTorch's figures depend on; these are ranges over seeds. */
const INDIFFERENT = new Set([
  "seed",
  "dataset",
  "dataDir",
  "testFraction",
  "out",
  "resume",
  "checkpointEvery",
  "keep",
  "logEvery",
  "live",
  "port",
  "pictureEvery",
  "quiet",
  "dryRun",
  "printPlan",
  "profile",
]);

/** Words a figure of PyTorch's as the end of a unit; nobody measured one if it is undefined, and nothing is said. */
export type BesidePytorch = (figure: string | undefined) => string;

/**
 * How figures that PyTorch reaches on MNIST with the recipe's default flags are to be worded: as comparable if the run
 * was on MNIST with these flags, else with what they were measured on.
 *
 * @param flags the recipe's
 * @param config their values in the run
 * @param apart keys of flags for whose values the recipe has figures of their own
 */
export function besidePytorch(
  flags: FlagSet,
  config: Readonly<Record<string, unknown>>,
  apart: readonly string[] = [],
): BesidePytorch {
  const isDefault = Object.entries(flags).every(([key, { defaultValue }]) =>
    INDIFFERENT.has(key) || apart.includes(key) ||
    JSON.stringify(config[key]) === JSON.stringify(defaultValue)
  );
  const words = isDefault && config.dataset === "mnist" ? "PyTorch" : "PyTorch on MNIST, default flags";
  return (figure) => figure === undefined ? "" : `; ${words}: ${figure}`;
}

/**
 * The list of all self-tests of the device, and their runner.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import { barriers } from "./barriers.ts";
import { bounds } from "./bounds.ts";
import { dispatchOrder } from "./dispatch_order.ts";
import { functions } from "./functions.ts";
import { integers } from "./integers.ts";
import { repeatability } from "./repeatability.ts";
import type { Finding, SelfTest } from "./self_test.ts";
import { specialValues } from "./special_values.ts";
import { treeReduction } from "./tree_reduction.ts";

/** All self-tests, in order. */
export const SELF_TESTS: readonly SelfTest[] = [
  barriers,
  dispatchOrder,
  treeReduction,
  integers,
  functions,
  specialValues,
  repeatability,
  bounds,
];

/** Result of a self-test, with its name and the consequence of a failure. */
export interface SelfTestResult extends Finding {
  readonly name: string;
  /** Consequence of a failure for the project. */
  readonly breaks: string;
}

/**
 * Runs a self-test. An exception counts as a failure, because it comes from the device or the driver.
 *
 * @returns the result; the message of an exception is the figure `error`
 */
export async function runSelfTest(gpu: Gpu, { name, breaks, run }: SelfTest): Promise<SelfTestResult> {
  try {
    return { name, breaks, ...await run(gpu) };
  } catch (error) {
    return { name, breaks, passed: false, figures: { error: (error as Error).message } };
  }
}

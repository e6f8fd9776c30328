/**
 * All self-tests of the device, one after the other.
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

/** What is checked, in this order. */
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

/** What a self-test found, with its name and what its failure breaks. */
export interface SelfTestResult extends Finding {
  /** What was checked. */
  readonly name: string;
  /** What goes wrong in the project where it fails. */
  readonly breaks: string;
}

/**
 * Runs a self-test. What it throws is a failure too, for it is the device's or the driver's word.
 *
 * @returns the finding, with the error's message under `error` where there was one
 */
export async function runSelfTest(gpu: Gpu, { name, breaks, run }: SelfTest): Promise<SelfTestResult> {
  try {
    return { name, breaks, ...await run(gpu) };
  } catch (error) {
    return { name, breaks, passed: false, figures: { error: (error as Error).message } };
  }
}

/**
 * Holds a page's WebGPU to `second_implementation.ts`, and its five steps of deep to Deno's own.
 * @module
 */
import { compare, within } from "../../src/check/compare.ts";
import { figure } from "../../src/check/evidence.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import {
  type adapterName,
  type checkKernels,
  DEVIATIONS,
  type FiveSteps,
  type Kernels,
  trainDeep,
  type trainWithNaN,
} from "./second_implementation.ts";
import { join } from "node:path";
import { ROOT } from "./commands.ts";

/** The functions of `second_implementation.ts`. */
interface Functions {
  readonly adapterName: typeof adapterName;
  readonly checkKernels: typeof checkKernels;
  readonly trainDeep: typeof trainDeep;
  readonly trainWithNaN: typeof trainWithNaN;
}

/** What is used of a page. */
interface Page {
  evaluate<T, A>(script: (argument: A) => Promise<T>, argument: A): Promise<T>;
}

/** Calls a function of `second_implementation.ts` in a page of `page_server.ts`. */
export async function callIn<N extends keyof Functions>(
  page: Page,
  name: N,
  ...args: Parameters<Functions[N]>
): Promise<Awaited<ReturnType<Functions[N]>>> {
  return await page.evaluate(async ({ module, name, args }) => {
    const functions = await import(module);
    return await functions[name](...args);
  }, { module: "/tests/helpers/second_implementation.ts", name, args });
}

/** Names of the files in `fixtures/traces/`. */
export function traceNames(): string[] {
  const names = [...Deno.readDirSync(join(ROOT, "fixtures/traces"))].map(({ name }) => name);
  return names.filter((name) => name.endsWith(".json")).sort();
}

/** Columns of the table: the deviations, of the steps of deep those from Deno's. */
export const COLUMNS: readonly string[] = [...DEVIATIONS, "deep's losses", "deep's parameters"];

/** Result of one kind of kernels. */
export interface Row {
  /** Deviations in the order of {@link COLUMNS}. */
  readonly worst: readonly number[];
  /** Reports of what failed. */
  readonly failures: readonly string[];
}

/** Does all checks with some kernels in a page; Deno trains with the same kind, unrolled. */
export async function checkPage(page: Page, kernels: Kernels, traces: readonly string[]): Promise<Row> {
  const { worst, failures } = await callIn(page, "checkKernels", kernels, traces);
  const there = await callIn(page, "trainDeep", kernels);
  const here = await trainDeep({ ...kernels, text: "unrolled" });
  const [loss, parameter] = apart(there, here);
  const more = [
    within(loss, TOLERANCES.traceLoss) ? "" : `losses of deep are ${figure(loss)} off Deno's`,
    within(parameter, TOLERANCES.traceParameter)
      ? ""
      : `parameters of deep are ${figure(parameter)} off Deno's`,
  ];
  return {
    worst: [...DEVIATIONS.map((name) => worst[name]), loss, parameter],
    failures: [...failures, ...more.filter(Boolean)],
  };
}

/** Worst deviation of a loss, relative, and of a parameter, of its norm. */
function apart(there: FiveSteps, here: FiveSteps): [loss: number, parameter: number] {
  const losses = there.losses.map((loss, k) => compare([loss], [here.losses[k]]).normError);
  const parameters = there.parameters.map(([, values], k) =>
    compare(values, here.parameters[k][1]).normError
  );
  return [Math.max(...losses), Math.max(...parameters)]; // NaN if one is
}

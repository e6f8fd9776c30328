// Prints the memory of a process over 20,000 training steps and over 210 evaluations, or over as many as it is told; exit code 1 if it grows.
// Run: deno run --v8-flags=--expose-gc tests/long/memory.ts    (some minutes on a software adapter; no
//      permission is needed; without the flag, what waits to be collected is counted too)
import { type Memory, memoryOf } from "../helpers/memory.ts";

/** Mebibytes. */
const FLAT = 20;
/** Steps until pipelines, rings and the heap have their sizes. */
const WARM_UP = 200;

/** Prints every reading, and whether all from one on are as flat as they should be. */
function isFlat(what: string, memory: readonly Memory[], from: number): boolean {
  const [first, ...later] = memory.filter(({ at }) => at >= from);
  for (const { at, resident, buffers } of memory) {
    const grown = (resident - first.resident).toFixed(1);
    console.log(`${at} ${what}: ${resident.toFixed(1)} MiB (${grown}), ${buffers} buffers`);
  }
  return later.every(({ resident, buffers, bytes }) =>
    Math.abs(resident - first.resident) < FLAT && buffers === first.buffers && bytes === first.bytes
  );
}

const last = Number(Deno.args[0] ?? 20_000);
const marks = Array.from({ length: 4 }, (_, k) => WARM_UP + Math.ceil(last * (k + 1) / 4));
const steps = isFlat("steps", await memoryOf.steps([WARM_UP, ...marks], 784), WARM_UP);
const evaluations = isFlat(
  "evaluations",
  await memoryOf.evaluations([10, ...[1, 2, 3, 4].map((k) => 10 + Math.ceil(last * k / 400))]),
  10,
);
if (!steps || !evaluations) Deno.exit(1);

// Prints the memory of a process over 20,000 training steps and over 200 evaluations; exit code 1 if it grows.
// Run: deno run --v8-flags=--expose-gc tests/helpers/memory_long.ts    (some minutes on a software adapter; no
//      permission is needed; without the flag, what waits to be collected is counted too)
import { type Memory, memoryOf } from "./memory.ts";

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

const marks = Array.from({ length: 4 }, (_, k) => WARM_UP + 5000 * (k + 1));
const steps = isFlat("steps", await memoryOf.steps([WARM_UP, ...marks]), WARM_UP);
const evaluations = isFlat("evaluations", await memoryOf.evaluations([10, 50, 100, 150, 200]), 10);
if (!steps || !evaluations) Deno.exit(1);

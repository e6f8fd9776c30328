// Prints the memory of a process over 20,000 training steps and over 200 evaluations; exit code 1 if it grows.
// Run: deno run tests/helpers/memory_long.ts        (some minutes on a software adapter; no permission is needed)
import { type Memory, memoryOfEvaluations, memoryOfSteps } from "./memory.ts";

/** Mebibytes. */
const FLAT = 20;

function isFlat(what: string, memory: readonly Memory[]): boolean {
  const [first] = memory;
  for (const { at, resident, buffers } of memory) {
    const grown = (resident - first.resident).toFixed(1);
    console.log(`${at} ${what}: ${resident.toFixed(1)} MiB (${grown}), ${buffers} buffers`);
  }
  return memory.every(({ resident, buffers, bytes }) =>
    Math.abs(resident - first.resident) < FLAT && buffers === first.buffers && bytes === first.bytes
  );
}

const steps = isFlat("steps", await memoryOfSteps([200, 2000, 5000, 10_000, 15_000, 20_000]));
const evaluations = isFlat("evaluations", await memoryOfEvaluations([10, 50, 100, 150, 200]));
if (!steps || !evaluations) Deno.exit(1);

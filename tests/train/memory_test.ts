import assert from "node:assert/strict";
import { ROOT } from "../helpers/commands.ts";
import type { Memory, memoryOf } from "../helpers/memory.ts";

/** Mebibytes that a process may hold more or less than it did when it had warmed up. */
const FLAT = 20;

/**
 * Measures in a process of its own: one of `deno test` also holds Deno's type checker, and gives back its 100 to 200 MiB
 * when it likes.
 */
async function measure(what: keyof typeof memoryOf, marks: readonly number[]): Promise<Memory[]> {
  const args = ["run", "--no-prompt", "tests/helpers/memory.ts", what, ...marks.map(String)];
  const { code, stdout, stderr } = await new Deno.Command("deno", { args, cwd: ROOT }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Holds memory to what it was at the first mark. tests/long/memory.ts does the same for much longer. */
function assertFlat(what: string, [first, ...later]: readonly Memory[]): void {
  for (const { at, resident, buffers, bytes } of later) {
    const grown = resident - first.resident;
    console.log(`memory changed by ${grown.toFixed(1)} MiB from ${first.at} to ${at} ${what}`);
    assert.ok(Math.abs(grown) < FLAT, `${grown} MiB`);
    assert.deepEqual([buffers, bytes], [first.buffers, first.bytes], "buffers are left over");
  }
}

Deno.test("2,000 steps of the deep recipe leave memory where 200 left it", async () => {
  assertFlat("steps", await measure("steps", [200, 2000]));
});

Deno.test("40 evaluations leave memory where 10 left it", async () => {
  assertFlat("evaluations", await measure("evaluations", [10, 40]));
});

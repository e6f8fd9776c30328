import assert from "node:assert/strict";
import { ROOT } from "../helpers/commands.ts";
import type { Memory, memoryOf } from "../helpers/memory.ts";

/** Largest change of resident memory after warm-up, in MiB. */
const FLAT = 20;

/**
 * Measures in a separate process: the one of `deno test` also holds Deno's type checker, whose 100 to 200 MiB
 * may be freed at any time.
 */
async function measure(what: keyof typeof memoryOf, marks: readonly number[]): Promise<Memory[]> {
  const args = ["run", "--no-prompt", "tests/helpers/memory.ts", what, ...marks.map(String)];
  const { code, stdout, stderr } = await new Deno.Command("deno", { args, cwd: ROOT }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Asserts that memory stays as at the first mark. tests/long/memory.ts does the same for longer. */
function assertFlat(what: string, [first, ...later]: readonly Memory[]): void {
  for (const { at, resident, buffers, bytes } of later) {
    const grown = resident - first.resident;
    console.log(`memory changed by ${grown.toFixed(1)} MiB from ${first.at} to ${at} ${what}`);
    assert.ok(Math.abs(grown) < FLAT, `${grown} MiB`);
    assert.deepEqual([buffers, bytes], [first.buffers, first.bytes], "buffers leak");
  }
}

Deno.test("2,000 steps of the deep recipe use no more memory than 200", async () => {
  assertFlat("steps", await measure("steps", [200, 2000]));
});

Deno.test("40 evaluations use no more memory than 10", async () => {
  assertFlat("evaluations", await measure("evaluations", [10, 40]));
});

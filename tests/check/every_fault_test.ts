// Every fault of a shader in tests/gradients/faults.ts, and the check that notices it. docs/faults.md lists them.
import assert from "node:assert/strict";
import { describe, LOOP_FAULTS, SHADER_FAULTS } from "../gradients/faults.ts";
import { plantAll } from "../gradients/planting.ts";
import { lineOf, listedFaults, listedSummary, summarize } from "../helpers/fault_table.ts";

Deno.test("every planted fault is noticed, and what notices it is listed in docs/faults.md", async () => {
  const { noticed, survivors } = await plantAll(SHADER_FAULTS);
  for (const { fault, check, message } of noticed) {
    console.log(`${describe(fault)}: noticed by ${check}: ${message}`);
  }
  assert.deepEqual(survivors, []);
  assert.deepEqual(
    (await listedFaults()).shaders,
    noticed.map(lineOf),
    "the list in docs/faults.md; tests/helpers/fault_table.ts writes it",
  );
});

Deno.test("docs/proofs.md sums up the list in docs/faults.md", async () => {
  const { shaders, loops } = await listedFaults();
  assert.equal(shaders.length, SHADER_FAULTS.length);
  assert.equal(loops.length, LOOP_FAULTS.length);
  assert.deepEqual(await listedSummary(), summarize([...shaders, ...loops]));
});

Deno.test("every entry point of every shader has a planted fault", () => {
  const root = new URL("../../shaders/", import.meta.url);
  const missing: string[] = [];
  for (const folder of ["data", "layers", "losses", "optim"]) {
    for (const { name } of Deno.readDirSync(new URL(`${folder}/`, root))) {
      const shader = `${folder}/${name}`;
      const code = Deno.readTextFileSync(new URL(shader, root));
      for (const [, place] of code.matchAll(/@compute[^\n]*\nfn (\w+)\(/g)) {
        if (!SHADER_FAULTS.some((fault) => fault.shader === shader && fault.place === place)) {
          missing.push(`${shader}, ${place}`);
        }
      }
    }
  }
  assert.deepEqual(missing, []);
});

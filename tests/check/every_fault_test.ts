// Every fault of a shader in tests/gradients/faults.ts, and the check that notices it. The list stands in docs/proofs.md.
import assert from "node:assert/strict";
import { describe, SHADER_FAULTS } from "../gradients/faults.ts";
import { plantAll } from "../gradients/planting.ts";
import { isLine, lineOf } from "../helpers/fault_table.ts";

Deno.test("every planted fault is noticed, and what notices it is listed in docs/proofs.md", async () => {
  const { noticed, survivors } = await plantAll(SHADER_FAULTS);
  for (const { fault, check, message } of noticed) {
    console.log(`${describe(fault)}: noticed by ${check}: ${message}`);
  }
  assert.deepEqual(survivors, []);
  const listed = (await Deno.readTextFile(new URL("../../docs/proofs.md", import.meta.url))).split("\n")
    .filter(isLine).map((line) => line.replace(/ +/g, " "));
  assert.deepEqual(
    listed,
    noticed.map(lineOf),
    "the list in docs/proofs.md; tests/helpers/fault_table.ts writes it",
  );
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

// One fault in each function of each shader, and the check that notices it: docs/faults.md. tests/gradients/faults_test.ts
// plants those of functions that only one shader uses, `deno task test:long` all.
import { nameOf, SHADER_FAULTS } from "../gradients/faults.ts";
import { plantInShaders } from "../long/faults.ts";

/** The first fault of each function: those of `shaders/common/` are broken for one shader at a time. */
const SAMPLE = [...Map.groupBy(SHADER_FAULTS, (fault) => `${nameOf(fault)} ${fault.place}`).values()].map((
  [fault],
) => fault);

Deno.test(`${SAMPLE.length} faults, one in each function of each shader, are noticed as docs/faults.md lists them`, () =>
  plantInShaders(SAMPLE));

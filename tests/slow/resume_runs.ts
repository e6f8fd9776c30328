// The ways of training that tests/train/resume_runs_test.ts does not interrupt.
import assert from "node:assert/strict";
import { withFolder } from "../helpers/commands.ts";
import { cutAndCompare, FEW_WAYS, WAYS } from "../helpers/resume_runs.ts";

const SEED = 20261121;

Deno.test("the ways that are interrupted elsewhere are among all", () => {
  const names = WAYS.map(([name]) => name);
  assert.deepEqual(FEW_WAYS.filter((name) => !names.includes(name)), []);
});

for (const way of WAYS.filter(([name]) => !FEW_WAYS.includes(name))) {
  Deno.test(`${way[0]}: a run interrupted twice (seed ${SEED}) is bit-exact with an uninterrupted one`, () =>
    withFolder((folder) => cutAndCompare(way, { seed: SEED, rounds: 1, cuts: 2, folder })));
}

import assert from "node:assert/strict";
import { withFolder } from "../helpers/commands.ts";
import { killMany } from "../long/kills.ts";
import { cutAndCompare, FEW_WAYS, WAYS } from "../helpers/resume_runs.ts";

// One way of each recipe. tests/slow/resume_runs.ts interrupts the others, and tests/long/run.ts more runs, more often;
// here each is interrupted once anew and once after it was resumed.
const SEED = 20261121;

for (const way of WAYS.filter(([name]) => FEW_WAYS.includes(name))) {
  Deno.test(`${way[0]}: a run interrupted twice (seed ${SEED}) is bit-exact with an uninterrupted one`, () =>
    withFolder((folder) => cutAndCompare(way, { seed: SEED, rounds: 1, cuts: 2, folder })));
}

Deno.test(`runs killed at random moments (seed ${SEED}) resume and end with the same files`, () =>
  withFolder(async (folder) => {
    const kills = await killMany({ count: 6, seed: SEED, together: 2, folder });
    assert.ok(kills.killed >= 6, JSON.stringify(kills));
  }));

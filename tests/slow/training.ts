// The recipes' traces that tests/check/training_test.ts leaves out, of other flags than each recipe's first, and more faults.
import { RECIPE_NAMES } from "../../scripts/tools/find_recipe.ts";
import { LOOP_FAULTS } from "../gradients/faults.ts";
import { checkIn, listedFaults } from "../helpers/fault_table.ts";
import { FEW_LOOP_FAULTS, plantInLoops, readTrace, TRACE_NAMES, trainAsPyTorch } from "../long/faults.ts";

const OTHERS = TRACE_NAMES.filter((name) => !RECIPE_NAMES.some((recipe) => name === `${recipe}.json`));

Deno.test(`the recipes' scripts train as PyTorch does with ${OTHERS.length} other sets of flags`, () =>
  trainAsPyTorch(OTHERS.map(readTrace)));

const { loops } = await listedFaults();

/** The first fault of each recipe, and the first that each kind of number notices, but for those of `deno task test`. */
const SAMPLE = new Set(
  [
    Map.groupBy(LOOP_FAULTS, ({ trace }) => readTrace(`${trace}.json`).recipe),
    Map.groupBy(LOOP_FAULTS, (_, k) => checkIn(loops[k])),
  ].flatMap((groups) => [...groups.values()].map(([fault]) => fault)),
).difference(new Set(FEW_LOOP_FAULTS));

Deno.test(`${SAMPLE.size} faults, of each recipe and for each check, are detected as docs/faults.md lists them`, () =>
  plantInLoops([...SAMPLE]));

/** Trains in the test's own process, which takes a third of the time of a command. */
import assert from "node:assert/strict";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { parseRecipe } from "../../src/train/resume.ts";
import { openTraining } from "../../src/train/training.ts";

/** Trains a recipe without stages to the end, as its script does, with `--quiet`. */
export async function trainHere(recipe: Recipe, args: readonly string[]): Promise<void> {
  const config = parseRecipe(recipe, [...args, "--quiet"]);
  using training = await openTraining(recipe, config);
  const step = await training.compile();
  using run = await training.start(step);
  for await (const batch of run!.batches(step)) {
    step.run(batch, training.rate(step.count));
    if (run!.isDue(step)) await run!.report(step.readLosses());
  }
  assert.equal(await run!.finish(), 0);
}

// The networks of the recipes' checks that tests/gradients/recipes_test.ts leaves out.
import { allRecipes } from "../../scripts/tools/find_recipe.ts";
import { checkInSmall } from "../helpers/check_in_small.ts";
import { gpuTest } from "../helpers/gpu.ts";

for (const { recipe } of await allRecipes()) {
  const [, ...others] = recipe.checks ?? [];
  if (others.length === 0) continue;
  gpuTest(
    `gradcheck of ${recipe.name}, ${others.length} more checks`,
    (gpu) => checkInSmall(gpu, recipe, others, true),
  );
}

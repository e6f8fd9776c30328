// Reduced network of each built-in recipe: the GPU against the f64 reference, and both against finite
// differences, before and after a few training steps. tests/slow/gradcheck.ts covers the networks of
// all their checks; `deno task gradcheck all` checks them in full size.
import { allRecipes } from "../../scripts/tools/find_recipe.ts";
import { checkInSmall } from "../helpers/check_in_small.ts";
import { gpuTest } from "../helpers/gpu.ts";

for (const { recipe } of await allRecipes()) {
  const [first = ""] = recipe.checks ?? [];
  gpuTest(`gradcheck of ${recipe.name} ${first}`, (gpu) => checkInSmall(gpu, recipe, [first]));
}

/** gradcheck of recipes in small, for tests of what lies below recipes. */
import assert from "node:assert/strict";
import { formatGradcheck } from "../../src/check/format_gradcheck.ts";
import { gradcheck } from "../../src/check/gradcheck.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { networksOf } from "../../src/recipe/checked_networks.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { checkAll } from "./gpu.ts";

/** Widths of images that {@link checkInSmall} takes: no multiples of four. */
const WIDTHS = [30, 29];
/** Widths of hidden layers, of which a recipe has the last ones. */
const HIDDEN = [41, 32, 18, 11];

/**
 * Fails unless gradcheck passes the networks of a recipe under some flags, as deep as they are, but narrow.
 *
 * @param options of the recipe's checks
 * @param mayBeUntold whether differences may leave a parameter untold: a loss inside a deep network has small gradients
 */
export async function checkInSmall(
  gpu: Gpu,
  recipe: Recipe,
  options: readonly string[],
  mayBeUntold: boolean = false,
): Promise<void> {
  const usual = recipe.flags.sizes?.defaultValue as readonly number[] | undefined;
  const networksAt = (width: number) => {
    const sizes = usual ? ` --sizes ${[width, ...HIDDEN.slice(1 - usual.length)]}` : "";
    return options.flatMap((flags) =>
      networksOf(recipe, /--(sizes|code) /.test(flags) ? flags : flags + sizes)
    );
  };
  const [networks, others] = WIDTHS.map(networksAt);
  await checkAll(networks.entries(), async ([k, { options, optimizer }]) => {
    const network = (width: number) => (width === WIDTHS[0] ? networks : others)[k].network(width);
    const settings = { widths: WIDTHS, rows: [5, 1, 7], seed: 0, steps: 20, optimizer };
    const report = await gradcheck(gpu, network, settings);
    const untold = mayBeUntold && report.rows.every(({ reference }) => reference.verdict === "ok");
    assert.ok(
      report.passed || report.verdict === "cannot tell" && untold,
      `scripts/${recipe.name}.ts ${options}\n${formatGradcheck(report)}`,
    );
  });
}

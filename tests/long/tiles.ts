/**
 * Checks the largest tiles that `deno task tune` tries, at every size near them, against the f64 reference. A software
 * adapter compiles each for half a minute.
 *
 *     deno run tests/long/tiles.ts
 *
 * @module
 */
import { runCommand } from "../../src/cli/command.ts";
import { formatKernel } from "../../src/gpu/product_kernel.ts";
import { checkTile, LARGE_TILES } from "../gradients/product_checks.ts";
import { withGpu } from "../helpers/gpu.ts";

async function main(): Promise<void> {
  for (const kernel of LARGE_TILES) await withGpu((gpu) => checkTile(gpu, kernel));
  console.log(`${LARGE_TILES.map(formatKernel).join(" and ")}: no deviation`);
}

if (import.meta.main) await runCommand(main);

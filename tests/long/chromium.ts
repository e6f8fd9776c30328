/**
 * Chromium's WebGPU beside Deno's, with every kind of kernel, as the files have them and unrolled: prints the table of
 * docs/proofs.md. Exit code 1 if any check fails.
 *
 *     deno run -A --frozen --lock tests/deno.lock tests/long/chromium.ts
 *
 * @module
 */
import { runCommand } from "../../src/cli/command.ts";
import { figure } from "../../src/check/evidence.ts";
import { KERNEL_KINDS } from "../../src/gpu/product_kernel.ts";
import { number, parseFlags } from "../../src/recipe/flags.ts";
import { CHROMIUM, launchChromium, WEBGPU } from "../helpers/browser.ts";
import { callIn, checkPage, COLUMNS, traceNames } from "../helpers/compare_implementations.ts";
import { servePage } from "../helpers/page_server.ts";
import { adapterName } from "../helpers/second_implementation.ts";

async function main(): Promise<number> {
  const { share } = parseFlags(
    { name: "chromium", description: "Compares Chromium's WebGPU with Deno's." },
    { share: number(1, "share of the traces", { above: 0, max: 1 }) },
    Deno.args,
  );
  if ("absence" in CHROMIUM) {
    console.log(`NOT RUN: ${CHROMIUM.absence}`);
    return 0;
  }
  const all = traceNames(), traces = all.slice(0, Math.ceil(share * all.length));
  await using server = servePage();
  const browser = await launchChromium(WEBGPU);
  let failed = 0, checked = 0;
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    const adapters = [await callIn(page, "adapterName"), await adapterName()];
    console.log(
      `Chromium ${browser.version()} on ${adapters[0]}, Deno ${Deno.version.deno} on ${adapters[1]}`,
    );
    console.log(`| kernels | text | ${COLUMNS.join(" | ")} |\n|${" --- |".repeat(COLUMNS.length + 2)}`);
    for (const kind of KERNEL_KINDS) {
      for (const text of ["plain", "unrolled"] as const) {
        const { worst, failures } = await checkPage(page, { kind, text }, traces);
        console.log(`| \`${kind}\` | ${text} | ${worst.map(figure).join(" | ")} |`);
        for (const failure of failures) console.log(`FAILED: ${failure}`);
        checked++;
        if (failures.length > 0) failed++;
      }
    }
    const { found } = await callIn(page, "trainWithNaN");
    if (found === null) {
      console.log("FAILED: NaN in a parameter is not found");
      failed++;
    }
  } finally {
    await browser.close();
  }
  console.log(`${checked} kinds of kernels and text, ${traces.length} traces each, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) await runCommand(main);

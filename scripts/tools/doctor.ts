// Prints the facts that a bug report needs, and tests the GPU features that this project relies on.
// Run: deno task doctor           (the same as: deno run scripts/tools/doctor.ts; no permission needed)
//      deno task doctor --quick   skips the gradient checks of all recipes, which take minutes on a software adapter
// Exit code 1 if a test fails.
import config from "../../deno.json" with { type: "json" };
import { checkEveryOp } from "../../src/check/every_op.ts";
import { gradcheck, type GradcheckReport } from "../../src/check/gradcheck.ts";
import { timeDevice } from "../../src/check/self_tests/dispatch_order.ts";
import { runSelfTest, SELF_TESTS, type SelfTestResult } from "../../src/check/self_tests/self_tests.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flag, parseFlags } from "../../src/recipe/flags.ts";
import { checkedNetworks } from "../../src/recipe/checked_networks.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { allRecipes } from "./find_recipe.ts";
import { printJson, printText } from "../../src/terminal.ts";

const ROUNDS = 9;
const GRADCHECK = { widths: [784, 785], rows: [5, 1, 6, 7], seed: 0 }; // defaults of deno task gradcheck, as are STEPS
const STEPS = 100;
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupsPerDimension",
] as const;
const flags = {
  quick: flag("skip the gradient checks of all recipes, which take minutes on a software adapter"),
  json: flag("print the report as JSON"),
};

/** Name of the network that contains every op; it is not a recipe. */
const BUILT_IN = "built-in network";

/** Result of one gradient check on this device. */
interface Gradients {
  readonly recipe: string;
  readonly options: string;
  readonly passed: boolean;
  /** Largest difference from the f64 reference, relative to the gradient's norm. */
  readonly worst: number;
}

async function main(): Promise<number> {
  const { quick, json } = parseFlags(
    {
      name: "doctor",
      examples: ["--quick", "--json"],
      description: "Tests this GPU, and prints what a bug report needs.",
    },
    flags,
    Deno.args,
  );
  const say = json ? () => {} : (text: string) => printText(text);
  const versions = { bottleneck: config.version, ...Deno.version };
  const system = `${Deno.build.target}, ${navigator.hardwareConcurrency} cores`;
  say(`versions  ${pairs(versions)}`);
  say(`system    ${system}`);

  using gpu = await openGpu(); // after the lines that need no GPU: without one, they are the whole report
  const { adapterName: adapter, isSoftware } = gpu;
  const features = [...gpu.device.features], mayBe = backEnds(Deno.build.os, gpu.adapterFeatures);
  const limits = Object.fromEntries(LIMITS.map((name) => [name, gpu.device.limits[name]]));
  say(`adapter   ${gpu.description}`);
  say(`back end  ${formatBackEnds(mayBe)}`);
  say(`features  ${features.join(", ") || "none of those used"}`);
  say(`limits    ${LIMITS.map((name) => `${name} ${limits[name]}`).join("\n          ")}`);
  const timings = await timeDevice(gpu, ROUNDS);
  say(
    `times     ${timings.readbackMs.toFixed(2)} ms for a readback, ${
      timings.dispatchMs.toFixed(4)
    } ms for a ` +
      `dispatch, medians of ${ROUNDS}\n`,
  );

  const selfTests: SelfTestResult[] = [];
  for (const test of SELF_TESTS) {
    const result = await runSelfTest(gpu, test);
    selfTests.push(result);
    say(formatSelfTest(result));
  }
  const gradients: Gradients[] = [];
  if (!quick) {
    say("\ngradients of all recipes, each against the f64 reference and finite differences:");
    for await (const found of checkGradients(gpu, (await allRecipes()).map(({ recipe }) => recipe), STEPS)) {
      gradients.push(found);
      const { recipe, options, passed, worst } = found;
      const name = `${recipe} ${options}`.trim();
      say(`${verdict(passed)}  ${name}, at most ${worst.toExponential(1)} off the reference`);
      if (!passed) say(`        for details: deno task gradcheck ${recipe === BUILT_IN ? "basic" : recipe}`);
    }
  }

  const failed = [...selfTests, ...gradients].filter(({ passed }) => !passed).length;
  const passed = failed === 0;
  const device = { adapter, backEnds: mayBe, isSoftware, features, limits, timings };
  const report = { versions, system, ...device, selfTests, gradients };
  if (json) printJson({ ...report, passed });
  say(`\n${selfTests.length + gradients.length} tests, ${passed ? "all passed" : `${failed} FAILED`}`);
  return passed ? 0 : 1;
}

/**
 * The graphics APIs that may be computing, the likeliest first. Deno does not say which one is, and chooses OpenGL without
 * a word where there is no other driver. wgpu's OpenGL lacks `bgra8unorm-storage`, which few drivers of other APIs do.
 *
 * @param os as in `Deno.build.os`
 * @param features those of the adapter
 */
export function backEnds(os: string, features: ReadonlySet<string>): string[] {
  if (os === "darwin") return ["Metal"];
  const usual = os === "windows" ? ["DirectX 12", "Vulkan"] : ["Vulkan"];
  return features.has("bgra8unorm-storage") ? usual : ["OpenGL", ...usual];
}

function formatBackEnds(mayBe: readonly string[]): string {
  const advice = mayBe.includes("OpenGL")
    ? "Deno computes on OpenGL where it finds no Vulkan driver; install one"
    : "DENO_WEBGPU_BACKEND and VK_* choose; in a bug report, name those that are set";
  return `${mayBe.join(" or ")} (${advice})`;
}

/** Checks the built-in network and all networks of the recipes, at initialization and after `steps` training steps. */
export async function* checkGradients(
  gpu: Gpu,
  recipes: readonly Recipe[],
  steps: number,
): AsyncGenerator<Gradients> {
  const found = (recipe: string, options: string, { rows, passed }: GradcheckReport): Gradients => ({
    recipe,
    options,
    passed,
    worst: Math.max(...rows.map(({ reference }) => reference.error)),
  });
  yield found(BUILT_IN, "", await checkEveryOp(gpu, GRADCHECK));
  for (const recipe of recipes) {
    for (const { options, network, optimizer } of checkedNetworks(recipe)) {
      const report = await gradcheck(gpu, network, { ...GRADCHECK, steps, optimizer });
      yield found(recipe.name, options, report);
    }
  }
}

/** Formats a result as one line; a failed test gets a second line that says what it breaks. */
function formatSelfTest({ name, breaks, passed, figures }: SelfTestResult): string {
  const line = `${verdict(passed)}  ${name.padEnd(20)}  ${pairs(figures)}`;
  return passed ? line : `${line}\n        this breaks ${breaks}`;
}

function verdict(passed: boolean): string {
  return passed ? "ok    " : "FAILED";
}

/** Joins the entries as `name value, name value`. */
function pairs(entries: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(entries).map(([name, value]) => `${name} ${value}`).join(", ");
}

if (import.meta.main) await runCommand(main);

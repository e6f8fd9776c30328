// Replay of traces without noise, and tolerance of unavoidable float32 deviations.
import assert from "node:assert/strict";
import { formatReplay, replay } from "../../src/check/replay.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { traceNetwork } from "../../src/recipe/trace_network.ts";
import { parseTrace, type Trace } from "../../src/check/trace.ts";
import { findRecipe } from "../../scripts/tools/find_recipe.ts";
import { gpuTest } from "../helpers/gpu.ts";

const RECIPES = ["sparse", "denoising", "tied"];

function textOf(name: string): string {
  return Deno.readTextFileSync(new URL(`../../fixtures/traces/${name}`, import.meta.url));
}

async function networkOf(trace: Trace) {
  return traceNetwork((await findRecipe(trace.recipe)).recipe, trace);
}

for (const name of ["sparse-clean.json", "denoising-clean.json"]) {
  gpuTest(`replay() repeats a trace without noise: ${name}`, async (gpu) => {
    const trace = parseTrace(textOf(name), name, RECIPES);
    assert.ok(trace.steps.every(({ inputs }) => !inputs.has("noise")));
    const report = await replay(gpu, trace, await networkOf(trace));
    assert.ok(report.passed, formatReplay(report));
  });
}

Deno.test("parseTrace() refuses noise in some steps only", () => {
  const clean = JSON.parse(textOf("sparse-clean.json"));
  clean.steps[1].noise = clean.steps[1].x;
  const message = (json: unknown) => {
    try {
      parseTrace(JSON.stringify(json), "bad.json", RECIPES);
    } catch (error) {
      return (error as Error).message;
    }
    return "nothing";
  };
  const start =
    'Cannot read trace bad.json: steps: expected "noise" in all steps or in none, found it in step ';
  assert.equal(message(clean), `${start}1 but not in step 0`);
  const noisy = JSON.parse(textOf("sparse-stage1.json"));
  delete noisy.steps[2].noise;
  assert.equal(message(noisy), `${start}0 but not in step 2`);
});

gpuTest("replay() widens bounds to the precision of float32, says so, and no further", async (gpu) => {
  const trace = parseTrace(textOf("tied-one-pixel.json"), "tied-one-pixel.json", RECIPES);
  const network = await networkOf(trace);
  const report = await replay(gpu, trace, network);
  assert.ok(report.passed, formatReplay(report));
  const { gradient, loss, parameter } = report;
  assert.ok(gradient.error > TOLERANCES.traceGradient && gradient.bound < 1e-3, formatReplay(report));
  assert.match(
    formatReplay(report),
    /first gradients \d\.\de-6 \(encoder\.0\.weight, bound widened to \d\.\de-4 for rounding\)/,
  );
  assert.deepEqual([loss.bound, parameter.bound], [TOLERANCES.traceLoss, TOLERANCES.traceParameter]);

  const { shape, data } = trace.firstGrads.get("encoder.0.weight")!;
  const wrong = { shape, data: data.map((d) => d * (1 + 2 * gradient.bound)) };
  const firstGrads = new Map(trace.firstGrads).set("encoder.0.weight", wrong);
  const failed = await replay(gpu, { ...trace, firstGrads }, network);
  assert.equal(failed.passed, false, formatReplay(failed));
  assert.equal(failed.gradient.of, "encoder.0.weight");
});

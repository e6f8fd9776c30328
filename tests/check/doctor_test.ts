import assert from "node:assert/strict";
import { basic } from "../../scripts/basic.ts";
import { backEnds, checkGradients } from "../../scripts/tools/doctor.ts";
import { timeDevice } from "../../src/check/self_tests/dispatch_order.ts";
import { runSelfTest, SELF_TESTS, type SelfTestResult } from "../../src/check/self_tests/self_tests.ts";
import { openGpu } from "../../src/gpu/device.ts";
import { DEVICE_FAULTS, faultNamed, plant } from "../gradients/faults.ts";
import { complaints, runTask } from "../helpers/commands.ts";
import { gpuTest } from "../helpers/gpu.ts";

for (const test of SELF_TESTS) {
  gpuTest(`self-test of ${test.name} passes on this device`, async (gpu) => {
    assert.deepEqual(await runSelfTest(gpu, test).then(({ passed, figures }) => passed || figures), true);
  });
}

for (const [name, shader, fault, text, becomes] of DEVICE_FAULTS) {
  Deno.test(`self-test of ${name} detects: ${fault}`, async () => {
    let planted = false;
    using gpu = await openGpu({
      rewriteShader(path, code) {
        assert.equal(path, `src/check/self_tests/${shader}.wgsl`);
        const faulty = code.replace(text, becomes);
        planted = faulty !== code;
        return faulty;
      },
    });
    const { passed, figures } = await runSelfTest(gpu, SELF_TESTS.find((test) => test.name === name)!);
    assert.ok(planted, "the fault's text is not in the shader");
    assert.equal(passed, false, JSON.stringify(figures));
    assert.equal("error" in figures, fault === "a shader that does not compile", JSON.stringify(figures));
  });
}

Deno.test("a device that makes numbers of NaN passes, and the report says where", async () => {
  using gpu = await openGpu({
    rewriteShader: (_path, code) =>
      code.replace("select(number, 0.0, number <= 0.0)", "select(number, 0.0, !(number > 0.0))")
        .replace(
          "= exp(number);",
          "= select(exp(number), 1.0, (bitcast<u32>(number) & 0x7fffffffu) > 0x7f800000u);",
        ),
  });
  const { passed, figures } = await runSelfTest(
    gpu,
    SELF_TESTS.find(({ name }) => name === "NaN and infinity")!,
  );
  assert.deepEqual([passed, figures["NaN becomes a number in"]], [true, "ReLU by select, exp"]);
});

Deno.test.each([
  ["linux", ["bgra8unorm-storage", "timestamp-query"], ["Vulkan"]],
  ["linux", ["timestamp-query"], ["OpenGL", "Vulkan"]],
  ["windows", ["bgra8unorm-storage"], ["DirectX 12", "Vulkan"]],
  ["windows", [], ["OpenGL", "DirectX 12", "Vulkan"]],
  ["darwin", [], ["Metal"]],
] as [string, string[], string[]][])("back ends on %s with %j", (os, features, expected) => {
  assert.deepEqual(backEnds(os, new Set(features)), expected);
});

Deno.test("every self-test has a planted fault", () => {
  const tested = new Set<string>(DEVICE_FAULTS.map(([name]) => name));
  assert.deepEqual(SELF_TESTS.map(({ name }) => name).filter((name) => !tested.has(name)), []);
});

Deno.test("checkGradients() distinguishes right from wrong gradients", async () => {
  const recipes = [{ ...basic, checks: [""] }];
  const fault = faultNamed("losses/squared_error.wgsl, squared_error: wrong sign");
  for (const isFaulty of [false, true]) {
    using gpu = await openGpu({
      rewriteShader: (path, code) =>
        isFaulty && path === `shaders/${fault.shader}` ? plant(code, fault) : code,
    });
    const found = await Array.fromAsync(checkGradients(gpu, recipes, 0));
    assert.deepEqual(found.map(({ recipe, passed }) => [recipe, passed]), [
      ["built-in network", !isFaulty],
      ["basic", !isFaulty],
    ]);
    for (const { worst } of found) assert.equal(worst > 1e-5, isFaulty, `${worst}`);
  }
});

gpuTest("timeDevice() returns times above zero", async (gpu) => {
  const { readbackMs, dispatchMs } = await timeDevice(gpu, 3);
  assert.ok(readbackMs > 0, `${readbackMs}`);
  assert.ok(dispatchMs > 0, `${dispatchMs}`);
});

/** Self-test figures needed in a bug report. */
const FIGURES = [
  "exp ULP",
  "log ULP",
  "tanh ULP",
  "wrong results",
  "NaN becomes a number in",
  "NaN != NaN",
  "runs",
  "runs with other bits",
];

Deno.test("doctor --quick prints versions, device, limits and every self-test, without permissions", async () => {
  const outcome = await runTask("doctor", ["--quick"]);
  assert.deepEqual([outcome.code, complaints(outcome)], [0, []], outcome.stdout);
  for (const start of ["versions", "system", "adapter", "back end", "features", "limits", "times"]) {
    assert.match(outcome.stdout, new RegExp(`^${start} +\\S`, "m"));
  }
  for (const { name } of SELF_TESTS) assert.ok(outcome.stdout.includes(`\nok      ${name}`), outcome.stdout);
  assert.match(outcome.stdout, /\ntimes +[\d.]+ ms for a readback, [\d.]+ ms for a dispatch, medians of 9\n/);
  for (const figure of FIGURES) assert.match(outcome.stdout, new RegExp(`[ ,]${figure} \\S`), figure);
  assert.match(outcome.stdout, new RegExp(`\n${SELF_TESTS.length} tests, all passed\n$`));
});

Deno.test("doctor --quick --json prints one object", async () => {
  const { code, stdout } = await runTask("doctor", ["--quick", "--json"]);
  const report = JSON.parse(stdout);
  assert.deepEqual([code, report.passed, report.gradients], [0, true, []]);
  assert.equal(report.versions.deno, Deno.version.deno);
  assert.deepEqual(
    report.selfTests.map(({ name }: { name: string }) => name),
    SELF_TESTS.map(({ name }) => name),
  );
  assert.ok(report.timings.readbackMs > 0 && report.timings.dispatchMs > 0);
  assert.ok(
    report.backEnds.length > 0 && report.adapter.length > 0 &&
      report.limits.maxStorageBufferBindingSize > 0 && report.features,
  );
  const figures = Object.assign({}, ...report.selfTests.map((test: SelfTestResult) => test.figures));
  for (const figure of FIGURES) assert.ok(figure in figures, figure);
  assert.deepEqual([figures.runs, figures["runs with other bits"]], [30, 0]);
});

Deno.test("doctor without a GPU prints the versions and a one-line error", async () => {
  const command = new Deno.Command("deno", {
    args: ["run", "--no-prompt", "scripts/tools/doctor.ts"],
    cwd: new URL("../..", import.meta.url),
    env: { VK_ICD_FILENAMES: "/nonexistent", VK_DRIVER_FILES: "/nonexistent", DENO_WEBGPU_BACKEND: "vulkan" },
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.match(text(stdout), /^versions +bottleneck/);
  assert.match(text(stderr), /^error: Cannot open a GPU: .*\n$/m);
  assert.equal(code, 1);
});

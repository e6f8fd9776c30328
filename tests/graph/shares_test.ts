/** The shares of workgroups: together they are the whole, on processors and on GPUs. */
import assert from "node:assert/strict";
import { openGpu } from "../../src/gpu/device.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { inRows, inShares } from "../../src/graph/shares.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { compile } from "../../src/step/compile.ts";
import { assertUpdatesAgree, LONG_OPTIMIZERS } from "../gradients/kernel_checks.ts";

const traits = (isSoftware: boolean) =>
  ({ isSoftware, prefersTextures: false, kernels: { kind: "auto" } }) as const;

for (const [of, isSoftware, workgroupSize] of [["a processor", true, 8], ["a GPU", false, 64]] as const) {
  Deno.test(`shares on ${of} are worth the start of a workgroup, and enough for all of them`, () => {
    const counts = [1, 256, 257, 1025, 55_028, 2 ** 27]; // of vec4; 55,028 are deep's parameters
    const expected = isSoftware ? [1, 1, 1, 2, 54, 4096] : [1, 1, 2, 5, 215, 4096];
    const sizes = counts.map((count) => inShares(traits(isSoftware), count));
    assert.deepEqual(sizes.map(({ invocations }) => invocations / workgroupSize), expected);
    assert.deepEqual(new Set(sizes.map((size) => size.workgroupSize)), new Set([workgroupSize]));
    assert.deepEqual(inRows(traits(isSoftware), 64), { workgroupSize, invocations: 64 * workgroupSize });
    assert.equal(inRows(traits(isSoftware), 5000).invocations, 4096 * workgroupSize);
  });

  Deno.test(`more rows than workgroups are gathered on ${of}`, async () => {
    using gpu = Object.assign(await openGpu(), { isSoftware });
    const rows = 5000;
    using images = new DeviceImages(gpu, "many", Uint8Array.from({ length: rows }, (_, k) => k % 251), 1);
    const graph = new Graph(rows);
    using parameters = new Parameters(1);
    const x = gatherBatch(graph, "pixels", images);
    using step = await compile(gpu, graph, parameters, { label: "gather", outputs: [x] });
    step.run({ first: 0, rows });
    const [read] = await step.read([x], rows);
    assert.deepEqual([...read], Array.from({ length: rows }, (_, k) => Math.fround(k % 251 / 255)));
  });

  for (const name of LONG_OPTIMIZERS) {
    Deno.test(`${name} reaches all shares of a long range on ${of}`, async () => {
      using gpu = Object.assign(await openGpu(), { isSoftware });
      await assertUpdatesAgree(gpu, name, true);
      gpu.check("a test");
    });
  }
}

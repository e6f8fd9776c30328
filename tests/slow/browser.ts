// Another implementation of WebGPU, Chromium's, computes what Deno's does: the project's modules, served to a page.
// deno task test:long does the same with the other kernels, and with unrolled text, and prints docs/proofs.md's table.
import assert from "node:assert/strict";
import { browserTest, type Visit, WEBGPU } from "../helpers/browser.ts";
import { callIn, checkPage, traceNames } from "../helpers/compare_implementations.ts";
import { servePage } from "../helpers/page_server.ts";

/** A test with a page that can import the project's modules. */
function pageTest(name: string, body: (page: Awaited<ReturnType<Visit["open"]>>) => Promise<void>): void {
  browserTest(name, async ({ open }) => {
    await using server = servePage();
    await body(await open(server.url, { isOnline: true }));
  }, WEBGPU);
}

for (const kind of ["naive", "register", "fused"] as const) {
  pageTest(
    `in Chromium, ${kind} kernels pass self-tests, traces, gradcheck, and train deep as in Deno`,
    async (page) => {
      const traces = traceNames();
      assert.ok(traces.length >= 25, `${traces.length} traces`);
      const { failures } = await checkPage(page, { kind, text: "plain" }, traces);
      assert.deepEqual(failures, []);
    },
  );
}

pageTest("an adapter without a description is named by its vendor and its architecture", async (page) => {
  assert.equal(await callIn(page, "adapterName"), "google swiftshader");
});

pageTest(
  "in Chromium, whose functions make numbers of NaN, NaN in a parameter is found by its bits",
  async (page) => {
    const { loss, found } = await callIn(page, "trainWithNaN");
    assert.match(`${found}`, /^Training of "NaN" diverged: .*parameter "encoder\.weight"/);
    assert.ok(loss !== null && Number.isFinite(loss), `the loss alone does not show it: ${loss}`);
  },
);

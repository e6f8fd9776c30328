import assert from "node:assert/strict";
import type { Page } from "npm:playwright-core@1.65.1";
import { type Live, startLive } from "../../src/live/live.ts";
import { pageSnapshot } from "../../src/report/page/page_data.ts";
import type { RunData } from "../../src/report/run_data.ts";
import { browserTest } from "../helpers/browser.ts";
import { firstCurveHas } from "../helpers/in_page.ts";
import { exampleRun, exampleSnapshot } from "../helpers/live.ts";

/** A test of a page that shows a run; it may ask this run's server alone. */
function dashboardTest(
  name: string,
  body: (live: Live, page: Page, asked: readonly string[]) => Promise<void>,
): void {
  browserTest(name, async ({ open, asked }) => {
    await using live = await startLive();
    live.publish({ kind: "run", run: exampleRun() });
    await body(live, await open(live.url, { isOnline: true }), asked);
    assert.deepEqual(asked.filter((address) => !address.startsWith(live.url)), []);
  });
}

function publishSteps(live: Live, first: number, last: number): void {
  for (let step = first; step <= last; step++) {
    live.publish({ kind: "metrics", record: { epoch: 1, step, loss: 1 / step } });
  }
  const progress = { epoch: 1, epochs: 3, step: last, steps: 100, imagesPerSecond: 8123, secondsLeft: 72 };
  live.publish({ kind: "progress", progress });
}

/** Waits until the loss's curve has so many points. */
async function curveHas(page: Page, points: number): Promise<void> {
  await page.waitForFunction(firstCurveHas, points, { timeout: 60_000 });
}

async function says(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector, { hasText: text }).waitFor({ timeout: 60_000 });
}

dashboardTest("the dashboard follows training, survives a reload, and shows the end", async (live, page) => {
  publishSteps(live, 1, 20);
  await curveHas(page, 20);
  await says(page, "#figures", "step 20 of 100");
  await says(page, "#figures", "1:12 left");
  await says(page, "#phase", "training");

  publishSteps(live, 21, 50);
  await curveHas(page, 50);
  live.publish({ kind: "change", change: { snapshot: exampleSnapshot(1) } });
  const result = page.locator("#reconstructions img").nth(1);
  await result.waitFor({ timeout: 60_000 });
  const before = await page.locator("#reconstructions").innerHTML();
  live.publish({ kind: "change", change: { snapshot: exampleSnapshot(2, 40, 99) } });
  await page.waitForFunction(
    (before) => document.getElementById("reconstructions")!.innerHTML !== before,
    before,
    { timeout: 60_000 },
  );

  await page.reload();
  await curveHas(page, 50);
  publishSteps(live, 51, 60);
  await curveHas(page, 60);

  live.publish({
    kind: "change",
    change: { status: "finished", rows: [{ label: "this model", value: 0.0263 }] },
  });
  await says(page, "#results", "0.0263");
  await live.close();
  await says(page, "#phase", "training has ended");
  await curveHas(page, 60);
  assert.equal(await page.locator("#stop").isVisible(), false);
  await new Promise((resolve) => setTimeout(resolve, 1500)); // it must not ask again
});

dashboardTest(
  "the buttons pause, resume and stop training, the last after a question",
  async (live, page) => {
    publishSteps(live, 1, 5);
    await says(page, "#phase", "training");
    await page.click("#pause");
    await says(page, "#phase", "pausing");
    assert.equal(live.isPaused, true);
    const waiting = live.whilePaused();
    await says(page, "#phase", "paused");
    await says(page, "#pause", "Resume");
    await page.click("#pause");
    await waiting;
    await says(page, "#pause", "Pause");
    assert.equal(live.isPaused, false);

    await page.click("#stop");
    await page.click("#question-no");
    assert.equal(live.isStopped, false);
    await page.click("#stop");
    await page.click("#question-stop");
    await says(page, "#phase", "stopping");
    assert.equal(live.isStopped, true);
    assert.equal(await page.locator("#stop").isDisabled(), true);
  },
);

dashboardTest("a page fetches what has changed and is in sight, once", async (live, page, asked) => {
  await page.setViewportSize({ width: 1280, height: 400 }); // shows the head of the page alone
  const fetched = () => asked.flatMap((address) => /\/data\/(\w+)\.json$/.exec(address)?.[1] ?? []);
  publishSteps(live, 1, 5);
  await curveHas(page, 5);
  assert.equal(asked.filter((address) => address.endsWith("/data.json")).length, 1);
  assert.deepEqual(fetched(), []);

  live.publish({ kind: "change", change: { snapshot: exampleSnapshot(1) } });
  await page.locator("#codes").waitFor({ timeout: 60_000 });
  assert.deepEqual(fetched(), ["snapshot", "codes", "images"]); // which it had none of
  assert.equal(await page.locator(".cloud[data-drawn]").count(), 0, "nobody sees it yet");

  live.publish({ kind: "change", change: { snapshot: exampleSnapshot(2, 40, 7) } });
  publishSteps(live, 6, 9);
  await says(page, "#figures", "step 9 of 100");
  assert.equal(fetched().length, 3);

  const codes = page.waitForResponse(/\/data\/codes\.json$/, { timeout: 60_000 });
  await page.locator("#codes").scrollIntoViewIfNeeded();
  await page.locator(".cloud[data-drawn]").waitFor({ timeout: 60_000 });
  await codes;
  assert.ok(fetched().slice(3).includes("codes"), `${fetched()}`);
  assert.equal(fetched().filter((name) => name === "images").length, 1, "the images are the same");
  assert.equal(asked.filter((address) => address.endsWith("/data.json")).length, 1);

  live.publish({ kind: "change", change: { status: "finished" } });
  await live.close();
  await says(page, "#phase", "training has ended");
  await page.locator("#reconstructions").scrollIntoViewIfNeeded();
  const { result } = pageSnapshot(exampleSnapshot(2, 40, 7)).tiles[0];
  await page.locator(`#reconstructions img[src="${result}"]`).first().waitFor({ timeout: 60_000 });
});

dashboardTest(
  "a page that lost its run says so, and shows the next run at the same address",
  async (live, page) => {
    page.removeAllListeners("console"); // the browser writes down that nobody answers, as it should
    publishSteps(live, 1, 5);
    await curveHas(page, 5);
    live.publish({ kind: "run", run: {} as unknown as RunData }); // the worker does not survive this
    await says(page, "#phase", "connection lost");
    await using next = await startLive({ port: Number(new URL(live.url).port) });
    next.publish({ kind: "run", run: { ...exampleRun(), name: "the-next-run" } });
    publishSteps(next, 1, 7);
    await curveHas(page, 7);
    await says(page, "header", "the-next-run");
  },
);

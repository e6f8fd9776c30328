// Reports in a real browser: drawn offline, without complaints, and answering mouse, keys and fingers.
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "npm:playwright-core@1.65.1";
import { pageData } from "../../src/report/page/page_data.ts";
import { type ReportOptions, reportPage } from "../../src/report/page/report_page.ts";
import { libraryFiles } from "../../src/report/page/sources.ts";
import type { RunData } from "../../src/report/run_data.ts";
import { browserTest, type Visit, type VisitOptions } from "../helpers/browser.ts";
import {
  cardImage,
  cloudInk,
  curvePoints,
  firstAxes,
  nextFrame,
  pageWidth,
  paper,
  updateReport,
} from "../helpers/in_page.ts";
import { colorRun, madeUpRun, RECIPE_NAMES } from "../helpers/run_data.ts";

interface Opened extends VisitOptions, ReportOptions {
  readonly runs: readonly RunData[];
}

/** Opens the report of runs from a file, and waits until it is drawn. */
async function openReport(
  { open }: Visit,
  { runs, cdn = false, ...options }: Opened,
): Promise<Page> {
  const folder = await Deno.makeTempDir({ prefix: "bottleneck-" });
  try {
    const path = join(folder, "report.html");
    await Deno.writeTextFile(path, reportPage(runs, { cdn }));
    const page = await open(pathToFileURL(path).href, options);
    await page.waitForSelector("html[data-drawn]");
    for (const cloud of await page.locator(".cloud:not(.flat)").all()) {
      await cloud.scrollIntoViewIfNeeded();
      await page.waitForSelector(".cloud[data-drawn]");
    }
    return page;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A picture of an element, as it is on the screen. */
async function pixelsOf(page: Page, selector: string): Promise<string> {
  await page.evaluate(nextFrame);
  return (await page.locator(selector).screenshot()).toString("base64");
}

for (const recipe of RECIPE_NAMES) {
  browserTest(`the report of ${recipe} is drawn offline, with the right number of points`, async (visit) => {
    const run = madeUpRun(recipe, { codes: 100, epochs: 5 });
    const page = await openReport(visit, { runs: [run] });
    const points = await page.evaluate(curvePoints);
    const terms = Object.keys(run.metrics[0]).filter((key) =>
      !["epoch", "step", "stage", "seconds", "tensors"].includes(key)
    );
    assert.deepEqual(
      Object.values(points).sort((a, b) => a - b),
      [5, ...terms.flatMap(() => [15, 5])].sort((a, b) => a - b),
      JSON.stringify(points),
    );
    assert.equal(await page.locator("#tensors canvas[aria-label*='encoder.0.weight']").count(), 3);
    assert.equal(await page.locator("#reconstructions .tiles figure").count(), 30);
    const without = await page.locator(
      "img:not([alt]), img[alt=''], canvas:not([aria-label]):not(.card canvas)",
    ).count();
    assert.equal(without, 0, "pictures without alternative text");
    assert.equal(await page.locator("#levels").count(), recipe === "matched" ? 1 : 0);
    assert.equal(await page.locator("#sparsity").count(), recipe === "sparse" ? 1 : 0);
    assert.equal(await page.locator("#samples img").count(), recipe === "vae" ? 64 : 0);
    const perTile = recipe === "denoising" ? 3 : 2;
    assert.equal(await page.locator("#reconstructions .tiles img").count(), 30 * perTile);
    for (const fold of await page.locator("details.folded").all()) {
      await fold.locator("summary").click();
      await fold.locator("table tbody tr").first().waitFor();
    }
  });
}

browserTest(
  "a report has the errors of test rows: histograms with the threshold, worst rows",
  async (visit) => {
    const run = madeUpRun("deep", { codes: 20 });
    const page = await openReport(visit, { runs: [run] });
    const chart = page.locator("#errors canvas");
    assert.match(
      (await chart.getAttribute("aria-label"))!,
      /Squared error of each test row, % of the rows: test rows: 1,800 rows.*; test rows of held-out classes: 200 rows.*; threshold 0\.\d+ \(quantile 0\.99\)$/,
    );
    const figures = page.locator("#errors .tiles figure");
    assert.equal(await figures.count(), 12);
    const label = run.classNames![run.worst!.rows[3].label!];
    assert.equal(await figures.nth(3).locator("figcaption").innerText(), `row 3\n${label}\n0.170`);
    assert.equal(
      await figures.nth(3).locator("img").nth(1).getAttribute("alt"),
      `test row 3, ${label}, reconstruction, error 0.170`,
    );
  },
);

browserTest(
  "a table's report names the columns of its worst rows; spread errors are on a log scale",
  async (visit) => {
    const columns = [
      { name: "age, <b>years</b>", value: 40.84, reconstruction: 33.9, share: 0.87 },
      { name: "rate", value: NaN, reconstruction: 2, share: 0.13 },
    ];
    const worst = { rows: [{ row: 1234, error: 0.5, columns }] };
    const scores = Float32Array.from({ length: 300 }, (_, k) => 10 ** (-3 + 3 * k / 300));
    const page = await openReport(visit, {
      runs: [{ ...madeUpRun("deep", { codes: 20 }), worst, errors: { scores } }],
    });
    const cells = await page.locator("#errors tbody tr").first().locator("th, td").allInnerTexts();
    assert.deepEqual(cells, [
      "1234",
      "–",
      "0.5000",
      "age, <b>years</b>: 40.84 → 33.90 (87 %); rate: – → 2 (13 %)",
    ]);
    assert.match(
      (await page.locator("#errors canvas").getAttribute("aria-label"))!,
      /threshold 0\.9\d+ \(quantile/,
    );
    await page.locator("#errors summary").click();
    assert.match(
      (await page.locator("#errors details thead").innerText())!,
      /squared error, mean over columns \(log scale\)/,
    );
  },
);

browserTest("a report marks rollbacks", async (visit) => {
  const run = madeUpRun("deep"), went = { divergedAtStep: 200, wentBackToStep: 157, learningRateShare: 0.5 };
  const page = await openReport(visit, { runs: [{ ...run, metrics: [...run.metrics, went] }] });
  const text = await page.locator(".notice").first().textContent();
  assert.match(
    text ?? "",
    /rolled back from step 200 to 157; since then the learning rate is 0.5 times the original/,
  );
});

browserTest(
  "a cloud in space draws, turns under the mouse and the arrow keys, and keeps still otherwise",
  async (visit) => {
    const page = await openReport(visit, { runs: [madeUpRun("deep")] });
    assert.ok(await page.evaluate(cloudInk) > 2000);
    const cloud = page.locator(".cloud");
    const still = await pixelsOf(page, ".cloud");
    assert.equal(await pixelsOf(page, ".cloud"), still);
    const { x, y, width, height } = (await cloud.boundingBox())!;
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 120, y + height / 2 + 40, { steps: 4 });
    await page.mouse.up();
    await page.mouse.move(x - 20, y - 20);
    const dragged = await pixelsOf(page, ".cloud");
    assert.notEqual(dragged, still);
    await cloud.focus();
    await page.keyboard.press("ArrowRight");
    assert.notEqual(await pixelsOf(page, ".cloud"), dragged);
  },
);

for (const recipe of ["deep", "matched"]) {
  browserTest(
    `pointing at a code of ${recipe} shows its image, and so do keys; classes can be switched off`,
    async (visit) => {
      const run = madeUpRun(recipe, { codes: 60 });
      const page = await openReport(visit, { runs: [run] });
      const card = page.locator(".card");
      assert.equal(await card.isVisible(), false);
      await page.locator(".cloud").focus();
      await page.keyboard.press("Enter");
      await card.waitFor();
      const { x, y, width, height } = (await page.locator(".ring").boundingBox())!;
      await page.keyboard.press("Escape");
      assert.equal(await card.isVisible(), false);
      await page.mouse.move(x + width / 2, y + height / 2);
      await card.waitFor();
      const shown = await page.evaluate(cardImage);
      const image = run.snapshot!.codes!.images.subarray(784 * shown.point, 784 * (shown.point + 1));
      const off = shown.grays.filter((gray, k) => Math.abs(gray - image[k]) > 9).length;
      assert.equal(off, 0, `image ${shown.point}`);
      const label = run.classNames![run.snapshot!.codes!.labels![shown.point]];
      assert.equal(await page.locator(".card b").textContent(), label);
      const before = await page.evaluate(cloudInk);
      await page.locator(".legend button", { hasText: label }).click();
      await page.mouse.move(x + width / 2, y + height / 2);
      if (await card.isVisible()) assert.notEqual(await page.locator(".card b").textContent(), label);
      assert.notEqual(await page.evaluate(cloudInk), before);
    },
  );
}

browserTest("a color image behind a code is shown in color", async (visit) => {
  const run = colorRun(), page = await openReport(visit, { runs: [run] });
  await page.locator(".cloud").focus();
  await page.keyboard.press("Enter");
  await page.locator(".card").waitFor();
  await page.waitForSelector(".card canvas[data-point]");
  const { point, colors } = await page.evaluate(cardImage), { images } = run.snapshot!.codes!;
  const wrong = colors.filter((level, k) => {
    const [pixel, color] = [Math.floor(k / 3), k % 3];
    return Math.abs(level - images[90 * point + 30 * color + pixel]) > 9;
  });
  assert.deepEqual([colors.length, wrong], [90, []]);
  const text = await page.locator("#weights figcaption").textContent();
  assert.match(`${text}`, /2 units; red, green, blue from top to bottom/);
});

browserTest("a tap on a phone shows the image behind a code", async (visit) => {
  const page = await openReport(visit, {
    runs: [madeUpRun("deep", { codes: 60 })],
    width: 390,
    isTouch: true,
  });
  await page.locator(".cloud").focus();
  await page.keyboard.press("Enter");
  const { x, y } = (await page.locator(".ring").boundingBox())!;
  await page.keyboard.press("Escape");
  await page.touchscreen.tap(x + 7, y + 7);
  await page.locator(".card").waitFor();
});

for (const width of [390, 1280]) {
  browserTest(`a report fits ${width} pixels, and changes its theme`, async (visit) => {
    const page = await openReport(visit, {
      runs: [madeUpRun("vae", { codes: 50 })],
      width,
      colorScheme: "dark",
    });
    assert.equal(await page.evaluate(pageWidth), width);
    const dark = await page.evaluate(paper), chart = await pixelsOf(page, "#curves canvas >> nth=0");
    await page.getByText("Light theme").click();
    assert.notEqual(await page.evaluate(paper), dark);
    assert.notEqual(await pixelsOf(page, "#curves canvas >> nth=0"), chart);
  });
}

browserTest("curves can be zoomed, smoothed and put on a log scale", async (visit) => {
  const page = await openReport(visit, { runs: [madeUpRun("deep")] });
  const scale = () => page.evaluate(firstAxes);
  const whole = await scale();
  const canvas = page.locator("#curves canvas").first();
  await canvas.scrollIntoViewIfNeeded();
  const { x, y } = (await canvas.boundingBox())!;
  await page.mouse.move(x + 150, y + 100);
  await page.mouse.down();
  await page.mouse.move(x + 300, y + 110, { steps: 5 });
  await page.mouse.up();
  const zoomed = await scale();
  assert.ok(zoomed.min > whole.min && zoomed.max < whole.max, JSON.stringify(zoomed));
  await page.getByLabel("Log scale").check();
  assert.deepEqual(await scale(), { ...zoomed, type: "logarithmic" });
  await page.getByText("Reset zoom").click();
  assert.deepEqual(await scale(), { ...whole, type: "logarithmic" });
  const rough = await pixelsOf(page, "#curves canvas >> nth=0");
  await page.getByLabel("Smoothing").fill("0.9");
  assert.notEqual(await pixelsOf(page, "#curves canvas >> nth=0"), rough);
});

browserTest("the slider goes through the epochs", async (visit) => {
  const page = await openReport(visit, { runs: [madeUpRun("vae", { codes: 20, epochs: 3 })] });
  const history = page.locator("#history-samples");
  const source = () => history.locator("img").getAttribute("src");
  const last = await source();
  assert.equal(await history.locator("output").textContent(), "epoch 3");
  await history.getByRole("slider").fill("1");
  assert.equal(await history.locator("output").textContent(), "epoch 2");
  assert.notEqual(await source(), last);
});

browserTest("a page that links its libraries asks for exactly the pinned ones", async (visit) => {
  const files = new Map(libraryFiles().map(({ url, code }) => [url, code]));
  const runs = [madeUpRun("deep", { codes: 50 })];
  await openReport(visit, { runs, cdn: true, answer: (url) => files.get(url) });
  assert.deepEqual([...visit.asked].sort(), [...files.keys()].sort());
});

browserTest(
  "a page whose three.js is missing or another file draws codes in 2-D, and says so",
  async (visit) => {
    const core = libraryFiles().find(({ name }) => name === "three.core")!.url;
    for (
      const substitute of ["export {};", "throw new Error('not three.js');", "<!doctype html>", undefined]
    ) {
      const files = new Map<string, string | undefined>(libraryFiles().map(({ url, code }) => [url, code]));
      files.set(core, substitute);
      const page = await openReport(visit, {
        ...{ runs: [madeUpRun("deep", { codes: 50 })], cdn: true, answer: (url) => files.get(url) },
        expected: /does not provide an export|not three\.js|Unexpected token '<'|three\.core|ERR_FAILED/,
      });
      const note = await page.getByText("Drawn in 2-D").textContent();
      assert.match(note ?? "", /3-D is not available here \(Error: Cannot load three\.js\)/, substitute);
    }
  },
);

browserTest("texts that look like code stay texts", async (visit) => {
  const evil = `</script><img src=x onerror=alert(1)>"'<b>&amp;`;
  const run = madeUpRun("deep", { codes: 50 });
  const page = await openReport(visit, {
    runs: [{
      ...run,
      name: evil,
      recipe: evil,
      command: evil,
      classNames: run.classNames!.map((name) => name + evil),
      config: { [evil]: evil },
      rows: [{ label: evil, value: evil, unit: evil }],
      metrics: run.metrics.map((record) => ({ ...record, [evil]: 1 })),
      baselines: [{ label: evil, value: 0.05, metric: "testError" }],
    }],
  });
  assert.equal(await page.locator("h1").textContent(), evil);
  assert.equal(await page.locator(".command code").textContent(), evil);
  assert.equal(await page.locator("img[src=x]").count(), 0);
});

browserTest("several runs are compared: curves in one chart, settings that differ marked", async (visit) => {
  const runs = [
    madeUpRun("deep", { epochs: 4 }),
    madeUpRun("deep", { epochs: 6, seed: 1 }),
    madeUpRun("vae", { epochs: 3 }),
  ];
  const page = await openReport(visit, { runs });
  const points = await page.evaluate(curvePoints);
  for (const [k, run] of runs.slice(0, 2).entries()) {
    assert.equal(points[`Loss: ${run.name}, train`], 3 * (k ? 6 : 4), JSON.stringify(points));
    assert.equal(points[`Squared error per pixel: ${run.name}, test`], k ? 6 : 4);
  }
  const marked = await page.locator(".differs td:first-child").allTextContents();
  assert.deepEqual(marked.sort(), ["≠ epochs", "≠ recipe", "≠ seed"]);
  assert.equal(await page.locator("#reconstructions .panel").count(), 3);
  assert.equal(await page.locator("#codes canvas").count(), 3);
});

browserTest("a comparison keeps units apart, and says each result's in full", async (visit) => {
  const [stacked, vae] = ["stacked", "vae"].map((recipe) => madeUpRun(recipe, { codes: 20, epochs: 3 }));
  const rows = stacked.rows.map((row) => ({ ...row, unit: `${row.unit}; PyTorch on MNIST: 0.0299` }));
  const page = await openReport(visit, { runs: [{ ...stacked, rows }, vae] });
  assert.equal(await page.locator("#curves figcaption", { hasText: "Reconstruction loss" }).count(), 2);
  const result = page.locator("#results tbody tr", { hasText: "mean image" }).locator("td");
  const unit = "squared error per pixel, test images";
  assert.deepEqual(await result.allTextContents(), ["mean image", "0.08610", "0.08610", unit]);
  assert.equal(await page.locator("#samples .panel").count(), 1);
});

browserTest("tied's training loss is shown per image, as that on test images is", async (visit) => {
  const run = madeUpRun("tied", { codes: 20, epochs: 2 });
  const page = await openReport(visit, { runs: [run] });
  await page.locator("#curves details summary").first().click();
  const shown = Number(await page.locator("#curves tbody tr >> nth=0").locator("td >> nth=1").textContent());
  const expected = Number(run.metrics[0].loss) / Number(run.config.batchSize);
  assert.ok(Math.abs(shown - expected) <= 1e-3 * expected, `${shown} instead of ${expected}`);
});

browserTest("pictures of a run on one batch are told apart by steps", async (visit) => {
  const run = madeUpRun("vae", { codes: 20, epochs: 2 });
  const metrics = run.metrics.map((record) => ({ ...record, epoch: record.step }));
  const page = await openReport(visit, { runs: [{ ...run, metrics }] });
  assert.equal(await page.locator("#history-samples output").textContent(), "step 2");
});

browserTest("names of axes stay in a narrow frame, and class colors follow the theme", async (visit) => {
  const page = await openReport(visit, { runs: [madeUpRun("vae", { codes: 50 })], width: 390 });
  const frame = (await page.locator(".cloud").boundingBox())!;
  for (let turn = 0; turn < 12; turn++) {
    await page.locator(".cloud").press("ArrowRight");
    await page.evaluate(nextFrame);
    for (const name of await page.locator(".axis").all()) {
      const { x, width } = (await name.boundingBox())!;
      assert.ok(x >= frame.x - 1 && x + width <= frame.x + frame.width + 1, `${x} to ${x + width}`);
    }
  }
  const dot = () => page.evaluate("getComputedStyle(document.querySelector('.legend .dot')).backgroundColor");
  assert.equal(await dot(), "rgb(24, 79, 206)");
  await page.getByText("Dark theme").click();
  assert.equal(await dot(), "rgb(58, 93, 231)");
});

browserTest(
  "paper gets every chart as a picture, in light colors, and the screen its own back",
  async (visit) => {
    const page = await openReport(visit, { runs: [madeUpRun("deep", { codes: 50 })], colorScheme: "dark" });
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    const charts = await page.locator("canvas:not(.card canvas)").count();
    assert.equal(await page.locator("img.printed").count(), charts);
    assert.equal(
      await page.evaluate(paper),
      "rgb(251, 251, 249)",
    );
    await page.emulateMedia({ media: "print" });
    const picture = (await page.locator(".cloud img.printed").boundingBox())!;
    for (const name of await page.locator(".cloud .axis").all()) {
      const { x, y, width } = (await name.boundingBox())!;
      assert.ok(x >= picture.x - 1 && x + width <= picture.x + picture.width + 1, "axes have names on paper");
      assert.ok(y > picture.y && y < picture.y + picture.height);
    }
    await page.emulateMedia({ media: "screen" });
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    assert.equal(await page.locator("img.printed").count(), 0);
    assert.equal(
      await page.evaluate(paper),
      "rgb(19, 21, 23)",
    );
    assert.ok((await page.pdf()).length > 30_000);
  },
);

browserTest("new data come in place: zoom, rotation, theme and open tables stay", async (visit) => {
  const early = madeUpRun("deep", { codes: 50, epochs: 2 }),
    late = madeUpRun("deep", { codes: 60, epochs: 4 });
  const { snapshot: _, ...bare } = early;
  const page = await openReport(visit, { runs: [bare] });
  assert.equal(await page.locator("#codes").count(), 0);
  const update = (run: RunData) => page.evaluate(updateReport, JSON.parse(JSON.stringify(pageData(run))));
  await page.locator("#curves details summary").first().click();
  await update(early);
  await page.waitForSelector(".cloud[data-drawn]");
  const chart = await page.locator("#curves canvas").first().elementHandle();
  await chart!.scrollIntoViewIfNeeded();
  const { x, y } = (await chart!.boundingBox())!;
  await page.mouse.move(x + 150, y + 100);
  await page.mouse.down();
  await page.mouse.move(x + 300, y + 110, { steps: 5 });
  await page.mouse.up();
  await page.mouse.move(1, 1);
  const zoomed = await page.evaluate(firstAxes);
  await page.locator(".cloud").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await update(late);
  assert.deepEqual(await page.evaluate(firstAxes), zoomed);
  assert.equal(await chart!.evaluate((canvas) => canvas.isConnected), true);
  assert.equal(Object.values(await page.evaluate(curvePoints))[0], 12);
  assert.equal(
    await page.locator("#curves details").first().evaluate((fold) => fold.hasAttribute("open")),
    true,
  );
  assert.equal(await page.locator("#curves details >> nth=0").locator("tbody tr").count(), 16);
  assert.equal(await page.locator(".card").isVisible(), true);
  assert.equal(await page.locator(".cloud").count(), 1);
  await page.getByText("Reset zoom").click();
  assert.ok((await page.evaluate(firstAxes)).max > 4 * 157 - 1);
});

import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { join } from "node:path";
import { decode } from "../../src/dependencies/fast_png.ts";
import { groupCurves, smooth, stageBounds } from "../../src/report/page/client/curves.ts";
import { readable } from "../../src/report/page/client/format.ts";
import { pageData } from "../../src/report/page/page_data.ts";
import { reportPage } from "../../src/report/page/report_page.ts";
import { libraryFiles, pageModules } from "../../src/report/page/sources.ts";
import type { RunData } from "../../src/report/run_data.ts";
import { commandOf, readRunData } from "../../src/runs/read_run_data.ts";
import { saveSnapshot } from "../../src/runs/snapshot_file.ts";
import { writeSafetensors } from "../../src/files/safetensors.ts";
import { assertRefused, ROOT, runTask, withFolder } from "../helpers/commands.ts";
import { madeUpRun, RECIPE_NAMES } from "../helpers/run_data.ts";
import { writeScores } from "../../src/runs/scores_file.ts";
import { saveWorstRows } from "../../src/runs/worst_rows_file.ts";
import { quantileOf } from "../../src/stats/quantiles.ts";
import { MetricsLog } from "../../src/runs/metrics_log.ts";
import { writeConfig } from "../../src/runs/run_config.ts";

/** The data that lie in a report. */
function embedded(html: string): ReturnType<typeof pageData>[] {
  const [, json] = /<script type="application\/json" id="pages">(.*?)<\/script>/s.exec(html)!;
  return JSON.parse(json);
}

Deno.test.each(RECIPE_NAMES)("the report of %s is one file of at most 1.5 MB", (recipe) => {
  const html = reportPage([madeUpRun(recipe, { codes: 2000 })]);
  assert.ok(html.length <= 1_500_000, `${html.length} bytes`);
  assert.doesNotMatch(html.replace(/<script type="module">.*<\/script>/s, ""), /(src|href)="/);
  assert.equal(embedded(html)[0].recipe, recipe);
});

Deno.test("figures of tensors are rounded, and thinned evenly where reports are many", () => {
  const tensor = { gradientNorm: 0.123456, weightNorm: 12.3456, updateRatio: 1.23456e-7 };
  const metrics = Array.from({ length: 500 }, (_, k) => ({ step: k + 1, loss: 1, tensors: { w: tensor } }));
  const page = pageData({ ...madeUpRun("deep"), metrics });
  const having = page.metrics.filter(({ tensors }) => tensors);
  assert.equal(page.metrics.length, 500);
  assert.equal(having.length, 40);
  assert.deepEqual([having[0].step, having.at(-1)?.step], [1, 500]);
  assert.deepEqual(having[0].tensors, { w: [0.123, 12.3, 1.23e-7] });
});

Deno.test("a report that links its libraries is small, and pins them", () => {
  const html = reportPage([madeUpRun("deep", { codes: 50 })], { cdn: true });
  assert.ok(html.length < 400_000, `${html.length} bytes`);
  for (const url of ["chart.js@4.6.1/dist/chart.umd.min.js", "three@0.185.1/build/three.module.min.js"]) {
    assert.ok(html.includes(`https://raw.esm.sh/${url}`), url);
  }
  assert.match(html, /script-src 'sha256-[^']+' 'sha256-[^']+' https:\/\/raw\.esm\.sh;/);
});

Deno.test("the libraries are those of deno.json, whole", () => {
  const files = libraryFiles();
  assert.deepEqual(files.map(({ name }) => name), ["chart.js", "chartjs-plugin-zoom", "three.core", "three"]);
  for (const { url, integrity, code } of files) {
    assert.match(url, /^https:\/\/raw\.esm\.sh\/[a-z.-]+@\d+\.\d+\.\d+\//);
    assert.match(integrity, /^sha384-/);
    assert.ok(code.length > 10_000, url);
  }
  assert.match(files[3].code, /from"\.\/three\.core\.min\.js"/); // which the page turns to where it has it
});

Deno.test("the page's modules come after those that they import, and share no top-level name", () => {
  const names = Object.keys(pageModules()), declared = new Map<string, string>();
  for (const [name, code] of Object.entries(pageModules())) {
    for (const [, other] of code.matchAll(/^import .*? from "\.\/(.*?)";/gms)) {
      assert.ok(
        names.indexOf(other) >= 0 && names.indexOf(other) < names.indexOf(name),
        `${name} imports ${other}`,
      );
    }
    for (const [, top] of code.matchAll(/^(?:export )?(?:async )?(?:function|class|const|let) (\w+)/gm)) {
      assert.equal(declared.get(top), undefined, `${top} in ${name} and ${declared.get(top)}`);
      declared.set(top, name);
    }
  }
});

Deno.test("texts of a run cannot leave the place that they are in", () => {
  const evil = `</script><script>alert(1)</script><!--"'&`;
  const run: RunData = {
    ...madeUpRun("deep", { codes: 20 }),
    name: evil,
    recipe: evil,
    command: evil,
    classNames: [evil],
  };
  const html = reportPage([run]);
  assert.equal(html.split("alert(1)</script>").length, 1);
  assert.match(html, /<title>&lt;\/script>|<title>&lt;\/script&gt;/);
  assert.equal(embedded(html)[0].name, evil);
  const plain = reportPage([{ ...run, name: "a", recipe: "b", command: "c", classNames: ["d"] }]);
  const tags = (text: string) => text.match(/<[a-z!/]/g)!.length;
  assert.equal(tags(html), tags(plain));
});

Deno.test("pageData() survives JSON, and keeps what matters of numbers and images", () => {
  const run = madeUpRun("vae", { codes: 30 });
  const page = pageData({ ...run, metrics: [...run.metrics, { epoch: 11, step: 1700, kl: NaN }] });
  assert.deepEqual(JSON.parse(JSON.stringify(page)), JSON.parse(JSON.stringify(page)));
  assert.equal(page.metrics.length, run.metrics.length + 1);
  assert.equal(page.metrics.at(-1)!.kl, "NaN");
  assert.equal(page.metrics[0].kl, Number((run.metrics[0].kl as number).toPrecision(6)));
  const { tiles, codes } = page.snapshot!;
  const { width, height, data } = decode(
    Uint8Array.from(atob(tiles[3].result.split(",")[1]), (c) => c.charCodeAt(0)),
  );
  assert.deepEqual([width, height], [28, 28]);
  assert.deepEqual([...data], [...run.snapshot!.reconstructions.subarray(3 * 784, 4 * 784)]);
  assert.deepEqual(
    codes!.axes.map((axis) => axis.replace(/\d+ %/, "% %")),
    [1, 2, 3].map((k) => `component ${k} (% %)`),
  );
  assert.equal(codes!.points.length, 3 * 30);
  const bytes = gunzipSync(Uint8Array.from(atob(codes!.images), (c) => c.charCodeAt(0)));
  const image = run.snapshot!.codes!.images;
  for (const [n, x, y] of [[0, 3, 20], [29, 14, 14], [7, 27, 0]]) {
    const kept = bytes[n * 784 + x * 28 + y], was = image[n * 784 + y * 28 + x];
    assert.ok(Math.abs(kept - was) <= 9, `image ${n} at (${x}, ${y}): ${kept}, was ${was}`);
  }
});

Deno.test("pageData() has the errors of test rows as shares of each set, and the worst rows", () => {
  const run = madeUpRun("deep"), { errors, worst } = pageData(run);
  const threshold = quantileOf(run.errors!.scores.toSorted(), 0.99);
  assert.deepEqual(errors!.threshold, {
    label: `threshold ${threshold.toPrecision(4)} (quantile 0.99)`,
    value: threshold,
  });
  const [low, high] = errors!.range;
  for (const [k, scores] of [run.errors!.scores, run.errors!.anomalies!].entries()) {
    const { shares } = errors!.sets[k], bin = (high - low) / shares.length;
    const middle = Math.floor(shares.length / 4), edge = low + middle * bin;
    const below = scores.filter((score) => score < edge).length / scores.length;
    const drawn = shares.slice(0, middle).reduce((sum, share) => sum + share, 0);
    assert.ok(Math.abs(drawn - 100 * below) < 0.1 && drawn > 1, `${drawn} %, not ${100 * below} %`);
  }
  assert.deepEqual(errors!.sets.map(({ label }) => label.replace(/ \(.*/, "")), [
    "test rows: 1,800 rows",
    "test rows of held-out classes: 200 rows",
  ]);
  assert.deepEqual(worst!.map(({ row }) => row), Array.from({ length: 12 }, (_, k) => k));
  const shown = worst![5].images!.map((uri) =>
    decode(Uint8Array.from(atob(uri.split(",")[1]), (c) => c.charCodeAt(0)))
  );
  for (const [k, images] of [run.worst!.images!, run.worst!.reconstructions!].entries()) {
    assert.deepEqual([...shown[k].data], [...images.subarray(5 * 784, 6 * 784)]);
  }
  const without = pageData({ ...run, errors: undefined, worst: undefined }); // as of a run that crashed
  assert.deepEqual([without.errors, without.worst], [undefined, undefined]);
  const odd = pageData({ ...run, errors: { scores: Float32Array.of(NaN, 1) } });
  assert.equal(odd.errors!.threshold, undefined);
  assert.equal(odd.errors!.sets[0].shares.reduce((sum, share) => sum + share), 50);
});

Deno.test("only a finished run shows errors: those of a resumed one are of its end before", () =>
  withFolder((folder) => {
    writeCrashed(folder);
    writeScores(folder, { scores: Float32Array.of(1, 2) });
    saveWorstRows(folder, { rows: [{ row: 1, error: 2 }] });
    const before = readRunData(folder);
    assert.deepEqual([before.errors, before.worst], [undefined, undefined]);
    Deno.writeTextFileSync(join(folder, "results.json"), '{"rows":[],"baselines":[],"status":"finished"}');
    const { errors, worst } = readRunData(folder);
    assert.deepEqual([errors, worst], [{ scores: Float32Array.of(1, 2) }, { rows: [{ row: 1, error: 2 }] }]);
  }));

Deno.test("a snapshot with numbers that are none gives a page", () => {
  const { snapshot, ...run } = madeUpRun("deep", { codes: 10 });
  const codes = {
    ...snapshot!.codes!,
    values: snapshot!.codes!.values.map((value, k) => k === 4 ? NaN : value),
  };
  const page = pageData({
    ...run,
    snapshot: { ...snapshot!, codes, errors: snapshot!.errors.map(() => NaN) },
  });
  assert.equal(page.snapshot!.codes!.points[4], null);
  assert.equal(page.snapshot!.tiles[0].error, null);
});

Deno.test("groupCurves() puts training, test and baselines of one quantity together", () => {
  const groups = groupCurves(pageData(madeUpRun("vae", { codes: 5, epochs: 4 })));
  assert.deepEqual(groups.map(({ name }) => name), ["reconstruction", "kl", "total", "testError"]);
  const [reconstruction, , , error] = groups;
  assert.deepEqual(reconstruction.curves.map(({ side, points }) => [side, points.length]), [["train", 12], [
    "test",
    4,
  ]]);
  assert.deepEqual(reconstruction.baselines.map(({ label }) => label), ["entropy floor"]);
  assert.deepEqual(error.baselines.map(({ label }) => label), ["mean image", "PCA, 20 components"]);
  assert.deepEqual(error.curves.map(({ side, points }) => [side, points.length]), [["test", 4]]);
});

Deno.test("stageBounds() finds where stages begin", () => {
  const bounds = stageBounds(pageData(madeUpRun("stacked", { codes: 5, epochs: 6 })));
  assert.deepEqual(bounds, [0, 1, 2].map((stage) => ({ label: `stage ${stage}`, value: stage * 2 * 157 })));
  assert.deepEqual(stageBounds(pageData(madeUpRun("deep", { codes: 5 }))), []);
});

Deno.test("smooth() is a weighted mean of what came before, and passes over NaN", () => {
  const points = [1, 3, NaN, 5].map((y, x) => ({ x, y }));
  assert.deepEqual(smooth(points, 0), points);
  const [first, second, third, fourth] = smooth(points, 0.5).map(({ y }) => y);
  assert.equal(first, 1);
  assert.equal(second, (0.25 * 1 + 0.5 * 3) / 0.75);
  assert.ok(Number.isNaN(third));
  assert.equal(fourth, (0.125 * 1 + 0.25 * 3 + 0.5 * 5) / 0.875);
});

Deno.test.each([
  [0.026300001, "0.02630"],
  [104.31, "104.3"],
  [1234567, "1,234,567"],
  [-0.5, "−0.5000"],
  [0.000021, "2.10e−5"],
  [0, "0"],
  [null, "–"],
])("readable(%j) is %j", (value, text) => assert.equal(readable(value), text));

/** Writes the folder of a run that was killed in the middle of a line. */
function writeCrashed(folder: string): void {
  writeConfig(folder, {
    recipe: "deep",
    startedAt: "2026-11-21T07:00:00.000Z",
    config: {
      epochs: 10,
      batchSize: 64,
      dataset: "mnist",
      printPlan: false,
      schedule: "cosine",
      dataDir: "/a b",
    },
    facts: { adapter: "llvmpipe", imageShape: [28, 28], dataset: "mnist" },
  });
  using log = new MetricsLog(folder);
  log.write({ epoch: 1, step: 100, loss: 0.07, seconds: 0.5 });
  log.write({ epoch: 1, step: 157, testError: 0.06, seconds: 0.8 });
  Deno.writeTextFileSync(join(folder, "metrics.jsonl"), `{"epoch":2,"ste`, { append: true });
}

Deno.test({
  name: "a run without results is running while its log is open, and has crashed when nobody has it",
  ignore: Deno.build.os === "windows", // where locks keep readers out
  fn: () =>
    withFolder((folder) => {
      writeCrashed(folder);
      {
        using _log = new MetricsLog(folder);
        assert.equal(readRunData(folder).status, "running");
      }
      assert.equal(readRunData(folder).status, "crashed");
      return Promise.resolve();
    }),
});

Deno.test("a run that crashed gives a report of all that it wrote", () =>
  withFolder(async (folder) => {
    writeCrashed(folder);
    const { snapshot, pictures } = madeUpRun("vae", { codes: 20, epochs: 2 });
    saveSnapshot(folder, snapshot!);
    for (const { kind, epoch, png } of pictures) {
      await Deno.writeFile(join(folder, `${kind}-${epoch}.png`), png);
    }
    const run = readRunData(folder);
    assert.equal(run.status, "crashed");
    assert.equal(run.metrics.length, 2);
    assert.equal(run.stepMilliseconds, 1000 * 0.8 / 157);
    assert.deepEqual(run.classNames, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert.equal(
      run.command,
      "deno task train --epochs 10 --batch-size 64 --dataset mnist --schedule cosine --data-dir '/a b'",
    );
    assert.deepEqual(run.snapshot!.images, snapshot!.images);
    assert.deepEqual(
      run.pictures.map(({ kind, epoch }) => `${kind} ${epoch}`).sort(),
      [
        "reconstructions 1",
        "reconstructions 2",
        "samples 1",
        "samples 2",
      ],
    );
    assert.deepEqual(run.weights, []);
    const outcome = await runTask("report", [folder], folder);
    assert.equal(outcome.code, 0, outcome.stderr);
    const [page] = embedded(await Deno.readTextFile(join(folder, "report.html")));
    assert.deepEqual([page.status, page.metrics.length, page.snapshot!.tiles.length], ["crashed", 2, 30]);
  }));

Deno.test("damaged parts are said, and left out", () =>
  withFolder((folder) => {
    writeCrashed(folder);
    Deno.writeTextFileSync(join(folder, "snapshot.safetensors"), "no such thing");
    Deno.writeTextFileSync(join(folder, "results.json"), "{");
    Deno.writeTextFileSync(join(folder, "model.safetensors"), "neither");
    const said: string[] = [];
    const run = readRunData(folder, (line) => said.push(line));
    assert.equal(said.length, 3);
    assert.ok(said.every((line) => line.startsWith("warning: Cannot read ")), said.join("\n"));
    assert.deepEqual([run.status, run.snapshot, run.weights.length], ["crashed", undefined, 0]);
    assert.ok(reportPage([run]).length > 0);
    return Promise.resolve();
  }));

Deno.test("weights that touch pixels become images, a decoder's turned", () =>
  withFolder((folder) => {
    writeCrashed(folder);
    const data = (rows: number, columns: number) =>
      Float32Array.from({ length: rows * columns }, (_, k) => k);
    writeSafetensors(join(folder, "model.safetensors"), [
      { name: "encoder.0.weight", shape: [2, 784], data: data(2, 784) },
      { name: "encoder.0.bias", shape: [2], data: data(2, 1) },
      { name: "decoder.0.weight", shape: [784, 2], data: data(784, 2) },
    ]);
    const [encoder, decoder] = readRunData(folder).weights;
    assert.deepEqual([encoder.label, decoder.label], ["encoder.0.weight", "decoder.0.weight"]);
    assert.deepEqual([...encoder.values.subarray(784, 787)], [784, 785, 786]); // unit 1
    assert.deepEqual([...decoder.values.subarray(784, 787)], [1, 3, 5]); // unit 1, pixels 0, 1, 2
    return Promise.resolve();
  }));

Deno.test("commandOf() is the run's own command where it kept it", () => {
  const command = "deno task deep --seed 7";
  assert.equal(commandOf({ recipe: "deep", config: { seed: 7 }, facts: { command } }), command);
  assert.equal(
    commandOf({ recipe: "tied", config: { sizes: [4, 2], local: true }, facts: {} }),
    "deno task tied --sizes 4,2 --local",
  );
});

Deno.test("report compares several runs, and runs lists them, newest first", () =>
  withFolder(async (root) => {
    const folders = ["a", "b"].map((name) => join(root, name));
    for (const [k, folder] of folders.entries()) {
      await Deno.mkdir(folder);
      writeCrashed(folder);
      const path = join(folder, "config.json");
      await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace("07:00", `0${7 + k}:00`));
    }
    await Deno.mkdir(join(root, "no run"));
    const out = join(root, "both.html");
    const report = await runTask("report", [...folders, "--out", out], root);
    assert.equal(report.code, 0, report.stderr);
    assert.deepEqual(embedded(await Deno.readTextFile(out)).map(({ name }) => name), ["a", "b"]);
    const listed = await runTask("runs", ["--folder", root, "--json"]);
    assert.deepEqual(
      JSON.parse(listed.stdout).map((
        run: { name: string; testError: number; loss: number; epochs: number },
      ) => [
        run.name,
        run.testError,
        run.loss,
        run.epochs,
      ]),
      [["b", 0.06, 0.07, 1], ["a", 0.06, 0.07, 1]],
    );
    const lines = (await runTask("runs", ["--folder", root])).stdout.trimEnd().split("\n");
    assert.match(lines[0], /^run +recipe +status +epochs +test error +5-NN +own loss$/);
    assert.match(lines[1], /^b +deep +crashed +1 +0\.06000 +– +0\.07000$/);
    assert.equal(lines.length, 3);
  }));

Deno.test("deno task runs without a runs/ folder says how to make a run", () =>
  withFolder(async (cwd) => {
    const args = ["run", "--no-prompt", "--allow-read", join(ROOT, "scripts/tools/runs.ts")];
    const { code, stdout, stderr } = await new Deno.Command("deno", { args, cwd }).output();
    assert.equal(new TextDecoder().decode(stdout), "no runs yet; train one: deno task train\n");
    assert.equal(code, 0, new TextDecoder().decode(stderr));
  }));

Deno.test("report and runs refuse what is no run in one line", async () => {
  assertRefused(
    await runTask("report", ["tests"]),
    1,
    /^error: Cannot read the run "tests": "config\.json" is missing/,
  );
  assertRefused(await runTask("report", []), 2, /^error: Missing argument RUN/);
  assertRefused(
    await runTask("runs", ["--folder", "nowhere"]),
    1,
    /^error: Cannot list the runs in "nowhere"/,
  );
});

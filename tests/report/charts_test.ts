import assert from "node:assert/strict";
import { type Axis, linearAxis, logAxis } from "../../src/report/chart_axes.ts";
import { codesChart } from "../../src/report/codes_chart.ts";
import { classColor } from "../../src/report/colors.ts";
import { lossPerImage } from "../../src/report/loss_per_image.ts";
import { curvesOf, lossChart } from "../../src/report/loss_chart.ts";
import { coordinate } from "../../src/report/svg.ts";
import { type Element, find, ofClass, pointsOf, readSvg, scaleOf, textsOf, ticksOf } from "../helpers/svg.ts";

type Metrics = Parameters<typeof lossChart>[0];

function assertNear(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const isNear = actual.every((value, k) => Math.abs(value - expected[k]) <= tolerance);
  assert.ok(isNear, `expected [${expected}] within ${tolerance}, found [${actual}]`);
}

function shownTicks({ ticks }: Axis): string[] {
  return ticks.map(({ text }) => text).filter((text) => text !== "");
}

Deno.test.each([
  [[0, 471], 8, ["0", "50", "100", "150", "200", "250", "300", "350", "400", "450"]],
  [[0, 28_140], 8, ["0", "5,000", "10,000", "15,000", "20,000", "25,000"]],
  [[-1.3, 0.9], 5, ["−1.0", "−0.5", "0.0", "0.5"]],
  [[0.0361, 0.0379], 4, ["0.0365", "0.0370", "0.0375"]],
  [[0, 3e-6], 3, ["0", "10⁻⁶", "2×10⁻⁶", "3×10⁻⁶"]],
  [[0, 4e7], 3, ["0", "10⁷", "2×10⁷", "3×10⁷", "4×10⁷"]],
  [[-4e7, 0], 2, ["−4×10⁷", "−2×10⁷", "0"]],
  [[0.5, 0.5], 5, ["0.3", "0.4", "0.5", "0.6", "0.7"]],
  [[0, 0], 2, ["−0.5", "0.0", "0.5"]],
  [[NaN, 1, Infinity, 2], 2, ["1.0", "1.5", "2.0"]],
  [[], 2, ["0.0", "0.5", "1.0"]],
  [[1e16, 1e16 + 2], 2, ["5×10¹⁵", "10¹⁶", "1.5×10¹⁶"]],
  [[0, 5e-324], 2, ["−0.5", "0.0", "0.5"]],
] as [number[], number, string[]][])("linearAxis() of %j with %d ticks has %j", (values, count, labels) => {
  assert.deepEqual(shownTicks(linearAxis(values, [0, 100], count)), labels);
});

Deno.test.each([
  [[0.012, 0.9], 6, ["0.01", "0.02", "0.03", "0.1", "0.2", "0.3", "1"]],
  [[1e-5, 20], 6, ["10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "1", "10¹"]],
  [[1e-300, 1e300], 6, ["10⁻³⁰⁰", "10⁻²⁰⁰", "10⁻¹⁰⁰", "1", "10¹⁰⁰", "10²⁰⁰", "10³⁰⁰"]],
  [[0, -1, NaN], 6, ["0.1", "0.2", "0.3", "0.4", "0.5", "1"]],
] as [number[], number, string[]][])("logAxis() of %j with %d ticks has %j", (values, count, labels) => {
  const axis = logAxis(values, [0, 100], count);
  assert.deepEqual(shownTicks(axis), labels);
  assert.deepEqual([0, -1, NaN].map(axis.at), [NaN, NaN, NaN]);
});

Deno.test("axes put values where they belong, and give up on none that is finite", () => {
  const linear = linearAxis([0, 10], [100, 0], 5), log = logAxis([1, 10_000], [0, 100], 5);
  assertNear([0, 2.5, 10].map(linear.at), [100, 75, 0], 1e-9);
  assertNear([log.at(100), log.at(10) - log.at(1) - log.at(1000) + log.at(100)], [50, 0], 1e-9);
  for (const value of [1e308, -1e308, 5e-324]) assert.ok(Number.isFinite(linear.at(value)));
  for (const value of [1e308, 5e-324]) assert.ok(Number.isFinite(log.at(value)));
});

Deno.test("no coordinate is NaN, and none has more than two decimals", () => {
  assert.deepEqual([1.23456, -0.001, 3, 1e300].map(coordinate), ["1.23", "0", "3", "1e+300"]);
  for (const value of [NaN, Infinity, -Infinity]) {
    assert.throws(() => coordinate(value), /^RangeError: Cannot draw a chart: expected a finite coordinate/);
  }
});

Deno.test("a loss of whole batches is drawn per image, as that on test images is", () => {
  const metrics = [{ step: 5, loss: 640 }, { step: 10, loss: "NaN" }, { step: 10, "test.loss": 30 }];
  const of = (facts: Record<string, unknown>) => lossPerImage({ facts, config: { batchSize: 20 }, metrics });
  assert.deepEqual(of({ lossIsPerBatch: true }), [{ ...metrics[0], loss: 32 }, ...metrics.slice(1)]);
  assert.equal(of({}), metrics);
});

Deno.test("curvesOf() takes losses and test errors, training's first, and nothing else", () => {
  const metrics = [
    { epoch: 1, step: 10, stage: 0, testError: 0.5, "test.kl": 2, seconds: 1 },
    { epoch: 1, step: 10, stage: 0, kl: 1, gradientNorm: 3, seconds: 1, note: "text", done: true },
    { epoch: 1, step: 20, kl: "NaN" },
    { testError: 0.4, accuracy: 0.9 },
  ];
  assert.deepEqual(curvesOf(metrics), [
    { key: "kl", isTest: false, points: [[10, 1], [20, NaN]] },
    { key: "testError", isTest: true, points: [[10, 0.5]] },
    { key: "test.kl", isTest: true, points: [[10, 2]] },
  ]);
});

/** A curve as it is drawn, in values. */
function valuesOf(root: Element, key: string, panel = 0): [number, number][][] {
  const axes = ofClass(root, "axes")[panel];
  const [x, y] = (["x", "y"] as const).map((side) => scaleOf(ticksOf(axes, side)));
  const curve = find(root, ({ attributes }) => attributes["data-key"] === key)[0];
  const path = curve.children.find(({ name }) => name === "path");
  return path ? pointsOf(path.attributes.d).map((stretch) => stretch.map(([a, b]) => [x(a), y(b)])) : [];
}

Deno.test("lossChart() draws points where the data say, and the same bytes again", () => {
  const metrics = [{ step: 0, loss: 1 }, { step: 50, loss: 1.5 }, { step: 80, loss: 1.2 }, {
    step: 100,
    loss: 2,
  }];
  const root = readSvg(lossChart(metrics, []));
  const [points] = valuesOf(root, "loss");
  assertNear(points.flat(), metrics.flatMap(({ step, loss }) => [step, loss]), 0.003);
  const { width, height, viewBox } = root.attributes;
  assert.equal(viewBox, `0 0 ${width} ${height}`);
  assert.deepEqual(root.children.slice(0, 2).map(({ name }) => name), ["title", "desc"]);
  assert.match(root.children[1].text, /^loss, training, loss \(squared error, mean\): 2\.000 at step 100\.$/);
  assert.ok(textsOf(root).includes("training step") && textsOf(root).includes("loss, training"));
  assert.deepEqual(lossChart(metrics, []), lossChart(metrics, []));
});

Deno.test("lossChart() names the unit, and each term has one color on training and on test images", () => {
  const metrics = [{ step: 10, reconstruction: 5, kl: 3 }, { step: 20, reconstruction: 4, kl: 3 }, {
    step: 10,
    "test.reconstruction": 5,
    "test.kl": 4,
  }, { step: 20, "test.reconstruction": 6, "test.kl": 4 }];
  const root = readSvg(lossChart(metrics, [], "nats per image"));
  assert.ok(textsOf(root).includes("loss (nats per image)"));
  const strokes = ofClass(root, "curve").map(({ attributes, children: [path] }) => [
    attributes["data-key"],
    path.attributes.stroke,
    "stroke-dasharray" in path.attributes,
  ]);
  assert.deepEqual(strokes, [
    ["reconstruction", classColor(0), false],
    ["kl", classColor(1), false],
    ["test.reconstruction", classColor(0), true],
    ["test.kl", classColor(1), true],
  ]);
  assert.deepEqual(textsOf(root).filter((text) => /, (training|test)$/.test(text)), [
    "reconstruction, training",
    "KL divergence, training",
    "reconstruction, test",
    "KL divergence, test",
  ]);
});

Deno.test("the scale is logarithmic from a ratio of 30 on, unless a value is 0 or less", () => {
  const middle = (low: number, mid: number, high: number) => {
    const root = readSvg(lossChart([low, mid, high].map((loss, step) => ({ step, loss })), []));
    const path = ofClass(root, "curve")[0].children[0].attributes.d;
    const [a, b, c] = pointsOf(path)[0].map(([, y]) => y);
    return { share: (b - a) / (c - a), isLog: textsOf(root).some((text) => text.endsWith(", log scale")) };
  };
  const log = middle(1, 10, 100);
  assertNear([log.share], [0.5], 0.001);
  assert.ok(log.isLog);
  for (const [low, high] of [[1, 20], [0, 100], [-1, 100]]) {
    const linear = middle(low, 10, high);
    assertNear([linear.share], [(10 - low) / (high - low)], 0.001);
    assert.ok(!linear.isLog);
  }
});

Deno.test("values that are not finite are gaps, a point between gaps is a dot, and the description counts them", () => {
  const losses = [[0, 1], [10, 1], [20, "NaN"], [50, 2], [60, "Infinity"], [90, 1], [100, 1]] as const;
  const root = readSvg(lossChart(losses.map(([step, loss]) => ({ step, loss })), []));
  assertNear(valuesOf(root, "loss").flat(2), [0, 1, 10, 1, 90, 1, 100, 1], 0.003);
  const dots = find(ofClass(root, "curve")[0], ({ name }) => name === "circle");
  assert.equal(dots.length, 1);
  const x = scaleOf(ticksOf(ofClass(root, "axes")[0], "x"));
  assertNear([x(Number(dots[0].attributes.cx))], [50], 0.003);
  assert.match(root.children[1].text, /, 2 non-finite\.$/);
});

Deno.test("the test error has a plot of its own only where its unit differs, and is not drawn twice", () => {
  const withError = (testError: number, more = {}) => {
    const metrics = [{ step: 10, loss: 0.05 }, { step: 20, loss: 0.04 }, { step: 10, testError, ...more }, {
      step: 20,
      testError,
      ...more,
    }];
    const root = readSvg(lossChart(metrics, []));
    return {
      panels: ofClass(root, "panel").length,
      keys: ofClass(root, "curve").map(({ attributes }) => attributes["data-key"]),
      root,
    };
  };
  assert.deepEqual([withError(0.04).panels, withError(12).panels], [1, 2]);
  assert.deepEqual(withError(0.04).keys, ["loss", "testError"]);
  assert.deepEqual(withError(0.04, { "test.loss": 0.04 }).keys, ["loss", "test.loss"]);
  assert.ok(textsOf(withError(12).root).includes("squared error per pixel"));
  assertNear(valuesOf(withError(12).root, "testError", 1).flat(2), [10, 12, 20, 12], 0.003);
});

/** The line and the name of each baseline, from the top. */
function baselinesOf(root: Element): { name: string; value: number; apart: number }[] {
  const y = scaleOf(ticksOf(ofClass(root, "axes")[0], "y"));
  return ofClass(root, "baseline").map(({ children: [line, label] }) => {
    assert.equal(line.attributes.y1, line.attributes.y2);
    const at = Number(line.attributes.y1);
    return { name: label.text, value: y(at), apart: Number(label.attributes.y) - 0.35 * 13 - at };
  });
}

Deno.test("baselines are lines at their values; those of metrics that are not drawn are left out", () => {
  const metrics = [{ step: 0, loss: 0.25 }, { step: 10, loss: 1 }];
  const lines = (metric: string, value: number) =>
    baselinesOf(readSvg(lossChart(metrics, [{ label: "b", value, metric }])));
  const [only] = lines("testError", 0.525);
  assertNear([only.value, only.apart], [0.525, 0], 0.01);
  assert.equal(lines("test.loss", 0.525).length, 1);
  assert.deepEqual(lines("test.other", 0.525), []);
  assert.deepEqual(lines("testError", NaN), []);
});

Deno.test("names of baselines that lie together are moved apart, and stay beside the plot", () => {
  const baselines = [0.5, 0.501, 0.502, 0, 0.001].map((value, k) => ({
    label: `line ${k}`,
    value,
    metric: "loss",
  }));
  const root = readSvg(lossChart([{ step: 0, loss: 0 }, { step: 10, loss: 1 }], baselines));
  const ys = ofClass(root, "baseline").map(({ children }) => Number(children[1].attributes.y));
  ys.slice(1).forEach((y, k) => assert.ok(y - ys[k] >= 14.9, `${ys}`));
  const [{ children }] = ofClass(root, "axes"), frame = children.find(({ name }) => name === "path")!;
  const bottom = Number(/V([\d.]+)H/.exec(frame.attributes.d)![1]);
  assert.ok(ys.at(-1)! <= bottom + 0.35 * 13 + 0.01);
});

Deno.test("stages begin where the one before has ended, each with its name", () => {
  const metrics = [1, 1, 2, 3].map((stage, k) => ({ step: 10 * (k + 1), stage, loss: 1 + k }));
  const root = readSvg(lossChart(metrics, []));
  const x = scaleOf(ticksOf(ofClass(root, "axes")[0], "x"));
  const stages = ofClass(root, "stage").map(({ children }) => ({
    name: children.find(({ name }) => name === "text")?.text,
    lines: children.filter(({ name }) => name === "line").map(({ attributes }) => x(Number(attributes.x1))),
  }));
  assert.deepEqual(stages.map(({ name }) => name), ["stage 1", "stage 2", "stage 3"]);
  assert.deepEqual(stages[0].lines, []);
  assertNear(stages.slice(1).flatMap(({ lines }) => lines), [20, 30], 0.003);
});

const NASTY = `<b a="1">&amp; 'x' ]]> \u0000\u001b\ud800 é→𝄞`;
const READ = `<b a="1">&amp; 'x' ]]> \ufffd\ufffd\ufffd é→𝄞`;

Deno.test("texts are escaped in charts", () => {
  const metrics = [{ step: 0, [NASTY]: 1 }, { step: 1, [NASTY]: 2 }];
  const loss = readSvg(lossChart(metrics, [{ label: NASTY, value: 1, metric: NASTY }], NASTY));
  assert.ok(textsOf(loss).includes(`${READ}, training`) && textsOf(loss).includes(`loss (${READ})`));
  assert.equal(ofClass(loss, "curve")[0].attributes["data-key"], READ);
  assert.ok(READ.startsWith(baselinesOf(loss)[0].name.slice(0, -1)));
  const cloud = { size: 2, values: Float32Array.of(1, 2), labels: Uint8Array.of(0) };
  assert.ok(textsOf(readSvg(codesChart(cloud, ["<i>&"]))).includes("0 <i>&"));
});

Deno.test.each([
  ["nothing", []],
  ["one point", [{ step: 1, loss: 0.5 }]],
  ["only NaN", [{ step: 1, loss: "NaN" }, { step: 2, loss: "NaN" }]],
  ["all equal", [{ step: 1, loss: 0 }, { step: 2, loss: 0 }]],
  ["negative", [{ step: 1, loss: -3 }, { step: 2, loss: -400 }]],
  ["huge", [{ step: 1, loss: -1.7e308 }, { step: 2, loss: 1.7e308 }]],
  ["of all sizes", [{ step: 1, loss: 5e-324 }, { step: 2, loss: 1.7e308 }]],
  ["huge steps", [{ step: 1e308, loss: 1 }, { step: -1e308, loss: 2 }]],
  ["many stages", Array.from({ length: 300 }, (_, k) => ({ step: k, stage: k, loss: 1 + k }))],
  ["many terms", [
    Object.fromEntries(Array.from({ length: 50 }, (_, k) => [k ? `a long name ${k}` : "step", k])),
  ]],
] as [string, Metrics][])("lossChart() of %s is a chart", (what, metrics) => {
  const long = { label: "a name so long that no chart could hold all of it", value: 1, metric: "loss" };
  const root = readSvg(lossChart(metrics, [long]));
  const [width, height] = [root.attributes.width, root.attributes.height].map(Number);
  for (
    const { attributes: { cx, cy, d } } of find(root, ({ name }) => name === "circle" || name === "path")
  ) {
    const points = cx === undefined
      ? (d.includes("V") ? [] : pointsOf(d).flat())
      : [[Number(cx), Number(cy)]];
    for (const [x, y] of points) {
      assert.ok(x >= 0 && x <= width && y >= 0 && y <= height, `${what}: ${x}, ${y}`);
    }
  }
});

/** The points of a class on a plane, in values. */
function codesOf(plane: Element, label: string | undefined): [number, number][] {
  const [x, y] = (["x", "y"] as const).map((side) => scaleOf(ticksOf(plane.children[0], side)));
  return ofClass(plane, "codes").filter(({ attributes }) => attributes["data-class"] === label)
    .flatMap(({ attributes }) =>
      pointsOf(attributes.d).flat().map(([a, b]): [number, number] => [x(a), y(b)])
    );
}

Deno.test("codesChart() puts each point at its place, in its class's color", () => {
  const values = Float32Array.from({ length: 2 * 450 }, (_, k) => 3 * Math.sin(k * k));
  const labels = Uint8Array.from({ length: 450 }, (_, n) => n % 3);
  const root = readSvg(codesChart({ size: 2, values, labels }, ["cat", "dog"]));
  const [plane] = ofClass(root, "plane");
  for (const label of [0, 1, 2]) {
    const own = [...labels.keys()].filter((n) => labels[n] === label);
    assertNear(
      codesOf(plane, `${label}`).flat(),
      own.flatMap((n) => [values[2 * n], values[2 * n + 1]]),
      0.02,
    );
  }
  const strokes = ofClass(plane, "codes").map((
    { attributes },
  ) => [attributes["data-class"], attributes.stroke]);
  for (const [label, stroke] of strokes) assert.equal(stroke, classColor(Number(label)));
  const texts = textsOf(root);
  for (const text of ["code 1", "code 2", "0 cat", "1 dog", "2", "450 test images"]) {
    assert.ok(texts.includes(text), text);
  }
  assert.deepEqual(codesChart({ size: 2, values, labels }), codesChart({ size: 2, values, labels }));
});

Deno.test("a ring with a class's number is at the median of its points", () => {
  const cloud = {
    size: 2,
    values: Float32Array.of(0, 0, 1, 8, 2, 1, 9, 9),
    labels: Uint8Array.of(4, 4, 4, 5),
  };
  const [plane] = ofClass(readSvg(codesChart(cloud)), "plane");
  const [x, y] = (["x", "y"] as const).map((side) => scaleOf(ticksOf(plane.children[0], side)));
  const rings = find(plane, ({ name }) => name === "circle").map(({ attributes: { cx, cy, stroke } }) => [
    stroke,
    Math.round(x(Number(cx))),
    Math.round(y(Number(cy))),
  ]);
  assert.deepEqual(rings, [[classColor(4), 1, 1], [classColor(5), 9, 9]]);
});

Deno.test("codesChart() draws three planes of a 3-D code, and the first two components of more", () => {
  const values = (size: number) => Float32Array.from({ length: 40 * size }, (_, k) => Math.sin(k * k));
  const labels = Uint8Array.from({ length: 40 }, (_, n) => n % 4);
  const three = values(3), planes = ofClass(readSvg(codesChart({ size: 3, values: three })), "plane");
  [[0, 1], [0, 2], [1, 2]].forEach(([a, b], k) => {
    const expected = [...labels.keys()].flatMap((n) => [three[3 * n + a], three[3 * n + b]]);
    assertNear(codesOf(planes[k], undefined).flat(), expected, 0.003);
    assert.deepEqual(textsOf(planes[k]).slice(-2), [`code ${a + 1}`, `code ${b + 1}`]);
  });
  const five = values(5).map((value, k) => k % 5 === 3 ? 100 * value : value);
  const root = readSvg(codesChart({ size: 5, values: five, labels }));
  const [plane, ...others] = ofClass(root, "plane");
  assert.equal(others.length, 0);
  assert.ok(textsOf(plane).some((text) => /^principal component 1 \((99|100)% of variance\)$/.test(text)));
  const firsts = codesOf(plane, "0").map(([x]) => Math.abs(x)),
    strong = [...labels.keys()].filter((n) => n % 4 === 0);
  const mean = Float32Array.from({ length: 40 }, (_, n) => five[5 * n + 3]).reduce((a, b) => a + b) / 40;
  assertNear(firsts, strong.map((n) => Math.abs(five[5 * n + 3] - mean)), 1.5);
});

Deno.test("codesChart() of a 1-D code has a strip for each class, as high as codes are many", () => {
  const values = Float32Array.of(0, 0, 0, 0, 10, 10, 5, 5);
  const root = readSvg(
    codesChart({ size: 1, values, labels: Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 1) }, ["a", "b"]),
  );
  const x = scaleOf(ticksOf(ofClass(root, "axes")[0], "x"));
  const bars = ofClass(root, "codes").map(({ attributes: { d } }) => {
    const [, left, bottom, steps] = /^M([\d.]+),([\d.]+)((?:V[\d.]+h[\d.]+)*)V[\d.]+z$/.exec(d)!;
    let at = Number(left);
    return [...steps.matchAll(/V([\d.]+)h([\d.]+)/g)].map(([, y, width]) => {
      at += Number(width);
      return { from: x(at - Number(width)), to: x(at), height: Number(bottom) - Number(y) };
    }).filter(({ height }) => height > 0);
  });
  assert.deepEqual(bars.map(({ length }) => length), [2, 1]);
  const [[zero, ten], [five]] = bars;
  [[zero, 0], [ten, 10], [five, 5]].forEach(([bar, value]) => {
    const { from, to } = bar as typeof zero;
    assert.ok(from <= Number(value) + 0.05 && to >= Number(value) - 0.05, `${from} to ${to} holds ${value}`);
  });
  assertNear([ten.height / zero.height, five.height / zero.height], [0.5, 1], 0.001);
});

Deno.test("codes that are not finite are left out, and counted", () => {
  const values = Float32Array.of(1, 2, 3, NaN, 5, 6, 1, Infinity, 1, 7, 8, 9);
  const texts = (size: number) => textsOf(readSvg(codesChart({ size, values })));
  assert.ok(texts(3).includes("2 test images; 2 more with non-finite codes"));
  assert.ok(texts(1).includes("10 test images; 2 more with non-finite codes"));
});

Deno.test.each([
  ["without points", { size: 2, values: new Float32Array() }],
  ["of one point", { size: 2, values: Float32Array.of(1, 2), labels: Uint8Array.of(7) }],
  ["of equal points", { size: 3, values: new Float32Array(30), labels: new Uint8Array(10) }],
  ["of NaN", { size: 2, values: new Float32Array(8).fill(NaN) }],
  ["of huge numbers", { size: 2, values: Float32Array.of(3e38, -3e38, -3e38, 3e38) }],
  ["of NaN in a class", { size: 3, values: new Float32Array(6).fill(NaN), labels: Uint8Array.of(0, 1) }],
  ["of wide NaN", { size: 9, values: new Float32Array(18).fill(NaN) }],
  ["of no wide points", { size: 9, values: new Float32Array() }],
  ["of no numbers", { size: 1, values: new Float32Array() }],
  ["of equal numbers", { size: 1, values: Float32Array.of(1, 1), labels: Uint8Array.of(0, 1) }],
  ["of many classes", {
    size: 2,
    values: new Float32Array(512),
    labels: Uint8Array.from({ length: 256 }, (_, n) => n),
  }],
  ["of strips of many classes", {
    size: 1,
    values: new Float32Array(256),
    labels: Uint8Array.from({ length: 256 }, (_, n) => n),
  }],
] as [string, Parameters<typeof codesChart>[0]][])("codesChart() %s is a chart", (_what, cloud) => {
  const root = readSvg(codesChart(cloud, ["a name so long that no legend could hold all of it"]));
  assert.equal(root.attributes.width, "720");
});

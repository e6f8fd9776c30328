import assert from "node:assert/strict";
import { decode } from "../../src/dependencies/fast_png.ts";
import { linearScale, logScale } from "../../src/report/axes.ts";
import { Canvas } from "../../src/report/canvas.ts";
import { codesPicture } from "../../src/report/codes_picture.ts";
import { CLASS_COLOURS, classColour, type Colour, colourOf } from "../../src/report/colors.ts";
import { textStrokes, textWidth } from "../../src/report/font.ts";
import { lossPerImage } from "../../src/report/loss_per_image.ts";
import { curvesOf, lossPicture } from "../../src/report/loss_picture.ts";
import { principalComponents } from "../../src/stats/principal_components.ts";
import { DARK_CLASS_COLORS } from "../../src/report/page/client/colors.ts";
import { weightImages, weightsPicture } from "../../src/report/weights_picture.ts";

/** A decoded picture. */
interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
  readonly at: (x: number, y: number) => Colour;
}

function decoded(png: Uint8Array): Picture {
  const { width, height, channels, depth, data } = decode(png);
  assert.deepEqual([channels, depth, data.length], [3, 8, 3 * width * height]);
  const at = (x: number, y: number): Colour => {
    const [r, g, b] = data.subarray(3 * (y * width + x));
    return [r, g, b];
  };
  return { width, height, data, at };
}

/** The pixels that are exactly of a colour. */
function pixelsOf({ width, data }: Picture, [r, g, b]: Colour): [number, number][] {
  const found: [number, number][] = [];
  for (let k = 0; 3 * k < data.length; k++) {
    if (data[3 * k] === r && data[3 * k + 1] === g && data[3 * k + 2] === b) {
      found.push([k % width, Math.floor(k / width)]);
    }
  }
  return found;
}

/** The smallest rectangle around pixels: [left, top, right, bottom]. */
function boundsOf(pixels: readonly [number, number][]): number[] {
  assert.ok(pixels.length > 0, "no pixel has that colour");
  const [xs, ys] = [pixels.map(([x]) => x), pixels.map(([, y]) => y)];
  const least = (some: number[]) => some.reduce((a, b) => Math.min(a, b));
  const most = (some: number[]) => some.reduce((a, b) => Math.max(a, b));
  return [least(xs), least(ys), most(xs), most(ys)];
}

function assertNear(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const isNear = actual.every((value, k) => Math.abs(value - expected[k]) <= tolerance);
  assert.ok(isNear, `expected [${expected}] within ${tolerance}, found [${actual}]`);
}

Deno.test.each([
  [[0, 471], 8, ["0", "100", "200", "300", "400"]],
  [[0, 28_140], 8, ["0", "5,000", "10,000", "15,000", "20,000", "25,000"]],
  [[-1.3, 0.9], 5, ["-1.0", "-0.5", "0.0", "0.5"]],
  [[0.0361, 0.0379], 4, ["0.0365", "0.0370", "0.0375"]],
  [[0, 3e-6], 3, ["0", "1e-6", "2e-6", "3e-6"]],
  [[0.5, 0.5], 5, ["0.3", "0.4", "0.5", "0.6", "0.7"]],
  [[0, 0], 2, ["-0.5", "0.0", "0.5"]],
  [[NaN, 1, Infinity, 2], 2, ["1.0", "1.5", "2.0"]],
  [[], 2, ["0.0", "0.5", "1.0"]],
  [[1e16, 1e16 + 2], 2, ["5e15", "1e16", "1.5e16"]],
  [[0, 5e-324], 2, ["-0.5", "0.0", "0.5"]],
] as [number[], number, string[]][])("linearScale() of %j with %d ticks has %j", (values, ticks, labels) => {
  const scale = linearScale(values, ticks);
  assert.deepEqual(scale.ticks.map(({ label }) => label), labels);
  assertNear(scale.range.map(scale.at), [0, 1], 1e-12);
});

Deno.test.each([
  [[0.012, 0.9], 8, ["0.02", "0.05", "0.1", "0.2", "0.5", "1"]],
  [[1e-5, 20], 8, ["1e-5", "0.0001", "0.001", "0.01", "0.1", "1", "10"]],
  [[1e-300, 1e300], 8, ["1e-228", "1e-152", "1e-76", "1", "1e76", "1e152", "1e228"]],
  [[100, 100], 8, ["100"]],
  [[0, -1, NaN], 8, ["0.1", "0.2", "0.5", "1"]],
] as [number[], number, string[]][])("logScale() of %j with %d ticks has %j", (values, ticks, labels) => {
  const scale = logScale(values, ticks);
  assert.deepEqual(scale.ticks.map(({ label }) => label), labels);
  assertNear([scale.at(Math.sqrt(scale.range[0]) * Math.sqrt(scale.range[1]))], [0.5], 1e-9);
  assert.deepEqual([0, -1].map(scale.at), [NaN, NaN]);
});

Deno.test("Canvas draws discs, lines and rectangles where it should, smooth at their edges, cut at the picture's", () => {
  const canvas = new Canvas(60, 40);
  const [red, blue, green]: Colour[] = [[255, 0, 0], [0, 0, 255], [0, 255, 0]];
  canvas.disc(20, 20, 5, red);
  canvas.line([[40, 10.5], [50, 10.5], [50, 30]], { colour: blue });
  canvas.line([[30, 35.5], [58, 35.5]], { colour: green, dash: [4, 10] });
  canvas.fillRect(-5, -5, 7, 8, green);
  canvas.disc(1000, NaN, 5, red);
  canvas.line([[55, 20], [500, 20]], { colour: red });
  const picture = decoded(canvas.encode());
  assert.deepEqual([picture.width, picture.height], [60, 40]);
  assert.deepEqual(boundsOf(pixelsOf(picture, red).filter(([x]) => x < 40)), [16, 16, 23, 23]);
  assert.deepEqual(picture.at(19, 19), red);
  const edge = picture.at(16, 16)[1];
  assert.ok(edge > 20 && edge < 235, `an edge is mixed, found ${edge}`);
  assert.deepEqual(boundsOf(pixelsOf(picture, blue).filter(([, y]) => y < 12)), [40, 10, 49, 10]);
  assert.deepEqual(picture.at(45, 9), [255, 255, 255]);
  const dashes = pixelsOf(picture, green).filter(([, y]) => y === 35).map(([x]) => x);
  assert.deepEqual(dashes, [30, 31, 32, 33, 44, 45, 46, 47]);
  assert.deepEqual(boundsOf(pixelsOf(picture, green).filter(([x, y]) => x < 10 && y < 10)), [0, 0, 1, 2]);
  assert.deepEqual(picture.at(59, 5), [255, 255, 255]);
});

Deno.test("every printable letter has a shape of its own; others are question marks, accents are left out", () => {
  const letters = Array.from({ length: 94 }, (_, k) => String.fromCharCode(33 + k));
  const shapes = new Set(letters.map((letter) => JSON.stringify(textStrokes(letter))));
  assert.equal(shapes.size, 94);
  for (const stroke of textStrokes(letters.join(""))) {
    for (const [x, y] of stroke) assert.ok(x >= 0 && x < textWidth(letters.join("")) && y >= 0 && y < 8);
  }
  assert.deepEqual(textStrokes(" "), []);
  assert.deepEqual(textStrokes("é→×\u2212"), textStrokes("e?x-"));
  assert.deepEqual([textWidth(""), textWidth("a"), textWidth("ab")], [0, 5, 11]);
  // an I is three strokes: its upright stands in the middle, and diagonals never cut a corner
  const diagonal = (letter: string) =>
    textStrokes(letter).filter(([a, b]) => a[0] !== b[0] && a[1] !== b[1]).length;
  assert.deepEqual(["I", "L", "X"].map(diagonal), [0, 0, 8]);
});

/** What a person without one kind of cone sees of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1). */
const VISIONS: Record<string, number[][]> = {
  "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  "no red cones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [
    -0.003882,
    -0.048116,
    1.051998,
  ]],
  "no green cones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [
    -0.01182,
    0.04294,
    0.968881,
  ]],
  "no blue cones": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [
    0.004733,
    0.691367,
    0.3039,
  ]],
};

function linear(colour: Colour): number[] {
  return colour.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
}

/** CIE Lab of linear RGB, D65. */
function lab(rgb: readonly number[]): number[] {
  const [x, y, z] = [
    [0.4124564, 0.3575761, 0.1804375, 0.95047],
    [0.2126729, 0.7151522, 0.072175, 1],
    [0.0193339, 0.119192, 0.9503041, 1.08883],
  ].map(([r, g, b, white]) => (r * rgb[0] + g * rgb[1] + b * rgb[2]) / white)
    .map((t) => t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

Deno.test.each(Object.entries(VISIONS))("class colours can be told apart with %s", (_vision, matrix) => {
  for (const colours of [CLASS_COLOURS, DARK_CLASS_COLORS]) {
    const seen = colours.map((hex) => {
      const rgb = linear(colourOf(hex));
      return lab(
        matrix.map((row) => Math.min(1, Math.max(0, row.reduce((sum, m, k) => sum + m * rgb[k], 0)))),
      );
    });
    seen.forEach((a, i) =>
      seen.slice(0, i).forEach((b, j) => {
        const distance = Math.hypot(...a.map((value, k) => value - b[k]));
        assert.ok(distance >= 22, `${colours[i]} and ${colours[j]} are ${distance.toFixed(1)} apart`);
      })
    );
  }
});

Deno.test("class colours on dark pages stand out at 3 to 1", () => {
  const luminance = (hex: string) => {
    const [r, g, b] = linear(colourOf(hex));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (const hex of DARK_CLASS_COLORS) {
    const contrast = (luminance(hex) + 0.05) / (luminance("#1b1e21") + 0.05);
    assert.ok(contrast >= 3, `${hex} has ${contrast.toFixed(2)}`);
  }
});

Deno.test("class colours stand out from white and from black, and begin again after ten", () => {
  for (const hex of CLASS_COLOURS) {
    const [lightness] = lab(linear(colourOf(hex)));
    assert.ok(lightness > 35 && lightness < 80, `${hex} has lightness ${lightness}`);
  }
  assert.deepEqual(colourOf("#184fce"), [24, 79, 206]);
  assert.deepEqual(classColour(13), classColour(3));
});

/** The frame of a loss picture's only plot, without stages. */
const PLOT = { left: 110, top: 84, right: 1150, bottom: 564 };

Deno.test("a loss of whole batches is drawn per image, as that on test images is", () => {
  const metrics = [{ step: 5, loss: 640 }, { step: 10, loss: "NaN" }, { step: 10, "test.loss": 30 }];
  const of = (facts: Record<string, unknown>) => lossPerImage({ facts, config: { batchSize: 20 }, metrics });
  assert.deepEqual(of({ lossIsPerBatch: true }), [{ ...metrics[0], loss: 32 }, ...metrics.slice(1)]);
  assert.equal(of({}), metrics);
});

Deno.test("lossPicture() draws a curve from its first to its last point", () => {
  const metrics = [{ step: 0, loss: 1 }, { step: 50, loss: 1.5 }, { step: 100, loss: 2 }];
  const picture = decoded(lossPicture(metrics, []));
  assert.deepEqual([picture.width, picture.height], [1200, 664]);
  const pixels = pixelsOf(picture, classColour(0)).filter(([, y]) => y > PLOT.top);
  // the scale leaves 4 % free below and above
  const inset = 0.04 / 1.08 * (PLOT.bottom - PLOT.top);
  assertNear(boundsOf(pixels), [PLOT.left, PLOT.top + inset, PLOT.right, PLOT.bottom - inset], 2);
  assert.ok(
    pixels.some(([x, y]) => Math.abs(x - 630) < 2 && Math.abs(y - 324) < 2),
    "the middle is in the middle",
  );
  assert.deepEqual(lossPicture(metrics, []), lossPicture(metrics, []));
});

/** Where a curve in the first colour is on the line at a step, from 0 at the lower edge to 1 at the upper. */
function heightAt(png: Uint8Array, stepShare: number): number {
  const picture = decoded(png), x = Math.round(PLOT.left + stepShare * (PLOT.right - PLOT.left));
  const ys = pixelsOf(picture, classColour(0)).filter((p) => p[0] === x && p[1] > PLOT.top).map(([, y]) => y);
  assert.ok(ys.length > 0, `no curve at ${stepShare}`);
  return (PLOT.bottom - ys[Math.floor(ys.length / 2)]) / (PLOT.bottom - PLOT.top);
}

Deno.test("the scale is logarithmic from a ratio of 30 on, unless a value is 0 or less", () => {
  const middle = (low: number, mid: number, high: number) =>
    heightAt(
      lossPicture([{ step: 0, loss: low }, { step: 5, loss: mid }, { step: 10, loss: high }], []),
      0.5,
    );
  assertNear([middle(1, 10, 100)], [0.5], 0.01);
  assertNear([middle(1, 10, 20)], [0.5], 0.03);
  assert.ok(middle(1, 6, 32) > 0.5 && middle(0, 6, 100) < 0.2);
});

Deno.test("values that are not finite are gaps, and a point between gaps is a dot", () => {
  const metrics = [
    { step: 0, loss: 1 },
    { step: 10, loss: 1 },
    { step: 20, loss: "NaN" },
    { step: 50, loss: 1 },
    { step: 60, loss: "Infinity" },
    { step: 100, loss: 1 },
  ];
  const png = lossPicture(metrics, []);
  const columns = pixelsOf(decoded(png), classColour(0)).filter(([, y]) => y > PLOT.top).map(([x]) =>
    (x - 110) / 1040
  );
  for (
    const [low, high, isDrawn] of [[0.02, 0.08, true], [0.12, 0.48, false], [0.497, 0.503, true], [
      0.52,
      0.98,
      false,
    ]]
  ) {
    const some = columns.some((x) => x >= Number(low) && x <= Number(high));
    assert.equal(some, isDrawn, `between ${low} and ${high}`);
  }
  assertNear([heightAt(png, 0.05)], [0.5], 0.01);
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

Deno.test("the test error has a plot of its own only where its unit differs, and is not drawn twice", () => {
  const withError = (
    testError: number,
    more = {},
  ) => [{ step: 10, loss: 0.05, seconds: 1 }, { step: 20, loss: 0.04 }, { step: 20, testError, ...more }];
  const height = (metrics: Parameters<typeof lossPicture>[0]) => decoded(lossPicture(metrics, [])).height;
  assert.equal(height(withError(0.04)), 664);
  assert.ok(height(withError(12)) > 1300);
  const colours = (metrics: Parameters<typeof lossPicture>[0]) => {
    const picture = decoded(lossPicture(metrics, []));
    return [0, 1].map((k) => pixelsOf(picture, classColour(k)).length > 0);
  };
  assert.deepEqual(colours(withError(0.04)), [true, true]);
  assert.deepEqual(colours(withError(0.04, { "test.loss": 0.04 })), [true, false]);
});

Deno.test("a baseline's name is written where no curve runs through it", () => {
  const names = (end: number) => {
    const metrics = [1, 0.2, 0.5, end].map((loss, k) => ({ step: [0, 10, 20, 100][k], loss }));
    const picture = decoded(lossPicture(metrics, [{ label: "floor", value: 0.5, metric: "loss" }]));
    const level = PLOT.top + (PLOT.bottom - PLOT.top) * (1 - (0.5 + 0.042) / (1.05 + 0.084)); // scale from 0 to 1.05, and 4 % more
    const gray = pixelsOf(picture, [120, 120, 120]).filter(([x, y]) =>
      x > PLOT.right - 90 && x < PLOT.right - 8 && y > PLOT.top && y < PLOT.bottom
    );
    const count = (low: number, high: number) =>
      gray.filter(([, y]) => y > level + low && y < level + high).length;
    return { above: count(-24, -4), below: count(4, 24) };
  };
  const free = names(0.2), crossed = names(0.53);
  assert.ok(free.above > 15 && free.below === 0, JSON.stringify(free));
  assert.ok(crossed.above === 0 && crossed.below > 15, JSON.stringify(crossed));
});

Deno.test("baselines are thin lines at their values; those of metrics that are not drawn are left out", () => {
  const metrics = [{ step: 0, loss: 0.25 }, { step: 10, loss: 1 }];
  const lines = (metric: string, value: number) => {
    const { at } = decoded(lossPicture(metrics, [{ label: "b", value, metric }]));
    const dark = (y: number) => {
      let count = 0;
      for (let x = PLOT.left + 2; x < PLOT.right - 40; x++) {
        if (at(x, y)[0] < 160 && at(x, y)[2] < 160) count++;
      }
      return count;
    };
    return Array.from({ length: PLOT.bottom - PLOT.top - 4 }, (_, k) => PLOT.top + 2 + k).filter((y) =>
      dark(y) > 300
    );
  };
  // from 0 to 1.05 with 4 % of that free below and above: 0.525 is in the middle
  assertNear([lines("testError", 0.525)[0]], [(PLOT.top + PLOT.bottom) / 2], 1);
  assert.deepEqual(lines("test.other", 0.525), []);
  assert.deepEqual(lines("testError", NaN), []);
  assert.ok(lines("test.loss", 0.525).length > 0);
});

Deno.test.each([
  ["nothing", []],
  ["one point", [{ step: 1, loss: 0.5 }]],
  ["only NaN", [{ step: 1, loss: "NaN" }, { step: 2, loss: "NaN" }]],
  ["all equal", [{ step: 1, loss: 0 }, { step: 2, loss: 0 }]],
  ["huge", [{ step: 1, loss: -1e308 }, { step: 2, loss: 1e308 }]],
  ["of all sizes", [{ step: 1, loss: 1e-300 }, { step: 2, loss: 1e300 }]],
  ["many stages", [{ step: 1, stage: 0, loss: 1 }, { step: 2, stage: 1, loss: 1 }]],
] as [string, Parameters<typeof lossPicture>[0]][])("lossPicture() of %s is a picture", (_what, metrics) => {
  assert.equal(decoded(lossPicture(metrics, [])).width, 1200);
});

Deno.test("codesPicture() puts each point at its place, in its class's colour", () => {
  // the corners of a square, two classes; a ring is on the lower of two points
  const cloud = {
    size: 2,
    values: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1),
    labels: Uint8Array.of(0, 0, 1, 1),
  };
  const picture = decoded(codesPicture(cloud, ["cat", "dog"]));
  assert.deepEqual([picture.width, picture.height], [1200, 60 + 760 + 76]);
  const own = (label: number) =>
    pixelsOf(picture, classColour(label)).filter(([x, y]) => y > 60 && y < 820 && x < 964);
  // points are four fifths opaque, and lines of the plot lie below
  const mixed = (label: number): Colour =>
    classColour(label).map((v) => Math.round(255 + 0.8 * (v - 255))) as unknown as Colour;
  const width = 1200 - 90 - 30 - (12 * 12 - 2 + 64);
  const place = (x: number, y: number): [number, number] => [
    Math.round(90 + (x + 0.04) / 1.08 * width),
    Math.round(60 + (1 - (y + 0.04) / 1.08) * 760),
  ];
  assertNear(picture.at(...place(0, 1)), mixed(0), 8);
  assertNear(picture.at(...place(1, 1)), mixed(1), 8);
  const [left, top, right, bottom] = boundsOf(own(1));
  assertNear([(left + right) / 2, (top + bottom) / 2], place(1, 0), 2);
});

Deno.test("codesPicture() draws three planes of a 3-D code, strips of a 1-D one, and components of more", () => {
  const values = (size: number) => Float32Array.from({ length: 40 * size }, (_, k) => Math.sin(k * k));
  const labels = Uint8Array.from({ length: 40 }, (_, n) => n % 4);
  const heights = [1, 2, 3, 5].map((size) => {
    const picture = decoded(codesPicture({ size, values: values(size), labels }));
    assert.equal(picture.width, 1200);
    for (let k = 0; k < 4; k++) {
      assert.ok(pixelsOf(picture, classColour(k)).length > 50, `class ${k} of size ${size}`);
    }
    return picture.height;
  });
  assert.deepEqual(heights, [60 + 4 * 64 + 76, 896, 60 + 296 + 76 + 30 + 10, 896]);
  const five = { size: 5, values: values(5), labels };
  assert.notDeepEqual(
    codesPicture(five),
    codesPicture({ ...five, values: five.values.map((v, k) => k % 5 ? v : 9 * v) }),
  );
});

Deno.test.each([
  ["without points", { size: 2, values: new Float32Array() }],
  ["of one point", { size: 2, values: Float32Array.of(1, 2), labels: Uint8Array.of(7) }],
  ["of equal points", { size: 3, values: new Float32Array(30), labels: new Uint8Array(10) }],
  ["of NaN", { size: 2, values: new Float32Array(8).fill(NaN) }],
  ["with some NaN", { size: 3, values: Float32Array.of(1, 2, 3, NaN, 5, 6), labels: Uint8Array.of(0, 1) }],
  ["of wide NaN", { size: 9, values: new Float32Array(18).fill(NaN) }],
  ["of no wide points", { size: 9, values: new Float32Array() }],
  ["of numbers with NaN", { size: 1, values: Float32Array.of(1, NaN, 2) }],
  ["of equal numbers", { size: 1, values: Float32Array.of(1, 1), labels: Uint8Array.of(0, 1) }],
  ["of many classes", {
    size: 2,
    values: new Float32Array(512),
    labels: Uint8Array.from({ length: 256 }, (_, n) => n),
  }],
] as [string, Parameters<typeof codesPicture>[0]][])("codesPicture() %s is a picture", (_what, cloud) => {
  assert.equal(
    decoded(codesPicture(cloud, ["a name so long that no legend could hold all of it"])).width,
    1200,
  );
});

Deno.test("principalComponents() finds the directions of most variance", () => {
  const values = Float32Array.from({ length: 5 * 30 }, (_, k) => {
    const n = Math.floor(k / 5), a = n - 14.5, b = n % 2 - 0.5;
    return [10 + 3 * a, 4 * a, -2 * b, 1, 0][k % 5];
  });
  const { values: projected, shares } = principalComponents(values, 5, 2);
  assert.equal(shares.length, 2);
  assertNear([shares[0] + shares[1], shares[0] / shares[1] / 1000], [1, 25 * 74.9167 / 1 / 1000], 0.02);
  for (const n of [0, 7, 29]) assertNear([projected[2 * n]], [5 * (n - 14.5)], 0.05);
  const spoilt = values.slice();
  spoilt[5] = NaN;
  const some = principalComponents(spoilt, 5, 2).values;
  assert.deepEqual([...some.slice(2, 4)], [NaN, NaN]);
  assert.ok(some.filter(Number.isFinite).length === 58);
  assert.deepEqual(principalComponents(new Float32Array(10), 5, 2).shares, [0, 0]);
});

Deno.test("weightImages() finds the first matrix from pixels and the last one to pixels", () => {
  const tensor = (name: string, ...shape: number[]) => ({
    name,
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, k) => k),
  });
  const bias = tensor("bias", 4);
  assert.deepEqual(weightImages([tensor("down", 2, 4), bias, tensor("in", 3, 2), tensor("up", 4, 3)], 4), [
    { label: "down", values: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7) },
    { label: "up", values: Float32Array.of(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11) },
  ]);
  assert.deepEqual(weightImages([tensor("tied", 2, 4)], 4).map(({ label }) => label), ["tied"]);
  assert.deepEqual(weightImages([tensor("square", 4, 4), bias], 4).map(({ label }) => label), ["square"]);
  assert.deepEqual(weightImages([bias], 4), []);
});

Deno.test("weightsPicture() is blue below 0, white at 0 and red above, and gray where nothing is known", () => {
  const values = Float32Array.of(-2, -1, 0, 1, 2, NaN); // one image of 1 × 3 pixels, and another
  const { at, width, height } = decoded(weightsPicture([{ label: "w", values }], [1, 3]));
  const [edge, gap, top] = [18, 4, 30 + 44];
  assert.deepEqual([width, height], [1200, 30 + 44 + edge + gap + 26]);
  const pixel = (image: number, k: number) =>
    at(30 + image * (3 * edge + gap) + k * edge + edge / 2, top + edge / 2);
  assert.deepEqual(pixel(0, 0), [33, 82, 172]);
  assertNear(pixel(0, 1), [140, 164.5, 209.5], 1);
  assert.deepEqual(pixel(0, 2), [247, 247, 247]);
  assertNear(pixel(1, 0), [212.5, 135.5, 145], 1);
  assert.deepEqual(pixel(1, 1), [178, 24, 43]);
  assert.deepEqual(pixel(1, 2), [150, 150, 150]);
  assert.deepEqual(at(30 + 3 * edge + 1, top + 1), [255, 255, 255]);
});

Deno.test.each([
  ["no layers", [], [28, 28], 1200],
  ["zeros", [new Float32Array(784)], [28, 28], 1200],
  ["NaN", [new Float32Array(784).fill(NaN)], [28, 28], 1200],
  ["many units", [new Float32Array(1000 * 4)], [2, 2], 1200],
  ["wide images", [new Float32Array(2 * 2000)], [1, 2000], 2060],
] as [string, Float32Array[], [number, number], number][])(
  "weightsPicture() of %s is a picture",
  (_what, layers, shape, width) => {
    const named = layers.map((values, k) => ({ label: `layer ${k}`, values }));
    assert.equal(decoded(weightsPicture(named, shape)).width, width);
  },
);

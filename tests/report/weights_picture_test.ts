import assert from "node:assert/strict";
import { decode, type DecodedPng } from "../../src/dependencies/fast_png.ts";
import { weightsPicture } from "../../src/report/weights_picture.ts";

/** The color of a pixel, by its palette. */
function colorAt({ width, data, palette }: DecodedPng, x: number, y: number): readonly number[] {
  return palette![data[y * width + x]].slice(0, 3);
}

Deno.test("weightsPicture() is blue below 0, white at 0 and red above, and gray where nothing is known", () => {
  const values = Float32Array.of(-2, -1, 0, 1, 2, NaN); // one image of 1 × 3 pixels, and another
  const picture = decode(weightsPicture([{ label: "w", values }], [1, 3]));
  assert.deepEqual([picture.width, picture.height], [2 * (2 * (3 + 1) + 1), 2 * 3]);
  const pixel = (image: number, k: number) => colorAt(picture, 2 * (1 + 4 * image + k), 2);
  assert.deepEqual(pixel(1, 2), [150, 150, 150]);
  const [zeroRed, zeroGreen, zeroBlue] = pixel(0, 2);
  assert.ok(Math.min(zeroRed, zeroGreen, zeroBlue) > 235, `${pixel(0, 2)}`);
  const blueness = [pixel(0, 0), pixel(0, 1), pixel(0, 2), pixel(1, 0), pixel(1, 1)].map(([r, , b]) => b - r);
  assert.ok(blueness[0] > 80 && blueness[1] > 50 && blueness[3] < -50 && blueness[4] < -50, `${blueness}`);
  const lightness = [pixel(0, 0), pixel(0, 1), pixel(0, 2)].map(([r, g, b]) => r + g + b);
  assert.ok(lightness[0] < lightness[1] && lightness[1] < lightness[2], `${lightness}`);
  for (const [x, y] of [[0, 0], [1, 3], [8, 2], [17, 5]]) {
    assert.deepEqual(colorAt(picture, x, y), [255, 255, 255], `the gap at ${x}, ${y}`);
  }
});

Deno.test("a few large weights do not pale the others, and each layer has a scale of its own", () => {
  const usual = new Float32Array(400).fill(1), small = new Float32Array(400).fill(0.01);
  usual[0] = 1000;
  const picture = decode(
    weightsPicture([{ label: "a", values: usual }, { label: "b", values: small }], [20, 20]),
  );
  const strongest = colorAt(picture, 2, 2);
  assert.deepEqual(colorAt(picture, 4, 2), strongest);
  assert.deepEqual(colorAt(picture, 2, 2 * (20 + 1 + 6 + 1)), strongest);
});

Deno.test.each([
  ["zeros", [new Float32Array(784)], [28, 28], 60, 60],
  ["NaN", [new Float32Array(784).fill(NaN)], [28, 28], 60, 60],
  ["many units", [new Float32Array(1000 * 4), new Float32Array(4)], [2, 2], 122, 44],
  ["wide images", [new Float32Array(2 * 2000)], [1, 2000], 2 * 4003, 6],
] as [string, Float32Array[], [number, number], number, number][])(
  "weightsPicture() of %s is a picture",
  (_what, layers, shape, width, height) => {
    const named = layers.map((values, k) => ({ label: `layer ${k}`, values }));
    const picture = decode(weightsPicture(named, shape));
    assert.deepEqual([picture.width, picture.height], [width, height]);
    assert.deepEqual(weightsPicture(named, shape), weightsPicture(named, shape));
  },
);

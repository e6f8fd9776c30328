import assert from "node:assert/strict";
import { decode } from "../../src/dependencies/fast_png.ts";
import { imageGrid, reconstructionGrid } from "../../src/report/picture.ts";

/** A PNG's rows as lists of grays. */
function rowsOf(png: Uint8Array): number[][] {
  const { width, height, channels, depth, data } = decode(png);
  assert.deepEqual([channels, depth, data.length], [1, 8, width * height]);
  return Array.from(
    { length: height },
    (_, row) => Array.from(data.subarray(row * width, (row + 1) * width)),
  );
}

const g = 64; // the gray of the gaps

Deno.test("reconstructionGrid() draws pairs in bands, pixel by pixel", () => {
  // Three images of 1 × 2 pixels, two side by side.
  const originals = new Uint8Array([10, 20, 30, 40, 50, 60]);
  const reconstructions = new Float32Array([0, 1, 0.5, 7, -3, NaN]);
  const png = reconstructionGrid([originals, reconstructions], 3, [1, 2], { scale: 1, columns: 2 });
  const gap = [g, g, g, g, g, g, g];
  assert.deepEqual(rowsOf(png), [
    gap,
    [g, 10, 20, g, 30, 40, g],
    gap,
    [g, 0, 255, g, 128, 255, g],
    ...Array(5).fill(gap),
    [g, 50, 60, g, g, g, g],
    gap,
    [g, 0, 0, g, g, g, g],
    gap,
  ]);
});

Deno.test("reconstructionGrid() repeats pixels to scale, and takes numbers in [0, 1] as originals", () => {
  const original = new Float32Array([0, 0.2, 0.4, 1]), reconstruction = new Float32Array([1, 1, 0, 0]);
  const small = rowsOf(reconstructionGrid([original, reconstruction], 1, [2, 2], { scale: 1 }));
  assert.deepEqual(small.slice(1, 3), [[g, 0, 51, g], [g, 102, 255, g]]);
  const large = rowsOf(reconstructionGrid([original, reconstruction], 1, [2, 2], { scale: 3 }));
  assert.deepEqual([large.length, large[0].length], [3 * small.length, 3 * small[0].length]);
  large.forEach((row, r) =>
    row.forEach((gray, c) => assert.equal(gray, small[Math.floor(r / 3)][Math.floor(c / 3)]))
  );
});

Deno.test("reconstructionGrid() gives the same bytes for the same images", () => {
  const images = Float32Array.from({ length: 30 * 784 }, (_, i) => (i * 37 % 101) / 100);
  const draw = () => reconstructionGrid([images, images], 30, [28, 28]);
  assert.deepEqual(draw(), draw());
  const first = draw();
  images[5] = 1 - images[5];
  assert.notDeepEqual(draw(), first, "other images");
  images[5] = 1 - images[5];
  draw().fill(0); // which is the caller's own
  assert.deepEqual(draw(), first);
  const { width, height } = decode(first);
  assert.deepEqual([width, height], [2 * (15 * 29 + 1), 2 * (2 * 57 + 5 + 2)]);
});

Deno.test.each([
  [3, [1, 2], {}, "expected 3 images in each array but received 2"],
  [0, [1, 2], {}, "received 0"],
  [1, [1, 1.5], {}, "received 1.5"],
  [1, [1, 2], { scale: 0 }, "received 0"],
  [1, [1, 2], { columns: -1 }, "received -1"],
])("reconstructionGrid() refuses count %j, size %j, options %j", (count, size, options, part) => {
  assert.throws(
    () =>
      reconstructionGrid([new Uint8Array(6), new Float32Array(4)], count, size as [number, number], options),
    (error: unknown) => error instanceof RangeError && error.message.includes(part),
  );
});

Deno.test("imageGrid() draws images row by row, pixel by pixel", () => {
  const bytes = new Uint8Array([10, 20, 30, 40, 50, 60]);
  const gap = [g, g, g, g, g, g, g];
  assert.deepEqual(rowsOf(imageGrid(bytes, 3, [1, 2], { scale: 1, columns: 2 })), [
    gap,
    [g, 10, 20, g, 30, 40, g],
    gap,
    [g, 50, 60, g, g, g, g],
    gap,
  ]);
  const numbers = new Float32Array([0, 0.5, 7, -3, NaN, 1]);
  assert.deepEqual(rowsOf(imageGrid(numbers, 1, [3, 2], { scale: 1, columns: 4 })), [
    [g, g, g, g],
    [g, 0, 128, g],
    [g, 255, 0, g],
    [g, 0, 255, g],
    [g, g, g, g],
  ]);
});

Deno.test("imageGrid() repeats pixels to scale, and gives the same bytes for the same images", () => {
  const images = Float32Array.from({ length: 5 * 6 }, (_, i) => i / 30);
  const draw = (scale: number) => imageGrid(images, 5, [2, 3], { scale, columns: 3 });
  assert.deepEqual(draw(3), draw(3));
  const small = rowsOf(draw(1)), large = rowsOf(draw(3));
  assert.deepEqual([small.length, small[0].length], [2 * 3 + 1, 3 * 4 + 1]);
  assert.deepEqual([large.length, large[0].length], [3 * small.length, 3 * small[0].length]);
  large.forEach((row, r) =>
    row.forEach((gray, c) => assert.equal(gray, small[Math.floor(r / 3)][Math.floor(c / 3)]))
  );
});

Deno.test.each([
  [4, {}, "expected 4 images but received 3"],
  [0, {}, "received 0"],
  [1, { scale: 1.5 }, "received 1.5"],
  [1, { columns: 0 }, "received 0"],
])("imageGrid() refuses count %j, options %j", (count, options, part) => {
  assert.throws(
    () => imageGrid(new Uint8Array(7), count, [1, 2], options),
    (error: unknown) => error instanceof RangeError && error.message.includes(part),
  );
});

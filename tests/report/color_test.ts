// Images in color: rows of red, green and blue pixels become colored pictures.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { decode } from "../../src/dependencies/fast_png.ts";
import { loadSnapshot, saveSnapshot } from "../../src/runs/snapshot_file.ts";
import { pageData } from "../../src/report/page/page_data.ts";
import { parseImageShape, stacked, valuesIn } from "../../src/report/image_shape.ts";
import { imageGrid, reconstructionGrid } from "../../src/report/picture.ts";
import { weightsPicture } from "../../src/report/weights_picture.ts";
import { complaints, runTask, withFolder } from "../helpers/commands.ts";
import { bytesAs, grid, npyFile, whole } from "../helpers/data_files.ts";
import { colorRun } from "../helpers/run_data.ts";

/** A PNG's rows of pixels, each as red, green and blue. */
function colorsOf(png: Uint8Array): number[][][] {
  const { width, height, channels, depth, data } = decode(png);
  assert.deepEqual([channels, depth, data.length], [3, 8, 3 * width * height]);
  return Array.from(
    { length: height },
    (_, y) => Array.from({ length: width }, (_, x) => [...data.subarray(3 * (y * width + x)).subarray(0, 3)]),
  );
}

const GAP = [64, 64, 64];

Deno.test("a grid of color images takes planes, and repeats their pixels to scale", () => {
  const images = Uint8Array.of(1, 2, 11, 12, 21, 22, 101, 102, 111, 112, 121, 122); // 1 × 2: red, green, blue
  const row = [GAP, [1, 11, 21], [2, 12, 22], GAP, [101, 111, 121], [102, 112, 122], GAP];
  const gap = row.map(() => GAP);
  const small = colorsOf(imageGrid(images, 2, [1, 2, 3], { scale: 1 }));
  assert.deepEqual(small, [gap, row, gap]);
  const large = colorsOf(imageGrid(images, 2, [1, 2, 3], { scale: 3 }));
  assert.deepEqual([large.length, large[0].length], [9, 21]);
  large.forEach((line, y) =>
    line.forEach((color, x) => assert.deepEqual(color, small[Math.floor(y / 3)][Math.floor(x / 3)]))
  );
  const numbers = Float32Array.from(images, (level) => level / 255);
  const pair = colorsOf(reconstructionGrid([images, numbers], 2, [1, 2, 3], { scale: 1 }));
  assert.deepEqual(pair, [gap, row, gap, row, gap]);
  assert.throws(() => imageGrid(images, 3, [1, 2, 3]), /expected 3 images but received 2/);
});

Deno.test("weights of color images are drawn as planes, red above green above blue", () => {
  const values = Float32Array.of(1, -1, 0, 0, -1, 1);
  assert.deepEqual(
    weightsPicture([{ label: "w", values }], [1, 2, 3]),
    weightsPicture([{ label: "w", values }], [3, 2]),
  );
});

Deno.test("stored shapes are two sizes, or three for color", () => {
  const shapes = [[2, 3], [2, 3, 3], [2, 3, 1], [2, 3, 4], [2], [2, 0], [2, 3, 3, 1], ["2", 3], null];
  assert.deepEqual(
    shapes.map((shape) => parseImageShape(shape)),
    [[2, 3], [2, 3, 3], ...Array(7).fill(undefined)],
  );
  assert.deepEqual([valuesIn([2, 5]), valuesIn([2, 5, 3])], [10, 30]);
  assert.deepEqual([stacked([2, 5]), stacked([2, 5, 3])], [[2, 5], [6, 5]]);
});

Deno.test("a page has color tiles, color pictures over time and color images of codes", () =>
  withFolder((folder) => {
    const run = colorRun(), page = pageData(run), { imageShape, tiles, codes } = page.snapshot!;
    const [height, width] = imageShape, pixels = height * width;
    const { images, reconstructions } = run.snapshot!;
    const bytesOf = (uri: string) => Uint8Array.from(Buffer.from(uri.split(",")[1], "base64"));
    const levels = (from: Uint8Array, n: number, k: number) =>
      [0, 1, 2].map((color) => from[(3 * n + color) * pixels + k]);
    for (const [tile, from] of [[tiles[3].original, images], [tiles[3].result, reconstructions]] as const) {
      const drawn = colorsOf(bytesOf(tile)).flat();
      assert.deepEqual(drawn, drawn.map((_, k) => levels(from, 3, k)));
    }
    const packed = gunzipSync(Buffer.from(codes!.images, "base64")), whole = run.snapshot!.codes!.images;
    assert.equal(packed.length, whole.length);
    for (let k = 0; k < packed.length; k++) {
      const at = k % pixels, row = at % height, column = Math.floor(at / height);
      assert.ok(Math.abs(packed[k] - whole[k - at + row * width + column]) <= 9, `byte ${k}`);
    }
    const saved = colorsOf(run.pictures[0].png), small = colorsOf(bytesOf(page.pictures[0].image));
    assert.deepEqual([2 * small.length, 2 * small[0].length], [saved.length, saved[0].length]);
    small.forEach((line, y) =>
      line.forEach((color, x) =>
        color.forEach((level, c) => assert.ok(Math.abs(level - saved[2 * y][2 * x][c]) <= 9, `${[y, x, c]}`))
      )
    );
    assert.deepEqual(page.weights.map(({ isColor, size }) => [isColor, size]), [[true, [
      2 * width + 1,
      3 * height,
    ]]]);
    saveSnapshot(folder, run.snapshot!);
    assert.deepEqual(loadSnapshot(folder)?.imageShape, imageShape);
  }));

Deno.test("a run on color images draws them in color, and so do its commands; an older run keeps its planes", () =>
  withFolder(async (folder) => {
    const at = (name: string) => join(folder, name), run = at("run"), count = 40;
    const last = grid(count, 60, (n, k) => whole(n, k, 255)); // [40, 4, 5, 3]
    Deno.writeFileSync(at("images.npy"), npyFile("'|u1'", [count, 4, 5, 3], bytesAs("|u1", last)));
    const flags = ["--data", at("images.npy"), "--sizes", "60,8,3", "--quiet", "--out", run];
    const trained = await runTask("vae", [...flags, "--epochs", "1"], folder);
    assert.deepEqual([trained.code, complaints(trained)], [0, []]);
    const path = join(run, "config.json"), config = JSON.parse(Deno.readTextFileSync(path));
    assert.deepEqual([config.facts.imageShape, config.facts.width], [[4, 5, 3], 60]);

    /** The pixels of the first image of a picture of images at scale 2. */
    const firstOf = (png: string) => {
      const rows = colorsOf(Deno.readFileSync(png));
      return Array.from({ length: 20 }, (_, k) => rows[2 * (1 + Math.floor(k / 5))][2 * (1 + k % 5)]);
    };
    const images = Array.from(
      { length: count },
      (_, n) => Array.from({ length: 20 }, (_, k) => last.slice(60 * n + 3 * k, 60 * n + 3 * k + 3)),
    );
    const isOneOf = (found: number[][]) => images.some((image) => `${image}` === `${found}`);
    for (const name of ["reconstructions.png", "reconstructions-0001.png"]) {
      assert.ok(isOneOf(firstOf(join(run, name))), name);
    }
    colorsOf(Deno.readFileSync(join(run, "samples-0001.png")));
    const use = async (command: "reconstruct" | "decode" | "sample", ...args: string[]) => {
      const outcome = await runTask(command, [run, ...args, "--out", at(`${command}.png`)], folder);
      assert.deepEqual([outcome.code, complaints(outcome)], [0, []]);
      return at(`${command}.png`);
    };
    assert.deepEqual(firstOf(await use("reconstruct", at("images.npy"))), images[0]);
    Deno.writeFileSync(at("codes.npy"), npyFile("'<f4'", [4, 3], new Uint8Array(48)));
    colorsOf(Deno.readFileSync(await use("decode", at("codes.npy"))));
    colorsOf(Deno.readFileSync(await use("sample", "--count", "4")));

    // a run of before color keeps its three gray planes when it is resumed
    for (const name of ["snapshot.safetensors", "reconstructions-0001.png", "samples-0001.png"]) {
      Deno.removeSync(join(run, name));
    }
    const facts = { ...config.facts, imageShape: [12, 5] };
    Deno.writeTextFileSync(path, JSON.stringify({ ...config, facts }));
    const resumed = await runTask("vae", ["--resume", run, "--epochs", "2"], folder);
    assert.deepEqual([resumed.code, complaints(resumed)], [0, []]);
    for (const name of ["reconstructions.png", "reconstructions-0002.png", "samples-0002.png"]) {
      assert.equal(decode(Deno.readFileSync(join(run, name))).channels, 1, name);
    }
    assert.deepEqual(loadSnapshot(run)?.imageShape, [12, 5]);
  }));

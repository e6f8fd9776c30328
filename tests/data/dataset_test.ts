import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { makeMini, packDeterministic, SOURCE_FOLDER } from "../../scripts/tools/make_fashion_mnist_mini.ts";
import {
  CATALOGUE,
  type CatalogueEntry,
  FILE_NAMES,
  FILE_ROLES,
  findDataset,
  sha256,
} from "../../src/data/catalogue.ts";
import { type LabeledDataset, loadDataset, loadEntry, type LoadOptions } from "../../src/data/dataset.ts";
import { InputError } from "../../src/errors.ts";
import { entryFor, type Files, images, inFolder, labels, put, TINY } from "../helpers/tiny_dataset.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const MNIST_FOLDER = join(PROJECT, "../shared/data/mnist");
const MINI_FOLDER = join(PROJECT, "fixtures/fashion-mnist-mini");
/** A cache folder for the sets that must be found without one. */
const NO_CACHE = join(PROJECT, ".cache/not-there");

/** Asserts that loading fails with an InputError of one line that matches every pattern. */
async function assertRefused(entry: CatalogueEntry, options: LoadOptions, ...patterns: RegExp[]) {
  await assert.rejects(loadEntry(entry, options), (error) => {
    assert.ok(error instanceof InputError, `expected an InputError but got ${error}`);
    for (const pattern of patterns) assert.match(error.message, pattern);
    assert.ok(!error.message.includes("\n"), "one line");
    return true;
  });
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function countByClass(split: LabeledDataset["train"]): number[] {
  const counts = new Array<number>(10).fill(0);
  for (const label of split.labels) counts[label]++;
  return counts;
}

Deno.test("loadEntry() reads a given folder, plain or gzip, itself or its subfolder", async () => {
  await inFolder(async (folder, lines, log) => {
    put(join(folder, "packed"), TINY);
    put(join(folder, "plain"), TINY, "");
    put(join(folder, "parent", "tiny"), TINY);
    for (const name of ["packed", "plain", "parent"]) {
      const dataDir = join(folder, name);
      const data = await loadEntry(entryFor(TINY), { dataDir, cacheDir: NO_CACHE, log });
      const place = name === "parent" ? join(dataDir, "tiny") : dataDir;
      assert.equal(data.source, `5 training and 2 test images of 28×28 from "${place}"`);
      assert.equal(data.name, "tiny");
      assert.equal(data.width, 784);
      assert.deepEqual(data.imageShape, [28, 28]);
      assert.equal(data.classNames.length, 10);
      assert.deepEqual([data.train.count, data.test.count], [5, 2]);
      assert.deepEqual([...data.train.labels], [3, 1, 4, 1, 9]);
      assert.deepEqual([...data.test.labels], [7, 0]);
      assert.equal(data.train.images.length, 5 * 784);
      assert.deepEqual([0, 783, 784, 3919].map((i) => data.train.images[i]), [1, 1, 2, 5]);
      assert.equal(data.test.images.length, 2 * 784);
      assert.equal(
        data.checksum,
        sha256(TINY.trainImages, TINY.trainLabels, TINY.testImages, TINY.testLabels),
      );
    }
    assert.deepEqual(lines, []);
  });
});

Deno.test("loadEntry() with a limit keeps the first training images and all test images", async () => {
  await inFolder(async (folder) => {
    put(folder, TINY);
    const load = (limit?: number) =>
      loadEntry(entryFor(TINY), { dataDir: folder, cacheDir: NO_CACHE, limit });
    const all = await load(), some = await load(2), more = await load(99);
    assert.deepEqual([some.train.count, some.test.count, more.train.count], [2, 2, 5]);
    assert.deepEqual([...some.train.labels], [3, 1]);
    assert.deepEqual(some.train.images, all.train.images.slice(0, 2 * 784));
    assert.equal(some.train.images.buffer.byteLength, 2 * 784, "the other images are freed");
    assert.equal(some.checksum, all.checksum);
    assert.match(some.source, /^the first 2 of 5 training and 2 test images/);
    for (const limit of [0, -1, 1.5, NaN, Infinity]) {
      const options = { dataDir: folder, cacheDir: NO_CACHE, limit };
      await assertRefused(
        entryFor(TINY),
        options,
        /Cannot limit .* whole number of at least 1 but received /,
      );
    }
  });
});

Deno.test("loadEntry() refuses a given folder without the files and names what is missing", async () => {
  await inFolder(async (folder) => {
    const cacheDir = join(folder, "cache");
    put(join(cacheDir, "tiny"), TINY); // a good cache is no excuse for a wrong --data-dir
    const entry = entryFor(TINY, [], ["http://127.0.0.1:1/"]);
    for (const dataDir of [join(folder, "nowhere"), folder]) {
      await assertRefused(
        entry,
        { dataDir, cacheDir },
        new RegExp(`from "${dataDir}"`),
        /did not find train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-/,
      );
    }
    const partial = join(folder, "partial");
    put(join(partial, "tiny"), { trainImages: TINY.trainImages, testImages: TINY.testImages });
    await assertRefused(
      entry,
      { dataDir: partial, cacheDir },
      /did not find train-labels-idx1-ubyte, t10k-labels-idx1-ubyte;/,
    );
  });
});

Deno.test("loadEntry() warns of a given folder that does not hold the published files, and uses it", async () => {
  await inFolder(async (folder, lines, log) => {
    put(folder, { ...TINY, testLabels: labels(7, 1) });
    const data = await loadEntry(entryFor(TINY), { dataDir: folder, cacheDir: NO_CACHE, log });
    assert.deepEqual([...data.test.labels], [7, 1]);
    assert.equal(lines.length, 1);
    assert.match(lines[0], /^tiny: warning: not the published data: .* differs for t10k-labels-idx1-ubyte$/);
  });
});

Deno.test("loadDataset() refuses a folder that holds another known data set", async () => {
  const options = { dataDir: MINI_FOLDER, cacheDir: NO_CACHE };
  await assertRefused(
    findDataset("mnist"),
    options,
    /found the files of "fashion-mnist-mini"; ask for "fashion/,
  );
});

Deno.test.each<[string, Partial<Files>, RegExp]>([
  [
    "more images than labels",
    { trainImages: images(6) },
    /train-labels-idx1-ubyte\.gz": expected 6 labels, one for each image in ".*train-images-.*", but found 5 at byte 4/,
  ],
  [
    "more labels than images",
    { testLabels: labels(1, 2, 3) },
    /t10k-labels.*: expected 2 labels.* but found 3/,
  ],
  ["a label above 9", { trainLabels: labels(3, 1, 4, 10, 9) }, /labels from 0 to 9 but found 10 at byte 11;/],
  [
    "images of another size",
    { testImages: images(2, 32, 32) },
    /t10k-.*: expected images of 28×28 .* 32×32 at byte 8/,
  ],
  ["images of transposed size", { testImages: images(2, 14, 56) }, /28×28 pixels but found 14×56/],
  ["no images", { testImages: images(0), testLabels: labels() }, /at least one image but found 0 at byte 4/],
  ["labels for images", { trainImages: labels(1, 2) }, /train-images.*expected 3 dimension\(s\) but found 1/],
  [
    "a truncated file",
    { trainImages: images(5).slice(0, 800) },
    /expected 3936 bytes .* truncated at byte 800/,
  ],
])("loadEntry() refuses %s", async (_what, change, pattern) => {
  await inFolder(async (folder) => {
    put(folder, { ...TINY, ...change });
    await assertRefused(entryFor(TINY), { dataDir: folder, cacheDir: NO_CACHE }, pattern);
  });
});

Deno.test("loadEntry() prefers the cache to installed files", async () => {
  await inFolder(async (folder) => {
    const installed = join(folder, "installed"), cacheDir = join(folder, "cache");
    const entry = entryFor(TINY, [installed], ["http://127.0.0.1:1/"]);
    put(installed, TINY);
    assert.match((await loadEntry(entry, { cacheDir })).source, /from ".*installed"$/);
    put(join(cacheDir, "tiny"), TINY);
    assert.match((await loadEntry(entry, { cacheDir })).source, /from ".*tiny"$/);
  });
});

Deno.test("loadEntry() skips files that are not the published ones, damaged or installed", async () => {
  await inFolder(async (folder, lines, log) => {
    const installed = join(folder, "installed"), cacheDir = join(folder, "cache");
    const entry = entryFor(TINY, [installed], ["http://127.0.0.1:1/"]);
    put(join(cacheDir, "tiny"), { ...TINY, trainLabels: labels(0, 0, 0, 0, 0) });
    Deno.truncateSync(join(cacheDir, "tiny", `${FILE_NAMES.testImages}.gz`), 20);
    put(installed, { ...TINY, testLabels: labels(1, 1) });
    await assertRefused(entry, { cacheDir, log }, /did not find them/);
    assert.equal(lines.length, 3);
    assert.match(
      lines[0],
      /skipping ".*train-labels.*": expected SHA-256 [0-9a-f]{64} but found [0-9a-f]{64}/,
    );
    assert.match(lines[1], /skipping a damaged file: .*t10k-images.* truncated at byte 20/);
    assert.match(lines[2], /skipping ".*installed.t10k-labels/);
    put(installed, TINY);
    assert.match((await loadEntry(entry, { cacheDir })).source, /from ".*installed"$/);
  });
});

Deno.test("loadEntry() downloads nothing: it says where it has looked, and what to do", async () => {
  await inFolder(async (cacheDir) => {
    let asked = 0;
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
      asked += 1;
      return new Response("", { status: 404 });
    });
    try {
      const entry = entryFor(TINY, ["/not/installed"], [`http://127.0.0.1:${server.addr.port}/`]);
      await assertRefused(
        entry,
        { cacheDir, remedy: "type `make data`" },
        /^Cannot load "tiny": expected its four files, undamaged, in ".*tiny" or "\/not\/installed" but did not find them; type `make data`, or try the other one$/,
      );
    } finally {
      await server.shutdown();
    }
    assert.equal(asked, 0);
    assert.deepEqual([...Deno.readDirSync(cacheDir)], []);
    await assertRefused(
      entryFor(TINY, ["/not/installed"]), // a set that no mirror has, which no download would bring
      { cacheDir, remedy: "type `make data`" },
      /in "\/not\/installed" but did not find them; try the other one$/,
    );
  });
});

Deno.test("loadDataset() refuses an unknown name and lists the known ones", async () => {
  await assert.rejects(loadDataset("cifar", { cacheDir: NO_CACHE }), (error) => {
    assert.ok(error instanceof InputError);
    assert.match(
      error.message,
      /data set "cifar": expected one of fashion-mnist-mini, mnist, fashion-mnist;/,
    );
    return true;
  });
});

Deno.test("CATALOGUE is well-formed", () => {
  assert.equal(new Set(CATALOGUE.flatMap((entry) => Object.values(entry.sums))).size, 12, "no sum twice");
  for (const entry of CATALOGUE) {
    assert.equal(new Set(entry.classNames).size, 10);
    for (const role of FILE_ROLES) assert.match(entry.sums[role], /^[0-9a-f]{64}$/);
    for (const mirror of entry.mirrors) assert.match(mirror, /^https?:\/\/.*\/$/);
  }
});

Deno.test("fashion-mnist-mini has its published files, balanced classes and no image twice", async () => {
  const lines: string[] = [];
  const data = await loadDataset("fashion-mnist-mini", {
    cacheDir: NO_CACHE,
    log: (line) => lines.push(line),
  });
  assert.deepEqual(lines, []); // a wrong checksum would be told here
  assert.deepEqual([data.train.count, data.test.count, data.width], [10_000, 2_000, 784]);
  assert.deepEqual(countByClass(data.train), new Array(10).fill(1000));
  assert.deepEqual(countByClass(data.test), new Array(10).fill(200));
  assert.equal(data.train.images.length, 10_000 * 784);
  assert.equal(data.test.images.length, 2_000 * 784);
  assert.equal(data.checksum, "dc0289273c8bbcf299620bc123dadb811b6f04ead83d54641d1196c9bef7c4da");
  const readme = await Deno.readTextFile(join(MINI_FOLDER, "README.md"));
  for (const sum of Object.values(findDataset(data.name).sums)) {
    assert.ok(readme.includes(sum), `${sum} in README`);
  }
});

Deno.test("packDeterministic() writes no time, name or system, and loses nothing", () => {
  const packed = packDeterministic(TINY.trainImages);
  assert.deepEqual([...packed.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
  assert.deepEqual(new Uint8Array(gunzipSync(packed)), TINY.trainImages);
});

// Two sets of files that not every machine has. Where one is missing, the test's name and a line say so.
const installed = isFolder(SOURCE_FOLDER);
const withInstalled = installed
  ? ""
  : ` (skipped: no ${SOURCE_FOLDER}; apt-get install dataset-fashion-mnist)`;
if (!installed) console.log(`skipped: 2 tests, for there is no ${SOURCE_FOLDER}`);

Deno.test({
  name: `fashion-mnist-mini made again from Debian's package has the same decompressed bytes${withInstalled}`,
  ignore: !installed,
  fn() {
    const files = makeMini(SOURCE_FOLDER);
    for (const role of FILE_ROLES) {
      const shipped = gunzipSync(Deno.readFileSync(join(MINI_FOLDER, `${FILE_NAMES[role]}.gz`)));
      assert.equal(sha256(files[role]), sha256(shipped), FILE_NAMES[role]);
    }
  },
});

Deno.test({
  name: `loadDataset() finds Debian's Fashion-MNIST${withInstalled}`,
  ignore: !installed,
  async fn() {
    const lines: string[] = [];
    const data = await loadDataset("fashion-mnist", { cacheDir: NO_CACHE, log: (line) => lines.push(line) });
    assert.equal(data.source, `60,000 training and 10,000 test images of 28×28 from "${SOURCE_FOLDER}"`);
    assert.deepEqual(countByClass(data.train), new Array(10).fill(6000));
    assert.deepEqual(lines, []);
  },
});

const mnist = isFolder(MNIST_FOLDER);
const withMnist = mnist ? "" : ` (skipped: no MNIST in ${MNIST_FOLDER})`;
if (!mnist) console.log(`skipped: 1 test, for there is no MNIST in ${MNIST_FOLDER}`);

Deno.test({
  name: `loadDataset() reads MNIST from its folder's parent and knows its checksums${withMnist}`,
  ignore: !mnist,
  async fn() {
    const lines: string[] = [];
    const options = {
      dataDir: join(MNIST_FOLDER, ".."),
      cacheDir: NO_CACHE,
      log: (line: string) => lines.push(line),
    };
    const data = await loadDataset("mnist", options);
    assert.deepEqual(lines, []); // a wrong checksum would be told here
    assert.deepEqual([data.train.count, data.test.count], [60_000, 10_000]);
    assert.deepEqual([...data.train.labels.subarray(0, 5)], [5, 0, 4, 1, 9]);
    assert.deepEqual(countByClass(data.test), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  },
});

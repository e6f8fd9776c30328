import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readCsv } from "../../src/data/csv.ts";
import { writeIdx } from "../../src/data/idx.ts";
import { readNpy } from "../../src/data/npy.ts";
import { loadOwnData, type OwnDataOptions } from "../../src/data/own_data.ts";
import { permutation } from "../../src/data/shuffle.ts";
import { InputError } from "../../src/errors.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { padded } from "../../src/graph/tensor.ts";
import { DeviceImages, gatherBatch } from "../../src/layers/gather_batch.ts";
import { baselines } from "../../src/stats/baselines.ts";
import { faultNamed } from "../gradients/faults.ts";
import { assertRefused, complaints, fileOf, runTask, withFolder } from "../helpers/commands.ts";
import { withFault } from "../helpers/faults.ts";
import { bitsOf, gpuTest, randomFloats } from "../helpers/gpu.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

/** The header as numpy.save writes it, or another one. */
function npy(
  descr: string,
  shape: readonly number[],
  data: Uint8Array | Float32Array,
  { version = 1, header, order = "False" }: { version?: number; header?: string; order?: string } = {},
): Uint8Array<ArrayBuffer> {
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const text = header ?? `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${tuple}, }`;
  const begin = version === 1 ? 10 : 12;
  const length = Math.ceil((begin + text.length + 1) / 64) * 64 - begin;
  const file = new Uint8Array(begin + length + data.byteLength);
  file.set([0x93, ...utf8("NUMPY"), version, 0]);
  const view = new DataView(file.buffer);
  if (version === 1) view.setUint16(8, length, true);
  else view.setUint32(8, length, true);
  file.set(utf8(text.padEnd(length - 1) + "\n"), begin);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), begin + length);
  return file;
}

async function refuses(read: () => unknown, part: string | RegExp): Promise<void> {
  await assert.rejects(async () => await read(), (error: unknown) => {
    assert.ok(error instanceof InputError, `${error}`);
    assert.ok(!error.message.includes("\n"), error.message);
    assert.ok(error.message.includes('"x"'), `${error.message} names the file`);
    if (typeof part === "string") assert.ok(error.message.includes(part), error.message);
    else assert.match(error.message, part);
    return true;
  });
}

for (const version of [1, 2, 3]) {
  Deno.test(`readNpy() reads bytes and floats of version ${version}.0`, () => {
    const bytes = readNpy(npy("'|u1'", [2, 3], Uint8Array.of(0, 1, 2, 253, 254, 255), { version }), "x");
    assert.deepEqual(bytes, { shape: [2, 3], data: Uint8Array.of(0, 1, 2, 253, 254, 255) });
    const given = Float32Array.of(0, 1, 0.1, 0.5, 2 ** -140, 0.25);
    const floats = readNpy(npy("'<f4'", [1, 2, 3], given, { version }), "x");
    assert.deepEqual(floats, { shape: [1, 2, 3], data: given });
  });
}

Deno.test("readNpy() takes the header's keys in another order, with other quotes and spaces", () => {
  const header = '{"shape":(2L,1L),"fortran_order":False,"descr":"|u1"}';
  assert.deepEqual(readNpy(npy("", [], Uint8Array.of(7, 8), { header }), "x").shape, [2, 1]);
  // an unpadded header, so that the floats are not aligned
  const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,  1)}\n";
  const file = new Uint8Array(10 + text.length + 4);
  file.set([0x93, ...utf8("NUMPY"), 1, 0, text.length, 0, ...utf8(text)]);
  file.set(new Uint8Array(Float32Array.of(0.75).buffer), 10 + text.length);
  assert.notEqual((10 + text.length) % 4, 0);
  assert.deepEqual(readNpy(file, "x").data, Float32Array.of(0.75));
});

const TWO = Uint8Array.of(1, 2);
Deno.test.each([
  ["an empty file", new Uint8Array(), "it is empty"],
  ["another format", utf8("hello, world"), "found 68 65 6c 6c 6f 2c at byte 0"],
  ["the magic number alone", npy("'|u1'", [2], TWO).slice(0, 7), "the file ends at byte 7"],
  ["version 4", npy("'|u1'", [2], TWO, { version: 4 }), "found 4.0 at byte 6"],
  ["a header that is cut off", npy("'|u1'", [2], TWO).slice(0, 40), "but the file ends at byte 40"],
  [
    "a header of 4 GB",
    new Uint8Array([...npy("'|u1'", [2], TWO, { version: 2 }).fill(255, 8, 12)]),
    "4294967295",
  ],
  ["128-bit floats", npy("'<f16'", [1], new Uint8Array(16)), 'save array.astype("float64")'],
  ["complex numbers", npy("'<c8'", [1], new Uint8Array(8)), "(complex numbers) in the header at byte 10"],
  ["objects", npy("'|O'", [1], new Uint8Array(8)), "(Python objects, which are pickled)"],
  ["texts", npy("'<U3'", [1], new Uint8Array(12)), "(texts)"],
  ["dates", npy("'<M8[ns]'", [1], new Uint8Array(8)), "(dates)"],
  ["a structured type", npy("[('a', '|u1')]", [2], TWO), 'array["a"]'],
  ["a key inside a text", npy("", [], TWO, { header: "{'x': \"'descr': '|u1'\"}" }), 'expected "descr"'],
  ["an open bracket", npy("", [], TWO, { header: "{'descr': '|u1', 'shape': (2" }), 'expected "descr"'],
  ["no shape", npy("", [], TWO, { header: "{'descr': '|u1', 'fortran_order': False}" }), 'expected "shape"'],
  ["a negative shape", npy("'|u1'", [-2], TWO), 'expected "shape"'],
  ["nonsense for a header", npy("", [], TWO, { header: "import os" }), 'expected "descr"'],
  [
    "too few elements",
    npy("'|u1'", [3], TWO),
    "expected 3 bytes from byte 128 for shape (3) but the file has 2",
  ],
  ["too many elements", npy("'<f4'", [1], new Uint8Array(8)), "expected 4 bytes"],
  ["absurdly many elements", npy("'<f4'", [1e9, 1e9, 1e9], TWO), "expected 4e+27 bytes"],
  ["so many that the product is infinite", npy("'|u1'", Array(40).fill(999999999), TWO), "Infinity bytes"],
] as [string, Uint8Array<ArrayBuffer>, string][])("readNpy() refuses %s", async (_what, file, part) => {
  await refuses(() => readNpy(file, "x"), part);
});

Deno.test("readCsv() reads bytes, floats, quotes, empty lines, and a byte order mark", async () => {
  const bytes = await readCsv([utf8('\ufeffa,b\r\n0,255\r\n\r\n 7 ,"1.0"\r\n')], "x");
  assert.deepEqual(bytes, {
    format: "CSV",
    count: 2,
    shape: [2],
    values: Uint8Array.of(0, 255, 7, 1),
    columns: ["a", "b"],
    classNames: [],
    notes: [],
    warnings: [],
  });
  const floats = await readCsv([utf8('"a, and more",b\n0.1,1e-3\n1,.5')], "x");
  assert.deepEqual(floats.values, Float64Array.of(0.1, 1e-3, 1, 0.5));
  const zeros = await readCsv([utf8("a\n0\n1\n")], "x");
  assert.deepEqual(zeros.values, Uint8Array.of(0, 1));
  const long = await readCsv([utf8("a,b\n" + "0.5,0.25\n".repeat(3000))], "x");
  assert.equal(long.values.length, 6000);
  assert.ok(long.values.every((value, k) => value === (k % 2 ? 0.25 : 0.5)));
});

Deno.test("readCsv() reads the same from parts, wherever they are cut", async () => {
  const file = utf8('\ufeffname,"b ""é"""\r\nä,1\r\nö,255\r\n\r\nä,7\r\n');
  const whole = await readCsv([file], "x", { label: "name" });
  assert.deepEqual([whole.values, whole.classNames], [Uint8Array.of(1, 255, 7), ["ä", "ö"]]);
  for (const size of [1, 2, 3, 10]) {
    const parts = Array.from(
      { length: Math.ceil(file.length / size) },
      (_, k) => file.subarray(k * size, (k + 1) * size),
    );
    assert.deepEqual(await readCsv(parts, "x", { label: "name" }), whole, `parts of ${size} bytes`);
    const spoilt = [...parts, Uint8Array.of(0xff)];
    await refuses(
      () => readCsv(spoilt, "x", { label: "name" }),
      "expected UTF-8 text but found other bytes in line 6",
    );
  }
});

Deno.test("readCsv() keeps more numbers than a block holds, whole ones or not", async () => {
  const rows = 400_000, whole = "1,2,3\n".repeat(rows), shares = "0,1,0\n".repeat(rows);
  const bytes = await readCsv([utf8(`a,b,c\n${whole}`)], "x");
  assert.ok(bytes.values instanceof Uint8Array);
  assert.ok(bytes.values.length === 3 * rows && bytes.values.every((value, k) => value === k % 3 + 1));
  const floats = await readCsv([utf8(`a,b,c\n${shares}0.5,0.5,0.5\n`)], "x");
  assert.ok(floats.values instanceof Float64Array);
  assert.ok(floats.values.subarray(0, -3).every((value, k) => value === (k % 3 === 1 ? 1 : 0)));
  assert.deepEqual([...floats.values.subarray(-3)], [0.5, 0.5, 0.5]);
});

Deno.test("readCsv() refuses a row without end, in quotes or not", async () => {
  const long = Array.from({ length: 17 }, () => new Uint8Array(2 ** 20).fill(0x31));
  await refuses(() => readCsv([utf8("a\n"), ...long], "x"), "lines of at most 16777216 bytes but line 2");
  const lines = Array.from({ length: 20 }, () => utf8("1,2\n".repeat(2 ** 18)));
  await refuses(() => readCsv([utf8('a\n"'), ...lines], "x"), "Max Record Size");
});

Deno.test("readCsv() turns a column of classes into indices", async () => {
  const words = await readCsv([utf8("a,kind,b\n0,dog,1\n1,cat,0\n0,dog,0\n")], "x", { label: "kind" });
  assert.deepEqual([words.labels, words.classNames], [Uint8Array.of(1, 0, 1), ["cat", "dog"]]);
  assert.deepEqual([words.shape, words.values], [[2], Uint8Array.of(0, 1, 1, 0, 0, 0)]);
  const numbers = await readCsv([utf8("y,a\n3,0\n1,0\n")], "x", { label: "y" });
  assert.deepEqual([numbers.labels, numbers.classNames], [Uint8Array.of(3, 1), ["0", "1", "2", "3"]]);
  const large = await readCsv([utf8("y,a\n1900,0\n256,0\n")], "x", { label: "y" });
  assert.deepEqual([large.labels, large.classNames], [Uint8Array.of(1, 0), ["256", "1900"]], "in order");
  const signed = await readCsv([utf8("y,a\n1,0\n-1,0\n")], "x", { label: "1" });
  assert.deepEqual([signed.labels, signed.classNames], [Uint8Array.of(1, 0), ["-1", "1"]]);
  const many = Array.from({ length: 257 }, (_, k) => `w${k},0`).join("\n");
  await refuses(
    () => readCsv([utf8(`y,a\n${many}`)], "x", { label: "y" }),
    'at most 256 classes in column "y" but found 257',
  );
});

Deno.test.each([
  ["an empty file", "", "it is empty"],
  ["empty lines", "\n\n", "it is empty"],
  ["a header alone", "a,b\n", "found only a header"],
  ["ragged rows", "a,b\n1,2\n1,2,3\n", "expected 2 cells, as in the first row, but found 3 in line 3"],
  ["short rows", "a,b\n1,2\n1\n", "found 1 in line 3"],
  ["an open quote", 'a,b\n1,"2\n', "line 2"],
  ["words", "a,b\n1,2\n1,two\n", '"two" in line 3, column "b"; name the column of classes'],
  ["words in several columns", "a,b,c\n1,x,y\n", '"x" in line 2, column "b", and words also in "c"; '],
  ["words and missing values", "a,b\n,x\n1,y\n,z\n", "; there are missing values, too, in 2 rows"],
  ["infinity", "a\nInfinity\n", '"Infinity" in line 2, column "a"; replace infinite values'],
  ["numbers beyond a float's range", "a\n1e999\n", '"1e999"'],
  ["decimal commas", "a;b\n1,5;2\n", '"1,5" in line 2, column "a"; write decimal points'],
  ["the name of a method", "a\nconstructor\n", '"constructor"'],
  ["empty columns alone", ",\n,\n,\n", "but all are empty"],
  ["hexadecimal", "a\n0x10\n", '"0x10"'],
] as [string, string, string][])("readCsv() refuses %s", async (_what, text, part) => {
  await refuses(() => readCsv([utf8(text)], "x"), part);
});

Deno.test("readCsv() refuses a label column that does not serve, and what is not UTF-8", async () => {
  await refuses(
    () => readCsv([utf8("a,b\n1,2\n")], "x", { label: "c" }),
    'expected a column "c" but found "a", "b" in the header; name one of these',
  );
  await refuses(() => readCsv([utf8("a,a,b\n1,2,3\n")], "x", { label: "a" }), "found several");
  await refuses(() => readCsv([utf8("a\n1\n")], "x", { label: "a" }), "columns of numbers besides");
  await refuses(
    () => readCsv([utf8("a,b\n1,\n")], "x", { label: "b" }),
    'expected a class but found "" in line 2',
  );
  await refuses(
    () => readCsv([new Uint8Array([...utf8("a\n1\nb"), 0xff, 10, 0xff])], "x"),
    "other bytes in line 3",
  );
  await refuses(() => readCsv([new Uint8Array([0xff, 0xfe, 0x61, 0])], "x"), "other bytes in line 1");
  await refuses(() => readCsv([new Uint8Array([...utf8("a\n1"), 0xc3])], "x"), "other bytes in line 2");
});

const OPTIONS: OwnDataOptions = { testFraction: 0.25, seed: 3 };

/** Loads bytes as if they were the user's file. */
async function load(
  folder: string,
  name: string,
  bytes: Uint8Array,
  options: Partial<OwnDataOptions> = {},
): ReturnType<typeof loadOwnData> {
  const path = join(folder, name);
  await Deno.writeFile(path, bytes);
  return await loadOwnData(path, { ...OPTIONS, ...options });
}

Deno.test("loadOwnData() knows formats by their first bytes and splits every row into one of two halves", () =>
  withFolder(async (folder) => {
    const pixels = Uint8Array.from({ length: 8 * 6 }, (_, k) => k);
    const formats: [string, Uint8Array, readonly [number, number]][] = [
      ["a.idx", writeIdx([8, 2, 3], pixels), [2, 3]],
      ["a.gz", gzipSync(writeIdx([8, 2, 3], pixels)), [2, 3]],
      ["flat.idx", writeIdx([8, 6], pixels), [1, 6]],
      ["a.npy", npy("'|u1'", [8, 2, 3], pixels), [2, 3]],
      ["flat", npy("'|u1'", [8, 6], pixels), [1, 6]],
      ["float.npy", npy("'<f4'", [8, 6], Float32Array.from(pixels, (byte) => byte / 255)), [1, 6]],
    ];
    const rows = Array.from({ length: 8 }, (_, n) => Array.from(pixels.subarray(6 * n, 6 * n + 6)).join());
    formats.push(["a.csv", utf8(`a,b,c,d,e,f\n${rows.join("\n")}\n`), [1, 6]]);
    for (const [name, bytes, shape] of formats) {
      const data = await load(folder, name, bytes);
      assert.deepEqual([data.imageShape, data.width], [shape, 6], name);
      assert.deepEqual([data.train.count, data.test.count], [6, 2], name);
      assert.deepEqual([data.train.labels, data.test.labels, data.classNames], [undefined, undefined, []]);
      // images are divided by 255; each column of a table, from k to k + 42, is scaled to [0, 1]
      const isBytes = data.train.images instanceof Uint8Array, isFloat = name.startsWith("float");
      assert.equal(isBytes, !isFloat && shape[0] === 2, name);
      const white = isBytes ? 1 : isFloat ? 255 : data.scaling.divisors[0];
      const black = isBytes || isFloat ? 0 : data.scaling.offsets[0];
      const firsts = [data.train, data.test].flatMap(({ images, count }) =>
        Array.from({ length: count }, (_, n) => Math.round(images[6 * n] * white + black))
      );
      assert.deepEqual(
        firsts.toSorted((a, b) => a - b),
        [0, 6, 12, 18, 24, 30, 36, 42],
        `${name}: every row once`,
      );
      assert.match(data.checksum, /^[0-9a-f]{64}$/);
    }
    const square = await load(folder, "square.npy", npy("'|u1'", [4, 9], new Uint8Array(36)));
    assert.deepEqual(square.imageShape, [3, 3]);
  }));

Deno.test("loadOwnData() splits by the seed alone, keeps classes with their rows, and obeys the limit", () =>
  withFolder(async (folder) => {
    const rows = Array.from({ length: 40 }, (_, n) => `${n},${n % 2 ? "odd" : "even"},${n}`);
    const file = utf8(`a,kind,b\n${rows.join("\n")}\n`);
    const first = await load(folder, "a.csv", file, { label: "kind", scale: "none" });
    const again = await load(folder, "b.csv", file, { label: "kind", scale: "none" });
    assert.deepEqual([first.train, first.test, first.checksum], [again.train, again.test, again.checksum]);
    assert.deepEqual([first.train.count, first.test.count, first.classNames], [30, 10, ["even", "odd"]]);
    for (const { images, labels, count } of [first.train, first.test]) {
      for (let n = 0; n < count; n++) assert.equal(labels![n], images[2 * n] % 2);
    }
    const order = permutation(40, OPTIONS.seed, 0, "split");
    const rowNumbers = [first.test, first.train].flatMap(({ images }) =>
      [...images].filter((_, k) => k % 2 === 0)
    );
    assert.deepEqual(rowNumbers, [...order], "test rows are the first of the permutation, in its order");
    const other = await load(folder, "a.csv", file, { label: "kind", scale: "none", seed: 4 });
    assert.notDeepEqual(other.test.images, first.test.images);
    const limited = await load(folder, "a.csv", file, { label: "kind", scale: "none", limit: 7 });
    assert.deepEqual(limited.train.images, first.train.images.slice(0, 14));
    assert.deepEqual(limited.test, first.test);
    assert.match(limited.source, /the first 7 of 30 training and 10 test rows of 1×2 floats .*\(CSV\)/);
    for (const [testFraction, count] of [[0.001, 1], [0.999, 39]]) {
      assert.equal(
        (await load(folder, "a.csv", file, { label: "kind", scale: "none", testFraction })).test.count,
        count,
      );
    }
  }));

Deno.test("loadOwnData() refuses what it cannot use in one line that names the file", () =>
  withFolder(async (folder) => {
    const refused = async (
      name: string,
      bytes: Uint8Array,
      part: string,
      options: Partial<OwnDataOptions> = {},
    ) => {
      await assert.rejects(
        () => load(folder, name, bytes, options),
        (error: unknown) => {
          assert.ok(error instanceof InputError, `${name}: ${error}`);
          assert.ok(error.message.includes(part) && !error.message.includes("\n"), error.message);
          assert.ok(error.message.includes(name), error.message);
          return true;
        },
      );
    };
    const floats = Float32Array.from({ length: 12 }, () => 0.5);
    for (const bad of [Infinity, -Infinity]) {
      const data = floats.with(7, bad);
      await refused("a.npy", npy("'<f4'", [3, 2, 2], data), `found ${bad} in row 2, column 4; replace it`);
    }
    await refused(
      "missing.npy",
      npy("'<f4'", [3, 4], floats.with(7, NaN).with(9, NaN)),
      'found missing values in 2 of 3 rows, in 2 columns: "2", "4"; drop these rows',
    );
    await refused("one.npy", npy("'<f4'", [12], floats), "found 1: (12); if it has classes");
    await refused("none.npy", npy("'<f4'", [0, 4], new Float32Array()), "found shape (0, 4)");
    await refused("flat.npy", npy("'<f4'", [4, 0], new Float32Array()), "found shape (4, 0)");
    await refused("single.npy", npy("'<f4'", [1, 12], floats), "at least 2 rows");
    await refused("label.npy", npy("'<f4'", [3, 4], floats), "found NPY; name no column", { label: "y" });
    await refused("label.idx", writeIdx([3, 4], new Uint8Array(12)), "found IDX", { label: "y" });
    await refused(
      "labels.idx",
      writeIdx([12], new Uint8Array(12)),
      "2 dimensions (rows, numbers) or more but found 1: (12)",
    );
    await refused("text.npy", utf8("a,b\n1,2\n"), "expected an NPY file, which starts with");
    await refused(
      "a.npz",
      utf8("PK\x03\x04"),
      "expected an NPZ file, a zip archive of NPY files, but found damage",
    );
    await refused("empty", new Uint8Array(), "it is empty");
    await refused("short.idx", writeIdx([3, 4], new Uint8Array(12)).slice(0, 15), "truncated at byte 15");
    const huge = writeIdx([3, 4], new Uint8Array(12));
    huge.fill(255, 4, 12);
    await refused("huge.idx", huge, "4294967295");
    await refused("a.csv", utf8("a\n1\n2\n"), "expected a test fraction between 0 and 1", {
      testFraction: 1,
    });
    for (
      const [path, part] of [[folder, "found a folder"], [join(folder, "no"), "no such file"], [
        "/dev/zero",
        "found something else",
      ], [join(folder, "empty", "a"), "cannot be read"]]
    ) {
      await assert.rejects(
        () => loadOwnData(path, OPTIONS),
        (error: unknown) => error instanceof InputError && error.message.includes(part),
        path,
      );
    }
    const sparse = join(folder, "sparse.csv");
    await Deno.writeFile(sparse, new Uint8Array());
    await Deno.truncate(sparse, 2 ** 40);
    await assert.rejects(
      () => loadOwnData(sparse, OPTIONS),
      /InputError: .*at most 2147483648 bytes .* at most 0 % of its rows/,
    );
  }));

/** Gathers floats of a width through several batches and compares the bits. */
async function assertGathers(gpu: Gpu, count: number, width: number): Promise<void> {
  const pixels = randomFloats("pixels", count * width, 0, 1);
  pixels.set([0, 1].slice(0, pixels.length));
  using images = new DeviceImages(gpu, "test", pixels, width);
  assert.equal(images.isFloat, true);
  const order = Uint32Array.from({ length: count }, (_, k) => (k * 3 + 1) % count);
  images.setOrder(order);
  const batchSize = Math.min(3, count);
  const graph = new Graph(batchSize);
  using parameters = new Parameters(1);
  const x = gatherBatch(graph, "pixels", images);
  using step = await compile(gpu, graph, parameters, { label: "gather", outputs: [x] });
  const wide = { ...x, width: padded(width) };
  let previous = new Float32Array(batchSize * padded(width));
  for (let first = 0; first < count; first += batchSize) {
    const rows = Math.min(batchSize, count - first);
    step.run({ first, rows });
    const [read] = await step.read([wide], batchSize);
    const expected = previous.slice(); // rows past the end keep what they had, padding is 0
    for (let b = 0; b < rows; b++) {
      expected.set(
        pixels.subarray(order[first + b] * width, (order[first + b] + 1) * width),
        b * padded(width),
      );
    }
    assert.deepEqual(bitsOf(read), bitsOf(expected), `${count}×${width}, batch from ${first}`);
    previous = expected;
  }
}

gpuTest("gather_batch_float copies rows in order, to the bit", async (gpu) => {
  for (const [count, width] of [[1, 1], [7, 3], [4, 4], [5, 13], [11, 784]]) {
    await assertGathers(gpu, count, width);
  }
});

Deno.test.each([["always the first batch"], ["order left out"], ["the same word of a row"]])(
  "a fault in gather_batch_float is caught: %s",
  async (fault) => {
    await withFault(
      faultNamed(`data/gather_batch.wgsl, gather_batch_float: ${fault}`),
      (gpu) => assert.rejects(() => assertGathers(gpu, 7, 13), assert.AssertionError),
    );
  },
);

gpuTest("DeviceImages refuses parts of rows of floats", (gpu) => {
  assert.throws(
    () => new DeviceImages(gpu, "train", new Float32Array(7), 3),
    /^RangeError: .*expected a multiple of 3 floats but received 7$/,
  );
});

Deno.test("baselines() of floats are those of the bytes that they came from", async () => {
  const bytes = Uint8Array.from(randomFloats("bytes", 60 * 6, 0, 256));
  const floats = Float32Array.from(bytes, (byte) => byte / 255);
  const [a, b] = await Promise.all(
    [bytes, floats].map((all) => baselines(all.subarray(0, 240), all.subarray(240), 6, [2, 6])),
  );
  assert.ok(Math.abs(a.meanImage / b.meanImage - 1) < 1e-6, `${a.meanImage} ${b.meanImage}`);
  assert.ok(Math.abs(a.pca[0].testMse / b.pca[0].testMse - 1) < 1e-5);
  assert.ok(a.pca[1].testMse < 1e-9 && b.pca[1].testMse < 1e-9);
});

/** Points near a curve, so that there is something to learn: [n, 10] in [0, 1], in two classes. */
function curve(count: number): Float32Array<ArrayBuffer> {
  const along = randomFloats("curve", count, 0, 1);
  return Float32Array.from(
    { length: count * 10 },
    (_, k) => 0.5 + 0.4 * Math.sin(3 * along[Math.floor(k / 10)] + k % 10),
  );
}

Deno.test("train and basic learn from NPY and CSV files, and evaluate reads them again", () =>
  withFolder(async (folder) => {
    const points = curve(300);
    const array = join(folder, "points.npy");
    await Deno.writeFile(array, npy("'<f4'", [300, 10], points));
    const row = (n: number) =>
      `${[...points.subarray(10 * n, 10 * n + 10)].join()},${points[10 * n] > 0.6 ? "high" : "low"}`;
    const table = join(folder, "points.csv");
    const header = `${Array.from({ length: 10 }, (_, k) => `p${k}`).join()},side`;
    await Deno.writeTextFile(
      table,
      `${header}\n${Array.from({ length: 300 }, (_, n) => row(n)).join("\n")}\n`,
    );

    const run = join(folder, "npy");
    const long = ["--epochs", "60", "--batch-size", "16", "--log-every", "300"];
    const trained = await runTask("train", ["--data", array, ...long, "--out", run], folder);
    assert.deepEqual(complaints(trained), []);
    assert.match(trained.stdout, /^data +240 training and 60 test rows of 1×10 floats from ".*" \(NPY\)$/m);
    const figure = (label: string, text: string) =>
      Number(new RegExp(`^${label} +([\\d.]+)`, "m").exec(text)?.[1]);
    const error = figure("this model", trained.stdout);
    assert.ok(error < 0.1 * figure("mean image", trained.stdout), trained.stdout);
    assert.doesNotMatch(trained.stdout, /nearest/, "there are no classes");
    const codes = new TextDecoder().decode(await fileOf(run, "codes.csv")).split("\n");
    const index = codes.slice(1, -1).map((line) => Number(/^(\d+),,/.exec(line)?.[1]));
    assert.deepEqual(index, [...permutation(300, 0, 0, "split").subarray(0, 60)], "rows of the file");
    assert.ok((await fileOf(run, "reconstructions.png")).length > 100);
    const again = await runTask("evaluate", [run]);
    assert.deepEqual(complaints(again), []);
    assert.equal(figure("this model", again.stdout), error);

    const labeled = join(folder, "csv");
    const flags = [
      "--data",
      table,
      "--label",
      "side",
      "--test-fraction",
      "0.1",
      "--code",
      "4",
      "--seed",
      "2",
    ];
    const basic = await runTask(
      "basic",
      [...flags, "--full-data", "--iterations", "300", "--learning-rate", "1e-2", "--out", labeled],
      folder,
    );
    assert.deepEqual(complaints(basic), []);
    assert.match(basic.stdout, /270 training and 30 test rows/);
    assert.ok(figure("5-nearest-neighbor accuracy", basic.stdout) > 0.8, basic.stdout);
    const read = await runTask("evaluate", [labeled]);
    assert.equal(figure("this model", read.stdout), figure("this model", basic.stdout));
    await Deno.writeTextFile(
      table,
      `${header}\n${Array.from({ length: 299 }, (_, n) => row(n)).join("\n")}\n`,
    );
    assert.match((await runTask("evaluate", [labeled])).stderr, /warning: the images differ from those/);
    assertRefused(
      await runTask("evaluate", [labeled, "--data", join(folder, "csv", "config.json")]),
      1,
      /config\.json.*found JSON; save pandas/,
    );
  }));

Deno.test("the command line refuses a wrong --data in one line", () =>
  withFolder(async (folder) => {
    assertRefused(await runTask("train", ["--data", folder]), 1, /found a folder/);
    assertRefused(await runTask("train", ["--data", join(folder, "no.csv")]), 1, /no such file/);
    assertRefused(
      await runTask("train", ["--label", "y"]),
      1,
      /expected a data file too; set --data/,
    );
    assertRefused(await runTask("train", ["--test-fraction", "1"]), 2, /--test-fraction.*below 1/);
  }));

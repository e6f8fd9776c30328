// Files in the shapes that people bring, and the right answer to each: what is read, how it is scaled, what is said.
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadOwnData, type OwnDataOptions, type OwnDataset } from "../../src/data/own_data.ts";
import { applyScaling, decideScaling, parseScaling, unscale } from "../../src/data/scaling.ts";
import { permutation } from "../../src/data/shuffle.ts";
import { InputError } from "../../src/errors.ts";
import { assertRefused, complaints, resultsTableOf, runTask, withFolder } from "../helpers/commands.ts";
import { bytesAs, csvFile, grid, gzip, idxFile, npyFile, npzFile, PARQUET } from "../helpers/data_files.ts";
import { pngFile, safetensorsFile, share, utf8, whole } from "../helpers/data_files.ts";

type Options = Partial<OwnDataOptions>;

/** Loads a file of 40 rows, 8 of which are for testing. */
async function load(
  name: string,
  bytes: Uint8Array,
  options: Options = {},
  more: Record<string, Uint8Array> = {},
) {
  let loaded: OwnDataset | undefined;
  await withFolder(async (folder) => {
    for (const [other, contents] of Object.entries({ ...more, [name]: bytes })) {
      await Deno.writeFile(join(folder, other), contents);
    }
    const labels = options.labels === undefined ? {} : { labels: join(folder, options.labels) };
    loaded = await loadOwnData(join(folder, name), { testFraction: 0.2, seed: 0, ...options, ...labels });
  });
  return loaded!;
}

/** The rows of a data set in the file's order, in the file's units. */
function rowsInUnits({ train, test, width, scaling }: OwnDataset): number[] {
  const order = permutation(train.count + test.count, 0, 0, "split");
  const all = new Float64Array(order.length * width);
  all.set(test.images);
  all.set(train.images, test.images.length);
  const isBytes = train.images instanceof Uint8Array;
  const units = isBytes ? all : unscale(all, width, scaling);
  const rows: number[] = [];
  order.forEach((row, at) => {
    for (let k = 0; k < width; k++) rows[row * width + k] = units[at * width + k];
  });
  return rows;
}

const ROWS = 40;
const header = (width: number) => Array.from({ length: width }, (_, k) => `f${k}`).join();
const fractions = (n: number) => [0, 1, 2, 3].map((k) => share(n, k));
const table = (n: number) => fractions(n).map((x, k) => (x - 0.5) * 10 ** k);
const pixels = (most: number) => (n: number) => Array.from({ length: 64 }, (_, k) => whole(n, k, most));
const word = (n: number) => ["alpha", "beta", "gamma"][n % 3];

/** What a file gives: kind of scaling, image shape, and parts of the lines about it. */
interface Answer {
  readonly kind: string;
  readonly shape: readonly number[];
  readonly line?: RegExp;
  readonly note?: RegExp;
  readonly warning?: RegExp;
}

type Case = readonly [name: string, bytes: Uint8Array<ArrayBuffer>, options: Options, answer: Answer];
const f4 = (most: number) => bytesAs("<f4", grid(ROWS, 144, (n, k) => whole(n, k, most) / most));
const unit: Answer = {
  kind: "none",
  shape: [2, 2],
  line: /^a table of 4 columns, numbers from .*learned as they are/,
};

const CASES: readonly Case[] = [
  ["plain.csv", csvFile(header(4), ROWS, fractions), {}, unit],
  ["plain.csv.gz", gzip(csvFile(header(4), ROWS, fractions)), {}, unit],
  ["semicolon.csv", csvFile("f0;f1;f2;f3", ROWS, fractions, ";"), {}, {
    ...unit,
    note: /separator: semicolon/,
  }],
  ["lines.csv", csvFile('"f;0","f;\n1","f;2",f3', ROWS, fractions), {}, unit],
  ["quoted.txt", csvFile('# 1"\n"f 0" "f\n1" f2 f3', ROWS, fractions, " "), {}, {
    ...unit,
    note: /separator: space/,
  }],
  ["tab.tsv", csvFile("f0\tf1\tf2\tf3", ROWS, fractions, "\t"), {}, { ...unit, note: /separator: tab/ }],
  ["bar.csv", csvFile("f0|f1|f2|f3", ROWS, fractions, "|"), {}, { ...unit, note: /separator: bar/ }],
  ["savetxt.txt", csvFile(undefined, ROWS, fractions, " "), {}, { ...unit, note: /separator: space/ }],
  ["spaces.csv", csvFile(" f0, f1 ,f2,\tf3, kind", ROWS, (n) => [...fractions(n), word(n)]), {
    label: "kind",
  }, unit],
  [
    "comments.csv",
    utf8(
      `# a device\n${header(4)}\n# of ours\n` + new TextDecoder().decode(csvFile(undefined, ROWS, fractions)),
    ),
    {},
    { ...unit, note: /2 comment lines \(#\) skipped/ },
  ],
  ["no_header.csv", csvFile(undefined, ROWS, fractions), {}, {
    ...unit,
    note: /no header: the first row has numbers/,
  }],
  [
    "aligned.txt",
    utf8(Array.from({ length: ROWS }, (_, n) => `   ${fractions(n).join("   ")}  `).join("\n")),
    {},
    {
      ...unit,
      note: /separator: space/,
    },
  ],
  ["trailing.csv", csvFile(header(4), ROWS, (n) => [...fractions(n), ""]), {}, unit],
  ["header_trailing.csv", csvFile(header(4) + ",", ROWS, fractions), {}, {
    ...unit,
    note: /columns without a name and without values: left out/,
  }],
  ["both_trailing.csv", csvFile("," + header(4) + ",", ROWS, (n) => [n, ...fractions(n), ""]), {}, {
    ...unit,
    note: /no name and counts 0, 1, 2, …: left out/,
  }],
  ["told.csv", csvFile(undefined, ROWS, fractions), { header: false }, unit],
  ["pandas.csv", csvFile("0,1,2,3", ROWS, fractions), {}, {
    ...unit,
    note: /counts 0, 1, 2, …: read as a header/,
  }],
  ["number.csv", csvFile(undefined, ROWS, (n) => [n % 3, ...fractions(n)]), { label: "1" }, unit],
  [
    "index.csv",
    csvFile("," + header(4), ROWS, (n) => [n, ...fractions(n)]),
    {},
    { ...unit, note: /no name and counts 0, 1, 2, …: left out/ },
  ],
  ["r_index.csv", csvFile('"",' + header(4), ROWS, (n) => [`"${n + 1}"`, ...fractions(n)]), {}, {
    ...unit,
    note: /no name and counts 1, 2, 3, …: left out/,
  }],
  ["id.csv", csvFile("id,a", ROWS, (n) => [n, share(n, 0)]), {}, {
    kind: "minmax",
    shape: [1, 2],
    warning: /column "id" counts 0, 1, 2, … and is learned from/,
  }],
  ["ignored.csv", csvFile(header(4) + ",kind,site", ROWS, (n) => [...fractions(n), word(n), "x"]), {
    label: "kind",
    ignore: ["site"],
  }, unit],
  [
    "ignored_number.csv",
    csvFile("id," + header(4), ROWS, (n) => [n, ...fractions(n)]),
    { ignore: ["1"] },
    unit,
  ],
  [
    "kaggle.csv",
    csvFile("label," + header(64), ROWS, (n) => [n % 10, ...pixels(255)(n)]),
    { label: "label" },
    {
      kind: "byte",
      shape: [8, 8],
      line: /^8×8 images, whole numbers from 0 to 255: divided by 255$/,
    },
  ],
  ["unnamed_label.csv", csvFile("label," + header(64), ROWS, (n) => [n % 10, ...pixels(255)(n)]), {}, {
    kind: "minmax",
    shape: [1, 65],
    warning: /^column "label" is learned from like any other.* the other 64 columns are images of 8×8$/,
  }],
  ["one_more.csv", csvFile(undefined, ROWS, (n) => [n % 10, ...pixels(255)(n)]), {}, {
    kind: "minmax",
    shape: [1, 65],
    warning: /^65 columns are images of 8×8 and one more; if it has classes, name it or give its number$/,
  }],
  ["digits.csv", csvFile(header(64), ROWS, pixels(16)), {}, {
    kind: "minmax",
    shape: [8, 8],
    line: /^8×8 images, whole numbers from 0 to 16: divided by 16, the largest$/,
  }],
  ["levels.csv", csvFile(header(64), ROWS, pixels(1000)), {}, {
    kind: "minmax",
    shape: [8, 8],
    line: /whole numbers from 0 to 1000: all scaled to \[0, 1\] by the range/,
  }],
  ["counts.csv", csvFile(header(64), ROWS, pixels(255)), { image: "none" }, {
    kind: "minmax",
    shape: [1, 64],
    line: /^a table of 64 columns, .*: each column scaled/,
  }],
  ["shaped.csv", csvFile(header(6), ROWS, (n) => pixels(255)(n).slice(0, 6)), { image: [2, 3] }, {
    kind: "byte",
    shape: [2, 3],
  }],
  ["bool.csv", csvFile("a,b", ROWS, (n) => [n % 2 ? "True" : "False", n % 3 ? "TRUE" : "false"]), {}, {
    kind: "none",
    shape: [1, 2],
    line: /whole numbers from 0 to 1: learned as they are/,
  }],
  ["amounts.csv", csvFile(header(4), ROWS, table), {}, {
    kind: "minmax",
    shape: [1, 4],
    line: /each column scaled to \[0, 1\] by the range of the training rows/,
  }],
  ["standard.csv", csvFile(header(4), ROWS, table), { scale: "standard" }, {
    kind: "standard",
    shape: [1, 4],
    line: /each column scaled to mean 0 and deviation 1/,
  }],
  ["zero.csv", csvFile(header(4), ROWS, () => [0, 0, 0, 0]), {}, {
    kind: "none",
    shape: [2, 2],
    line: /all numbers are 0: .*learned as they are$/,
    note: /all training rows are the same: there is nothing to learn/,
  }],
  ["constant.csv", csvFile(header(4), ROWS, (n) => [7, n, -3, share(n, 0)]), {}, {
    kind: "minmax",
    shape: [1, 4],
  }],
  ["one.csv", csvFile("x", ROWS, (n) => [share(n, 0)]), {}, {
    kind: "none",
    shape: [1, 1],
    line: /^a table of 1 column,/,
  }],
  ["two_rows.csv", csvFile(header(4), 2, fractions), {}, {
    ...unit,
    note: /only 2 rows, of which 1 is for testing/,
  }],
  ["mean.csv", csvFile(header(4), ROWS, (n) => n === 5 ? ["", 1, "NA", 0] : fractions(n)), {
    missing: "mean",
  }, {
    ...unit,
    note: /missing values in 1 of 40 rows, in 2 columns: "f0", "f2": replaced by the mean/,
  }],
  ["drop.csv", csvFile(header(4), ROWS, (n) => n % 10 === 5 ? ["nan", 1, 1, 0] : fractions(n)), {
    missing: "drop",
  }, {
    ...unit,
    note: /missing values in 4 of 40 rows, in column "f0": these rows are dropped/,
  }],
  ...["|u1", "|i1", "<i2", ">u2", "<i4", ">i8", "<u8", "<f4", "<f8"].map((type): Case => [
    `${type.slice(1)}.npy`,
    npyFile(`'${type}'`, [ROWS, 8, 8], bytesAs(type, grid(ROWS, 64, (n, k) => whole(n, k, 100)))),
    {},
    { kind: "byte", shape: [8, 8], line: /whole numbers from 0 to 100: divided by 255/ },
  ]),
  ["bool.npy", npyFile("'|b1'", [ROWS, 64], bytesAs("|b1", grid(ROWS, 64, (n, k) => (n + k) % 2))), {}, {
    kind: "none",
    shape: [8, 8],
    line: /^8×8 images, whole numbers from 0 to 1: learned as they are$/,
  }],
  ["binary.npy", npyFile("'|u1'", [ROWS, 4, 4], bytesAs("|u1", grid(ROWS, 16, (n, k) => (n * k) % 2))), {}, {
    kind: "none",
    shape: [4, 4],
  }],
  ["f4.npy", npyFile("'<f4'", [ROWS, 12, 12], f4(999)), {}, { kind: "none", shape: [12, 12] }],
  ["axis.npy", npyFile("'<f4'", [ROWS, 12, 12, 1], f4(999)), {}, {
    kind: "none",
    shape: [12, 12],
    note: /shape \(40, 12, 12, 1\): axes of size 1 dropped/,
  }],
  ["first_axis.npy", npyFile("'<f4'", [ROWS, 1, 12, 12], f4(999)), {}, { kind: "none", shape: [12, 12] }],
  [
    "floats255.npy",
    npyFile("'<f4'", [ROWS, 8, 8], bytesAs("<f4", grid(ROWS, 64, (n, k) => share(n, k) * 255))),
    {},
    {
      kind: "minmax",
      shape: [8, 8],
      line: /all scaled to \[0, 1\] by the range of the training rows/,
    },
  ],
  [
    "signal.npy",
    npyFile("'<f4'", [ROWS, 5], bytesAs("<f4", grid(ROWS, 5, (n, k) => share(n, k) * 9 - 4))),
    {},
    {
      kind: "minmax",
      shape: [1, 5],
      line: /^a table of 5 columns, .*each column scaled/,
    },
  ],
  [
    "color.npy",
    npyFile("'|u1'", [ROWS, 4, 5, 3], bytesAs("|u1", grid(ROWS, 60, (n, k) => whole(n, k, 255)))),
    {},
    {
      kind: "byte",
      shape: [4, 5, 3],
      note: /^color images of 4×5, channels last$/,
      line: /^4×5×3 images, whole numbers/,
    },
  ],
  ["ints.idx", idxFile(0x0c, [ROWS, 2, 3], bytesAs(">i4", grid(ROWS, 6, (n, k) => whole(n, k, 99)))), {}, {
    kind: "byte",
    shape: [2, 3],
  }],
  ["floats.idx", idxFile(0x0d, [ROWS, 2, 3, 2], bytesAs(">f4", grid(ROWS, 12, share))), {}, {
    kind: "none",
    shape: [6, 2],
    note: /rows are drawn as 6×2/,
  }],
];

for (const [name, bytes, options, { kind, shape, line, note, warning }] of CASES) {
  Deno.test(`${name} is read and scaled as docs/data.md has it`, async () => {
    const data = await load(name, bytes, options);
    const { scaling, scalingLine, imageShape, notes, warnings, train, test, width } = data;
    assert.deepEqual([scaling.kind, imageShape], [kind, shape], scalingLine);
    assert.match(scalingLine, line ?? /./);
    if (note) assert.ok(notes.some((text) => note.test(text)), notes.join("; "));
    const texts = warnings.map(({ text }) => text).join("; ");
    assert.match(texts, warning ?? /^$/);
    if (kind !== "standard") {
      assert.ok(
        train.images.every((value) => value >= 0 && (value <= 1 || train.images instanceof Uint8Array)),
      );
    }
    assert.ok([...train.images, ...test.images].every(Number.isFinite));
    assert.equal(train.images.length, train.count * width);
    assert.deepEqual(parseScaling(JSON.parse(JSON.stringify(scaling))), scaling, "it survives config.json");
  });
}

Deno.test("numbers of any range come back within 1e-6 of their column's range", async () => {
  const bytes = csvFile(header(4), ROWS, table);
  const expected = Array.from({ length: ROWS }, (_, n) => table(n)).flat();
  for (const scale of ["auto", "minmax", "standard", "none"] as const) {
    const rows = rowsInUnits(await load("a.csv", bytes, { scale }));
    rows.forEach((value, at) =>
      assert.ok(
        Math.abs(value - expected[at]) <= 1e-6 * 10 ** (at % 4),
        `${scale}: ${value} for ${expected[at]}`,
      )
    );
  }
});

Deno.test("constants come from the training rows alone, and a run's own are applied to other rows", async () => {
  const order = permutation(ROWS, 0, 0, "split");
  const test = new Set(order.subarray(0, 8));
  const value = (n: number) => test.has(n) ? 2 * n + 1000 : n - 20;
  const data = await load("a.csv", csvFile("a,b", ROWS, (n) => [value(n), -value(n)]));
  const trained = Array.from({ length: ROWS }, (_, n) => n).filter((n) => !test.has(n)).map(value);
  const low = Math.min(...trained), high = Math.max(...trained);
  assert.deepEqual(data.scaling.offsets, [low, -high]);
  assert.deepEqual(data.scaling.divisors, [high - low, high - low]);
  assert.ok(data.test.images.filter((_, k) => k % 2 === 0).every((x) => x > 1), "test rows stay outside");
  assert.ok(data.notes.includes("8 of 8 test rows have values beyond the training rows' range"));
  const limited = await load("a.csv", csvFile("a,b", ROWS, (n) => [value(n), -value(n)]), { limit: 3 });
  assert.deepEqual(limited.scaling, data.scaling, "--limit does not change them");
  const again = await load("b.csv", csvFile("a,b", ROWS, (n) => [n, n]), { scale: data.scaling });
  assert.deepEqual(again.scaling, data.scaling);
  assert.equal(again.train.images[0], Math.fround((order[8] - low) / (high - low)));
  await assert.rejects(
    () => load("c.csv", csvFile("a,b,c", ROWS, (n) => [n, n, n]), { scale: data.scaling }),
    /expected rows of 2, as in training/,
  );
});

Deno.test("missing values become the mean of the training rows; dropped rows take their classes and numbers along", async () => {
  const bytes = csvFile("a,kind", ROWS, (n) => [n % 4 === 0 ? "" : n, n % 2 ? "odd" : "even"]);
  const mean = await load("a.csv", bytes, { label: "kind", missing: "mean" });
  const order = permutation(ROWS, 0, 0, "split");
  const known = [...order.subarray(8)].filter((n) => n % 4 !== 0);
  const expected = known.reduce((sum, n) => sum + n, 0) / known.length;
  rowsInUnits(mean).forEach((value, n) =>
    assert.ok(Math.abs(value - (n % 4 === 0 ? expected : n)) < 1e-5, `${n}: ${value}`)
  );
  const { fill: _fill, ...unfilled } = mean.scaling;
  const again = await load("a.csv", bytes, { label: "kind", missing: "mean", scale: unfilled });
  assert.deepEqual(
    again.test.images,
    mean.test.images,
    "a run without means takes those of the training rows",
  );
  const dropped = await load("a.csv", bytes, { label: "kind", missing: "drop", scale: "none" });
  assert.equal(dropped.train.count + dropped.test.count, 30);
  assert.deepEqual([...mean.testRows!], [...order.subarray(0, 8)]);
  assert.deepEqual([...dropped.testRows!], [...dropped.test.images], "each row's value is its number");
  for (const { images, labels } of [dropped.train, dropped.test]) {
    images.forEach((value, k) => assert.equal(dropped.classNames[labels![k]], value % 2 ? "odd" : "even"));
  }
});

Deno.test("progress of reading CSV, packed or not, ends with all bytes", async () => {
  const bytes = csvFile("a,b", 3000, (n) => [n, -n]);
  for (const [name, file] of [["a.csv", bytes], ["a.csv.gz", gzip(bytes)]] as const) {
    const seen: number[] = [];
    await load(name, file, { progress: (done, total) => void seen.push(done, total) });
    const done = seen.filter((_, k) => k % 2 === 0);
    assert.deepEqual([done.at(-1), new Set(seen.filter((_, k) => k % 2 === 1))], [
      bytes.length,
      new Set([bytes.length]),
    ]);
    assert.deepEqual(done, done.toSorted((a, b) => a - b));
  }
});

Deno.test("byte orders, Fortran order and channel orders give the same rows", async () => {
  const values = grid(ROWS, 12, (n, k) => whole(n, k, 255));
  const plain = await load("a.npy", npyFile("'|u1'", [ROWS, 3, 4], bytesAs("|u1", values)));
  for (const type of ["<f2", ">f4", ">i2", "<u4", ">f8"]) {
    const other = await load("b.npy", npyFile(`'${type}'`, [ROWS, 3, 4], bytesAs(type, values)));
    assert.deepEqual(other.train.images, plain.train.images, type);
  }
  const columnMajor = Array.from({ length: values.length }, (_, at) => {
    const n = at % ROWS, i = Math.floor(at / ROWS) % 3, j = Math.floor(at / ROWS / 3);
    return values[12 * n + 4 * i + j];
  });
  const fortran = npyFile("'<f4'", [ROWS, 3, 4], bytesAs("<f4", columnMajor), true);
  assert.deepEqual((await load("c.npy", fortran)).test.images, plain.test.images);
  const last = grid(ROWS, 60, (n, k) => whole(n, k, 255));
  const first = grid(ROWS, 60, (n, k) => last[60 * n + (k % 20) * 3 + Math.floor(k / 20)]);
  const [a, b] = await Promise.all(
    ([[[ROWS, 4, 5, 3], last], [[ROWS, 3, 4, 5], first]] as const).map(([shape, numbers]) =>
      load("d.npy", npyFile("'|u1'", shape, bytesAs("|u1", numbers)))
    ),
  );
  assert.deepEqual(a.train.images, b.train.images);
});

Deno.test("classes come from files of their own, of any format", async () => {
  const data = csvFile(header(4), ROWS, fractions);
  const classes = Array.from({ length: ROWS }, (_, n) => 1 + n % 26);
  const files: Record<string, Uint8Array> = {
    "labels.npy": npyFile("'<i8'", [ROWS], bytesAs("<i8", classes)),
    "column.npy": npyFile("'<f8'", [ROWS, 1], bytesAs("<f8", classes)),
    "labels.idx": idxFile(0x08, [ROWS], Uint8Array.from(classes)),
    "labels.idx.gz": gzip(idxFile(0x08, [ROWS], Uint8Array.from(classes))),
    "qmnist.idx": idxFile(0x0c, [ROWS, 8], bytesAs(">i4", classes.flatMap((c) => [c, 9, 9, 9, 9, 9, 9, 9]))),
    "onehot.npy": npyFile(
      "'|u1'",
      [ROWS, 27],
      bytesAs("|u1", grid(ROWS, 27, (n, k) => Number(k === classes[n]))),
    ),
    "labels.csv": utf8(`letter\n${classes.join("\r\n")}\n`),
    "labels.txt": utf8(classes.map((c) => `"${c}"`).join("\n")),
  };
  const order = permutation(ROWS, 0, 0, "split");
  for (const [labels, bytes] of Object.entries(files)) {
    const { train, test, checksum } = await load("a.csv", data, { labels }, { [labels]: bytes });
    assert.deepEqual([...test.labels!, ...train.labels!], Array.from(order, (n) => classes[n]), labels);
    assert.match(checksum, /^[0-9a-f]{64}$/);
  }
});

Deno.test("classes may be an array of words", async () => {
  const words = Array.from({ length: ROWS }, (_, n) => ["chat", "élan"][n % 2]);
  const points = words.flatMap((text) => [...text.padEnd(5, "\0")].map((letter) => letter.codePointAt(0)!));
  for (const [order, type] of [["<", "<u4"], [">", ">u4"]]) {
    const file = npyFile(`'${order}U5'`, [ROWS], bytesAs(type, points));
    const { classNames } = await load("a.csv", csvFile(header(4), ROWS, fractions), { labels: "l.npy" }, {
      "l.npy": file,
    });
    assert.deepEqual(classNames, ["chat", "élan"]);
  }
  const bytes = npyFile(
    "'|S4'",
    [ROWS],
    utf8(words.map((text) => text.slice(0, 1).padEnd(4, "\0")).join("")).slice(0, 160),
  );
  await assert.rejects(() => load("a.npy", bytes), /found "\|S4" \(texts\)/);
});

const REFUSALS: readonly (readonly [string, Uint8Array, Options, RegExp, readonly string[]])[] = [
  [
    "missing.csv",
    csvFile(header(4), ROWS, (n) => n % 9 ? fractions(n) : [1, "", 1, "NA"]),
    {},
    /found missing values in 5 of 40 rows, in 2 columns: "f1", "f3"; drop these rows \(drop\)/,
    ["missing"],
  ],
  [
    "missing everywhere.csv",
    csvFile("a,b", ROWS, (n) => n % 2 ? [n, ""] : ["", n]),
    {},
    /found missing values in 40 of 40 rows, in 2 columns: "a", "b"; use the mean of their columns \(mean\)$/,
    ["missing"],
  ],
  [
    "dropped.csv",
    csvFile("a,b", ROWS, (n) => n % 2 ? [n, ""] : ["", n]),
    { missing: "drop" },
    /found missing values in 40 of 40 rows, .*; use the mean of their columns \(mean\)$/,
    ["missing"],
  ],
  [
    "no means.csv",
    csvFile("a,b", ROWS, (n) => n % 2 ? [n, ""] : ["", n]),
    { hasNoMeans: true },
    /found missing values in 40 of 40 rows, .*; fill them in$/,
    ["missing"],
  ],
  [
    "an empty column.csv",
    csvFile("a,b,c", ROWS, (n) => [n, "", n % 9 ? n : "NA"]),
    { missing: "drop" },
    /in 2 columns: "b", "c"; leave out "b", which has no value$/,
    ["ignore"],
  ],
  [
    "an empty column.npy",
    npyFile("'<f4'", [ROWS, 2], bytesAs("<f4", grid(ROWS, 2, (_, k) => k ? NaN : 1))),
    {},
    /missing values in 40 of 40 rows, in column "2"; leave out "2", which has no value$/,
    [],
  ],
  [
    "a header taken for numbers.csv",
    csvFile("a,b", ROWS, (n) => [n, n]),
    { header: false },
    /found "a" in line 1, column "1", and words also in "2"; if the first line has the columns' names, say so$/,
    ["header"],
  ],
  [
    "units.csv",
    csvFile("a,b", ROWS, (n) => n === 0 ? ["mm", "kg"] : [n, n]),
    {},
    /found "mm" in line 2, .*; remove line 2 if it is no row of data, or write numbers in it$/,
    [],
  ],
  [
    "a title.csv",
    csvFile("All we measured\na,b", ROWS, (n) => [n, n]),
    {},
    /expected 1 cells, .* found 2 in line 2; fix one of them, or remove lines above the table$/,
    [],
  ],
  [
    "words.csv",
    csvFile("a,kind,site", ROWS, (n) => [n, word(n), "x"]),
    { label: "kind" },
    /found "x" in line 2, column "site"; leave out columns of words/,
    ["ignore"],
  ],
  [
    "nan.npy",
    npyFile("'<f4'", [ROWS, 2, 2], bytesAs("<f4", grid(ROWS, 4, (n) => n === 3 ? NaN : 1))),
    {},
    /missing values in 1 of 40 rows, in 4 columns/,
    ["missing"],
  ],
  ["utf16.csv", new Uint8Array([0xff, 0xfe, 0x61, 0]), {}, /found UTF-16 text; save it as UTF-8/, []],
  [
    "data.h5ad",
    new Uint8Array([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10]),
    {},
    /found an AnnData file \(HDF5\); save numpy\.save/,
    [],
  ],
  [
    "data.h5",
    new Uint8Array([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10]),
    {},
    /found HDF5; save numpy\.save/,
    [],
  ],
  ["data.mat", utf8("MATLAB 5.0 MAT-file"), {}, /found a MATLAB file; save/, []],
  ["data.pkl", new Uint8Array([0x80, 4, 0x95]), {}, /found a Python pickle, which can run code/, []],
  [
    "tensor.pt",
    utf8("PK\x03\x04"),
    {},
    /found a PyTorch file; save numpy\.save\("data\.npy", tensor\.numpy\(\)\)/,
    [],
  ],
  ["data.json", utf8("[[1,2]]"), {}, /found JSON; save pandas/, []],
  ["text.json.gz", gzip(utf8("[[1,2]]")), {}, /found JSON/, []],
  [
    "image.png",
    new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    {},
    /found one PNG image; give a folder/,
    [],
  ],
  [
    "bytes.csv",
    csvFile("a,b", ROWS, (n) => [n * 100, n]),
    { scale: "byte" },
    /Cannot divide by 255: .*whole numbers from/,
    ["scale"],
  ],
  [
    "sizes.csv",
    csvFile("a,b", ROWS, (n) => [n, n]),
    { image: [2, 2] },
    /expected 2×2 = 4 numbers per row but found 2/,
    ["image"],
  ],
  [
    "number.csv",
    csvFile("a,b", ROWS, (n) => [n, n]),
    { label: "3" },
    /expected a column "3" but found "a", "b" in the header; name one of these, or give a number, from 1/,
    ["label"],
  ],
  [
    "zero.csv",
    csvFile(undefined, ROWS, (n) => [n, n]),
    { label: "0" },
    /found "1", "2" in a file without a header/,
    ["label"],
  ],
  [
    "none.csv",
    csvFile("a,b", ROWS, (n) => [n, n]),
    { ignore: ["a", "b"] },
    /columns of numbers besides "a", "b"/,
    ["label", "ignore"],
  ],
  [
    "ignored.npy",
    npyFile("'|u1'", [ROWS, 2], new Uint8Array(2 * ROWS)),
    { ignore: ["a"] },
    /found NPY; name no column/,
    ["ignore"],
  ],
];

for (const [name, bytes, options, message, settings] of REFUSALS) {
  Deno.test(`${name} is refused in one line with the way out`, async () => {
    await assert.rejects(() => load(name, bytes, options), (error: unknown) => {
      assert.ok(error instanceof InputError, `${error}`);
      assert.match(error.message, message);
      assert.ok(error.message.includes(name) || name === "bytes.csv", error.message);
      assert.ok(!error.message.includes("\n"));
      assert.doesNotMatch(error.message, /uint8/, "never advice that gives zeros");
      assert.deepEqual(error.settings, settings);
      return true;
    });
  });
}

Deno.test("classes that do not fit the rows are refused", async () => {
  const data = csvFile(header(4), ROWS, fractions);
  const refused = (labels: string, bytes: Uint8Array, message: RegExp, options: Options = {}) =>
    assert.rejects(() => load("a.csv", data, { labels, ...options }, { [labels]: bytes }), message);
  await refused(
    "l.npy",
    npyFile("'|u1'", [3], new Uint8Array(3)),
    /expected 40 classes, one for each row.*found 3/,
  );
  await refused("l.txt", utf8("1\n2\n"), /expected 40 classes.*found 2/);
  await refused("l.csv", csvFile("a,b", ROWS, (n) => [n, n]), /expected one class per line but found "0,0"/);
  await refused(
    "l.npy",
    npyFile("'|u1'", [ROWS, 2], new Uint8Array(2 * ROWS).fill(3)),
    /shape \(40, 2\); keep one/,
  );
  await refused("l.txt", utf8("1\n"), /both "f0" and ".*l\.txt"/, { label: "f0" });
});

Deno.test("values just outside [0, 1] by rounding are clamped, others are not", () => {
  const values = Float64Array.of(-1e-7, 1 + 1e-7, 0.5, 1);
  const { scaling } = decideScaling({ values, width: 2 }, { isImages: false });
  assert.equal(scaling.kind, "none");
  assert.deepEqual(applyScaling({ values, width: 2 }, scaling), Float32Array.of(0, 1, 0.5, 1));
  const beyond = decideScaling({ values: Float64Array.of(0, 1 + 1e-5), width: 2 }, { isImages: false });
  assert.equal(beyond.scaling.kind, "minmax");
});

/** Loads files of a folder, the first of which, or the folder itself, is the data. */
async function loadFolder(
  files: Readonly<Record<string, Uint8Array>>,
  name: string,
  options: Options & { readonly testData?: string; readonly testLabels?: string } = {},
): Promise<OwnDataset> {
  let loaded: OwnDataset | undefined;
  await withFolder(async (folder) => {
    for (const [path, bytes] of Object.entries(files)) {
      await Deno.mkdir(join(folder, path, ".."), { recursive: true });
      await Deno.writeFile(join(folder, path), bytes);
    }
    const paths = Object.entries(options).map(([key, value]) =>
      ["labels", "testData", "testLabels"].includes(key) ? [key, join(folder, `${value}`)] : [key, value]
    );
    const settings: Options = Object.fromEntries(paths);
    loaded = await loadOwnData(join(folder, name), { testFraction: 0.2, seed: 0, ...settings });
  });
  return loaded!;
}

const images = (most: number, type = "|u1", count = ROWS) =>
  npyFile(`'${type}'`, [count, 8, 8], bytesAs(type, grid(count, 64, (n, k) => whole(n, k, most))));
const classesOf = (count: number) =>
  npyFile("'|u1'", [count], Uint8Array.from({ length: count }, (_, n) => n % 3));

Deno.test("NPZ and safetensors give the array that is named, those of well-known names, or the only one", async () => {
  const plain = await load("a.npy", images(255));
  for (const isPacked of [false, true]) {
    const two = npzFile({ faces: images(255), other: images(16) }, isPacked);
    const named = await loadFolder({ "a.npz": two }, "a.npz:faces");
    assert.deepEqual(named.train.images, plain.train.images);
    assert.ok(named.notes.includes('array "faces"'));
    await assert.rejects(
      () => loadFolder({ "a.npz": two }, "a.npz"),
      /several, "faces", "other"; name one, as in "FILE:faces"/,
    );
    await assert.rejects(
      () => loadFolder({ "a.npz": two }, "a.npz:x"),
      /expected an array "x" but found "faces", "other"/,
    );
  }
  assert.deepEqual((await load("a.npz", npzFile({ arr_0: images(255) }))).train.images, plain.train.images);
  assert.deepEqual(
    (await load("a.npz", npzFile({ data: images(255), x: images(3) }))).test.images,
    plain.test.images,
  );
  const keras = npzFile({
    x_test: images(200, "|u1", 10),
    y_test: classesOf(10),
    x_train: images(255),
    y_train: classesOf(ROWS),
  });
  const { train, test, classNames } = await load("mnist.npz", keras);
  assert.deepEqual([train.count, test.count, classNames], [ROWS, 10, ["0", "1", "2"]]);
  assert.deepEqual(
    train.images,
    Uint8Array.from(grid(ROWS, 64, (n, k) => whole(n, k, 255))),
    "in the file's order",
  );
  assert.deepEqual(test.images, Uint8Array.from(grid(10, 64, (n, k) => whole(n, k, 200))));
  assert.deepEqual([train.labels![5], test.labels![7]], [2, 1]);

  for (
    const [data, labels, tested] of [["X_train", "y_train", "X_test"], [
      "train_images",
      "train_labels",
      "test_images",
    ]]
  ) {
    const arrays = {
      [data]: images(255),
      [labels]: classesOf(ROWS),
      val_images: images(16),
      [tested]: images(200, "|u1", 10),
    };
    const known = await load("known.npz", npzFile(arrays));
    assert.deepEqual([known.train.images, known.test.images], [train.images, test.images], data);
    assert.deepEqual(
      [known.train.labels, known.test.labels],
      [train.labels, undefined],
      "no classes of the test rows",
    );
  }
  const split = await load("both.npz", npzFile({ X: images(255), y: classesOf(ROWS) }));
  assert.deepEqual([split.train.images, split.classNames], [plain.train.images, ["0", "1", "2"]]);

  const values = grid(ROWS, 64, (n, k) => whole(n, k, 255)), shape = [ROWS, 8, 8];
  const upper = bytesAs("<f4", values).filter((_, at) => at % 4 > 1); // whole numbers up to 255 have 8 bits
  const tensors = safetensorsFile({
    half: ["F16", shape, bytesAs("<f2", values)],
    brain: ["BF16", shape, upper],
    long: ["I64", shape, bytesAs("<i8", values)],
    classes: ["U8", [ROWS], Uint8Array.from({ length: ROWS }, (_, n) => n % 3)],
  });
  for (const name of ["half", "brain", "long"]) {
    const file = await loadFolder({ "a.safetensors": tensors }, `a.safetensors:${name}`, {
      labels: "a.safetensors:classes",
    });
    assert.deepEqual(file.train.images, plain.train.images, name);
    assert.equal(file.classNames.length, 3);
  }
  const damaged = npzFile({ a: images(255) });
  await assert.rejects(
    () => load("a.npz", damaged.subarray(0, damaged.length - 9)),
    /expected an NPZ file.*found damage/,
  );
  await assert.rejects(() => load("a.npz", utf8("PK\x03\x04")), /a\.npz.*expected an NPZ file/);
  await assert.rejects(
    () => load("a.safetensors", tensors.subarray(0, 99)),
    /a\.safetensors.*expected a header of/,
  );
});

Deno.test("Parquet follows the rules of CSV", async () => {
  const options = { label: "kind", ignore: ["b"], scale: "none" } as const;
  const data = await load("a.parquet", PARQUET, options);
  const rows = rowsInUnits(data);
  for (let n = 0; n < ROWS; n++) {
    const expected = [share(n, 0) * 100 - 50, n * n, n % 3 === 0 ? 1 : 0];
    expected.forEach((value, k) =>
      assert.ok(Math.abs(rows[3 * n + k] - value) < 1e-5, `row ${n}: ${rows[3 * n + k]}`)
    );
  }
  assert.match(data.source, /\(Parquet\)$/);
  assert.deepEqual(data.classNames, ["#gam, ma", "alpha", 'be"ta']);
  const refused = (bytes: Uint8Array, message: RegExp, options: Options = {}) =>
    assert.rejects(() => load("a.parquet", bytes, options), message);
  await refused(PARQUET, /found "alpha" in line 2, column "kind".*missing values, too, in 1 row/);
  await refused(PARQUET, /missing values in 1 of 40 rows, in column "b"/, { label: "kind" });
  await refused(
    PARQUET.subarray(0, 900),
    /a\.parquet.*expected a Parquet table of numbers and words but found damage/,
  );
});

Deno.test("a folder of PNG files is images, its subfolders are classes", async () => {
  const pixels = (n: number) => Uint8Array.from({ length: 12 }, (_, k) => 20 * k + n);
  const files = Object.fromEntries(
    Array.from(
      { length: 12 },
      (_, n) => [`set/${n % 2 ? "odd" : "even"}/${n}.png`, pngFile(3, 4, 1, pixels(n))],
    ),
  );
  const data = await loadFolder(files, "set");
  assert.deepEqual([data.imageShape, data.classNames, data.scaling.kind], [[3, 4], ["even", "odd"], "byte"]);
  for (const { images, labels, count } of [data.train, data.test]) {
    for (let n = 0; n < count; n++) {
      assert.equal(images[12 * n] % 2, labels![n]);
      assert.deepEqual(images.slice(12 * n, 12 * n + 12), pixels(images[12 * n]));
    }
  }
  const colors = Uint8Array.from({ length: 36 }, (_, k) => 7 * k);
  const flat = await loadFolder({
    "set/a.png": pngFile(3, 4, 3, colors),
    "set/b.png": pngFile(3, 4, 3, colors),
  }, "set");
  assert.deepEqual([flat.imageShape, flat.classNames], [[3, 4, 3], []]);
  assert.deepEqual([...flat.train.images.slice(0, 3)], [0, 21, 42], "all of red first");
  const clear = Uint8Array.from({ length: 48 }, (_, k) => 5 * k);
  const { notes, width } = await loadFolder({
    "s/1.png": pngFile(3, 4, 4, clear),
    "s/2.png": pngFile(3, 4, 4, clear),
  }, "s");
  assert.deepEqual([width, notes[0]], [36, "the images' transparency is dropped"]);
  const refused = (more: Record<string, Uint8Array>, message: RegExp) =>
    assert.rejects(() => loadFolder({ ...files, ...more }, "set"), message);
  await refused(
    { "set/even/99.png": pngFile(4, 3, 1, pixels(0)) },
    /99\.png.*expected an image of 3×4 in gray.*found 4×3 in gray/,
  );
  await refused({ "set/even/99.png": utf8("nonsense") }, /99\.png.*expected a PNG image but found damage/);
  await refused(
    { "set/here.png": pngFile(3, 4, 1, pixels(0)) },
    /in the folder or in its subfolders.*but found both/,
  );
  await refused(
    { "set/odd/photo.JPG": utf8("x") },
    /expected images in PNG but found "odd\/photo.JPG"; convert/,
  );
  await assert.rejects(
    () => loadFolder({ "set/a.txt": utf8("x") }, "set"),
    /found a folder without PNG images/,
  );
});

Deno.test("test rows come from a file of their own, with the scaling of the training rows", async () => {
  const files = {
    "train.csv": csvFile("a,b,kind", ROWS, (n) => [n, -n, word(n)]),
    "test.csv": csvFile("a,b,kind", 5, (n) => [100 * n, n, ["delta", "alpha"][n % 2]]),
    "bare.csv": csvFile("a,b", 5, (n) => [n, -n]),
    "wide.csv": csvFile("a,b,c", 5, (n) => [n, n, n]),
  };
  const options = { label: "kind", testData: "test.csv" };
  const { train, test, scaling, classNames, notes, source } = await loadFolder(files, "train.csv", options);
  assert.deepEqual([train.count, test.count, scaling.offsets, scaling.divisors], [ROWS, 5, [0, -39], [
    39,
    39,
  ]]);
  assert.deepEqual(classNames, ["alpha", "beta", "delta", "gamma"]);
  assert.deepEqual([...test.labels!], [2, 0, 2, 0, 2]);
  assert.deepEqual([...train.labels!.slice(0, 3)], [0, 1, 3]);
  assert.equal(test.images[2], Math.fround(100 / 39));
  assert.ok(notes.includes("4 of 5 test rows have values beyond the training rows' range"), notes.join());
  assert.match(source, /^40 training and 5 test rows of .* and ".*test\.csv" \(CSV\)$/);
  const bare = await loadFolder(files, "train.csv", { label: "kind", testData: "bare.csv" });
  assert.deepEqual([bare.train.labels?.length, bare.test.labels, bare.classNames.length], [
    ROWS,
    undefined,
    3,
  ]);
  await assert.rejects(
    () => loadFolder(files, "train.csv", { label: "kind", testData: "wide.csv" }),
    /expected rows of 2, as in ".*train\.csv", but found 3/,
  );
  const idx = {
    "set/train-images-idx3-ubyte.gz": gzip(
      idxFile(8, [6, 2, 3], Uint8Array.from({ length: 36 }, (_, k) => k)),
    ),
    "set/train-labels-idx1-ubyte": idxFile(8, [6], Uint8Array.of(0, 1, 2, 0, 1, 2)),
    "set/t10k-images-idx3-ubyte": idxFile(8, [2, 2, 3], new Uint8Array(12).fill(255)),
    "set/t10k-labels-idx1-ubyte.gz": gzip(idxFile(8, [2], Uint8Array.of(1, 4))),
  };
  const mnist = await loadFolder(idx, "set");
  assert.deepEqual([mnist.train.count, [...mnist.test.labels!], mnist.classNames.length], [6, [1, 4], 5]);
});

Deno.test("a run keeps its scaling for --resume and evaluate, and says what was done", () =>
  withFolder(async (folder) => {
    const file = join(folder, "a.csv"), run = join(folder, "run");
    await Deno.writeFile(file, csvFile(`${header(4)},kind`, ROWS, (n) => [...table(n), word(n)]));
    const flags = ["--data", file, "--label", "kind", "--batch-size", "8", "--sizes", "4,3,2"];
    const trained = await runTask("train", [...flags, "--epochs", "2", "--out", run], folder);
    assert.equal(trained.code, 0, trained.stderr);
    assert.match(
      trained.stdout,
      /^scale {5}a table of 4 columns, numbers from .*: each column scaled .* \(--scale and --image choose otherwise\)$/m,
    );
    const config = join(run, "config.json");
    const stored = JSON.parse(await Deno.readTextFile(config));
    assert.equal(stored.facts.scaling.offsets.length, 4);
    const again = await runTask("evaluate", [run]);
    assert.match(again.stdout, /^scale {5}a table of 4 columns, scaled as in training \(minmax\)$/m);
    assert.deepEqual(resultsTableOf(again.stdout), resultsTableOf(trained.stdout));
    // other constants give another error: they are the run's, not those of the file
    const other = structuredClone(stored);
    other.facts.scaling.divisors = stored.facts.scaling.divisors.map((divisor: number) => 2 * divisor);
    await Deno.writeTextFile(config, JSON.stringify(other));
    const changed = await runTask("evaluate", [run]);
    assert.notDeepEqual(resultsTableOf(changed.stdout), resultsTableOf(trained.stdout));
    other.facts.scaling.divisors[0] = 0;
    await Deno.writeTextFile(config, JSON.stringify(other));
    assertRefused(await runTask("evaluate", [run]), 1, /expected "scaling" to be offsets and divisors/);
    await Deno.writeTextFile(config, JSON.stringify(stored));
    const resumed = await runTask("train", ["--resume", run, "--epochs", "3"], folder);
    assert.match(resumed.stdout, /^scale {5}a table of 4 columns, scaled as in training \(minmax\)$/m);
    const whole = join(folder, "whole");
    const straight = await runTask("train", [...flags, "--epochs", "3", "--out", whole], folder);
    assert.deepEqual(resultsTableOf(resumed.stdout), resultsTableOf(straight.stdout));
  }));

Deno.test("values without bounds need an output without bounds", () =>
  withFolder(async (folder) => {
    const file = join(folder, "a.csv");
    // a test row is beyond the range of the training rows
    const far = permutation(ROWS, 0, 0, "split")[0];
    await Deno.writeFile(file, csvFile(header(4), ROWS, (n) => n === far ? [9e9, 1, 2, 3] : table(n)));
    const flags = ["--data", file, "--epochs", "1", "--dry-run"];
    const standard = [...flags, "--scale", "standard"];
    assertRefused(
      await runTask("train", standard),
      1,
      /Cannot train deep on values outside \[0, 1\].*--output identity/,
    );
    assertRefused(await runTask("train", [...flags, "--scale", "none"]), 1, /in \d+ of 32 training rows/);
    const free = await runTask("train", [...standard, "--output", "identity"]);
    assert.deepEqual([free.code, complaints(free)], [0, []]);
    assertRefused(
      await runTask("vae", standard),
      1,
      /its cross-entropy needs probabilities: use --scale minmax/,
    );
    assertRefused(
      await runTask("vae", [...flags, "--output", "identity"]),
      1,
      /as a cross-entropy needs probabilities/,
    );
    const bce = ["--match", "bce", "--output", "identity"];
    assertRefused(
      await runTask("matched", [...flags, ...bce]),
      1,
      /its cross-entropy needs probabilities; omit it/,
    );
    const clamped = await runTask("vae", flags);
    assert.match(
      complaints(clamped).join(),
      /^warning: 1 of 8 test rows have values outside \[0, 1\].*: clamped$/,
    );
    assertRefused(await runTask("train", ["--scale", "none"]), 1, /expected a data file too; set --data/);
    assertRefused(
      await runTask("train", [...flags, "--dataset", "mnist"]),
      1,
      /--data or --dataset but received both/,
    );
    assertRefused(
      await runTask("compare-recipes", ["--data", "a.csv", "--dataset", "mnist"]),
      1,
      /--data or --dataset but received both/,
    );
    assertRefused(await runTask("train", ["--image", "28"]), 2, /--image.*two sizes, such as 28x28, or none/);
  }));

// encode, decode, reconstruct and score: a trained run applied to files.
import assert from "node:assert/strict";
import { join } from "node:path";
import { readNpy } from "../../src/data/npy.ts";
import { decodeSafetensors, readSafetensors } from "../../src/files/safetensors.ts";
import { RandomStream } from "../../src/random.ts";
import { encodeNpy, encodeRows } from "../../src/runs/rows_file.ts";
import { quantileOf, shareUpTo } from "../../src/stats/quantiles.ts";
import { rocAuc } from "../../src/stats/roc_auc.ts";
import { assertRefused, complaints, runTask, withFolder } from "../helpers/commands.ts";

type Command = "encode" | "decode" | "reconstruct" | "score";

/** The numbers of a CSV file's columns from the third on, and its first two columns. */
function readRows(path: string): { numbers: number[][]; heads: string[] } {
  const lines = Deno.readTextFileSync(path).trimEnd().split("\n").slice(1).map((line) => line.split(","));
  return {
    numbers: lines.map((cells) => cells.slice(2).map((cell) => Math.fround(Number(cell)))),
    heads: lines.map((cells) => cells.slice(0, 2).join(",")),
  };
}

Deno.test("a run on a table is applied to files: codes, rows in the table's units, scores", () =>
  withFolder(async (folder) => {
    const at = (name: string) => join(folder, name);
    const random = new RandomStream(1, "table"), unit = () => random.nextUnit();
    const rows = Array.from({ length: 150 }, () => {
      const t = unit();
      return [2000 * t - 1000, 5 + t * t, 1e-3 * unit(), 700 - 300 * t];
    });
    const lines = rows.map((row, n) => `${row.join(",")},${n % 3 === 0 ? "odd" : "good"}`);
    Deno.writeTextFileSync(at("table.csv"), `a,b,"c, d",e,kind\n${lines.join("\n")}\n`);
    const run = at("run"), file = at("table.csv");
    const trained = await runTask(
      "train",
      ["--data", file, "--label", "kind", "--sizes", "4,8,2", "--epochs", "20", "--quiet", "--out", run],
      folder,
    );
    assert.equal(trained.code, 0, trained.stderr);
    const use = async (command: Command, input: string, out: string, ...more: string[]) => {
      const outcome = await runTask(command, [run, at(input), "--out", at(out), ...more], folder);
      const beyond = "warning: 1 of 150 rows have values beyond the training rows' range"; // a test row
      assert.deepEqual(complaints(outcome), command === "decode" ? [] : [beyond]);
      assert.equal(outcome.code, 0);
      return outcome.stdout;
    };

    assert.equal(
      await use("encode", "table.csv", "codes.csv"),
      `150 codes of 2 numbers saved in ${at("codes.csv")}\n`,
    );
    const codes = readRows(at("codes.csv"));
    assert.deepEqual(codes.heads.slice(0, 3), ["0,1", "1,0", "2,0"]); // row and class: good 0, odd 1
    const tested = new Map(readRows(join(run, "codes.csv")).numbers.map((code) => [`${code}`, true]));
    assert.equal(
      codes.numbers.filter((code) => tested.has(`${code}`)).length,
      30,
      "codes.csv has these, bit for bit",
    );
    await use("encode", "table.csv", "codes.npy");
    const npy = readNpy(await Deno.readFile(at("codes.npy")), "codes.npy");
    assert.deepEqual([npy.shape, [...npy.data]], [[150, 2], codes.numbers.flat()]);
    await use("encode", "table.csv", "codes.safetensors");
    const { tensors } = decodeTensors(await Deno.readFile(at("codes.safetensors")));
    assert.deepEqual(tensors, ["codes 150,2", "labels 150"]);

    await use("encode", "table.csv", "layer.csv", "--layer", "encoder.0");
    assert.match(Deno.readTextFileSync(at("layer.csv")), /^index,label,unit_0,unit_1,.*,unit_7\n0,1,/);

    await use("reconstruct", "table.csv", "rows.csv");
    assert.match(Deno.readTextFileSync(at("rows.csv")), /^index,label,a,b,"c, d",e\n0,1,/);
    const back = readRows(at("rows.csv")).numbers;
    await use("decode", "codes.npy", "decoded.npy");
    assert.deepEqual([...readNpy(await Deno.readFile(at("decoded.npy")), "").data], back.flat());
    await use("decode", "codes.csv", "decoded.csv");
    assert.deepEqual(readRows(at("decoded.csv")).numbers, back);

    const said = await use("score", "table.csv", "scores.csv", "--normal", "good");
    const marked = readRows(at("scores.csv")).numbers, scores = marked.map(([score]) => score);
    const heldOut = readSafetensors(join(run, "scores.safetensors")).tensors[0].data;
    const threshold = quantileOf(heldOut.toSorted(), 0.99);
    for (const [score, quantile, above] of marked) {
      assert.equal(quantile, Math.fround(heldOut.filter((other) => other <= score).length / 30));
      assert.equal(above, score > threshold ? 1 : 0);
    }
    assert.deepEqual(
      heldOut.filter((score) => scores.some((other) => Math.abs(other - score) < 1e-9)).length,
      30,
    );
    const above = marked.filter(([, , mark]) => mark === 1).length;
    assert.ok(
      said.includes(`\n${above} rows above ${threshold.toPrecision(4)} (quantile 0.99 of the errors of 30`),
      said,
    );
    const strict = await use("score", "table.csv", "scores.npy", "--deviations", "100");
    assert.match(
      strict,
      /\n0 rows above .* \(mean and 100 standard deviations of the errors of 30 test rows\)\n$/,
    );
    assert.deepEqual(readNpy(await Deno.readFile(at("scores.npy")), "").shape, [150, 3]);
    const { scaling: { divisors } } = JSON.parse(Deno.readTextFileSync(join(run, "config.json"))).facts;
    for (const [n, row] of rows.entries()) {
      const error = row.reduce((sum, x, k) => sum + ((x - back[n][k]) / divisors[k]) ** 2, 0) / 4;
      assert.ok(Math.abs(error - scores[n]) < 1e-5, `row ${n}: ${error}, ${scores[n]}`);
    }
    const auc = rocAuc(scores, rows.map((_, n) => n % 3 === 0)).toFixed(3);
    assert.ok(said.includes(`ROC AUC ${auc}: 50 rows of other classes against 100 normal ones`), said);

    // new data without classes are read all the same
    const bare = lines.map((line) => line.slice(0, line.lastIndexOf(",")));
    Deno.writeTextFileSync(at("bare.csv"), `a,b,c,e\n${bare.join("\n")}\n`);
    await use("encode", "bare.csv", "bare-codes.csv");
    assert.deepEqual(readRows(at("bare-codes.csv")).numbers, codes.numbers);
    assert.equal(readRows(at("bare-codes.csv")).heads[2], "2,");

    Deno.writeTextFileSync(at("wide.csv"), "a,b,c,d,e\n1,2,3,4,5\n6,7,8,9,0\n");
    const refusals: readonly (readonly [Command, readonly string[], RegExp])[] = [
      ["encode", ["wide.csv", "--ignore", "zz"], /^error: Cannot .*zz/],
      [
        "encode",
        ["wide.csv", "--label", "a", "--ignore", "b,c"],
        /expected rows of 4 numbers, .* but found 2; give .*\(--label, --ignore\)$/,
      ],
      [
        "encode",
        ["table.csv", "--out", "a.txt"],
        /expected a name that ends with \.csv, \.npy, \.safetensors \(--out\)$/,
      ],
      [
        "encode",
        ["table.csv", "--layer", "x"],
        /expected one of encoder\.0, encoder\.2, .* but received "x"$/,
      ],
      ["encode", ["table.csv", "--with-deviation"], /expected a variational model, such as vae's$/],
      ["encode", ["table.csv", "--layer", "x", "--with-deviation"], /together: choose one$/],
      ["decode", ["bare.csv"], /expected codes of 2 numbers, .* but found 4; give codes of this run$/],
      [
        "score",
        ["table.csv", "--normal", "goodd"],
        /expected its classes but found good, odd \(--normal, --label, --labels\)$/,
      ],
      ["score", ["missing.csv"], /no such file; check the path$/],
    ];
    for (const [command, [name, ...more], line] of refusals) {
      assertRefused(await runTask(command, [run, at(name), ...more], folder), 1, line);
    }
  }));

/** Names and shapes of a file's tensors; the classes are bytes, which the float reader refuses. */
function decodeTensors(bytes: Uint8Array<ArrayBuffer>): { tensors: string[] } {
  assert.throws(() => decodeSafetensors(bytes, "codes"), /U8/);
  const header = new TextDecoder().decode(bytes.subarray(8, 8 + bytes[0] + 256 * bytes[1]));
  const entries = Object.entries<{ shape: number[] }>(JSON.parse(header));
  return { tensors: entries.map(([name, { shape }]) => `${name} ${shape}`) };
}

Deno.test("images are drawn: pairs above each other, decoded codes in a square", () =>
  withFolder(async (folder) => {
    const out = join(folder, "out.png");
    const images = join("fixtures", "training", "images.csv");
    const flags = ["--label", "class", "--out", out];
    const pairs = await runTask("reconstruct", ["fixtures/run", images, ...flags], folder);
    assert.deepEqual(complaints(pairs), []);
    assert.equal(pairs.stdout, `60 reconstructions saved in ${out}\n`);
    const size = (png: Uint8Array) => new DataView(png.buffer).getUint32(16);
    const width = size(await Deno.readFile(out));
    Deno.writeFileSync(join(folder, "codes.npy"), encodeNpy([9, 3], new Float32Array(27)));
    const decoded = await runTask(
      "decode",
      ["fixtures/run", join(folder, "codes.npy"), "--out", out],
      folder,
    );
    assert.equal(decoded.stdout, `9 rows saved in ${out}\n`);
    assert.ok(size(await Deno.readFile(out)) < width);
  }));

Deno.test("the area under the ROC curve is the share of right pairs, ties counted half", () => {
  assert.equal(rocAuc([1, 2, 3, 4], [false, false, true, true]), 1);
  assert.equal(rocAuc([4, 3, 2, 1], [false, false, true, true]), 0);
  assert.equal(rocAuc([1, 1, 1], [true, false, true]), 0.5);
  assert.equal(rocAuc([1, 2, 2, 3], [false, true, false, true]), 0.875); // pairs: 1, 0.5, 1, 1 of 4
  assert.ok(Number.isNaN(rocAuc([1, 2], [true, true])));
  assert.throws(() => rocAuc([1], []), /expected 1 classes but received 0/);
});

Deno.test("quantiles are interpolated, and shares count values up to the given one", () => {
  assert.deepEqual([0, 0.25, 0.5, 0.9, 1].map((share) => quantileOf([1, 2, 4], share)), [1, 1.5, 2, 3.6, 4]);
  assert.equal(quantileOf([7], 0.99), 7);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map((value) => 4 * shareUpTo([1, 2, 2, 4], value)), [0, 1, 3, 3, 4, 4]);
});

Deno.test("rows are encoded as the file's name says", () => {
  const rows = { name: "codes", columns: ["x", 'y "1"'], values: Float32Array.of(1, 0.1, 2, 3) };
  assert.equal(encodeRows("a.csv", rows), 'index,label,x,"y ""1"""\n0,,1,0.1\n1,,2,3\n');
  const npy = encodeRows("a.NPY", rows) as Uint8Array;
  // numpy.save of a float32 array of this shape has this header
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
  assert.equal(
    new TextDecoder("latin1").decode(npy.subarray(1, 10 + 118)),
    `NUMPY\x01\0v\0${header.padEnd(117)}\n`,
  );
  assert.equal(npy.length, 128 + 16);
});

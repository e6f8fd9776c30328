// encode, decode, reconstruct and score: a trained run applied to files.
import assert from "node:assert/strict";
import { join } from "node:path";
import { readNpy } from "../../src/data/npy.ts";
import { openNpz, openSafetensors } from "../../src/data/named_arrays.ts";
import { loadOwnData } from "../../src/data/own_data.ts";
import { readSafetensors, writeSafetensors } from "../../src/files/safetensors.ts";
import { RandomStream } from "../../src/random.ts";
import { readRunData } from "../../src/runs/read_run_data.ts";
import { readResults } from "../../src/runs/read_results.ts";
import { RowsFile } from "../../src/runs/rows_file.ts";
import { quantileOf, shareUpTo } from "../../src/stats/quantiles.ts";
import { averagePrecision } from "../../src/stats/average_precision.ts";
import { rocAuc } from "../../src/stats/roc_auc.ts";
import { readSvg, textsOf } from "../helpers/svg.ts";
import { assertRefused, complaints, ROOT, runTask, withFolder } from "../helpers/commands.ts";
import { npyFile } from "../helpers/data_files.ts";
import { withFullDisk } from "../helpers/full_disk.ts";
import { randomFloats } from "../helpers/gpu.ts";

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
    assertHasRowsOf(at("codes.csv"), join(run, "codes.csv"), 30);
    await use("encode", "table.csv", "codes.npy");
    const npy = readNpy(await Deno.readFile(at("codes.npy")), "codes.npy");
    assert.deepEqual([npy.shape, [...npy.data]], [[150, 2], codes.numbers.flat()]);
    await use("encode", "table.csv", "codes.safetensors");
    await use("encode", "table.csv", "codes.npz");
    for (const file of ["codes.safetensors", "codes.npz"]) {
      const arrays = arraysOf(at(file));
      assert.deepEqual(arrays.codes, { shape: [150, 2], data: codes.numbers.flat() }, file);
      assert.deepEqual(arrays.index, { shape: [150], data: rows.map((_, n) => n) }, file);
      assert.deepEqual(arrays.labels, { shape: [150], data: rows.map((_, n) => n % 3 === 0 ? 1 : 0) }, file);
    }

    await use("encode", "table.csv", "layer.csv", "--layer", "encoder.0");
    assert.match(Deno.readTextFileSync(at("layer.csv")), /^index,label,unit_0,unit_1,.*,unit_7\n0,1,/);

    await use("reconstruct", "table.csv", "rows.csv");
    assert.match(Deno.readTextFileSync(at("rows.csv")), /^index,label,a,b,"c, d",e\n0,1,/);
    const back = readRows(at("rows.csv")).numbers;
    await use("decode", "codes.npy", "decoded.npy");
    assert.deepEqual([...readNpy(await Deno.readFile(at("decoded.npy")), "").data], back.flat());
    for (const file of ["codes.csv", "codes.npz", "codes.safetensors"]) {
      await use("decode", file, "decoded.csv");
      assert.deepEqual(readRows(at("decoded.csv")).numbers, back, file);
    }

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
    // the run's own worst rows have the columns that are furthest off, in the table's units
    const [first] = readRunData(run).worst!.rows,
      n = scores.findIndex((score) => Math.abs(score - first.error) < 1e-7);
    assert.equal(first.error, Math.max(...heldOut));
    assert.equal(first.label, n % 3 === 0 ? 1 : 0);
    for (const { name, value, reconstruction, share } of first.columns!) {
      const k = ["a", "b", "c, d", "e"].indexOf(name), near = 1e-5 * divisors[k];
      assert.ok(Math.abs(value - rows[n][k]) < near && Math.abs(reconstruction - back[n][k]) < near, name);
      const own = ((rows[n][k] - back[n][k]) / divisors[k]) ** 2 / 4;
      assert.ok(Math.abs(share - own / first.error) < 1e-3, `${name}: ${share}`);
    }
    const auc = rocAuc(scores, rows.map((_, n) => n % 3 === 0)).toFixed(3);
    const precision = averagePrecision(scores, rows.map((_, n) => n % 3 === 0)).toFixed(3);
    const separation =
      `\nROC AUC ${auc}, average precision ${precision} (0.333 by chance): 50 rows of other ` +
      "classes against 100 normal ones\n";
    assert.ok(said.includes(separation), said);
    const both = await use("score", "table.csv", "all.csv", "--normal", "good,odd");
    assert.match(both, /\nno ROC AUC: all 150 rows are normal\n$/);
    // a picture beside the scores
    assert.ok(
      said.startsWith(`150 scores saved in ${at("scores.csv")}, their histogram in ${at("scores.svg")}; `),
      said,
    );
    const drawn = (name: string) => textsOf(readSvg(Deno.readFileSync(at(name))));
    const [normal, others] = drawn("all.svg");
    assert.match(`${normal}; ${others}`, /^normal \(good, odd\): 150 rows.*; other classes: 0 rows$/);
    assert.ok(drawn("all.svg").includes(`threshold ${threshold.toPrecision(4)} (quantile 0.99)`));
    await use("score", "table.csv", "plain.safetensors");
    assert.match(
      drawn("plain.svg").slice(0, 2).join("; "),
      /^test rows of the run: 30 rows.*; rows of table\.csv: 150 rows/,
    );

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
        /expected a name that ends with \.csv, \.npy, \.npz, \.safetensors \(--out\)$/,
      ],
      [
        "encode",
        ["table.csv", "--layer", "x"],
        /expected one of encoder\.0, encoder\.2, .* but received "x"$/,
      ],
      ["encode", ["codes.npy"], /but found 2; give the columns of the training data$/],
      [
        "encode",
        ["table.csv", "--missing", "mean"],
        /expected a run with the means of its .*; drop these rows \(drop\) \(--missing\)$/,
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

/** The arrays of an NPZ or safetensors file, by name. */
function arraysOf(path: string): Record<string, { shape: readonly number[]; data: number[] }> {
  const bytes = Deno.readFileSync(path);
  const arrays = (path.endsWith(".npz") ? openNpz : openSafetensors)(bytes, path);
  return Object.fromEntries(arrays.names.map((name) => {
    const { shape, data } = arrays.read(name);
    return [name, { shape, data: [...data] }];
  }));
}

/** Asserts that a file of `encode` has the rows of a run's codes.csv, with their numbers and classes, bit for bit. */
function assertHasRowsOf(encoded: string, codes: string, count: number): void {
  const linesOf = (path: string) => Deno.readTextFileSync(path).trimEnd().split("\n").slice(1);
  const found = new Map(linesOf(encoded).map((line) => [line.slice(0, line.indexOf(",")), line]));
  const expected = linesOf(codes);
  assert.equal(expected.length, count);
  assert.deepEqual(expected.map((line) => found.get(line.slice(0, line.indexOf(",")))), expected);
  assert.notDeepEqual(expected, expected.toSorted(), "test rows are drawn from all of the file");
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
    Deno.writeFileSync(join(folder, "codes.npy"), npyFile("'<f4'", [9, 3], new Uint8Array(4 * 27)));
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

Deno.test("codes of a file of test rows have its rows' numbers, counted before rows were dropped", () =>
  withFolder(async (folder) => {
    const at = (name: string) => join(folder, name), run = at("run");
    const table = (count: number) => {
      const row = (n: number) => [n % 7 === 2 ? "" : Math.sin(n), Math.cos(n), n % 5 < 2 ? "a" : "b"].join();
      return `x,y,kind\n${Array.from({ length: count }, (_, n) => row(n)).join("\n")}\n`;
    };
    Deno.writeTextFileSync(at("table.csv"), table(60));
    Deno.writeTextFileSync(at("more.csv"), table(20));
    const reading = ["--data", at("table.csv"), "--test-data", at("more.csv"), "--label", "kind"];
    const training = ["--missing", "drop", "--sizes", "2,2", "--epochs", "1", "--quiet", "--out", run];
    const trained = await runTask("train", [...reading, ...training], folder);
    assert.equal(trained.code, 0, trained.stderr);
    const encoded = await runTask("encode", [run, at("more.csv"), "--out", at("codes.csv")], folder);
    assert.deepEqual(complaints(encoded), []);
    const index = readRows(at("codes.csv")).heads.map((head) => Number(head.split(",")[0]));
    assert.deepEqual(index, [0, 1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 17, 18, 19]);
    assert.equal(Deno.readTextFileSync(at("codes.csv")), Deno.readTextFileSync(join(run, "codes.csv")));
    const scored = await runTask("score", [run, at("more.csv"), "--out", at("scores.csv")], folder);
    const [{ label, value }] = readResults(join(run, "results.json")).rows;
    assert.equal(label, "this model");
    assert.match(scored.stdout, new RegExp(`mean: ${Number(value).toFixed(5)}\n`), "as in the closing table");

    // moved files are named, and read as in training
    for (const name of ["table.csv", "more.csv"]) Deno.renameSync(at(name), at(`moved-${name}`));
    const moved = ["--data", at("moved-table.csv"), "--test-data", at("moved-more.csv")];
    const evaluated = await runTask("evaluate", [run, ...moved]);
    assert.deepEqual(complaints(evaluated), []);
    assert.match(evaluated.stdout, new RegExp(`^this model +${Number(value).toFixed(5)} `, "m"));
  }));

Deno.test("a CSV file of values up to ±1000 comes back within 1e-5 from a network that changes nothing", () =>
  withFolder(async (folder) => {
    const at = (name: string) => join(folder, name), width = 4;
    const values = randomFloats("values", 40 * width, -1000, 1000).map((x, k) =>
      k % width === 3 ? x / 1e4 : x
    );
    const lines = Array.from({ length: 40 }, (_, n) => values.subarray(n * width, (n + 1) * width).join());
    Deno.writeTextFileSync(at("rows.csv"), `a,b,c,d\n${lines.join("\n")}\n`);
    const { scaling } = await loadOwnData(at("rows.csv"), { testFraction: 0.2, seed: 0 });
    assert.equal(scaling.kind, "minmax");
    const stored = JSON.parse(Deno.readTextFileSync("fixtures/run/config.json"));
    const config = { ...stored.config, sizes: [width, width], output: "identity", label: undefined };
    const facts = { ...stored.facts, width, imageShape: [1, width], scaling };
    Deno.writeTextFileSync(at("config.json"), JSON.stringify({ ...stored, config, facts }));
    const identity = Float32Array.from({ length: width ** 2 }, (_, k) => k % (width + 1) === 0 ? 1 : 0);
    const tensors = ["encoder.0", "decoder.0"].flatMap((layer) => [
      { name: `${layer}.weight`, shape: [width, width], data: identity },
      { name: `${layer}.bias`, shape: [width], data: new Float32Array(width) },
    ]);
    writeSafetensors(at("model.safetensors"), tensors);
    const outcome = await runTask("reconstruct", [folder, at("rows.csv"), "--out", at("back.csv")], folder);
    assert.equal(outcome.code, 0, outcome.stderr);
    readRows(at("back.csv")).numbers.flat().forEach((back, k) => {
      const range = k % width === 3 ? 0.2 : 2000, bound = Math.max(1e-5 * Math.abs(values[k]), 1e-7 * range);
      assert.ok(Math.abs(back - values[k]) <= bound, `${back} for ${values[k]}`);
    });
  }));

Deno.test("rows are written as the file's name says, in parts", () =>
  withFolder(async (folder) => {
    const at = (name: string) => join(folder, name);
    const layout = { name: "codes", columns: ["x", 'y "1"'], count: 3, rows: Uint32Array.of(4, 0, 70000) };
    const write = (path: string, labels?: Uint8Array) => {
      using file = new RowsFile(path, { ...layout, labels });
      file.add(Float32Array.of(1, 0.1));
      file.add(Float32Array.of(2, 3, 4, 5));
      file.finish();
    };
    write(at("a.csv"));
    assert.equal(
      await Deno.readTextFile(at("a.csv")),
      'index,label,x,"y ""1"""\n4,,1,0.1\n0,,2,3\n70000,,4,5\n',
    );
    write(at("a.NPY"));
    const npy = await Deno.readFile(at("a.NPY"));
    // numpy.save of a float32 array of this shape has this header
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
    assert.equal(
      new TextDecoder("latin1").decode(npy.subarray(1, 10 + 118)),
      `NUMPY\x01\0v\0${header.padEnd(117)}\n`,
    );
    assert.equal(npy.length, 128 + 24);
    for (const name of ["a.npz", "a.safetensors"]) {
      write(at(name));
      assert.deepEqual(Object.keys(arraysOf(at(name))), ["codes", "index"]);
      write(at(name), Uint8Array.of(7, 8, 255));
      const { codes, index, labels } = arraysOf(at(name));
      assert.deepEqual(codes, { shape: [3, 2], data: [1, Math.fround(0.1), 2, 3, 4, 5] });
      assert.deepEqual(index, { shape: [3], data: [4, 0, 70000] });
      assert.deepEqual(labels, { shape: [3], data: [7, 8, 255] });
    }
    const [before, names] = [await Deno.readFile(at("a.npz")), () => [...Deno.readDirSync(folder)].length];
    const count = names();
    assert.throws(() => {
      using file = new RowsFile(at("a.npz"), layout);
      file.add(Float32Array.of(1, 2));
      file.finish();
    }, /expected 4 further values/);
    assert.deepEqual([await Deno.readFile(at("a.npz")), names()], [before, count]);
    const large = { ...layout, count: 2 ** 29 };
    assert.throws(
      () => new RowsFile(at("b.npz"), large),
      /expected less than 4 GiB .* write \.npy or \.safetensors$/,
    );
    for (const ending of ["csv", "npz"]) {
      withFullDisk(() => assert.throws(() => write(at(`full.${ending}`)), /the disk is full/));
    }
    assert.equal(names(), count);
  }));

Deno.test({
  name: "Ctrl-C while rows are written ends a command with 130 and leaves no file",
  ignore: Deno.build.os === "windows", // which has no signals to send
  fn: () =>
    withFolder(async (folder) => {
      const [script, out] = [join(folder, "script.ts"), join(folder, "out")];
      Deno.mkdirSync(out);
      const module = new URL("../../scripts/tools/rows_of_run.ts", import.meta.url);
      Deno.writeTextFileSync(
        script,
        `import { writeRows } from "${module}";
        const table = { values: new Float32Array(1e6), count: 1e6 };
        await writeRows("${
          join(out, "rows.csv")
        }", { name: "rows", columns: ["x"] }, table, async (rows, first) => {
          if (first === 2000) console.log("ready");
          await new Promise((resolve) => setTimeout(resolve, 10));
          return rows;
        });`,
      );
      const args = ["run", "--no-check", "--quiet", `--allow-write=${out}`, "--config", "deno.json", script];
      const child = new Deno.Command("deno", { args, cwd: ROOT, stdout: "piped" }).spawn();
      const reader = child.stdout.getReader();
      await reader.read();
      assert.equal([...Deno.readDirSync(out)].length, 1, "the file is written in parts");
      child.kill("SIGINT");
      assert.equal((await child.status).code, 130);
      await reader.cancel();
      assert.deepEqual([...Deno.readDirSync(out)], []);
    }),
});

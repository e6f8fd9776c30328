// Rows of the results table in the units of the user's own data.
import assert from "node:assert/strict";
import { join } from "node:path";
import { ownUnitRows } from "../../src/evaluate/own_units.ts";
import { resultsTable, type TableRow } from "../../src/report/results_table.ts";
import { RandomStream } from "../../src/random.ts";
import { readNpy } from "../../src/data/npy.ts";
import { resultsTableOf, runTask, withFolder } from "../helpers/commands.ts";

const byte = { kind: "byte", offsets: [0], divisors: [255] } as const;

Deno.test("a shared divisor gives one row, columns of their own the three furthest off", () => {
  const measured = { error: 0.0004, columnErrors: Float64Array.of(0.01, 0.04, 0, 0.09, 0.0001) };
  assert.deepEqual(ownUnitRows(measured, { scaling: byte }), [{
    label: "this model, unscaled",
    value: 0.02 * 255,
    digits: 3,
    unit: "root mean squared error in the data's own units, test images",
  }]);
  const scaling = { kind: "minmax", offsets: [0, 0, 0, 0, 0], divisors: [1e6, 0.002, 1, 5, 1] } as const;
  assert.equal(
    resultsTable(ownUnitRows(measured, { scaling, columns: ["pay", "g\n", "", "d", "e"] })),
    [
      '"d", unscaled         1.500      root mean squared error in its own units; as scaled 0.300, largest of 5 columns',
      '"g\\n", unscaled       0.0004000  root mean squared error in its own units; as scaled 0.200, second of 5 columns',
      '"pay", unscaled  100000          root mean squared error in its own units; as scaled 0.100, third of 5 columns',
    ].join("\n"),
  );
  const [{ label }] = ownUnitRows(measured, { scaling });
  assert.equal(label, '"column_3", unscaled');
  assert.deepEqual(ownUnitRows(measured, {}), [], "a data set of the catalogue");
  assert.deepEqual(ownUnitRows(measured, { scaling: { kind: "none", offsets: [0], divisors: [1] } }), []);
});

Deno.test("the closing table has what the reconstructions of the test rows are off by", () =>
  withFolder(async (folder) => {
    const at = (name: string) => join(folder, name), random = new RandomStream(4, "table");
    const rows = Array.from({ length: 90 }, () => {
      const t = random.nextUnit();
      return [1e4 * t - 500, 0.01 * random.nextUnit(), t * t];
    });
    const csv = (some: readonly number[][]) => `pay,share,rest\n${some.map((row) => `${row}\n`).join("")}`;
    const tested = rows.slice(0, 20);
    Deno.writeTextFileSync(at("train.csv"), csv(rows.slice(20)));
    Deno.writeTextFileSync(at("test.csv"), csv(tested));
    for (const [image, run] of [["none", at("table")], ["1x3", at("images")]]) {
      const flags = ["--data", at("train.csv"), "--test-data", at("test.csv"), "--image", image];
      const more = ["--sizes", "3,8,2", "--epochs", "5", "--out", run];
      const trained = await runTask("deep", [...flags, ...more], folder);
      assert.equal(trained.code, 0, trained.stderr);
      const used = await runTask("reconstruct", [run, at("test.csv"), "--out", at("rows.npy")], folder);
      assert.equal(used.code, 0, used.stderr);
      const { data } = readNpy(await Deno.readFile(at("rows.npy")), "rows.npy");
      const squares = Array.from(data, (x, k) => (x - tested[Math.floor(k / 3)][k % 3]) ** 2);
      const rootOf = (some: number[]) => Math.sqrt(some.reduce((sum, x) => sum + x, 0) / some.length);
      const expected = image === "none"
        ? ["pay", "share", "rest"].map((name, c) =>
          [`"${name}", unscaled`, rootOf(squares.filter((_, k) => k % 3 === c))] as const
        )
        : [["this model, unscaled", rootOf(squares)] as const];
      const { rows: found }: { rows: TableRow[] } = JSON.parse(
        Deno.readTextFileSync(join(run, "results.json")),
      );
      const own = new Map(
        found.filter(({ unit }) => unit?.startsWith("root")).map((row) => [row.label, row]),
      );
      assert.equal(own.size, expected.length);
      for (const [label, value] of expected) {
        const row = own.get(label), off = Math.abs(Number(row?.value) / value - 1);
        assert.ok(off < 1e-4, `${label}: ${row?.value}, expected ${value}`);
      }
      const evaluated = await runTask("evaluate", [run]);
      assert.deepEqual(resultsTableOf(evaluated.stdout), resultsTableOf(trained.stdout));
      assert.match(trained.stdout, /unscaled +\d+\.?\d* +root mean squared error in/);
    }
  }));

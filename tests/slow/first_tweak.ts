// A stranger's first tweak: a copy of deep.ts with an activation and a loss of its own, through every tool.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  assertRefused,
  complaints,
  fileOf,
  recipeText,
  resultsTableOf,
  runScript,
  runTask,
  withProjectFolder,
} from "../helpers/commands.ts";
import { readOnnx } from "../helpers/onnx.ts";

/** What the stranger writes: a GELU by its logistic form, and Huber's loss at 0.1. */
const DECLARATIONS = `
const myGelu = activationOf({
  name: "my GELU",
  forward: "x * logistic(x)",
  derivative: "logistic(x) * (1.0 + 1.702 * x * (1.0 - logistic(x)))",
  functions: "fn logistic(x: f32) -> f32 { return 1.0 / (1.0 + exp(-1.702 * x)); }",
  reference: {
    forward: (x) => x / (1 + Math.exp(-1.702 * x)),
    derivative: (x) => (1 + 1.702 * x / (1 + Math.exp(1.702 * x))) / (1 + Math.exp(-1.702 * x)),
  },
});

const myHuber = lossOf({
  name: "my Huber",
  value: "select(0.1 * (abs(y - t) - 0.05), 0.5 * (y - t) * (y - t), abs(y - t) <= 0.1)",
  byPrediction: "clamp(y - t, -0.1, 0.1)",
  reference: {
    value: (y, t) => Math.abs(y - t) <= 0.1 ? 0.5 * (y - t) ** 2 : 0.1 * (Math.abs(y - t) - 0.05),
    byPrediction: (y, t) => Math.max(-0.1, Math.min(0.1, y - t)),
  },
});
`;

/** The stranger's script: lines of the original that change, and what they become. */
function tweaked(): { readonly text: string; readonly changed: number; readonly added: number } {
  const changes: readonly (readonly [string, string])[] = [
    ["import { adam, dense, squaredError }", "import { activationOf, adam, dense, lossOf }"],
    ['name: "deep"', 'name: "stranger"'],
    ['activationFlag("tanh"', "activationFlag(myGelu"],
    ["squaredError(graph, output, pixels", "myHuber(graph, output, pixels"],
  ];
  let text = recipeText("deep");
  const shallower = ["[784, 128, 64, 12, 3]", "[784, 12, 3]"] as const; // no change of theirs: compiled sooner
  for (const [from, to] of [...changes, shallower]) {
    assert.equal(text.split(from).length, 2, from);
    text = text.replace(from, to);
  }
  const declarations = DECLARATIONS.trim().split("\n");
  text = text.replace("export const deep", `${DECLARATIONS.trim()}\n\nexport const deep`);
  return { text, changed: changes.length, added: declarations.length + 1 };
}

Deno.test("a stranger's first tweak: another activation and another loss, in one file", () =>
  withProjectFolder(async (folder) => {
    const script = join(folder, "stranger.ts"), run = join(folder, "run");
    const { text, changed, added } = tweaked();
    console.log(`one new file; ${added} lines added, ${changed} changed`);
    await Deno.writeTextFile(script, text);

    const checked = await runTask("gradcheck", [script, "--steps", "25", "--rows", "1"]);
    assert.deepEqual(complaints(checked), []);
    assert.match(checked.stdout, /^gradients passed$/m, checked.stdout);
    assert.doesNotMatch(checked.stdout, /FAILED|NaN/);
    assert.equal(checked.code, 0);

    const flags = ["--limit", "640", "--epochs", "2", "--log-every", "5"];
    const trained = await runScript(script, [...flags, "--out", run], folder);
    assert.equal(trained.code, 0, trained.stderr);
    const losses = [...trained.stdout.matchAll(/step +(\d+)\/20 {2}loss ([\d.e-]+)/g)].map(([, , loss]) =>
      Number(loss)
    );
    assert.ok(losses.length > 1 && losses.at(-1)! < losses[0], trained.stdout);
    assertRefusedWithout(await runTask("evaluate", [run]));
    const evaluated = await runTask("evaluate", [run, "--recipe", script]);
    assert.deepEqual(complaints(evaluated), []);
    assert.deepEqual(resultsTableOf(evaluated.stdout), resultsTableOf(trained.stdout));
    await Deno.remove(join(run, "report.html"));
    const reported = await runTask("report", [run], folder);
    assert.equal(reported.code, 0, reported.stderr);
    assert.ok((await fileOf(run, "report.html")).length > 100_000);
    const resumed = await runScript(script, ["--resume", run, "--epochs", "3"], folder);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.ok(existsSync(join(run, "reconstructions-0003.png")));
  }));

Deno.test("a stranger's first tweak ends with a CSV file of their own, scores and an ONNX file", () =>
  withProjectFolder(async (folder) => {
    const at = (name: string) => join(folder, name), script = at("stranger.ts");
    await Deno.writeTextFile(script, tweaked().text);
    const rows = Array.from({ length: 120 }, (_, n) => {
      const t = n / 120;
      return n % 40 === 7 ? `-80,40,9,${n},broken` : `${1000 * t},${5 + t * t},${700 - 300 * t},${n},good`;
    });
    await Deno.writeTextFile(at("sensors.csv"), `speed,heat,load,number,state\n${rows.join("\n")}\n`);
    const run = async (name: string, ...more: string[]) => {
      const data = ["--data", at("sensors.csv"), "--label", "state", "--ignore", "number"];
      const learned = ["--hold-out-class", "broken", "--sizes", "3,8,2", "--epochs", "60", "--quiet"];
      const trained = await runScript(script, [...data, ...learned, ...more, "--out", at(name)], folder);
      assert.deepEqual(complaints(trained), []);
      assert.equal(trained.code, 0);
      return [at(name), "--recipe", script];
    };
    const own = await run("own"), shipped = await run("shipped", "--activation", "gelu");

    const scored = await runTask("score", [...own, at("sensors.csv"), "--normal", "good"], folder);
    assert.deepEqual(complaints(scored), [
      "warning: 4 of 120 rows have values beyond the training rows' range",
    ]);
    assert.match(
      scored.stdout,
      /^ROC AUC 1\.000, average precision 1\.000 .*: 3 rows of other classes against 117 normal ones$/m,
    );
    assert.equal((await Deno.readTextFile(at("own/scores.csv"))).trimEnd().split("\n").length, 121);

    const refused = await runTask("export", own, folder);
    assertRefused(refused, 1, /^error: Cannot export .*"my GELU"/);
    const exported = await runTask("export", shipped, folder);
    assert.deepEqual(complaints(exported), []);
    const onnx = readOnnx(await Deno.readFile(at("shipped/model.onnx")));
    assert.deepEqual(onnx.outputs, ["code", "reconstruction", "score"]);
    const { score } = Object.fromEntries(onnx.run({ shape: [1, 3], data: Float64Array.of(-80, 40, 9) }));
    await runTask("score", [...shipped, at("sensors.csv")], folder);
    const line = (await Deno.readTextFile(at("shipped/scores.csv"))).split("\n")[1 + 7];
    const expected = Number(line.split(",")[2]);
    assert.ok(Math.abs(score.data[0] - expected) <= 1e-5 * expected, `${score.data[0]} and ${line}`);
  }));

/** Without the script's path nobody knows the recipe, and the error says how to name it. */
function assertRefusedWithout({ code, stderr }: { readonly code: number; readonly stderr: string }): void {
  assert.equal(code, 1);
  assert.match(stderr, /its recipe "stranger" is not one of the shipped .*; pass --recipe .*stranger\.ts/);
}

for (
  const [what, from, to, named, guilty, innocent] of [
    [
      "activation",
      "(1.0 + 1.702 * x * (1.0 - logistic(x)))",
      "(1.0 + 1.6 * x * (1.0 - logistic(x)))",
      /^FAILED activation "my GELU": "derivative" at x = \S+ is \S+ on the GPU but \S+ in the reference$/m,
      /encoder\.0\.weight.*FAILED/,
      /decoder\.2\.weight.*\bok\b/,
    ],
    [
      "loss",
      "clamp(y - t, -0.1, 0.1)",
      "clamp(y - t, -0.1, 0.2)",
      /^FAILED loss "my Huber": "byPrediction" at y = \S+, t = \S+ is 0.2 on the GPU but 0.1 in the reference$/m,
      /decoder\.2\.weight.*FAILED/,
      undefined,
    ],
  ] as const
) {
  Deno.test(`a wrong derivative of the stranger's ${what} is FAILED at its name, and at the parameters that it reaches`, () =>
    withProjectFolder(async (folder) => {
      const script = join(folder, "stranger.ts"), { text } = tweaked();
      assert.equal(text.split(from).length, 2);
      await Deno.writeTextFile(script, text.replace(from, to));
      const { code, stdout } = await runTask("gradcheck", [script, "--steps", "0", "--rows", "1"]);
      assert.equal(code, 1, stdout);
      assert.match(stdout, named);
      assert.match(stdout, guilty);
      if (innocent) assert.match(stdout, innocent);
      assert.match(stdout, /^gradients FAILED$/m);
      assert.match(stdout, /^built-in network of every op: \d+ gradients passed/m, "the GPU is not to blame");
    }));
}

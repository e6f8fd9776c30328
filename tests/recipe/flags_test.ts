import assert from "node:assert/strict";
import { InputError } from "../../src/errors.ts";
import { findRecipe, RECIPE_NAMES } from "../../scripts/tools/find_recipe.ts";
import { activationOf } from "../../src/elementwise/activation.ts";
import {
  activationFlag,
  choice,
  commonFlags,
  flag,
  flagName,
  integer,
  integers,
  number,
  optionalInteger,
  optionalNumber,
  optionalText,
  pair,
  positional,
  positionals,
  readFlags,
  restoreConfig,
  text,
  toggle,
} from "../../src/recipe/flags.ts";

const command = { name: "deep", description: "Trains a deep autoencoder." };
const flags = {
  ...commonFlags({ epochs: 10, batchSize: 64, learningRate: 5e-3 }),
  noiseLevel: number(0.5, "standard deviation of the noise", { min: 0, below: 1 }),
  l2Weight: optionalNumber("weight decay"),
  title: text("digits", "what to print"),
};

function errorOf(args: readonly string[]): string {
  const outcome = readFlags(command, flags, args);
  assert.equal(outcome.kind, "error", `expected ${args.join(" ")} to be refused`);
  return outcome.kind === "error" ? outcome.message : "";
}

Deno.test("readFlags() gives the declared defaults for an empty command line", () => {
  assert.deepEqual(readFlags(command, flags, []), {
    kind: "config",
    config: {
      epochs: 10,
      from: undefined,
      batchSize: 64,
      learningRate: 5e-3,
      seed: 0,
      dataset: "fashion-mnist-mini",
      dataDir: undefined,
      data: undefined,
      label: undefined,
      labels: undefined,
      testData: undefined,
      testLabels: undefined,
      ignore: undefined,
      header: undefined,
      holdOutClass: undefined,
      missing: undefined,
      scale: undefined,
      image: undefined,
      output: undefined,
      testFraction: 0.2,
      limit: undefined,
      overfitBatch: false,
      out: undefined,
      resume: undefined,
      checkpointEvery: undefined,
      keep: undefined,
      patience: undefined,
      minDelta: undefined,
      onNan: "stop",
      onDeviceLoss: "stop",
      logEvery: 100,
      live: false,
      port: 0,
      pictureEvery: 100,
      keepPictures: undefined,
      quiet: false,
      dryRun: false,
      kernels: "auto",
      printPlan: false,
      profile: false,
      noiseLevel: 0.5,
      l2Weight: undefined,
      title: "digits",
    },
    given: new Set(),
  });
});

Deno.test("readFlags() reads every kind of flag, as two words and as one", () => {
  const args =
    "--epochs 2 --batch-size=1e2 --learning-rate 5e-4 --dataset mnist --limit 7 --out a/b --dry-run"
      .split(" ");
  const outcome = readFlags(command, flags, [
    ...args,
    "--l2-weight=-.5",
    "--noise-level",
    "-0",
    "--epochs",
    "4",
  ]);
  assert.equal(outcome.kind, "config");
  if (outcome.kind !== "config") return;
  const { config } = outcome;
  // The types, too: these lines compile only if each key has the type that its flag declares.
  const sum: number = config.epochs + config.batchSize + (config.limit ?? 0);
  const dataset: "fashion-mnist-mini" | "mnist" | "fashion-mnist" = config.dataset;
  const out: string | undefined = config.out;
  const dryRun: boolean = config.dryRun;
  assert.deepEqual([sum, dataset, out, dryRun], [4 + 100 + 7, "mnist", "a/b", true]);
  assert.deepEqual([config.learningRate, config.l2Weight, config.noiseLevel], [5e-4, -0.5, 0]);
});

Deno.test.each([
  "3x",
  "",
  " ",
  "NaN",
  "Infinity",
  "1e999",
  "0x10",
  "1_000",
  "1,5",
  "1.0",
  "1e-1",
  "0",
  "-3",
  "9007199254740993",
])("readFlags() refuses %j as an integer of at least 1", (value) => {
  assert.equal(
    errorOf(["--epochs", value]),
    `Cannot set --epochs: expected an integer, at least 1 but received ${JSON.stringify(value)} (see --help)`,
  );
});

Deno.test.each(["3x", "", "NaN", "Infinity", "1e999", "0x10", "0", "-1", ".", "e5"])(
  "readFlags() refuses %j as a number above 0",
  (value) => {
    assert.equal(
      errorOf([`--learning-rate=${value}`]),
      `Cannot set --learning-rate: expected a number, above 0 but received ${
        JSON.stringify(value)
      } (see --help)`,
    );
  },
);

Deno.test.each([
  ["--bach-size 3", 'Unknown flag "--bach-size": did you mean --batch-size? (see --help)'],
  ["--batchSize 3", 'Unknown flag "--batchSize": did you mean --batch-size? (see --help)'],
  ["--zzzzzzzz", 'Unknown flag "--zzzzzzzz" (see --help)'],
  ["--epochs", "Cannot set --epochs: expected <integer> but received nothing (see --help)"],
  ["--noise-level 1", "expected a number, at least 0 and below 1"],
  ["--seed 4294967296", "expected an integer, from 0 to 4294967295"],
  ["--dataset cifar", 'expected one of fashion-mnist-mini, mnist, fashion-mnist but received "cifar"'],
  ["--out --dry-run", "Cannot set --out: expected a text"],
  ["--dry-run=yes", "Unknown flag"],
  ["extra", 'Unexpected argument "extra" (see --help)'],
])("readFlags() answers %s in one line that contains %j", (line, part) => {
  const message = errorOf(line.split(" "));
  assert.ok(message.includes(part), message);
  assert.ok(!message.includes("\n"), message);
});

Deno.test("readFlags() prints every flag with its unit, range and default for --help", () => {
  for (const args of [["--help", "all"], ["-h", "all"], ["--epochs", "nonsense", "--help", "all"]]) {
    const outcome = readFlags(
      { ...command, start: "deno task train", examples: ["--epochs 20"] },
      flags,
      args,
    );
    assert.equal(outcome.kind, "help");
    if (outcome.kind !== "help") return;
    const help = outcome.text.replace(/\s+/g, " ");
    assert.ok(
      outcome.text.startsWith("Usage: deno task train [flags]\n\nTrains a deep autoencoder.\n\nFlags:\n"),
    );
    for (
      const line of [
        "--epochs <integer> number of training epochs (at least 1; default: 10)",
        "--learning-rate <number> learning rate of the optimizer (above 0; default: 0.005)",
        "--seed <integer> random seed for weights, shuffling and noise (from 0 to 4294967295; default: 0)",
        "(fashion-mnist-mini, mnist, fashion-mnist; default: fashion-mnist-mini)",
        "--limit <integer> use only the first N training images (at least 1; default: all)",
        "--l2-weight <number> weight decay (default: none)",
        "--dry-run build everything, print what would be trained, and exit --print-plan",
      ]
    ) assert.ok(help.includes(line), `${line}\nis not in\n${outcome.text}`);
    assert.ok(outcome.text.split("\n").every((line) => line.length <= 100));
  }
});

/** The headings of a recipe's help, each with the names of the flags below it. */
async function helpOf(name: string, args: readonly string[]): Promise<Map<string, string[]>> {
  const { recipe } = await findRecipe(name);
  const outcome = readFlags(recipe, recipe.flags, args);
  assert.ok(outcome.kind === "help");
  assert.ok(outcome.text.split("\n").every((line) => line.length <= 100), outcome.text);
  const groups = new Map<string, string[]>();
  for (const part of outcome.text.split("\n\n").slice(2)) {
    const names = [...part.matchAll(/^ {2}(?:-h, )?(--[a-z-]+)/gm)].map(([, name]) => name);
    if (names.length > 0) groups.set(part.split("\n")[0], names);
  }
  return groups;
}

Deno.test("--help prints a recipe's own flags and the eleven common ones, --help all the rest in groups", async () => {
  const common = "epochs batch-size learning-rate seed dataset data limit out resume from live".split(" ");
  for (const name of RECIPE_NAMES) {
    const { recipe } = await findRecipe(name);
    const short = await helpOf(name, ["--help"]), all = await helpOf(name, ["-h", "all"]);
    assert.deepEqual([...short.keys()], ["Flags:", "Common flags:"]);
    const own = short.get("Flags:")!;
    assert.ok(own.includes("--sizes") && own.every((name) => name !== "--betas"), `${own}`);
    const missing = [...own.includes("--learning-rate") ? ["learning-rate"] : []];
    if (!("epochs" in recipe.flags)) missing.push("epochs");
    const expected = [...common.filter((name) => !missing.includes(name)), "help"].map((name) => `--${name}`);
    assert.deepEqual(short.get("Common flags:"), expected, name);
    assert.deepEqual([...all.keys()], [
      ...["Flags:", "Common flags:", "Optimizer:", "Data:", "Stopping and resuming:", "Progress:"],
      "Kernels and plans:",
    ]);
    assert.ok(all.get("Optimizer:")!.includes("--weight-decay"));
    const every = [...all.values()].flat().filter((name) => name !== "--help" && !name.startsWith("--no-"));
    assert.deepEqual(every.sort(), Object.keys(recipe.flags).map(flagName).sort(), name);
  }
});

Deno.test("readFlags() hands out positional arguments in the declared order", () => {
  const tool = { run: positional("RUN", "a run"), files: positionals("FILE", "files"), quick: flag("hurry") };
  const outcome = readFlags(command, tool, ["a", "--quick", "b", "--", "--c"]);
  const config = { run: "a", files: ["b", "--c"], quick: true };
  assert.deepEqual(outcome, { kind: "config", config, given: new Set(["quick"]) });
  const refused = readFlags(command, tool, ["a"]);
  assert.ok(
    refused.kind === "error" && refused.message.startsWith("Missing argument FILE"),
    JSON.stringify(refused),
  );
  const empty = readFlags(command, tool, ["a", ""]);
  assert.ok(
    empty.kind === "error" && empty.message.startsWith("Cannot set FILE: expected"),
    JSON.stringify(empty),
  );
  assert.deepEqual(readFlags(command, { files: positionals("FILE", "files", 0) }, []), {
    kind: "config",
    config: { files: [] },
    given: new Set(),
  });
  const help = readFlags(command, tool, ["--help"]);
  assert.ok(
    help.kind === "help" && help.text.startsWith("Usage: deno task deep [flags] RUN FILE…\n"),
    JSON.stringify(help),
  );
});

Deno.test("declarations that cannot work are refused", () => {
  assert.throws(() => integer(0, "images", { min: 1 }), RangeError);
  assert.throws(() => number(Number.NaN, "rate"), RangeError);
  assert.throws(() => readFlags(command, { noBias: flag("leave out the bias") }, []), RangeError);
});

Deno.test("restoreConfig() gives back what JSON keeps of a configuration", () => {
  const outcome = readFlags(command, flags, ["--out", "x"]);
  assert.ok(outcome.kind === "config");
  const stored = JSON.parse(JSON.stringify({ ...outcome.config, unknown: 1 }));
  assert.deepEqual(restoreConfig(flags, stored, "config.json"), outcome.config);
});

Deno.test.each([
  [{ size: 0 }, 'expected "size" to be an integer, at least 1 but found 0'],
  [{ size: "5" }, 'found "5"'],
  [{ size: null }, 'expected "size" to be an integer, at least 1 but found null'],
  [{ size: 5, kind: "c" }, 'expected "kind" to be one of a, b but found "c"'],
  [{ size: 5, kind: "a", limit: 1.5 }, 'expected "limit"'],
  [{ size: 5, kind: "a", path: 3 }, 'expected "path"'],
])("restoreConfig() refuses %j", (stored, part) => {
  const declared = {
    size: integer(3, "size", { min: 1 }),
    kind: choice(["a", "b"], "a", "kind"),
    limit: optionalInteger("limit"),
    path: optionalText("path"),
  };
  assert.throws(
    () => restoreConfig(declared, stored as Readonly<Record<string, unknown>>, '"runs/x/config.json"'),
    (error: unknown) => error instanceof InputError && error.message.includes(part),
  );
});

Deno.test("restoreConfig() fills in what was stored before a flag existed, and says so", () => {
  const declared = {
    size: integer(3, "size", { min: 1 }),
    quick: flag("be quick"),
    limit: optionalInteger("limit"),
  };
  const said: string[] = [];
  const original = console.error;
  console.error = (line: string) => said.push(line);
  try {
    assert.deepEqual(restoreConfig(declared, { limit: 5 }, '"runs/x"'), { size: 3, quick: false, limit: 5 });
    assert.deepEqual(restoreConfig(declared, { size: 4, quick: true }, '"runs/y"'), {
      size: 4,
      quick: true,
      limit: undefined,
    });
  } finally {
    console.error = original;
  }
  assert.deepEqual(said, [
    'warning: "runs/x" is older than these flags; using their defaults: "size" (3)',
  ]);
});

Deno.test("activationFlag() takes shipped names, and the recipe's own activation by its name", () => {
  const own = activationOf({
    name: "my own",
    forward: "x",
    derivative: "1.0",
    reference: { forward: (x) => x, derivative: () => 1 },
  });
  const declared = { activation: activationFlag(own, "hidden layers") };
  const read = (...args: string[]) => {
    const outcome = readFlags(command, declared, args);
    return outcome.kind === "config" ? outcome.config.activation : outcome;
  };
  assert.equal(read(), own);
  assert.equal(read("--activation", "my own"), own);
  assert.equal(read("--activation", "gelu"), "gelu");
  const refused = read("--activation", "gelo");
  assert.ok(typeof refused === "object" && "kind" in refused && refused.kind === "error");
  assert.match(
    refused.message,
    /^Cannot set --activation: expected one of identity, .*, my own but received "gelo"/,
  );
  const stored = JSON.parse(JSON.stringify({ activation: own }));
  assert.deepEqual(stored, { activation: "my own" });
  assert.equal(restoreConfig(declared, stored, "a run").activation, own);
  assert.equal(restoreConfig(declared, { activation: "silu" }, "a run").activation, "silu");
  const shipped = { activation: activationFlag("tanh", "hidden layers") };
  assert.throws(
    () => restoreConfig(shipped, stored, "a run"),
    /expected "activation" to be one of .* found "my own"/,
  );
});

Deno.test("pair() is two numbers with a comma, each in its range", () => {
  const betas = { betas: pair([0.9, 0.999], "Adam's", { min: 0, below: 1 }) };
  const read = (text: string) => readFlags(command, betas, ["--betas", text]);
  for (const text of ["0.8,.95", "0.8, 0.95"]) {
    assert.deepEqual(read(text), {
      kind: "config",
      config: { betas: [0.8, 0.95] },
      given: new Set(["betas"]),
    });
  }
  for (const text of ["0.9", "0.9,1", "-0.1,0.9", "0.9,0.99,0.999", "0.9,", ",", "a,b"]) {
    const outcome = read(text);
    assert.ok(outcome.kind === "error", text);
    assert.match(
      outcome.message,
      /^Cannot set --betas: expected two comma-separated numbers, at least 0 and/,
    );
  }
  assert.deepEqual(restoreConfig(betas, JSON.parse('{"betas":[0.5,0]}'), "a run"), { betas: [0.5, 0] });
  assert.throws(() => restoreConfig(betas, { betas: [0.5] }, "a run"), InputError);
  assert.throws(() => pair([1, 2], "wrong", { max: 1 }), RangeError);
});

const lists = { sizes: integers([784, 64, 3], "widths", { min: 1 }, 2), freeze: toggle(false, "hold still") };

Deno.test.each([
  ["", [784, 64, 3], false],
  ["--sizes 10,4", [10, 4], false],
  ["--sizes=1e3,+2,3,4 --freeze", [1000, 2, 3, 4], true],
  ["--no-freeze", [784, 64, 3], false],
  ["--no-freeze --freeze", [784, 64, 3], true],
  ["--freeze --no-freeze", [784, 64, 3], false],
])("readFlags() reads lists and toggles: %j", (line, sizes, freeze) => {
  assert.deepEqual(readFlags(command, lists, line.split(" ").filter((word) => word !== "")), {
    kind: "config",
    config: { sizes, freeze },
    given: new Set(["sizes", "freeze"].filter((key) => line.includes(key))),
  });
});

Deno.test.each(["", ",", "784", "784,", "784,,3", "784,0", "784,-1", "784,1.5", "784 64", "784;64", "a,b"])(
  "readFlags() refuses %j as a list of two or more integers, at least 1 each",
  (value) => {
    const outcome = readFlags(command, lists, [`--sizes=${value}`]);
    assert.deepEqual(outcome, {
      kind: "error",
      message: "Cannot set --sizes: expected 2 or more comma-separated integers, at least 1 each " +
        `but received ${JSON.stringify(value)} (see --help)`,
    });
  },
);

Deno.test("lists and toggles say their defaults for --help, refuse impossible ones, and survive JSON", () => {
  const outcome = readFlags(command, lists, ["--help"]);
  assert.ok(outcome.kind === "help");
  const help = outcome.text.replace(/\s+/g, " ");
  assert.ok(help.includes("--sizes <integers> widths (at least 1 each; default: 784,64,3)"), outcome.text);
  assert.ok(help.includes("--freeze hold still (default: off) --no-freeze turn --freeze off"), help);
  assert.throws(() => integers([1], "widths", {}, 2), RangeError);
  assert.throws(() => integers([0], "widths", { min: 1 }), RangeError);
  assert.deepEqual(restoreConfig(lists, { sizes: [5, 4], freeze: true }, "x"), {
    sizes: [5, 4],
    freeze: true,
  });
  for (const sizes of [[5], [5, 0], "5,4", [5, "4"]]) {
    assert.throws(
      () => restoreConfig(lists, { sizes, freeze: true }, "x"),
      /"sizes" to be 2 or more comma-separated integers/,
    );
  }
  const wrong = readFlags(command, lists, ["--freeze=yes"]);
  assert.ok(wrong.kind === "error" && !wrong.message.includes("\n"), JSON.stringify(wrong));
});

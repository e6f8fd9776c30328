// Recipes as values: finding them by name and by path, what a run remembers of them, and the loop that they share.
import assert from "node:assert/strict";
import { join } from "node:path";
import denoConfig from "../../deno.json" with { type: "json" };
import { deep } from "../../scripts/deep.ts";
import { findRecipe, RECIPE_NAMES } from "../../scripts/tools/find_recipe.ts";
import { InputError } from "../../src/errors.ts";
import { checkedNetworks, networksOf } from "../../src/recipe/checked_networks.ts";
import { parseRecipe } from "../../src/train/resume.ts";
import { recipe } from "../../src/recipe/recipe.ts";
import { matchScripts } from "../../src/recipe/recipe_script.ts";
import { openTraining } from "../../src/train/training.ts";
import {
  assertRefused,
  complaints,
  recipeText,
  resultsTableOf,
  ROOT,
  runScript,
  runTask,
  withFolder,
  withProjectFolder,
} from "../helpers/commands.ts";
import { readRun } from "../../src/runs/run_config.ts";

const SMALL = ["--limit", "192", "--batch-size", "32", "--epochs", "1", "--sizes", "784,8,2"];

Deno.test("each shipped recipe is the one export of a script of its name, and has a task", async () => {
  assert.deepEqual([...RECIPE_NAMES].sort(), [
    ...["basic", "deep", "denoising", "matched", "sparse", "stacked", "tied", "vae"],
  ]);
  for (const name of RECIPE_NAMES) {
    const found = await findRecipe(name);
    assert.equal(found.recipe.name, name);
    assert.equal(found.script?.path, `scripts/${name}.ts`);
    assert.match(found.script?.sha256 ?? "", /^[0-9a-f]{64}$/);
    assert.ok(name in denoConfig.tasks, name);
    assert.ok(checkedNetworks(found.recipe).length > 0);
    const byPath = await findRecipe(join(ROOT, `scripts/${name}.ts`));
    assert.equal(byPath.recipe, found.recipe, "a path leads to the same value");
  }
  assert.equal(denoConfig.tasks.train.command, denoConfig.tasks.deep.command);
});

Deno.test("a script that holds no recipe is refused in one line that says why", () =>
  withFolder(async (folder) => {
    const refused = async (name: string, text: string | undefined, pattern: RegExp) => {
      const path = join(folder, name);
      if (text !== undefined) await Deno.writeTextFile(path, text);
      await assert.rejects(findRecipe(path), (error) => {
        assert.ok(error instanceof InputError, `${error}`);
        assert.match(error.message, pattern);
        assert.ok(!error.message.includes("\n"));
        return true;
      });
    };
    await refused(
      "absent.ts",
      undefined,
      /Cannot load recipe ".*absent\.ts": there is no file ".*absent\.ts"/,
    );
    await refused("typo.ts", "export const x = ;", /Cannot load recipe ".*typo\.ts": /);
    await refused("throws.ts", "throw new Error('my own mistake');", /throws\.ts": Error: my own mistake/);
    await refused(
      "empty.ts",
      "export const name = 'deep';",
      /expected one export made by recipe\(.*found none/,
    );
    const two = `${recipeText("deep")}\nexport const other = { ...deep, name: "other" };`;
    await refused("two.ts", two, /but found 2: deep, other/);
    await Deno.writeTextFile(join(folder, "other.ts"), two);
    assert.equal(
      (await findRecipe(join(folder, "other.ts"))).recipe.name,
      "other",
      "the file's name decides",
    );
    await assert.rejects(
      findRecipe("nonsense"),
      /choose from: deep, .*or pass the path of a script, such as \.\/mine\.ts/,
    );
  }));

Deno.test("recipe() refuses a name that no folder can have", () => {
  for (const name of ["", "My recipe", "../up", "Deep"]) {
    assert.throws(() => recipe({ ...deep, name }), /Cannot declare a recipe: .*lower-case letters/);
  }
});

Deno.test("checks are command lines of the recipe, and expand into its stages", async () => {
  const { recipe: stacked } = await findRecipe("stacked");
  assert.deepEqual(
    checkedNetworks(stacked).map(({ options }) => options),
    [0, 1, 2, 3].map((k) => `stage ${k}`),
  );
  assert.deepEqual(networksOf(stacked, "--sizes 784,9,3 --stages 0,2").map(({ options }) => options), [
    "stage 1 --sizes 784,9,3 --stages 0,2",
  ]);
  assert.throws(
    () => networksOf(deep, "--epochs many"),
    /Cannot record deep with "--epochs many": .*--epochs/,
  );
  assert.throws(() => networksOf(deep, "--help"), /asks for help/);
});

Deno.test("matchScripts() tells a script that changed from another one", () => {
  const script = (path: string, sha256: string) => ({ path, sha256 });
  const trained = script("scripts/deep.ts", "a");
  assert.equal(matchScripts(trained, script("elsewhere.ts", "a")), "same", "it was only moved");
  assert.equal(matchScripts(trained, script("scripts/deep.ts", "b")), "changed");
  assert.equal(matchScripts(trained, script("mine.ts", "b")), "other");
  assert.equal(matchScripts(undefined, trained), "same", "nobody knows");
});

Deno.test("a copy that kept its recipe's name is told from the shipped recipe, and named by --recipe", () =>
  withProjectFolder(async (folder) => {
    const [copy, run] = [join(folder, "mine.ts"), join(folder, "run")];
    await Deno.writeTextFile(copy, recipeText("deep").replace('activation: "tanh"', 'activation: "relu"'));
    const trained = await runScript(copy, [...SMALL, "--out", run], folder);
    assert.equal(trained.code, 0, trained.stderr);
    const { recipe, facts } = readRun(run);
    assert.equal(recipe, "deep");
    assert.match(String((facts.script as { path: unknown }).path), /mine\.ts$/);

    assertRefused(
      await runTask("evaluate", [run]),
      1,
      /^error: Cannot load ".*": it was trained by .*mine\.ts, not by the shipped recipe .* "deep".*--recipe .*mine\.ts$/,
    );
    const evaluated = await runTask("evaluate", [run, "--recipe", copy]);
    assert.deepEqual(complaints(evaluated), []);
    assert.deepEqual(resultsTableOf(evaluated.stdout), resultsTableOf(trained.stdout));
    assertRefused(
      await runTask("evaluate", [run, "--recipe", join(ROOT, "scripts/tied.ts")]),
      1,
      /expected recipe "deep" but ".*tied\.ts" exports "tied"/,
    );
    assertRefused(
      await runTask("deep", ["--resume", run, "--epochs", "2"]),
      1,
      /^error: Cannot resume .*expected its own script .*mine\.ts but received scripts\/deep\.ts, whose/,
    );
    assert.equal((await runTask("report", [run], folder)).code, 0);

    await Deno.writeTextFile(copy, `${await Deno.readTextFile(copy)}\n// one more thought\n`);
    const changed = await runTask("evaluate", [run, "--recipe", copy]);
    assert.match(
      complaints(changed).join("\n"),
      /^warning: .*mine\.ts has changed since .* was trained$/,
    );
    assert.deepEqual(resultsTableOf(changed.stdout), resultsTableOf(trained.stdout));
  }));

Deno.test("no script that a run folder names is run", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run"), bait = join(folder, "bait.ts");
    await Deno.writeTextFile(bait, 'console.log("THE BAIT WAS RUN");\nexport {};\n');
    const trained = await runTask("deep", [...SMALL, "--out", run], folder);
    assert.equal(trained.code, 0, trained.stderr);
    const path = join(run, "config.json"), stored = JSON.parse(await Deno.readTextFile(path));
    for (const recipe of ["mine", bait, "../bait", "deep"]) {
      const script = { path: bait, sha256: "0".repeat(64) };
      await Deno.writeTextFile(
        path,
        JSON.stringify({ ...stored, recipe, facts: { ...stored.facts, script } }),
      );
      for (const task of ["evaluate", "sample", "report"] as const) {
        const { stdout, stderr } = await runTask(task, [run], folder);
        assert.doesNotMatch(stdout + stderr, /THE BAIT WAS RUN/, `${task} with recipe ${recipe}`);
      }
      const { code } = await runTask("evaluate", [run]);
      assert.equal(code, 1, `${recipe} is not what trained it`);
    }
  }));

Deno.test("tools take a script's path: gradcheck, bench, replay", () =>
  withProjectFolder(async (folder) => {
    const copy = join(folder, "mine.ts");
    const text = recipeText("deep").replace('name: "deep"', 'name: "mine", checks: ["--sizes 784,6,2"]');
    await Deno.writeTextFile(copy, text);
    const checked = await runTask("gradcheck", [copy, "--steps", "0", "--rows", "1"]);
    assert.deepEqual(complaints(checked), []);
    assert.match(checked.stdout, /^mine --sizes 784,6,2$/m);
    assert.equal(checked.code, 0, checked.stdout);
    const timed = await runTask("bench", [copy, "--rounds", "1", "--steps", "20"]);
    assert.match(timed.stdout, /^mine --sizes 784,6,2, compiled in/m);

    const trace = JSON.parse(await Deno.readTextFile(join(ROOT, "fixtures/traces/deep.json")));
    const file = join(folder, "trace.json");
    await Deno.writeTextFile(file, JSON.stringify({ ...trace, recipe: "mine" }));
    const replayed = await runTask("replay", [file, "--recipe", copy]);
    assert.match(replayed.stdout, /^pass /m, replayed.stdout);
    assert.match((await runTask("replay", [file])).stdout, /^FAIL .*recipe: expected deep or /m);
  }));

Deno.test("a loop that does not run its step once is told so, and one over another step too", () =>
  withFolder(async (folder) => {
    const config = parseRecipe(deep, [...SMALL, "--quiet", "--out", join(folder, "run")]);
    using training = await openTraining(deep, config);
    const step = await training.compile();
    using run = (await training.start(step))!;
    await assert.rejects(async () => {
      for await (const _ of run.batches(step));
    }, /expected the loop to run the step once on each batch but it ran 0 times/);
    await assert.rejects(async () => {
      for await (const batch of run.batches(step)) [1, 2].forEach(() => step.run(batch));
    }, /on each batch but it ran 2 times/);
    const other = await training.compile();
    await assert.rejects(async () => {
      for await (const _ of run.batches(other));
    }, /expected one of those passed to start\(\)/);
    await assert.rejects(() => training.compileStages(), /recipe "deep" has none; use compile\(\)/);
  }));

Deno.test("scripts/tiny.ts is in README whole, and learns", async () => {
  const text = Deno.readTextFileSync(join(ROOT, "scripts/tiny.ts"));
  assert.ok(
    Deno.readTextFileSync(join(ROOT, "README.md")).includes(text.trimEnd()),
    "README has another text",
  );
  assert.ok(text.trimEnd().split("\n").length <= 30);
  const args = ["run", "--no-prompt", "--allow-read", "scripts/tiny.ts"];
  const { code, stdout, stderr } = await new Deno.Command("deno", { args, cwd: ROOT }).output();
  const losses = [...new TextDecoder().decode(stdout).matchAll(/^epoch \d {2}loss ([\d.]+)$/gm)].map((
    [, loss],
  ) => Number(loss));
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.equal(losses.length, 5);
  assert.ok(losses[0] < 0.06 && losses[4] < 0.035 && losses[4] < losses[0], `${losses}`);
});

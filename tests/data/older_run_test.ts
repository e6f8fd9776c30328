// A run of one's own data that is older than scaling: it divided bytes by 255, learned floats as they were, and drew rows
// of a square width as squares. It is evaluated and resumed likewise.
import assert from "node:assert/strict";
import { join } from "node:path";
import { complaints, resultsTableOf, runTask, withFolder } from "../helpers/commands.ts";

Deno.test("a run without scaling is evaluated on bytes divided by 255, whatever today's rules say of them", () =>
  withFolder(async (folder) => {
    const run = join(folder, "run"), file = "fixtures/training/images.csv";
    const data = ["--data", file, "--label", "class", "--limit", "320", "--sizes", "49,8,2", "--epochs", "1"];
    const trained = await runTask(
      "train",
      [...data, "--scale", "byte", "--image", "7x7", "--out", run],
      folder,
    );
    assert.deepEqual(complaints(trained), []);
    const path = join(run, "config.json");
    const { config: { scale: _s, image: _i, ...config }, facts: { scaling, ...facts }, ...rest } = JSON.parse(
      await Deno.readTextFile(path),
    );
    assert.equal(scaling.kind, "byte");
    await Deno.writeTextFile(path, JSON.stringify({ ...rest, config, facts }));

    const evaluated = await runTask("evaluate", [run]);
    assert.match(evaluated.stdout, /test rows of 7×7 bytes from /);
    assert.match(evaluated.stdout, /^scale {5}7×7 images, divided by 255, as in training$/m);
    assert.deepEqual(resultsTableOf(evaluated.stdout), resultsTableOf(trained.stdout));
  }));

import assert from "node:assert/strict";
import { join } from "node:path";
import { MetricsLog } from "../../src/runs/metrics_log.ts";
import { writeConfig } from "../../src/runs/run_config.ts";
import { complaints, runTask, withFolder } from "../helpers/commands.ts";

function writeRun(folder: string): void {
  Deno.mkdirSync(folder);
  writeConfig(folder, { recipe: "deep", startedAt: "2026-11-21T07:00:00.000Z", config: {}, facts: {} });
  using log = new MetricsLog(folder);
  log.write({ epoch: 1, step: 100, loss: 0.07 });
}

Deno.test({
  name: "runs lists links to run folders, and follows no link inside a run",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      const runs = join(folder, "runs"), elsewhere = join(folder, "elsewhere");
      Deno.mkdirSync(runs);
      for (const path of [elsewhere, join(runs, "led"), join(runs, "plain")]) writeRun(path);
      Deno.symlinkSync(elsewhere, join(runs, "link"));
      Deno.symlinkSync("nowhere", join(runs, "broken"));
      Deno.symlinkSync("loop", join(runs, "loop"));
      Deno.symlinkSync(join(elsewhere, "config.json"), join(runs, "file"));
      Deno.removeSync(join(runs, "led", "metrics.jsonl"));
      Deno.symlinkSync(join(elsewhere, "metrics.jsonl"), join(runs, "led", "metrics.jsonl"));
      const outcome = await runTask("runs", ["--folder", runs, "--json"]);
      assert.equal(outcome.code, 0, outcome.stderr);
      const names = JSON.parse(outcome.stdout).map(({ name }: { name: string }) => name);
      assert.deepEqual(names.sort(), ["link", "plain"]);
      const [line, ...others] = complaints(outcome);
      assert.match(
        line,
        /^warning: Cannot list ".*led": expected files but found a link, ".*metrics\.jsonl"; remove it$/,
      );
      assert.deepEqual(others, []);
    }),
});

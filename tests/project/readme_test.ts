// README stays short. tests/slow/readme.ts holds what it shows to a run.
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT } from "../helpers/commands.ts";

Deno.test("README has at most 1,200 words of prose", () => {
  const prose = Deno.readTextFileSync(join(ROOT, "README.md")).replace(/^```[^]*?^```$/gm, "").replace(
    /[|]|-{3,}/g,
    " ",
  );
  assert.ok(prose.split(/\s+/).filter(Boolean).length <= 1200);
});

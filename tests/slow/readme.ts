// What README shows is what a run prints: the whole training, as a reader types it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT, runTask, withFolder } from "../helpers/commands.ts";

/** A line without what differs from machine to machine and from run to run: adapter, paths, speeds. */
function comparable(line: string): string {
  return line.replace(/^computing on .*/, "computing on …").replace(/from ".*"$/, "from …")
    .replace(/ *[\d,]+ images\/s +[\d:]+ left$/, " … images/s").replace(
      /^run saved in .*;/,
      "run saved in …;",
    );
}

/** The numbers of a line that rounding may move, and the line without them. */
function split(line: string): { readonly words: string; readonly numbers: readonly number[] } {
  const pattern = /\d+\.\d+/g;
  return { words: line.replace(pattern, "#"), numbers: (line.match(pattern) ?? []).map(Number) };
}

Deno.test("README shows what deno task train prints", () =>
  withFolder(async (folder) => {
    const readme = Deno.readTextFileSync(join(ROOT, "README.md"));
    const [, block] = /```text\n(computing on [^]*?)```/.exec(readme) ?? [];
    assert.ok(block, "README has a block of output");
    const { code, stdout, stderr } = await runTask("train", ["--out", join(folder, "run")], folder);
    assert.equal(code, 0, stderr);
    const printed = stdout.trimEnd().split("\n").map(comparable);
    let at = 0; // each line of README comes after the one before it
    for (const line of block.trimEnd().split("\n").filter((line) => line !== "…").map(comparable)) {
      const { words, numbers } = split(line);
      const found = printed.findIndex((other, k) => k >= at && split(other).words === words);
      assert.ok(found >= 0, `no line like: ${line}\n${printed.join("\n")}`);
      split(printed[found]).numbers.forEach((number, k) =>
        assert.ok(Math.abs(number - numbers[k]) <= 0.05 * numbers[k], `${printed[found]} instead of ${line}`)
      );
      at = found + 1;
    }
  }));

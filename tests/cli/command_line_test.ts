import assert from "node:assert/strict";
import { commandLine } from "../../src/cli/command_line.ts";
import { shellWord } from "../../src/errors.ts";

const script = (path: string) => new URL(`../../${path}`, import.meta.url).href;

Deno.test.each([
  ["scripts/deep.ts", [], "deno task train"],
  ["scripts/vae.ts", ["--epochs", "2", "--out", "/tmp/x", "--live"], "deno task vae --epochs 2 --live"],
  ["scripts/tied.ts", ["--out=a b", "--data", "my file.csv"], "deno task tied --data 'my file.csv'"],
  ["scripts/mine.ts", ["--seed", "3"], "deno run --allow-read --allow-write=runs scripts/mine.ts --seed 3"],
] as [string, string[], string][])("commandLine() of %s %j", (path, args, expected) => {
  assert.equal(commandLine(script(path), args), expected);
});

Deno.test("shellWord() quotes what a shell would take apart", () => {
  assert.equal(shellWord("a/b-c.d=1,2"), "a/b-c.d=1,2");
  assert.equal(shellWord("it's; rm *"), `'it'\\''s; rm *'`);
  assert.equal(shellWord(""), "''");
});

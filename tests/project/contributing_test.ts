// The worked examples of CONTRIBUTING.md, applied to a copy of the project: what it says can be done in a few lines can.
import assert from "node:assert/strict";
import { join } from "node:path";
import { complaints, copyProject, type Outcome, ROOT, withFolder } from "../helpers/commands.ts";

/** A fenced block: its language, the file that it makes or changes (if it names one), and its lines. */
interface Block {
  readonly language: string;
  readonly file: string | undefined;
  readonly lines: readonly string[];
}

/** The sections of a page by their headings, each with its fenced blocks in order. */
function examplesIn(page: string): ReadonlyMap<string, readonly Block[]> {
  const sections = page.split(/^## /m).slice(1).map((section): [string, Block[]] => {
    const [heading] = section.split("\n", 1);
    const blocks = [...section.matchAll(/^```(\w+)(?: ignore)?(?: (\S+))?\n([^]*?)^```$/gm)].map((
      [, language, file, text],
    ) => ({
      ...{ language, file },
      lines: text.trimEnd().split("\n"),
    }));
    return [heading, blocks];
  });
  return new Map(sections.filter(([, blocks]) => blocks.length > 0));
}

/** A file after a change: each stretch of the change, between lines `…`, must stand in the file just once. */
function changed(text: string, change: readonly string[]): string {
  const stretches: string[][] = [[]];
  for (const line of change) {
    if (line === "…") stretches.push([]);
    else stretches.at(-1)!.push(line);
  }
  return stretches.reduce((text, lines) => {
    const of = (kept: string) =>
      lines.filter((line) => kept.includes(line[0])).map((line) => `${line.slice(1)}\n`);
    const [before, after] = [of("- "), of("+ ")].map((found) => found.join(""));
    assert.notEqual(before, "", `nothing says where this belongs: ${lines.join("\n")}`);
    assert.equal(text.split(before).length, 2, `stands ${text.split(before).length - 1} times: ${before}`);
    return text.replace(before, () => after);
  }, text);
}

/** Runs a line of a shell in a folder. */
async function shell(line: string, cwd: string): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", line], cwd }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Copies the project, with a shallower scripts/deep.ts, whose kernels are compiled sooner. */
function copyWithShallowDeep(folder: string): void {
  copyProject(folder);
  const path = join(folder, "scripts/deep.ts"), text = Deno.readTextFileSync(path);
  const sizes = "[784, 128, 64, 12, 3]";
  assert.equal(text.split(sizes).length, 2);
  Deno.writeTextFileSync(path, text.replace(sizes, "[784, 12, 3]"));
}

/** Flags with which gradcheck takes seconds: no training before a second check, and differences of one row. */
const QUICK = "--steps 0 --rows 1";

const examples = examplesIn(Deno.readTextFileSync(join(ROOT, "CONTRIBUTING.md")));

Deno.test("CONTRIBUTING has its four examples", () => {
  assert.deepEqual([...examples.keys()], [
    ...["An activation", "A loss", "A layer with its own shader", "A recipe"],
  ]);
});

for (const [heading, blocks] of examples) {
  Deno.test(`CONTRIBUTING, ${heading}: the example applies and runs`, () =>
    withFolder(async (folder) => {
      if (heading === "A recipe") copyProject(folder); // the example changes the sizes
      else copyWithShallowDeep(folder);
      const printed: string[] = [];
      for (const { language, file, lines } of blocks) {
        if (language === "diff") {
          const path = join(folder, file!);
          await Deno.writeTextFile(path, changed(await Deno.readTextFile(path), lines));
        } else if (file !== undefined) await Deno.writeTextFile(join(folder, file), `${lines.join("\n")}\n`);
        else if (language === "sh") {
          for (const line of lines) {
            const outcome = await shell(line.replace(/ gradcheck \S+$/, `$& ${QUICK}`), folder);
            assert.equal(outcome.code, 0, `${line}\n${outcome.stdout}\n${outcome.stderr}`);
            printed.push(outcome.stdout);
          }
        } else assert.fail(`a block of ${language} is neither a file nor a command`);
      }
      assert.equal(printed.filter((text) => text.includes("gradients passed")).length, 1, printed.join("\n"));
      assert.ok(printed.some((text) => /^run saved in /m.test(text)), printed.join("\n"));
    }));
}

Deno.test("CONTRIBUTING's activation: a typo is shown in the expression, a wrong derivative is FAILED", () =>
  withFolder(async (folder) => {
    copyWithShallowDeep(folder);
    const diff = examples.get("An activation")!.find(({ language }) => language === "diff")!;
    const original = await Deno.readTextFile(join(folder, "scripts/deep.ts"));
    const write = (from: string, to: string) => {
      const text = changed(original, diff.lines);
      assert.equal(text.split(from).length, 2, from);
      return Deno.writeTextFile(join(folder, "scripts/mine.ts"), text.replace(from, to));
    };
    await write('"sin(x)"', '"sine(x)"');
    const typo = await shell(
      "deno run --allow-read --allow-write=runs scripts/mine.ts --dry-run --quiet",
      folder,
    );
    assert.equal(typo.code, 1);
    assert.match(
      complaints(typo).join("\n"),
      /^error: Cannot compile forward of activation "sine":1:1: .*\n.*sine\(x\)\n +\^/,
    );
    assert.doesNotMatch(typo.stderr, /bug in Bottleneck|\n {4}at /);
    await write('"cos(x)"', '"0.9 * cos(x)"');
    const wrong = await shell(`deno task gradcheck scripts/mine.ts ${QUICK}`, folder);
    assert.equal(wrong.code, 1, wrong.stdout);
    assert.match(wrong.stdout, /encoder\.0\.weight.*FAILED/);
    const right = wrong.stdout.split("\n").filter((line) => /decoder\.2\.(weight|bias).*\bok\b/.test(line));
    assert.equal(right.length, 4, `what is behind the last activation is right:\n${wrong.stdout}`);
  }));

Deno.test("changed() refuses what does not stand in the file once", () => {
  assert.equal(changed("a\nb\nc\n", ["-b", "+B"]), "a\nB\nc\n");
  assert.equal(changed("a\nb\nc\n", ["-a", "+A", "…", "+x", " c"]), "A\nb\nx\nc\n");
  assert.throws(() => changed("a\na\n", ["-a", "+b"]), /stands 2 times/);
  assert.throws(() => changed("a\n", ["-c", "+b"]), /stands 0 times/);
  assert.throws(() => changed("a\n", ["+b"]), /nothing says where/);
});

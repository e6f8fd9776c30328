/** What commands print holds no control character, whatever files, folders, columns and classes are called. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { shellWord, toOneLine, visible } from "../../src/errors.ts";
import { type Outcome, ROOT, runTask, withFolder } from "../helpers/commands.ts";

/** Colors a terminal, clears it, ends a line, draws from right to left. */
const EVIL = "\x1b[31mred\x1b[2J\x9b1m\x7f\r\u202egnp.\u2066";
const SHOWN = "\\x1b[31mred\\x1b[2J\\x9b1m\\x7f\\r\\u202egnp.\\u2066";

/** Asserts that nothing printed but ends of lines could move a cursor, and returns what was printed. */
function printed({ stdout, stderr }: Outcome): string {
  const text = stdout + stderr;
  // deno-lint-ignore no-control-regex
  const found = /[\0-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/.exec(text);
  assert.equal(found, null, found ? JSON.stringify(text.slice(found.index - 60, found.index + 60)) : "");
  return text;
}

Deno.test("visible() escapes control characters, line separators and changes of direction, and nothing else", () => {
  assert.equal(visible(`${EVIL}\n\0`), `${SHOWN}\\n\\x00`);
  assert.equal(visible("tab\tä 漢字 🙂 \\x1b"), "tab\tä 漢字 🙂 \\x1b");
  assert.equal(visible("a\nbc", 3), "a\\nb…");
  assert.equal(toOneLine("a\n\n b\x1bc"), "a b\\x1bc");
});

Deno.test("shellWord() quotes control characters as bash reads them", () => {
  assert.equal(shellWord("runs/a"), "runs/a");
  assert.equal(shellWord("it's"), `'it'\\''s'`);
  assert.equal(shellWord("a\\'\x1b\n\u202e"), "$'a\\\\\\'\\x1b\\n\\u202e'");
});

Deno.test("src and scripts/tools print through src/terminal.ts alone", () => {
  const found: string[] = [];
  const look = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(join(ROOT, folder))) {
      const path = `${folder}/${name}`;
      if (isDirectory) look(path);
      else if (name.endsWith(".ts") && path !== "src/terminal.ts") {
        for (const line of Deno.readTextFileSync(join(ROOT, path)).split("\n")) {
          if (/^[^*]*\bconsole\./.test(line)) found.push(`${path}: ${line.trim()}`);
        }
      }
    }
  };
  look("src");
  look("scripts/tools");
  assert.deepEqual(found, []);
});

Deno.test("names of folders, columns and classes reach the terminal in escaped form only", () =>
  withFolder(async (folder) => {
    const images = await Deno.readTextFile(join(ROOT, "fixtures/training/images.csv"));
    const [header, ...rows] = images.trimEnd().split("\n").slice(0, 201);
    const cell = (text: string) => `"${EVIL}\n${text}"`;
    const data = join(folder, `${EVIL}\n.csv`);
    await Deno.writeTextFile(
      data,
      [
        header.replace("class", cell("class")).replace("pixel_3", cell("3")),
        ...rows.map((row) => cell(row.slice(0, row.indexOf(","))) + row.slice(row.indexOf(","))),
      ].join("\n") + "\n",
    );
    const runs = join(folder, "runs"), run = join(runs, `${EVIL}\nrun`);
    const own = ["--data", data, "--label", `${EVIL}\nclass`];
    const small = ["--image", "7x7", "--sizes", "49,8,2", "--epochs", "1", "--batch-size", "50"];
    const heldOut = ["--hold-out-class", `${EVIL}\n1`];
    const trained = await runTask("train", [...own, ...small, ...heldOut, "--out", run], folder);
    assert.equal(trained.code, 0, printed(trained));
    assert.match(printed(trained), /\nrun saved in .*red\\x1b\[2J.*\\nrun; open report\.html there\n/);
    assert.match(printed(trained), /\nheld out {2}\\x1b\[31mred\\x1b.*1/);

    const damaged = join(runs, `${EVIL}\ndamaged`);
    await Deno.mkdir(damaged);
    await Deno.writeTextFile(join(damaged, "config.json"), "{");
    const list = await runTask("runs", ["--folder", runs]);
    assert.match(printed(list), /^warning: .*red\\x1b\[2J.*\\ndamaged/m);
    const table = list.stdout.split("\n");
    assert.equal(table[1].split("  ")[0], `${SHOWN}\\nrun`);
    assert.equal(table.length, 3, "a row stays a row");
    await Deno.remove(damaged, { recursive: true });
    const [listed] = JSON.parse(printed(await runTask("runs", ["--folder", runs, "--json"])));
    assert.equal(listed.name, `${EVIL}\nrun`);

    const wrote = await runTask("report", [run], folder);
    assert.equal(printed(wrote), `report written to ${folder}/runs/${SHOWN}\\nrun/report.html\n`);
    for (
      const [task, ...args] of [
        ["evaluate", run],
        ["score", run, data, "--out", join(folder, `${EVIL}.csv`)],
        ["encode", run, data, "--out", join(folder, `${EVIL}.npy`)],
      ] as const
    ) {
      const outcome = await runTask(task, args, folder);
      assert.equal(outcome.code, 0, `${task}: ${printed(outcome)}`);
    }

    const taken = await runTask("train", [...own, ...small, "--out", run], folder);
    assert.equal(taken.code, 1);
    assert.match(printed(taken), /^error: .*\\x1b\[31mred/m);
    const noClass = await runTask("train", [...own, ...small, "--hold-out-class", EVIL], folder);
    assert.equal(noClass.code, 1);
    assert.match(printed(noClass), /^error: .*\\(x|u00)1b\[31mred/m);
    const missing = await runTask("report", [join(folder, `none${EVIL}`)], folder);
    assert.equal(missing.code, 1);
    assert.match(printed(missing), /^error: .*none\\x1b\[31mred/m);
  }));

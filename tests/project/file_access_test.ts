// Files are opened in few places, which know links, pipes and killed processes: all others call these.
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT } from "../helpers/commands.ts";

/** Functions of Deno that change files, and who may call them. */
const WRITING =
  /\bDeno\.(?:writeFile|writeTextFile|create|rename|remove|truncate|copyFile|link|symlink|open|makeTemp(?:File|Dir))(?:Sync)?\(/g;
const WRITERS: Readonly<Record<string, readonly string[]>> = {
  "src/files/write_file.ts": ["openSync", "renameSync", "removeSync"],
  "src/files/read_file.ts": ["openSync"], // to read
  "src/data/open_file.ts": ["openSync"], // to read
  "src/runs/checkpoint_file.ts": ["removeSync"], // old checkpoints
  // folders of their own, no runs
  "scripts/tools/bench_startup.ts": ["remove"],
  "scripts/tools/replay_training.ts": ["makeTempDir", "remove"],
  "scripts/tools/make_fashion_mnist_mini.ts": ["writeFileSync"],
};

/** Functions of Deno that read a whole file, for which a pipe has no end, and who may call them: all look first. */
const READING = /\bDeno\.(?:readFile|readTextFile)(?:Sync)?\(/;
const READERS = [
  "scripts/tools/make_fashion_mnist_mini.ts", // a file that the user names
  "src/data/dataset_files.ts",
  "src/data/png_folder.ts",
  "src/files/read_file.ts",
  "src/recipe/recipe_script.ts", // the script that runs
];

function* scriptsIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(join(ROOT, folder))) {
    if (isDirectory) yield* scriptsIn(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}

Deno.test("files are written by src/files/write_file.ts, which follows no link, and read where pipes are refused", () => {
  const found: Record<string, string[]> = {}, readers: string[] = [];
  for (const path of [...scriptsIn("src"), ...scriptsIn("scripts")]) {
    const text = Deno.readTextFileSync(join(ROOT, path));
    const calls = [...text.matchAll(WRITING)].map(([call]) => call.slice("Deno.".length, -1));
    if (calls.length > 0) found[path] = [...new Set(calls)];
    if (READING.test(text.replace(/^ \*.*$/gm, ""))) readers.push(path);
    for (const [, names] of text.matchAll(/import (.*) from "node:fs(?:\/promises)?"/g)) {
      assert.match(
        names,
        /^\{ (existsSync|readFileSync|readdirSync)(, (existsSync|lstatSync|readFileSync))* \}$/,
        path,
      );
    }
  }
  assert.deepEqual(found, WRITERS);
  assert.deepEqual(readers.sort(), READERS);
});

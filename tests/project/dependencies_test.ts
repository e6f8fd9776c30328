import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT } from "../helpers/commands.ts";

Deno.test("docs/dependencies.md lists every locked package, and none that is not locked", async () => {
  const read = (name: string) => Deno.readTextFile(join(ROOT, name));
  const page = await read("docs/dependencies.md");
  const locks = await Promise.all(
    ["deno.lock", "deno.web.lock", "tests/deno.lock"].map(async (name) => JSON.parse(await read(name))),
  );
  const locked = locks.flatMap(({ npm }) =>
    Object.keys(npm).map((key) => key.split("_")[0].replace(/(.)@/, "$1 "))
  );
  const listed = page.split("\n").filter((line) => line.startsWith("|"))
    .flatMap((line) => [...line.matchAll(/([@\w][\w./-]*) (\d+\.\d+\.\d+)/g)].map(([text]) => text));
  assert.deepEqual(listed.toSorted(), [...new Set(locked)].toSorted());
});

// Every function of mod.ts has an example, which `deno test --doc` runs.
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT } from "../helpers/commands.ts";

/** The functions that mod.ts exports, each with the text of its doc comment. */
function documented(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const module = Deno.readTextFileSync(join(ROOT, "mod.ts"));
  for (const [, names, path] of module.matchAll(/^export \{([^}]*)\} from "(.*)";$/gm)) {
    const code = Deno.readTextFileSync(join(ROOT, path));
    for (
      const name of names.split(",").map((name) => name.trim()).filter((name) => !name.startsWith("type "))
    ) {
      const at = new RegExp(`^export (?:async )?function ${name}\\b`, "m").exec(code)?.index;
      if (at === undefined) continue; // a class or a constant
      found.set(name, code.slice(code.lastIndexOf("/**", at), at));
    }
  }
  return found;
}

Deno.test("every function that mod.ts exports has an example", () => {
  const functions = documented();
  assert.ok(functions.size > 50, `found ${functions.size}`);
  const without = [...functions].filter(([, comment]) => !comment.includes("```ts")).map(([name]) => name);
  assert.deepEqual(without, []);
});

/** Which environment variables anything of this project reads. Deno itself refuses them to commands: none may. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ROOT } from "../helpers/commands.ts";

const read = (path: string) => Deno.readTextFileSync(join(ROOT, path));

/** The files below a folder, from the project's root. */
function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(join(ROOT, folder))].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

const ENVIRONMENT = /\bDeno\.env\b|\bprocess\.env\b|\benv\.(get|toObject)\(/;

Deno.test("no command's source reads the environment", () => {
  const sources = ["mod.ts", ...filesIn("src"), ...filesIn("scripts")].filter((path) =>
    /\.[tj]s$/.test(path)
  );
  assert.ok(sources.length > 100);
  assert.deepEqual(sources.filter((path) => ENVIRONMENT.test(read(path))), []);
  assert.match('Deno.env.get("HOME")', ENVIRONMENT);
});

Deno.test("SECURITY.md names every variable that sh dev, .ci/run and the tests read, and no other", () => {
  const shell = ["dev", ".ci/run"].flatMap((path) =>
    [...read(path).matchAll(/\$\{?([A-Z][A-Z0-9_]+)/g)].map(([, name]) => name)
  );
  const tests = filesIn("tests").filter((path) => path.endsWith(".ts"))
    .flatMap((path) => [...read(path).matchAll(/env\.get\("([A-Z_]+)"\)/g)].map(([, name]) => name));
  const [paragraph] = /- No command reads an environment variable:[^]*?(?=\n- )/.exec(read("SECURITY.md"))!;
  const documented = [...paragraph.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name]) => name);
  assert.deepEqual(documented.toSorted(), [...new Set([...shell, ...tests])].toSorted());
});

// The lists of all faults, docs/faults.md and its summary, and whether each can be planted. tests/gradients/faults_test.ts,
// tests/slow/faults.ts and `deno task test:long` plant them.
import assert from "node:assert/strict";
import { describe, LOOP_FAULTS, plant, SHADER_FAULTS } from "../gradients/faults.ts";
import { listedFaults, listedSummary, summarize } from "../helpers/fault_table.ts";
import { plantInShaders } from "../long/faults.ts";

Deno.test("docs/faults.md lists every fault of the shaders", () => plantInShaders([]));

Deno.test("docs/proofs.md sums up the list in docs/faults.md", async () => {
  const { shaders, loops } = await listedFaults();
  assert.equal(shaders.length, SHADER_FAULTS.length);
  assert.equal(loops.length, LOOP_FAULTS.length);
  assert.deepEqual(await listedSummary(), summarize([...shaders, ...loops]));
});

Deno.test("every entry point of every shader has a planted fault", () => {
  const root = new URL("../../shaders/", import.meta.url);
  const missing: string[] = [];
  for (const folder of ["data", "layers", "losses", "optim"]) {
    for (const { name } of Deno.readDirSync(new URL(`${folder}/`, root))) {
      const shader = `${folder}/${name}`;
      const code = Deno.readTextFileSync(new URL(shader, root));
      for (const [, place] of code.matchAll(/@compute[^\n]*\nfn (\w+)\(/g)) {
        if (!SHADER_FAULTS.some((fault) => fault.shader === shader && fault.place === place)) {
          missing.push(`${shader}, ${place}`);
        }
      }
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("the code that each fault replaces stands where it says, just once", () => {
  const read = (path: string) => Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));
  /** A shader and what its first line, and theirs, name. */
  const partsOf = (path: string, operands: string): string[] => {
    const code = read(`shaders/${path}`), [first] = code.split("\n", 1);
    const names = [...first.matchAll(/common\/(\w+)/g)].map(([, name]) =>
      name === "operands" ? operands : name
    );
    return [code, ...names.flatMap((name) => partsOf(`common/${name}.wgsl`, operands))];
  };
  const stale = SHADER_FAULTS.filter((fault) => {
    const parts = partsOf(fault.shader, fault.kind === "texture" ? "operands_texture" : "operands_buffer");
    return !parts.some((code) => plant(code, fault) !== code);
  });
  assert.deepEqual(stale.map(describe), []);
  const moved = LOOP_FAULTS.filter(({ file, text }) => read(file).split(text).length !== 2);
  assert.deepEqual(moved.map(({ file, fault }) => `${file}: ${fault}`), []);
});

Deno.test("faults have unique names", () => {
  const names = SHADER_FAULTS.map(describe);
  assert.deepEqual(names.filter((name, k) => names.indexOf(name) !== k), []);
});

Deno.test("plant() rejects a text that does not occur exactly once", () => {
  const fault = { shader: "a.wgsl", place: "f", fault: "none", text: "x", becomes: "y" };
  const code = "const C = x;\nfn f() {\n  x\n}\nfn g() {\n  x\n}\n";
  assert.equal(plant(code, fault), "const C = x;\nfn f() {\n  y\n}\nfn g() {\n  x\n}\n");
  assert.equal(plant(code, { ...fault, place: "C" }), code.replace("x", "y"));
  assert.throws(() => plant(code, { ...fault, text: "z" }), /once but found it 0 times/);
  assert.throws(() => plant(code.replace("\n  x", "\n  x + x"), fault), /once but found it 2 times/);
  assert.equal(plant(code, { ...fault, place: "h" }), code, "a part without the function is unchanged");
});

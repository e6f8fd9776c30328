// One fault in each function of each shader, and what notices it. tests/check/every_fault_test.ts plants the whole list.
import assert from "node:assert/strict";
import { describe, nameOf, plant, SHADER_FAULTS } from "./faults.ts";
import { plantAll } from "./planting.ts";

/** Functions that several shaders have from `shaders/common/`. */
const SHARED = new Set(
  SHADER_FAULTS.map(({ place }) => place).filter((place) =>
    new Set(SHADER_FAULTS.filter((fault) => fault.place === place).map(({ shader }) => shader)).size > 1
  ),
);

/** The first fault of each function that a shader has for itself. */
const SAMPLE = [
  ...Map.groupBy(
    SHADER_FAULTS.filter(({ place }) => !SHARED.has(place)),
    (fault) => `${nameOf(fault)} ${fault.place}`,
  ).values(),
].map(([fault]) => fault);

Deno.test(`${SAMPLE.length} faults, one in each function of each shader, are noticed`, async () => {
  const shaders = new Set(SHADER_FAULTS.map(nameOf));
  assert.deepEqual(new Set(SAMPLE.map(nameOf)), shaders, "the sample has each shader");
  const { noticed, survivors } = await plantAll(SAMPLE);
  assert.deepEqual(survivors, []);
  for (const { fault, message } of noticed) {
    assert.ok(message.length > 20, `${describe(fault)}: ${message}`);
  }
});

Deno.test("faults have names of their own", () => {
  const names = SHADER_FAULTS.map(describe);
  assert.deepEqual(names.filter((name, k) => names.indexOf(name) !== k), []);
});

Deno.test("plant() refuses a text that is not there, or more than once", () => {
  const fault = { shader: "a.wgsl", place: "f", fault: "none", text: "x", becomes: "y" };
  const code = "const C = x;\nfn f() {\n  x\n}\nfn g() {\n  x\n}\n";
  assert.equal(plant(code, fault), "const C = x;\nfn f() {\n  y\n}\nfn g() {\n  x\n}\n");
  assert.equal(plant(code, { ...fault, place: "C" }), code.replace("x", "y"));
  assert.throws(() => plant(code, { ...fault, text: "z" }), /stands there 0 times/);
  assert.throws(() => plant(code.replace("\n  x", "\n  x + x"), fault), /stands there 2 times/);
  assert.equal(plant(code, { ...fault, place: "h" }), code, "a part without the function stays as it is");
});

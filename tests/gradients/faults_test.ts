// One fault in each function of each shader must be noticed; tests/check/every_fault_test.ts plants them all.
import assert from "node:assert/strict";
import { describe, nameOf, plant, SHADER_FAULTS } from "./faults.ts";
import { plantAll } from "./planting.ts";

/** Functions from `shaders/common/` that several shaders use. */
const SHARED = new Set(
  SHADER_FAULTS.map(({ place }) => place).filter((place) =>
    new Set(SHADER_FAULTS.filter((fault) => fault.place === place).map(({ shader }) => shader)).size > 1
  ),
);

/** The first fault of each function that only one shader uses. */
const SAMPLE = [
  ...Map.groupBy(
    SHADER_FAULTS.filter(({ place }) => !SHARED.has(place)),
    (fault) => `${nameOf(fault)} ${fault.place}`,
  ).values(),
].map(([fault]) => fault);

Deno.test(`${SAMPLE.length} faults, one in each function of each shader, are noticed`, async () => {
  const shaders = new Set(SHADER_FAULTS.map(nameOf));
  assert.deepEqual(new Set(SAMPLE.map(nameOf)), shaders, "the sample covers each shader");
  const { noticed, survivors } = await plantAll(SAMPLE);
  assert.deepEqual(survivors, []);
  for (const { fault, message } of noticed) {
    assert.ok(message.length > 20, `${describe(fault)}: ${message}`);
  }
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

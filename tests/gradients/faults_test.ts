// One fault in each function of each shader must be noticed. tests/slow/faults.ts plants these and more.
import assert from "node:assert/strict";
import { describe, nameOf, SHADER_FAULTS } from "./faults.ts";
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

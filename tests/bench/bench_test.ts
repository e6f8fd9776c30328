import assert from "node:assert/strict";
import { findVariant } from "../../scripts/tools/bench.ts";
import { InputError } from "../../src/errors.ts";
import { chosen, difference } from "../../scripts/rivals/bench.ts";
import { reasonIn } from "../../scripts/rivals/entrant_process.ts";
import { createTask } from "../../scripts/rivals/models.ts";
import { floatsOf, pixelsOf } from "../../scripts/rivals/task.ts";

Deno.test("findVariant() takes any stage and flags of a recipe, and refuses others by naming what there is", async () => {
  const options = async (name: string, kind?: string) => (await findVariant(name, kind)).options;
  assert.equal(await options("deep"), "");
  assert.equal(await options("stacked"), "stage 0");
  assert.equal(await options("denoising"), "--end-to-end");
  assert.equal(await options("matched", "--match bce --tied"), "--match bce --tied");
  assert.equal(await options("sparse", "stage 2 --rho 0.1"), "stage 2 --rho 0.1");
  const refused = (kind: string, pattern: RegExp) =>
    assert.rejects(
      findVariant("stacked", kind),
      (error) => error instanceof InputError && pattern.test(error.message),
    );
  await refused("stage 9", /"stage 0", "stage 1"/);
  await refused("--nonsense", /Cannot record stacked with "--nonsense": Unknown flag/);
});

Deno.test("difference() is relative, finds the worst step, and never hides NaN", () => {
  assert.equal(difference([1, 200, 3], [1, 100, 3]), 1);
  assert.ok(Number.isNaN(difference([1, NaN], [1, 1])));
  assert.ok(Number.isNaN(difference([1], [1, 1])));
});

Deno.test("chosen() splits a list, and refuses an unknown name", () => {
  assert.deepEqual(chosen("rivals", "b, a", ["a", "b", "c"]), ["b", "a"]);
  assert.deepEqual(chosen("rivals", "all", ["a", "b"]), ["a", "b"]);
  assert.throws(
    () => chosen("rivals", "d", ["a", "b"]),
    /--rivals: expected all or some of a, b but received "d"/,
  );
});

Deno.test("reasonIn() finds the line that says why an entrant ended", () => {
  assert.equal(reasonIn("\x1b[31merror\x1b[0m: no adapter\n    at x", 1), "error: no adapter");
  assert.equal(
    reasonIn("Traceback:\n  raise Error\nModuleNotFoundError: torch", 1),
    "ModuleNotFoundError: torch",
  );
  assert.equal(reasonIn("", 137), "exited with code 137");
});

Deno.test("createTask() hands out the recipe's layers, first parameters, pixels and noise", async () => {
  const vae = await createTask("vae", 3);
  assert.equal(vae.isVariational && vae.isSum, true);
  assert.deepEqual(vae.layers.map(({ weight }) => weight), [1, 2, 3, 4, 5].map((k) => `fc${k}.weight`));
  assert.deepEqual(vae.noise.map((noise) => floatsOf(noise).length), [128 * 20, 128 * 20, 128 * 20]);
  assert.notEqual(vae.noise[0], vae.noise[1]);
  const { shape, data } = vae.parameters["fc1.weight"];
  assert.equal(floatsOf(data).length, shape[0] * shape[1]);
  const pixels = pixelsOf(vae, 0);
  assert.equal(pixels.length, 128 * 784);
  assert.ok(pixels.every((pixel) => pixel >= 0 && pixel <= 1) && pixels.includes(1));

  const tied = await createTask("tied", 1);
  assert.deepEqual(tied.layers.map((layer) => layer.tied), [
    false,
    false,
    false,
    false,
    true,
    true,
    true,
    true,
  ]);
  assert.equal(tied.shift, Math.fround(0.2));
  assert.deepEqual(tied.noise, []);
});

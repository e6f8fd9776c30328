/**
 * Bounds checks: out-of-bounds reads of a shader return no foreign data, and out-of-bounds writes change
 * none.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import { createPipeline } from "../../gpu/kernel.ts";
import code from "./bounds.wgsl" with { type: "text" };
import { bind, dispatch, type SelfTest } from "./self_test.ts";

const WORDS = 64;
const [INSIDE, SECRET, MARK] = [0x11111111, 0x5ec5ec5e, 0x3a3a3a3a];
/** Indices past the end of 64 words: in the guard after them, and far beyond. */
const PLACES = [64, 65, 100, 127, 128, 1000, 65536, 2 ** 24, 2 ** 30 - 1, 2 ** 30, 2 ** 31, 2 ** 32 - 1];

/** Reads and writes past the end of a buffer binding, whose buffer continues with a guard. */
export const bounds: SelfTest = {
  name: "bounds",
  breaks: "nothing directly, but a wrong index would corrupt other tensors",
  async run(gpu: Gpu) {
    const shader = { path: "src/check/self_tests/bounds.wgsl", code };
    const access = ["read", "write", "write", "write"] as const;
    const spec = { shader, entryPoint: "out_of_bounds", constants: { MARK }, access };
    const pipeline = await createPipeline(gpu, spec);
    const places = Uint32Array.from({ length: WORDS }, (_, invocation) => PLACES[invocation % PLACES.length]);
    const contents = Uint32Array.from({ length: 2 * WORDS }, (_, at) => at < WORDS ? INSIDE : SECRET);
    const buffers = [
      gpu.upload("bounds places", places),
      gpu.upload("bounds memory", contents),
      gpu.createBuffer("bounds seen", 4 * WORDS),
    ];
    const [indices, memory, seen] = buffers;
    try {
      const inside = { buffer: memory, offset: 0, size: 4 * WORDS };
      const guard = { buffer: memory, offset: 4 * WORDS, size: 4 * WORDS };
      dispatch(gpu, pipeline, [bind(gpu, pipeline, [indices, inside, seen, guard])], 1);
      const parts = await gpu.read([guard, { ...inside, buffer: seen }], "self-test of bounds");
      const [kept, found] = parts.map((floats) => new Uint32Array(floats.buffer));
      const changed = kept.filter((word) => word !== SECRET).length;
      // a read may return zero or any word of the array itself: an initial one, or one written by another
      // invocation
      const leaked = found.filter((word) => ![0, INSIDE, MARK].includes(word)).length;
      const figures = { "foreign words read": leaked, "foreign words changed": changed };
      return { passed: changed === 0 && leaked === 0, figures };
    } finally {
      for (const buffer of buffers) gpu.destroyBuffer(buffer);
    }
  },
};

/**
 * Workgroup barriers: invocations see earlier writes of their workgroup, and no later ones.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import code from "./barriers.wgsl" with { type: "text" };
import { runJob, type SelfTest, wrongWords } from "./self_test.ts";

const SIZES = [8, 64, 256];
const WORKGROUPS = 64;
const ROUNDS = 40;

/** Passes words around workgroups of several sizes; the expected result is computed in TypeScript. */
export const barriers: SelfTest = {
  name: "workgroup barriers",
  breaks: "every loss and gradient norm: their partial sums are synchronized by barriers",
  async run(gpu: Gpu) {
    const wrong: Record<string, number> = {};
    for (const invocations of SIZES) {
      const start = Uint32Array.from(
        { length: WORKGROUPS * invocations },
        (_, k) => Math.imul(k, 2654435761),
      );
      const [[mixed]] = await runJob(gpu, {
        shader: { path: "src/check/self_tests/barriers.wgsl", code },
        entryPoint: "mix_words",
        constants: { WORKGROUP_SIZE: invocations, ROUNDS },
        reads: [start],
        writes: [start.length],
        workgroups: WORKGROUPS,
      });
      wrong[`wrong words of ${invocations} invocations`] = wrongWords(mixed, mixWords(start, invocations));
    }
    return { passed: Object.values(wrong).every((count) => count === 0), figures: wrong };
  },
};

/** The computation of the shader. */
function mixWords(start: Uint32Array, invocations: number): Uint32Array {
  let words = start;
  for (let round = 0; round < ROUNDS; round++) {
    const before = words;
    words = before.map((word, place) => {
      const invocation = place % invocations;
      const other = before[place - invocation + (invocation + invocations / 2 + round) % invocations];
      return Math.imul(word, 1664525) + other;
    });
  }
  return words;
}

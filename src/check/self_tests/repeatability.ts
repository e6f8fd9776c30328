/**
 * Repeatability: the same computation is bit-exact every time.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import { RandomStream } from "../../random.ts";
import code from "./repeatability.wgsl" with { type: "text" };
import { runJob, type SelfTest, wrongWords } from "./self_test.ts";

const RUNS = 30;
const COUNT = 1024;

/** Compares repeated runs of the same sums bit by bit. */
export const repeatability: SelfTest = {
  name: "repeatability",
  breaks: "reproducible runs: the same seed would give another model",
  async run(gpu: Gpu) {
    const random = new RandomStream(0, "self-test repeatability");
    const [first, ...others] = await runJob(gpu, {
      shader: { path: "src/check/self_tests/repeatability.wgsl", code },
      entryPoint: "repeated_sum",
      reads: [Float32Array.from({ length: COUNT }, () => 4 * random.nextUnit() - 2)],
      writes: [COUNT],
      workgroups: COUNT / 64,
      runs: RUNS,
    });
    const differing = others.filter(([words]) => wrongWords(words, first[0]) > 0).length;
    return { passed: differing === 0, figures: { runs: RUNS, "runs with other bits": differing } };
  },
};

/**
 * Tree reduction: bit-exact float32 sums in a fixed order.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import { RandomStream } from "../../random.ts";
import { runJob, type SelfTest, wrongWords } from "./self_test.ts";
import code from "./tree_reduction.wgsl" with { type: "text" };

const [WORKGROUPS, WORKGROUP_SIZE, TERMS] = [32, 64, 20];

/** Sums random numbers; the expected sums are computed in TypeScript, rounding each addition to float32. */
export const treeReduction: SelfTest = {
  name: "tree reduction",
  breaks:
    "every loss and gradient norm: they are summed this way, and float32 additions must round correctly",
  async run(gpu: Gpu) {
    const random = new RandomStream(0, "self-test tree reduction");
    const x = Float32Array.from(
      { length: WORKGROUPS * WORKGROUP_SIZE * TERMS },
      () => 2 * random.nextUnit() - 1,
    );
    const [[totals]] = await runJob(gpu, {
      shader: { path: "src/check/self_tests/tree_reduction.wgsl", code },
      entryPoint: "tree_sum",
      constants: { WORKGROUP_SIZE, TERMS },
      reads: [x],
      writes: [WORKGROUPS],
      workgroups: WORKGROUPS,
    });
    const expected = Float32Array.from({ length: WORKGROUPS }, (_, k) => treeSum(x, k));
    const wrong = wrongWords(totals, new Uint32Array(expected.buffer));
    return { passed: wrong === 0, figures: { [`wrong sums of ${WORKGROUPS}`]: wrong } };
  },
};

/** The computation of the shader for a workgroup. */
function treeSum(x: Float32Array, workgroup: number): number {
  const sums = new Float32Array(WORKGROUP_SIZE); // each += rounds to float32
  for (let term = 0; term < TERMS; term++) {
    for (let invocation = 0; invocation < WORKGROUP_SIZE; invocation++) {
      sums[invocation] += x[(workgroup * TERMS + term) * WORKGROUP_SIZE + invocation];
    }
  }
  for (let half = WORKGROUP_SIZE / 2; half >= 1; half /= 2) {
    for (let invocation = 0; invocation < half; invocation++) sums[invocation] += sums[invocation + half];
  }
  return sums[0];
}

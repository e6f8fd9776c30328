/**
 * 32-bit integers: exact and wrapping, with exact conversion to float32 below 2^24.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import code from "./integers.wgsl" with { type: "text" };
import { runJob, type SelfTest, wrongWords } from "./self_test.ts";

const NUMBERS = [
  ...[1, 2, 3, 7, 31, 32, 255, 784, 65535, 65536, 65537, 16777215, 16777216, 16777217],
  ...[0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff],
  ...[0xd2511f53, 0xcd9e8d57, 0x9e3779b9, 0xbb67ae85], // constants of the random number generator
];
const NAMES = ["+", "-", "*", "high word", "<<", ">>", "xor", "/", "%", "to f32"];

/** Runs every operation on every pair of critical numbers and compares the results with TypeScript. */
export const integers: SelfTest = {
  name: "exact integers",
  breaks: "noise, which would differ from its specification, and the indices of all elements",
  async run(gpu: Gpu) {
    const pairs = NUMBERS.flatMap((a) => NUMBERS.map((b) => [a, b] as const));
    const [[words]] = await runJob(gpu, {
      shader: { path: "src/check/self_tests/integers.wgsl", code },
      entryPoint: "integer_operations",
      reads: [Uint32Array.from(pairs.flat())],
      writes: [NAMES.length * pairs.length],
      workgroups: Math.ceil(pairs.length / 64),
    });
    const expected = Uint32Array.from(pairs.flatMap(([a, b]) => operations(a, b)));
    const astray = NAMES.filter((_, k) => {
      const column = (all: Uint32Array) => all.filter((_word, at) => at % NAMES.length === k);
      return wrongWords(column(words), column(expected)) > 0;
    });
    const figures = { pairs: pairs.length, "wrong operations": astray.join(", ") || "none" };
    return { passed: astray.length === 0, figures };
  },
};

/** The computation of the shader for a pair. */
function operations(a: number, b: number): number[] {
  const float = new Uint32Array(Float32Array.of(a & 0xffffff).buffer)[0];
  const high = Number(BigInt(a) * BigInt(b) >> 32n);
  return [a + b, a - b, Math.imul(a, b), high, a << (b & 31), a >>> (b & 31), a ^ b, a / b, a % b, float];
}

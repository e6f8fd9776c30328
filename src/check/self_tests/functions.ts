/**
 * Errors of exp, log, tanh, sqrt and division against float64, in units in the last place of float32 (ULP).
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import code from "./functions.wgsl" with { type: "text" };
import { runJob, type SelfTest } from "./self_test.ts";

const COUNT = 65536;

/** A function with its range of arguments and the error that WGSL allows (section 15.7.4). */
interface MathFunction {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  /** True if the arguments are spaced logarithmically. */
  readonly logarithmic: boolean;
  readonly exact: (x: number) => number;
  /** Largest allowed absolute error at x, for the exact result y. */
  readonly allowed: (x: number, y: number) => number;
}

const FUNCTIONS: readonly MathFunction[] = [
  {
    ...{ name: "exp", low: -80, high: 80, logarithmic: false, exact: Math.exp },
    allowed: (x, y) => (3 + 2 * Math.abs(x)) * ulp(y),
  },
  {
    ...{ name: "log", low: 1e-6, high: 1e6, logarithmic: true, exact: Math.log },
    allowed: (x, y) => x >= 0.5 && x <= 2 ? 2 ** -21 : 3 * ulp(y),
  },
  { name: "tanh", low: -12, high: 12, logarithmic: false, exact: Math.tanh, allowed: () => 1e-5 },
  {
    ...{ name: "sqrt", low: 1e-20, high: 1e20, logarithmic: true, exact: Math.sqrt },
    allowed: (_x, y) => 5 * ulp(y), // 1 / inverseSqrt: 2 ULP, 2.5 for the division, and rounding
  },
  {
    ...{ name: "1/x", low: 1e-20, high: 1e20, logarithmic: true, exact: (x) => 1 / x },
    allowed: (_x, y) => 2.5 * ulp(y),
  },
];

/** Measures the largest error over the range of each function, against Math in float64. */
export const functions: SelfTest = {
  name: "functions",
  breaks: "activations, cross-entropy and Adam, whose results would exceed the bounds of every check",
  async run(gpu: Gpu) {
    const x = new Float32Array(FUNCTIONS.length * COUNT);
    FUNCTIONS.forEach(({ low, high, logarithmic }, k) => {
      for (let at = 0; at < COUNT; at++) {
        const share = at / (COUNT - 1);
        x[k * COUNT + at] = logarithmic ? low * (high / low) ** share : low + (high - low) * share;
      }
    });
    const [[words]] = await runJob(gpu, {
      shader: { path: "src/check/self_tests/functions.wgsl", code },
      entryPoint: "functions",
      constants: { COUNT },
      reads: [x],
      writes: [x.length],
      workgroups: x.length / 64,
    });
    const y = new Float32Array(words.buffer);
    const figures: Record<string, number> = {};
    let passed = true;
    FUNCTIONS.forEach((measured, k) => {
      const part = [k * COUNT, (k + 1) * COUNT] as const;
      const { ulps, share, absolute } = worst(measured, x.subarray(...part), y.subarray(...part));
      figures[`${measured.name} ULP`] = Number(ulps.toPrecision(3));
      if (measured.name === "tanh" || measured.name === "log") {
        figures[`${measured.name} absolute`] = Number(absolute.toPrecision(2));
      }
      passed &&= share <= 1;
    });
    return { passed, figures };
  },
};

/** Returns the largest error in ULP, absolute, and relative to the allowed error; NaN if a result is NaN. */
function worst({ exact, allowed }: MathFunction, x: Float32Array, y: Float32Array) {
  let [ulps, absolute, share] = [0, 0, 0];
  x.forEach((number, at) => {
    const expected = exact(number);
    const error = Math.abs(y[at] - expected);
    ulps = Math.max(ulps, error / ulp(expected));
    absolute = Math.max(absolute, error);
    share = Math.max(share, error / allowed(number, expected));
  });
  return { ulps, absolute, share };
}

/** Spacing of float32 numbers around y. */
function ulp(y: number): number {
  return 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(y)))) - 23);
}

/**
 * NaN and infinity: NaN must pass through arithmetic and be found by its bits, and large numbers must saturate. Devices
 * may make numbers of NaN in functions such as exp; the test says in which.
 * @module
 */
import type { Gpu } from "../../gpu/device.ts";
import { runJob, type SelfTest } from "./self_test.ts";
import code from "./special_values.wgsl" with { type: "text" };

const NUMBERS = [NaN, -NaN, Infinity, -Infinity, 100, -100, 3e38, -3e38, 0, 1];

/** Expressions that the project's shaders use; undefined for arguments that do not occur. */
const USED: Readonly<Record<string, (x: number) => number | undefined>> = {
  "ReLU by select": (x) => x <= 0 ? 0 : x,
  "2x + 1": (x) => Math.fround(2 * x + 1),
  exp: (x) => Math.fround(Math.exp(x)),
  sigmoid: (x) => Math.fround(1 / (1 + Math.exp(-x))),
  tanh: Math.tanh,
  sqrt: (x) => x < 0 ? undefined : Math.fround(Math.sqrt(x)),
  log: (x) => x <= 0 ? undefined : Math.fround(Math.log(x)), // no shader computes log 0
  "NaN by bits": (x) => Number.isNaN(x) ? 1 : 0,
};
/** May return a number for NaN, as some do with SwiftShader and OpenGL: the bits of gradients and parameters show NaN. */
const MAY_DROP_NAN: readonly string[] = ["ReLU by select", "exp", "sigmoid", "tanh", "sqrt", "log"];
/** Expressions that the shaders avoid because devices differ; reported, but not judged. */
const AVOIDED = ["max(NaN, 0)", "min(NaN, 0)", "clamp(NaN, 0, 1)", "NaN != NaN"];
const COLUMNS = Object.keys(USED).length + AVOIDED.length;

/** Evaluates the expressions at special numbers and compares the results with JavaScript. */
export const specialValues: SelfTest = {
  name: "NaN and infinity",
  breaks: "the detection of divergence: NaN would not be found, or would appear in saturated sums",
  async run(gpu: Gpu) {
    const [[words]] = await runJob(gpu, {
      shader: { path: "src/check/self_tests/special_values.wgsl", code },
      entryPoint: "special_values",
      reads: [Float32Array.from(NUMBERS)],
      writes: [COLUMNS * NUMBERS.length],
      workgroups: 1,
    });
    const y = new Float32Array(words.buffer);
    const astray: string[] = [], dropping = new Set<string>();
    for (const [column, [name, expected]] of Object.entries(USED).entries()) {
      for (const [row, x] of NUMBERS.entries()) {
        if (agrees(y[row * COLUMNS + column], expected(x))) continue;
        if (Number.isNaN(x) && MAY_DROP_NAN.includes(name)) dropping.add(name);
        else astray.push(`${name} of ${x}`);
      }
    }
    const figures: Record<string, string | number> = {
      "wrong results": astray.join(", ") || "none",
      "NaN becomes a number in": [...dropping].join(", ") || "none",
    };
    AVOIDED.forEach((name, k) => {
      const result = y[Object.keys(USED).length + k];
      figures[name] = name === "NaN != NaN" ? (result === 1 ? "true" : "false") : String(result);
    });
    return { passed: astray.length === 0, figures };
  },
};

/** True for NaN and NaN, equal infinities, nearly equal numbers, and anything if undefined is expected. */
function agrees(actual: number, expected: number | undefined): boolean {
  if (expected === undefined) return true;
  return Object.is(actual, expected) || Number.isFinite(expected) &&
      Math.abs(actual - expected) <= 1e-5 * Math.max(1e-5, Math.abs(expected));
}

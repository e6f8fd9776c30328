/**
 * Checks of custom functions, point by point: the shader against its float64 reference, and the reference's
 * derivatives against finite differences. A network's gradients show that something is wrong; this shows
 * which function is.
 * @module
 */
import { lossOf } from "../elementwise/loss.ts";
import { Diverged } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import {
  type ElementwiseLossReference,
  type ElementwiseReference,
  Graph,
  type Node,
} from "../graph/graph.ts";
import { Parameters } from "../graph/parameters.ts";

/** Result for one custom function. */
export interface FunctionCheck {
  /** Kind and name of the function, such as `activation "leaky"`. */
  readonly of: string;
  /** Errors in words; empty if there are none. */
  readonly failures: readonly string[];
  /** Remarks, such as an undeclared kink. */
  readonly remarks: readonly string[];
}

/** Number of points at which a function is checked. */
const POINTS = 512;
/** Largest relative error; loose, because this check finds wrong formulas, not rounding. */
const BOUND = 1e-3;
/** Smallest distance of a point from a kink. */
const MARGIN = 1e-3;
/** Step size of a central difference. */
const STEP = 1e-5;

/** Checks each distinct custom function of a network once. */
export async function checkFunctions(gpu: Gpu, nodes: readonly Node[]): Promise<FunctionCheck[]> {
  const activations = new Set(nodes.flatMap(({ elementwise }) => elementwise ?? []));
  const losses = new Set(nodes.flatMap(({ elementwiseLoss }) => elementwiseLoss ?? []));
  const found: FunctionCheck[] = [];
  for (const f of activations) found.push(await checkActivation(gpu, f));
  for (const loss of losses) found.push(await checkLoss(gpu, loss));
  return found;
}

/** A sum as the loss: its gradient is 1, so the gradient of its input is the derivative to check. */
const SUM = lossOf({
  name: "sum",
  value: "y",
  byPrediction: "1.0",
  reference: { value: (y) => y, byPrediction: () => 1 },
});

async function checkActivation(gpu: Gpu, f: ElementwiseReference): Promise<FunctionCheck> {
  const x = spread(0.618034, -6, 6).filter((x) =>
    inRange(f.forward(x)) && inRange(f.derivative(x)) && isFarFrom(f.kinks, x)
  );
  const failures: string[] = [], remarks: string[] = [];
  if (x.length > 0) {
    using parameters = new Parameters(0);
    const graph = new Graph(1);
    const [input, unused] = [graph.input("x", x.length), graph.input("unused", x.length)];
    const y = f.record(graph, input, "y");
    const losses = [SUM(graph, y, unused, { label: "sum", reduction: "sum" })];
    using step = await compile(gpu, graph, parameters, { label: f.name, losses, gradients: [input] });
    step.upload(input, Float32Array.from(x));
    step.run({ first: 0, rows: 1 });
    const [[forward], [derivative]] = await Promise.all([
      step.read([y], 1),
      step.readValueGradients([input], 1),
    ]);
    const at = (k: number) => `x = ${quote(x[k])}`;
    const twins = x.map((x) => f.derivative(x));
    failures.push(
      ...differ("forward", at, forward, ON_GPU, x.map((x) => f.forward(x)), IN_REFERENCE),
      ...differ("derivative", at, derivative, ON_GPU, twins, IN_REFERENCE),
      ...differ("derivative", at, twins, IN_REFERENCE, x.map((x) => slope(f.forward, x)), BY_DIFFERENCES),
    );
    remarks.push(...notFinite("forward", at, forward), ...notFinite("derivative", at, derivative));
  }
  const jumps = jumpsOf(f.derivative, -6, 6).filter((jump) => isFarFrom(f.kinks, jump));
  return { of: `activation "${f.name}"`, failures, remarks: [...remarks, ...undeclared("x", jumps)] };
}

async function checkLoss(gpu: Gpu, loss: ElementwiseLossReference): Promise<FunctionCheck> {
  const { byPrediction, byTarget } = loss;
  // half of the pairs in the range of probabilities, half in a wider one
  const pairs = [[0, 1], [-3, 3]].flatMap(([from, to]) => {
    const targets = spread(0.754878, from, to);
    return spread(0.569840, from, to).map((y, k) => [y, targets[k]] as const);
  }).filter(([y, t]) =>
    [loss.value(y, t), byPrediction(y, t), byTarget?.(y, t) ?? 0].every(inRange) &&
    isFarFrom(loss.kinks, y - t)
  );
  const failures: string[] = [], remarks: string[] = [];
  if (pairs.length > 0) {
    using parameters = new Parameters(0);
    const graph = new Graph(1);
    const [y, t] = [graph.input("y", pairs.length), graph.input("t", pairs.length)];
    const losses = [loss.record(graph, y, t, "loss")], inputs = byTarget ? [y, t] : [y];
    using step = await compile(gpu, graph, parameters, { label: loss.name, losses, gradients: inputs });
    step.upload(y, Float32Array.from(pairs, ([y]) => y));
    step.upload(t, Float32Array.from(pairs, ([, t]) => t));
    step.run({ first: 0, rows: 1 });
    const [onGpu, ontoTarget] = await step.readValueGradients(inputs, 1);
    const sum = await sumOf(step);
    const values = pairs.map(([y, t]) => loss.value(y, t)), total = values.reduce((a, b) => a + b, 0);
    const size = values.reduce((a, b) => a + Math.abs(b), 0);
    if (!Number.isFinite(sum)) {
      remarks.push(`"value" is not finite ${ON_GPU} for some pair, but finite ${IN_REFERENCE}`);
    } else if (Math.abs(sum - total) > BOUND * size) {
      failures.push(
        `"value" summed over ${pairs.length} pairs is ${quote(sum)} ${ON_GPU} but ${
          quote(total)
        } ${IN_REFERENCE}`,
      );
    }
    const at = (k: number) => `y = ${quote(pairs[k][0])}, t = ${quote(pairs[k][1])}`;
    const byY = pairs.map(([y, t]) => byPrediction(y, t));
    const slopes = pairs.map(([y, t]) => slope((y) => loss.value(y, t), y));
    failures.push(
      ...differ("byPrediction", at, onGpu, ON_GPU, byY, IN_REFERENCE),
      ...differ("byPrediction", at, byY, IN_REFERENCE, slopes, BY_DIFFERENCES),
    );
    remarks.push(...notFinite("byPrediction", at, onGpu));
    if (byTarget) {
      const byT = pairs.map(([y, t]) => byTarget(y, t));
      const slopesByT = pairs.map(([y, t]) => slope((t) => loss.value(y, t), t));
      failures.push(
        ...differ("byTarget", at, ontoTarget, ON_GPU, byT, IN_REFERENCE),
        ...differ("byTarget", at, byT, IN_REFERENCE, slopesByT, BY_DIFFERENCES),
      );
      remarks.push(...notFinite("byTarget", at, ontoTarget));
    }
  }
  // kinks are values of y − t, so a jump at the same y − t for two targets is a kink
  const [here, there] = [0.3, 0.7].map((t) => jumpsOf((d) => byPrediction(t + d, t), -3, 3));
  const jumps = here.filter((jump) => isFarFrom(loss.kinks, jump) && !isFarFrom(there, jump));
  return { of: `loss "${loss.name}"`, failures, remarks: [...remarks, ...undeclared("y − t", jumps)] };
}

/** Reads the sum of the loss; NaN if it is not finite on the GPU. */
async function sumOf(step: Awaited<ReturnType<typeof compile>>): Promise<number> {
  try {
    return (await step.readLosses()).mean.loss;
  } catch (error) {
    if (error instanceof Diverged) return NaN;
    throw error;
  }
}

const ON_GPU = "on the GPU",
  IN_REFERENCE = "in the reference",
  BY_DIFFERENCES = "by finite differences of it";

/** Returns a line about the point of largest difference; none if all points where both are finite agree. */
function differ(
  what: string,
  at: (k: number) => string,
  left: ArrayLike<number>,
  where: string,
  right: readonly number[],
  there: string,
): string[] {
  const usual = right.reduce((sum, number) => sum + Math.min(1, Math.abs(number)), 0) / right.length;
  let [worst, excess] = [-1, 1];
  for (const [k, expected] of right.entries()) {
    const off = Math.abs(left[k] - expected) / (BOUND * (Math.abs(expected) + usual) || Number.MIN_VALUE);
    if (off < Infinity && off > excess) [worst, excess] = [k, off];
  }
  if (worst < 0) return [];
  return [
    `"${what}" at ${at(worst)} is ${quote(left[worst])} ${where} but ${quote(right[worst])} ${there}`,
  ];
}

/** Returns a line about a point that is finite in the reference but not on the GPU, if there is one. */
function notFinite(what: string, at: (k: number) => string, onGpu: Float32Array): string[] {
  const k = onGpu.findIndex((number) => !Number.isFinite(number));
  if (k < 0) return [];
  return [
    `"${what}" at ${at(k)} is ${
      onGpu[k]
    } ${ON_GPU} but finite ${IN_REFERENCE}: training diverges if it reaches this point`,
  ];
}

/** Slope of a function by central differences; NaN if two step sizes disagree, as near a pole. */
function slope(f: (x: number) => number, x: number): number {
  const [coarse, fine] = [STEP, STEP / 2].map((h) => (f(x + h) - f(x - h)) / (2 * h));
  return Math.abs(coarse - fine) <= BOUND / 10 * Math.abs(fine) + STEP ? (4 * fine - coarse) / 3 : NaN;
}

/** True if a number is in float32's range, with a margin for intermediate values. */
function inRange(number: number): boolean {
  return Math.abs(number) < 1e30;
}

/** Returns float32 numbers evenly spread over a range, in no particular order, with few zero digits. */
function spread(golden: number, from: number, to: number): number[] {
  return Array.from({ length: POINTS }, (_, k) => Math.fround(from + (to - from) * ((k + 0.5) * golden % 1)));
}

function isFarFrom(kinks: readonly number[], x: number): boolean {
  return kinks.every((kink) => Math.abs(x - kink) > MARGIN);
}

/** Finds the jumps of a derivative: differences that do not shrink as two points approach each other. */
function jumpsOf(derivative: (x: number) => number, from: number, to: number): number[] {
  const found: number[] = [];
  const width = (to - from) / POINTS;
  for (let k = 0; k < POINTS; k++) {
    let [a, b] = [from + (k - 0.3) * width, from + (k + 0.7) * width]; // not at round numbers: jumps lie there
    const before = Math.abs(derivative(b) - derivative(a));
    if (!(before > BOUND * (Math.abs(derivative(a)) + Math.abs(derivative(b))))) continue;
    for (let halving = 0; halving < 40; halving++) {
      const middle = (a + b) / 2, left = Math.abs(derivative(middle) - derivative(a));
      if (left > Math.abs(derivative(b) - derivative(middle))) b = middle;
      else a = middle;
    }
    const jump = Math.abs(derivative(b) - derivative(a)) / before; // grows at a pole, shrinks on a steep slope
    if (jump > 0.5 && jump < 2) found.push((a + b) / 2);
  }
  return found;
}

function undeclared(variable: string, jumps: readonly number[]): string[] {
  if (jumps.length === 0) return [];
  const list = jumps.slice(0, 5).map((jump) => Number(jump.toPrecision(6)) + 0).join(", ");
  return [
    `its derivative jumps at ${variable} = ${list}, which "kinks" does not list; declare it, or finite differences fail`,
  ];
}

function quote(number: number): string {
  return String(Number(number.toPrecision(5)));
}

/**
 * Functions that users write, each by itself: its shader against its float64 twin, and the twin's derivatives against
 * finite differences, number by number. A network's gradients say that something is wrong; this says which function is.
 * @module
 */
import { lossOf } from "../elementwise/loss.ts";
import { Diverged } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../graph/compile.ts";
import {
  type ElementwiseLossReference,
  type ElementwiseReference,
  Graph,
  type Node,
} from "../graph/graph.ts";
import { Parameters } from "../graph/parameters.ts";

/** What was found about one function. */
export interface FunctionCheck {
  /** Such as `activation "leaky"`. */
  readonly of: string;
  /** What is wrong, in words; empty if nothing is. */
  readonly failures: readonly string[];
  /** What else there is to say, such as that a kink is not declared. */
  readonly remarks: readonly string[];
}

/** Numbers at which each is looked at. */
const POINTS = 512;
/** How far both sides may be apart, relative to the function: this is for wrong formulas, networks are for rounding. */
const BOUND = 1e-3;
/** No number lies nearer to a kink. */
const MARGIN = 1e-3;
/** Half the distance of a finite difference. */
const STEP = 1e-5;

/** Checks each different function of a network's nodes. */
export async function checkFunctions(gpu: Gpu, nodes: readonly Node[]): Promise<FunctionCheck[]> {
  const activations = new Set(nodes.flatMap(({ elementwise }) => elementwise ?? []));
  const losses = new Set(nodes.flatMap(({ elementwiseLoss }) => elementwiseLoss ?? []));
  const found: FunctionCheck[] = [];
  for (const f of activations) found.push(await checkActivation(gpu, f));
  for (const loss of losses) found.push(await checkLoss(gpu, loss));
  return found;
}

/** A sum, whose derivative by each element is 1: what comes back through it is the derivative before it. */
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
  // half of the pairs as probabilities are, half beyond
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
      remarks.push(`"value" is not finite ${ON_GPU} for some pair, where it is ${IN_REFERENCE}`);
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
  // kinks are values of y − t: what jumps at the same of them for two targets is one
  const [here, there] = [0.3, 0.7].map((t) => jumpsOf((d) => byPrediction(t + d, t), -3, 3));
  const jumps = here.filter((jump) => isFarFrom(loss.kinks, jump) && !isFarFrom(there, jump));
  return { of: `loss "${loss.name}"`, failures, remarks: [...remarks, ...undeclared("y − t", jumps)] };
}

/** The loss's sum; NaN if the GPU's is not finite. */
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

/** One line about the number where two sides differ most; none if they agree wherever both are finite. */
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

/** One line about a number that is finite in the reference, and not on the GPU; none if there is none. */
function notFinite(what: string, at: (k: number) => string, onGpu: Float32Array): string[] {
  const k = onGpu.findIndex((number) => !Number.isFinite(number));
  if (k < 0) return [];
  return [
    `"${what}" at ${at(k)} is ${
      onGpu[k]
    } ${ON_GPU}, where it is finite ${IN_REFERENCE}: training that comes there ends`,
  ];
}

/** The slope of a function by central differences; NaN where two of them disagree, as near a pole. */
function slope(f: (x: number) => number, x: number): number {
  const [coarse, fine] = [STEP, STEP / 2].map((h) => (f(x + h) - f(x - h)) / (2 * h));
  return Math.abs(coarse - fine) <= BOUND / 10 * Math.abs(fine) + STEP ? (4 * fine - coarse) / 3 : NaN;
}

/** Whether float32 holds a number, with room for what leads to it. */
function inRange(number: number): boolean {
  return Math.abs(number) < 1e30;
}

/** Numbers of float32 from one to another, evenly spread in any order, in which few digits are zeros. */
function spread(golden: number, from: number, to: number): number[] {
  return Array.from({ length: POINTS }, (_, k) => Math.fround(from + (to - from) * ((k + 0.5) * golden % 1)));
}

function isFarFrom(kinks: readonly number[], x: number): boolean {
  return kinks.every((kink) => Math.abs(x - kink) > MARGIN);
}

/** Where a derivative jumps: where a difference between neighbors stays however near they come. */
function jumpsOf(derivative: (x: number) => number, from: number, to: number): number[] {
  const found: number[] = [];
  const width = (to - from) / POINTS;
  for (let k = 0; k < POINTS; k++) {
    let [a, b] = [from + (k - 0.3) * width, from + (k + 0.7) * width]; // no jump lies at an end: they lie at round numbers
    const before = Math.abs(derivative(b) - derivative(a));
    if (!(before > BOUND * (Math.abs(derivative(a)) + Math.abs(derivative(b))))) continue;
    for (let halving = 0; halving < 40; halving++) {
      const middle = (a + b) / 2, left = Math.abs(derivative(middle) - derivative(a));
      if (left > Math.abs(derivative(b) - derivative(middle))) b = middle;
      else a = middle;
    }
    const jump = Math.abs(derivative(b) - derivative(a)) / before; // at a pole it grows, in a steep place it shrinks
    if (jump > 0.5 && jump < 2) found.push((a + b) / 2);
  }
  return found;
}

function undeclared(variable: string, jumps: readonly number[]): string[] {
  if (jumps.length === 0) return [];
  const list = jumps.slice(0, 5).map((jump) => Number(jump.toPrecision(6)) + 0).join(", ");
  return [
    `its derivative jumps at ${variable} = ${list}, which "kinks" does not list: declare it, or differences fail there`,
  ];
}

function quote(number: number): string {
  return String(Number(number.toPrecision(5)));
}

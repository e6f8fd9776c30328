/**
 * Finite differences: of the f64 reference's loss, and of the GPU's forward pass. A kink is told apart from a wrong
 * gradient by keeping every element on its side of it; what rounding hides is said to be hidden.
 * @module
 */
import type { Graph, LossTerm, Node } from "../graph/graph.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Step } from "../graph/step.ts";
import type { RandomStream } from "../random.ts";
import { within } from "./compare.ts";
import { kinksOf } from "./kinks.ts";
import { lossInputs, type ReferenceInputs, runReference, totalLoss } from "./reference_graph.ts";

/** Which draw of the noise all runs of a check get, the reference too: what differs is then no noise. */
export const DRAW = 20260901;

/** What finite differences say about a gradient. */
export interface Difference {
  /** How far they are from it, relative. NaN if no step size gave a finite difference. */
  readonly error: number;
  /** How far they may be from themselves: how much they still moved from step size to step size, and rounding. */
  readonly doubt: number;
}

/** `agrees`, `differs`, or, where a difference is too doubtful to say either, `cannot tell`. */
export type Judgement = "agrees" | "differs" | "cannot tell";

/** How many times its own doubt a difference may be off before it differs: doubt is an estimate. */
const DOUBTS = 3;

/**
 * What a difference means for the gradient. It cannot excuse a gradient that is off by more than its doubt: a wrong
 * factor leaves the difference sure and the error large.
 *
 * @param bound how large an error may be
 */
export function judge({ error, doubt }: Difference, bound: number): Judgement {
  if (within(error, bound)) return "agrees";
  return doubt > bound && within(error, DOUBTS * doubt) ? "cannot tell" : "differs";
}

/** The worse of two: the one that is more certain to be wrong, else the larger error. */
export function worse(a: Difference, b: Difference, bound: number): Difference {
  const order: Judgement[] = ["agrees", "cannot tell", "differs"];
  const [left, right] = [a, b].map((difference) => order.indexOf(judge(difference, bound)));
  if (left !== right) return left > right ? a : b;
  return Number.isNaN(a.error) || a.error > b.error ? a : b;
}

/** The largest step of a difference of the reference, how often it is quartered, and how many elements are tried. */
const REFERENCE_STEP = 0.3, REFERENCE_QUARTERS = 9, REFERENCE_SAMPLES = 4;
/** What rounding may add to a float64 loss, relative: its sums are exact but for the last rounding. */
const REFERENCE_ROUNDING = 2 ** -53;

/**
 * The worst of a few central differences of the reference's loss, of the gradient's largest element. Where gradients
 * vanish, only large steps stand out from rounding; see {@link extrapolate}.
 *
 * @param inputs with `sides`, so that no difference runs over a kink
 * @param bound what an error of the largest element may be
 */
export function differenceOfReference(
  graph: Graph,
  losses: readonly LossTerm[],
  inputs: ReferenceInputs,
  name: string,
  gradient: Float64Array,
  random: RandomStream,
  bound: number,
): Difference {
  const value = inputs.parameters.get(name)!;
  const largest = gradient.reduce((most, d) => Math.max(most, Math.abs(d)), 0), unit = largest || 1;
  const picks = [gradient.findIndex((d) => Math.abs(d) === largest)];
  while (picks.length < REFERENCE_SAMPLES) picks.push(random.nextBelow(value.length));
  return picks.map((at) => {
    const kept = value[at];
    const differences: number[] = [], rounding: number[] = [];
    for (let k = 0; k < REFERENCE_QUARTERS; k++) {
      const size = REFERENCE_STEP / 4 ** k;
      const [above, below] = [kept + size, kept - size].map((shifted) => {
        value[at] = shifted;
        return runReference(graph, losses, inputs, { gradients: false }).total;
      });
      differences.push((above - below) / (2 * size) / unit);
      rounding.push(REFERENCE_ROUNDING * Math.abs(above) / size / unit);
    }
    value[at] = kept;
    const { result, doubt } = extrapolate(differences, rounding, false);
    return { error: Math.abs(result - gradient[at] / unit), doubt };
  }).reduce((a, b) => worse(a, b, bound));
}

/** The largest step of a difference on the GPU, as the mean change of an element, and how often it is quartered. */
const GPU_STEP = 0.1, GPU_QUARTERS = 8;
/** What rounding of the values that a loss is made of may do to it, relative. */
const LOSS_ROUNDING = 2 ** -26;

/** What {@link differencesOnGpu} differences. */
export interface GpuDifferences {
  /** Computes what the losses are made of. */
  readonly forward: Step;
  /** The parameters that it reads. */
  readonly parameters: Parameters;
  /** What was recorded. */
  readonly graph: Graph;
  /** The terms of the loss. */
  readonly losses: readonly LossTerm[];
  /** The same state for the reference, which says what kinks do. */
  readonly reference: ReferenceInputs & { readonly kinkSides: ReadonlyMap<Node, Float64Array> };
}

/**
 * Central differences of the GPU's forward pass, for one parameter, along its gradient and along a random direction
 * that is turned, element by element, to the gradient's side: there the derivative does not drown in rounding. For
 * the same reason the loss is computed in float64 from what the GPU made of the batch. Large steps suffer from
 * curvature, small ones from rounding; see {@link extrapolate}. What kinks do on the way is taken off: the reference
 * tells, with its elements free and with each on its side.
 *
 * @param sample the parameter's name, its value, and its gradient on the GPU
 */
export async function differencesOnGpu(
  { forward, parameters, graph, losses, reference }: GpuDifferences,
  { name, value, gradient }: { name: string; value: Float32Array; gradient: Float32Array },
  random: RandomStream,
): Promise<[alongGradient: Difference, alongRandom: Difference]> {
  const { rows } = reference;
  const inputs = lossInputs(graph, losses);
  const hasKinks = graph.nodes.some((node) => kinksOf(node).length > 0);
  async function lossNow(): Promise<number> {
    const read = await forward.read(inputs, rows);
    return totalLoss(graph, losses, new Map(inputs.map((input, k) => [input, Float64Array.from(read[k])])));
  }
  function kinksAt(shifted: Float32Array): number {
    const at = new Map(reference.parameters).set(name, Float64Array.from(shifted));
    const [free, frozen] = [undefined, reference.kinkSides].map((kinkSides) =>
      runReference(graph, losses, { ...reference, parameters: at, kinkSides }, { gradients: false }).total
    );
    return free - frozen;
  }
  async function along(direction: Float64Array): Promise<Difference> {
    const length = Math.sqrt(direction.reduce((sum, d) => sum + d * d, 0));
    const changes: number[] = [], kinks: number[] = [], pending: Promise<number>[] = [];
    for (let k = 0; k < GPU_QUARTERS; k++) {
      const size = GPU_STEP * Math.sqrt(value.length) / 4 ** k / length;
      const above = Float32Array.from(value, (v, k) => v + size * direction[k]);
      const below = Float32Array.from(value, (v, k) => v - size * direction[k]);
      for (const shifted of [above, below]) {
        parameters.write(name, shifted);
        forward.run({ first: 0, rows, draw: DRAW });
        pending.push(lossNow()); // its copy is on the way before the next write; the wait is one for all
      }
      changes.push(gradient.reduce((sum, d, k) => sum + d * (above[k] - below[k]), 0));
      kinks.push(hasKinks ? kinksAt(above) - kinksAt(below) : 0);
    }
    parameters.write(name, value);
    const found = await Promise.all(pending);
    const ratios = changes.map((change, k) => (found[2 * k] - found[2 * k + 1] - kinks[k]) / change);
    const rounding = changes.map((change, k) => LOSS_ROUNDING * Math.abs(found[2 * k] / change));
    const { result, doubt } = extrapolate(ratios, rounding, true);
    return { error: Math.abs(result - 1), doubt };
  }
  return [
    await along(Float64Array.from(gradient)),
    await along(Float64Array.from(gradient, (d) => Math.sign(d) * random.nextUnit())),
  ];
}

/** How often differences of two steps are combined into a better one. */
const EXTRAPOLATIONS = 3;

/**
 * What a series of differences, each with a quarter of the step of the one before, tends to: neighbors are combined so
 * that the error of second order cancels, then that of fourth and sixth (Richardson), and of all these the one is taken
 * that moved least and is not drowned in rounding (Ridders 1982), whatever it says about the gradient.
 *
 * @param series the differences, in units in which they are at most about 1
 * @param rounding what rounding may have added to each
 * @param isRatio whether they should be about 1: far from the point a loss may be flat, and differences that are all
 *   near 0 agree with each other in all but their ratio
 */
function extrapolate(
  series: readonly number[],
  rounding: readonly number[],
  isRatio: boolean,
): { readonly result: number; readonly doubt: number } {
  let best = { result: NaN, doubt: Infinity };
  let previous: number[] = [];
  for (const [k, difference] of series.entries()) {
    const current = [difference];
    for (let order = 1; order <= Math.min(k, EXTRAPOLATIONS); order++) {
      const result = (16 ** order * current[order - 1] - previous[order - 1]) / (16 ** order - 1);
      current.push(result);
      const moved = Math.max(Math.abs(result - current[order - 1]), Math.abs(result - previous[order - 1]));
      const doubt = (moved + rounding[k]) / (isRatio ? Math.min(1, Math.abs(result)) : 1);
      // a ratio of exactly 0 has no bounds of doubt: it stands only where nothing better is found
      if (doubt < best.doubt || Number.isNaN(best.result) && doubt === Infinity) best = { result, doubt };
    }
    previous = current;
  }
  return best;
}

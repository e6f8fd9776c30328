/**
 * Finite differences of the f64 reference's loss and of the GPU's forward pass. Keeping every element on its
 * side of a kink distinguishes kinks from wrong gradients; differences that rounding hides are reported as
 * such.
 * @module
 */
import type { Graph, LossTerm, Node } from "../graph/graph.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Step } from "../step/step.ts";
import type { RandomStream } from "../random.ts";
import { within } from "./compare.ts";
import { kinksOf } from "./kinks.ts";
import { lossInputs, type ReferenceInputs, runReference, totalLoss } from "./reference_graph.ts";

/** Noise draw of all runs of a check, including the reference, so that noise causes no differences. */
export const DRAW = 20260901;

/** Finite differences of the loss, compared with a gradient. */
export interface Difference {
  /** Relative deviation from the gradient; NaN if no step size gave a finite difference. */
  readonly error: number;
  /** Their own uncertainty, relative: the remaining change between step sizes, plus rounding. */
  readonly doubt: number;
}

/** `agrees`, `differs`, or `cannot tell` if the difference is too uncertain. */
export type Judgement = "agrees" | "differs" | "cannot tell";

/** Largest deviation of an uncertain difference, in units of its doubt, which is an estimate. */
const DOUBTS = 3;

/**
 * Judges a gradient by a difference. A wrong factor in the gradient never passes as doubt: the difference is
 * then certain and the error large.
 *
 * @param bound largest accepted error, relative
 */
export function judge({ error, doubt }: Difference, bound: number): Judgement {
  if (within(error, bound)) return "agrees";
  return doubt > bound && within(error, DOUBTS * doubt) ? "cannot tell" : "differs";
}

/** Returns the worse of two differences: the one with the worse judgement, else the larger error. */
export function worse(a: Difference, b: Difference, bound: number): Difference {
  const order: Judgement[] = ["agrees", "cannot tell", "differs"];
  const [left, right] = [a, b].map((difference) => order.indexOf(judge(difference, bound)));
  if (left !== right) return left > right ? a : b;
  return Number.isNaN(a.error) || a.error > b.error ? a : b;
}

/** For the reference: largest step size, number of step sizes (each a quarter of the last), elements. */
const REFERENCE_STEP = 0.3, REFERENCE_QUARTERS = 9, REFERENCE_SAMPLES = 4;
/** Relative rounding error of a float64 loss. */
const REFERENCE_ROUNDING = 2 ** -53;

/**
 * Returns the worst of a few central differences of the reference's loss, relative to the largest element of
 * the gradient. If gradients vanish, only large steps exceed rounding; see {@link extrapolate}.
 *
 * @param inputs inputs with `kinkSides`, so that no difference crosses a kink
 * @param bound largest accepted error, relative to the largest element
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

/** On the GPU: largest step as the mean change of an element, and number of step sizes. */
const GPU_STEP = 0.1, GPU_QUARTERS = 8;
/** Relative effect on a loss of rounding its inputs. */
const LOSS_ROUNDING = 2 ** -26;

/** Network and state for {@link differencesOnGpu}. */
export interface GpuDifferences {
  /** Step that computes the inputs of the losses. */
  readonly forward: Step;
  /** Parameters that the step reads. */
  readonly parameters: Parameters;
  /** Graph of the network. */
  readonly graph: Graph;
  /** Terms of the loss. */
  readonly losses: readonly LossTerm[];
  /** The same state for the reference, which computes the effect of kinks. */
  readonly reference: ReferenceInputs & { readonly kinkSides: ReadonlyMap<Node, Float64Array> };
}

/**
 * Computes central differences of the GPU's forward pass for one parameter, along its gradient and along a
 * random direction whose elements have the signs of the gradient: there the derivative exceeds rounding. For
 * the same reason the loss is computed in float64 from the GPU's values. Large steps suffer from curvature,
 * small ones from rounding; see {@link extrapolate}. The effect of kinks is subtracted: the reference's loss,
 * with and without its elements held on their sides.
 *
 * @param sample name of the parameter, its value, and its gradient on the GPU
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
        pending.push(lossNow()); // its copy is submitted before the next write; all are awaited at once
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

/** Number of Richardson extrapolations. */
const EXTRAPOLATIONS = 3;

/**
 * Extrapolates a series of differences, each with a quarter of the previous step size. Neighbors are combined
 * to cancel the errors of second, fourth and sixth order (Richardson); the result is the one with the least
 * change and rounding (Ridders 1982), regardless of the gradient.
 *
 * @param series differences, scaled to at most about 1
 * @param rounding rounding error of each difference
 * @param isRatio true if they should be about 1. Differences near 0 then count as uncertain: far from the
 *   point a loss may be flat
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
      // a ratio of exactly 0 has infinite doubt and is used only if there is nothing better
      if (doubt < best.doubt || Number.isNaN(best.result) && doubt === Infinity) best = { result, doubt };
    }
    previous = current;
  }
  return best;
}

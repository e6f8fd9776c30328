/**
 * Finite differences: of the f64 reference's loss, and of the GPU's forward pass.
 * @module
 */
import type { Graph, LossTerm } from "../graph/graph.ts";
import type { Parameters } from "../graph/parameters.ts";
import type { Step } from "../graph/step.ts";
import type { RandomStream } from "../random.ts";
import { within } from "./compare.ts";
import { lossInputs, type ReferenceInputs, runReference, totalLoss } from "./reference_graph.ts";
import { TOLERANCES } from "./tolerances.ts";

/** Which draw of the noise all runs of a check get, the reference too: what differs is then no noise. */
export const DRAW = 20260901;

/** The largest step of a difference of the reference, how often it is quartered, and how many elements are tried. */
const REFERENCE_STEP = 0.3, REFERENCE_QUARTERS = 9, REFERENCE_SAMPLES = 4;
/** What rounding may add to a float64 loss, relative. */
const REFERENCE_ROUNDING = 2 ** -50;

/**
 * The worst of a few central differences of the reference's loss, of the gradient's largest element. Where gradients
 * vanish, only large steps stand out from rounding; see {@link extrapolate}.
 */
export function differenceOfReference(
  graph: Graph,
  losses: readonly LossTerm[],
  inputs: ReferenceInputs,
  name: string,
  gradient: Float64Array,
  random: RandomStream,
): number {
  const value = inputs.parameters.get(name)!;
  const largest = gradient.reduce((most, d) => Math.max(most, Math.abs(d)), 0);
  const picks = [gradient.findIndex((d) => Math.abs(d) === largest)];
  while (picks.length < REFERENCE_SAMPLES) picks.push(random.nextBelow(value.length));
  let worst = 0;
  for (const at of picks) {
    const kept = value[at];
    const differences: number[] = [], rounding: number[] = [];
    for (let k = 0; k < REFERENCE_QUARTERS; k++) {
      const size = REFERENCE_STEP / 4 ** k;
      const [above, below] = [kept + size, kept - size].map((shifted) => {
        value[at] = shifted;
        return runReference(graph, losses, inputs, { gradients: false }).total;
      });
      differences.push((above - below) / (2 * size));
      rounding.push(REFERENCE_ROUNDING * Math.abs(above) / size);
    }
    value[at] = kept;
    const error = Math.abs(extrapolate(differences, rounding, false) - gradient[at]) / (largest || 1);
    worst = error <= worst ? worst : error;
  }
  return worst;
}

/** The largest step of a difference on the GPU, as the mean change of an element, and how often it is quartered. */
const GPU_STEP = 0.1, GPU_QUARTERS = 8;
/** Random directions that may be tried: one can run over a ReLU's kink, but a wrong gradient is wrong along each. */
const DIRECTIONS = 3;
/** How often differences of two steps are combined into a better one. */
const EXTRAPOLATIONS = 2;
/** What rounding of the values that a loss is made of may do to it, relative. */
const LOSS_ROUNDING = 2 ** -26;

/**
 * Central differences of the GPU's forward pass, for one parameter, along its gradient and along a random direction
 * that is turned, element by element, to the gradient's side: there the derivative does not drown in rounding. For
 * the same reason the loss is computed in float64 from what the GPU made of the batch. Large steps suffer from
 * curvature, small ones from rounding; see {@link extrapolate}.
 *
 * @param forward computes what the losses are made of
 * @returns the relative error of each; NaN where the gradient is zero
 */
export async function differencesOnGpu(
  forward: Step,
  parameters: Parameters,
  graph: Graph,
  losses: readonly LossTerm[],
  rows: number,
  { name, value, gradient }: { name: string; value: Float32Array; gradient: Float32Array },
  random: RandomStream,
): Promise<[number, number]> {
  const inputs = lossInputs(graph, losses);
  async function lossNow(): Promise<number> {
    const read = await forward.read(inputs, rows);
    return totalLoss(graph, losses, new Map(inputs.map((input, k) => [input, Float64Array.from(read[k])])));
  }
  async function errorAlong(direction: Float64Array): Promise<number> {
    const length = Math.sqrt(direction.reduce((sum, d) => sum + d * d, 0));
    const changes: number[] = [], pending: Promise<number>[] = [];
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
    }
    parameters.write(name, value);
    const found = await Promise.all(pending);
    const ratios = changes.map((change, k) => (found[2 * k] - found[2 * k + 1]) / change);
    const rounding = changes.map((change, k) => LOSS_ROUNDING * Math.abs(found[2 * k] / change));
    return Math.abs(extrapolate(ratios, rounding, true) - 1);
  }
  const alongGradient = await errorAlong(Float64Array.from(gradient));
  let alongRandom = NaN;
  for (let attempt = 0; attempt < DIRECTIONS && !within(alongRandom, TOLERANCES.gpuDifference); attempt++) {
    const error = await errorAlong(Float64Array.from(gradient, (d) => Math.sign(d) * random.nextUnit()));
    if (!(error >= alongRandom)) alongRandom = error;
  }
  return [alongGradient, alongRandom];
}

/**
 * What a series of differences, each with a quarter of the step of the one before, tends to: neighbours are combined so
 * that the error of second order cancels, then that of fourth (Richardson), and of all these the one is taken that
 * moved least and is not drowned in rounding (Ridders 1982), whatever it says about the gradient.
 *
 * @param series the differences
 * @param rounding what rounding may have added to each
 * @param isRatio whether they should be about 1: past saturation all are near 0, and agree in all but their ratio
 */
function extrapolate(series: readonly number[], rounding: readonly number[], isRatio: boolean): number {
  let best = { doubt: Infinity, result: NaN };
  let previous: number[] = [];
  for (const [k, difference] of series.entries()) {
    const current = [difference];
    for (let order = 1; order <= Math.min(k, EXTRAPOLATIONS); order++) {
      const result = (16 ** order * current[order - 1] - previous[order - 1]) / (16 ** order - 1);
      current.push(result);
      const moved = Math.max(Math.abs(result - current[order - 1]), Math.abs(result - previous[order - 1]));
      const doubt = (moved + rounding[k]) / (isRatio ? Math.abs(result) : 1);
      if (doubt < best.doubt) best = { doubt, result };
    }
    previous = current;
  }
  return best.result;
}

/**
 * The gradient check: a model's gradients on this GPU against the f64 reference, the reference against finite
 * differences, and the GPU against finite differences of its own loss.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { compile, type Optimizer } from "../graph/compile.ts";
import { Graph, type LossTerm } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import { Parameters } from "../graph/parameters.ts";
import type { Step } from "../graph/step.ts";
import { RandomStream } from "../random.ts";
import { compare, within } from "./compare.ts";
import { heldValues, lossInputs, type ReferenceInputs, runReference, totalLoss } from "./reference_graph.ts";
import { TOLERANCES } from "./tolerances.ts";

/** What to check, and on what. */
export interface GradcheckOptions {
  /** Pixels of an image. */
  readonly width: number;
  /** Rows of the checked batch; the graph has more, so that a partial batch is checked. */
  readonly rows: number;
  /** Seed of parameters, pixels and directions. */
  readonly seed: number;
  /** Trains this many steps, and checks again; 0 checks at initialisation only. */
  readonly steps: number;
  /** The rule for these steps. */
  readonly optimizer: Optimizer;
}

/** What was found about one parameter. */
export interface GradcheckRow {
  /** When: `initial`, or `after N steps`. */
  readonly state: string;
  /** The parameter's name. */
  readonly parameter: string;
  /** Its shape in PyTorch's layout. */
  readonly shape: readonly number[];
  /** GPU against the f64 reference, of the norm. */
  readonly referenceError: number;
  /** Where the GPU and the reference differ most. */
  readonly worstIndex: string;
  /** Finite differences of the reference against its gradient, of the largest element. */
  readonly referenceDifference: number;
  /** Finite differences on the GPU along the gradient, relative. */
  readonly alongGradient: number;
  /** Finite differences on the GPU along a random direction, relative. */
  readonly alongRandom: number;
  /** Whether all of these are within bounds. */
  readonly passed: boolean;
}

/** The whole check. */
export interface GradcheckReport {
  /** One row for each parameter and state. */
  readonly rows: readonly GradcheckRow[];
  /** The largest relative error of a loss on the GPU against the reference. */
  readonly lossError: number;
  /** Whether a second run gave the same bits. */
  readonly repeats: boolean;
  /** Whether everything passed. */
  readonly passed: boolean;
}

/** Which draw of the noise all runs of a check get, the reference too: what differs is then no noise. */
const DRAW = 20260901;

/** Rows of a training batch between the two checks. */
const TRAINING_ROWS = 64;

/**
 * Checks a model's gradients.
 *
 * @param gpu the device to check
 * @param build records the model
 */
export async function gradcheck(
  gpu: Gpu,
  build: BuildModel,
  options: GradcheckOptions,
): Promise<GradcheckReport> {
  const { width, rows, seed, steps, optimizer } = options;
  const random = new RandomStream(seed, "gradcheck");
  const graph = new Graph(Math.max(TRAINING_ROWS, rows + 1));
  using parameters = new Parameters(seed);
  const pixels = graph.input("pixels", width);
  const { losses } = build(graph, parameters, pixels);
  const trainable = parameters.all;
  const images = drawImages(rows, width, random);
  const held = heldValues(graph, losses);
  using check = await compile(gpu, graph, parameters, { label: "gradcheck", losses, trainable });
  using forward = await compile(gpu, graph, parameters, {
    label: "gradcheck differences",
    outputs: lossInputs(graph, losses),
    held,
  });
  // a full batch first, with a row of garbage at its end: what it leaves there must not show in the batches after it
  const garbage = Array.from({ length: width }, () => 2 * random.nextUnit());
  for (const step of [check, forward]) {
    step.upload(pixels, Float32Array.of(...images, ...garbage));
    step.run({ first: 0, rows: rows + 1 });
  }
  await check.readLosses();

  const found: GradcheckRow[] = [];
  let lossError = 0;
  let repeats = true;
  async function checkState(state: string): Promise<void> {
    const values = await parameters.read();
    const inputs: ReferenceInputs = {
      parameters: new Map([...values].map(([name, floats]) => [name, Float64Array.from(floats)])),
      inputs: new Map([[pixels.label, Float64Array.from(images)]]),
      rows,
      draw: DRAW,
    };
    const reference = runReference(graph, losses, inputs);
    const heldAt = new Map(held.map((value) => [value, reference.values.get(value)!]));
    for (const [value, numbers] of heldAt) forward.upload(value, Float32Array.from(numbers));

    check.run({ first: 0, rows, draw: DRAW });
    const gradients = await check.readGradients();
    check.run({ first: 0, rows, draw: DRAW });
    const again = await check.readGradients();
    const reading = await check.readLosses();
    for (const [label, expected] of reference.losses) {
      if (!reading.values[label]) continue;
      const error = Math.abs(reading.values[label][0] - expected) / Math.abs(expected);
      lossError = error <= lossError ? lossError : error;
      repeats &&= reading.values[label][0] === reading.values[label][1];
    }

    for (const { name, shape } of trainable) {
      const gradient = gradients.get(name)!, expected = reference.gradients.get(name)!;
      repeats &&= sameBits(gradient, again.get(name)!);
      const { normError, worstIndex } = compare(gradient, expected, shape);
      const referenceDifference = differenceOfReference(
        graph,
        losses,
        { ...inputs, held: heldAt },
        name,
        expected,
        random,
      );
      const sample = { name, value: values.get(name)!, gradient };
      const [alongGradient, alongRandom] = await differencesOnGpu(
        forward,
        parameters,
        graph,
        losses,
        rows,
        sample,
        random,
      );
      found.push({
        state,
        parameter: name,
        shape,
        referenceError: normError,
        worstIndex,
        referenceDifference,
        alongGradient,
        alongRandom,
        passed: within(normError, TOLERANCES.gpuAgainstReference) &&
          within(referenceDifference, TOLERANCES.referenceDifference) &&
          within(alongGradient, TOLERANCES.gpuDifference) && within(alongRandom, TOLERANCES.gpuDifference),
      });
    }
  }

  await checkState("initial");
  if (steps > 0) {
    // on other images each time: at a minimum for the checked images their gradients would be differences of noise
    using train = await compile(gpu, graph, parameters, {
      label: "gradcheck training",
      losses,
      trainable,
      optimizer,
    });
    for (let k = 0; k < steps; k++) {
      train.upload(pixels, drawImages(TRAINING_ROWS, width, random));
      train.run({ first: 0, rows: TRAINING_ROWS });
    }
    await train.readLosses();
    await checkState(`after ${steps} steps`);
  }
  const passed = found.every((row) => row.passed) && repeats &&
    within(lossError, TOLERANCES.lossAgainstReference);
  return { rows: found, lossError, repeats, passed };
}

/**
 * Images as data sets have them, so that training on them is training: bright ellipses with a shaded half on an
 * empty ground, with exact zeros and ones.
 */
function drawImages(rows: number, width: number, random: RandomStream): Float32Array<ArrayBuffer> {
  const side = Math.ceil(Math.sqrt(width));
  const images = new Float32Array(rows * width);
  for (let b = 0; b < rows; b++) {
    const [x, y, shade] = [random.nextUnit() * side, random.nextUnit() * side, random.nextUnit()];
    const [across, down] = [side * (0.2 + 0.4 * random.nextUnit()), side * (0.2 + 0.4 * random.nextUnit())];
    for (let k = 0; k < width; k++) {
      const [dx, dy] = [(k % side - x) / across, (Math.floor(k / side) - y) / down];
      if (dx * dx + dy * dy < 1) images[b * width + k] = dx < 0 ? 1 : shade;
    }
  }
  return images;
}

function sameBits(a: Float32Array<ArrayBuffer>, b: Float32Array<ArrayBuffer>): boolean {
  const [left, right] = [new Uint32Array(a.buffer), new Uint32Array(b.buffer)];
  return left.length === right.length && left.every((bits, k) => bits === right[k]);
}

/** The largest step of a difference of the reference, how often it is quartered, and how many elements are tried. */
const REFERENCE_STEP = 0.3, REFERENCE_QUARTERS = 9, REFERENCE_SAMPLES = 4;
/** What rounding may add to a float64 loss, relative. */
const REFERENCE_ROUNDING = 2 ** -50;

/**
 * The worst of a few central differences of the reference's loss, of the gradient's largest element. Where gradients
 * vanish, only large steps stand out from rounding; see {@link extrapolate}.
 */
function differenceOfReference(
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
async function differencesOnGpu(
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

/** The report as a table, for people. */
export function formatGradcheck(report: GradcheckReport): string {
  const figure = (error: number) => error.toExponential(1);
  const cells = [
    [
      "state",
      "parameter",
      "shape",
      "GPU to f64",
      "worst at",
      "f64 to differences",
      "GPU along gradient",
      "along random",
      "",
    ],
    ...report.rows.map((row) => [
      row.state,
      row.parameter,
      `[${row.shape.join(", ")}]`,
      figure(row.referenceError),
      row.worstIndex,
      figure(row.referenceDifference),
      figure(row.alongGradient),
      figure(row.alongRandom),
      row.passed ? "ok" : "FAILED",
    ]),
    [
      "bound",
      "",
      "",
      figure(TOLERANCES.gpuAgainstReference),
      "",
      figure(TOLERANCES.referenceDifference),
      figure(TOLERANCES.gpuDifference),
      figure(TOLERANCES.gpuDifference),
      "",
    ],
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  return [
    ...cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd()),
    `loss: GPU to f64 ${figure(report.lossError)}, bound ${figure(TOLERANCES.lossAgainstReference)}`,
    `a second run gave ${report.repeats ? "the same bits" : "OTHER BITS"}`,
    report.passed ? "gradients passed" : "gradients FAILED",
  ].join("\n");
}

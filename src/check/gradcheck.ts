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
import { type ReferenceInputs, runReference } from "./reference_graph.ts";
import { TOLERANCES } from "./tolerances.ts";

/** What to check, and on what. */
export interface GradcheckOptions {
  /** Pixels of an image. */
  readonly width: number;
  /** Rows of the batch; the graph has one more, so that a partial batch is checked. */
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
  const graph = new Graph(rows + 1);
  using parameters = new Parameters(seed);
  const pixels = graph.input("pixels", width);
  const { losses } = build(graph, parameters, pixels);
  const trainable = parameters.all;
  const images = Float32Array.from({ length: rows * width }, () => pixel(random));
  using check = await compile(gpu, graph, parameters, { label: "gradcheck", losses, trainable });
  check.upload(pixels, images);

  const found: GradcheckRow[] = [];
  let lossError = 0;
  let repeats = true;
  async function checkState(state: string): Promise<void> {
    const values = await parameters.read();
    const inputs: ReferenceInputs = {
      parameters: new Map([...values].map(([name, floats]) => [name, Float64Array.from(floats)])),
      inputs: new Map([[pixels.label, Float64Array.from(images)]]),
      rows,
    };
    const reference = runReference(graph, losses, inputs);

    check.run({ first: 0, rows });
    const gradients = await check.readGradients();
    check.run({ first: 0, rows });
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
      const referenceDifference = differenceOfReference(graph, losses, inputs, name, expected, random);
      const sample = { name, value: values.get(name)!, gradient };
      const [alongGradient, alongRandom] = await differencesOnGpu(
        check,
        parameters,
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
    using train = await compile(gpu, graph, parameters, {
      label: "gradcheck training",
      losses,
      trainable,
      optimizer,
    });
    train.upload(pixels, images);
    for (let k = 0; k < steps; k++) train.run({ first: 0, rows });
    await train.readLosses();
    await checkState(`after ${steps} steps`);
  }
  const passed = found.every((row) => row.passed) && repeats &&
    within(lossError, TOLERANCES.lossAgainstReference);
  return { rows: found, lossError, repeats, passed };
}

/** A pixel as images have them: often exactly 0, sometimes exactly 1, else in between. */
function pixel(random: RandomStream): number {
  const u = random.nextUnit();
  return u < 0.3 ? 0 : u > 0.9 ? 1 : random.nextUnit();
}

function sameBits(a: Float32Array<ArrayBuffer>, b: Float32Array<ArrayBuffer>): boolean {
  const [left, right] = [new Uint32Array(a.buffer), new Uint32Array(b.buffer)];
  return left.length === right.length && left.every((bits, k) => bits === right[k]);
}

const REFERENCE_STEP = 1e-4;
const REFERENCE_SAMPLES = 4;

/** The worst of a few central differences of the reference's loss, of the gradient's largest element. */
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
    value[at] = kept + REFERENCE_STEP;
    const above = runReference(graph, losses, inputs, { gradients: false }).total;
    value[at] = kept - REFERENCE_STEP;
    const below = runReference(graph, losses, inputs, { gradients: false }).total;
    value[at] = kept;
    const difference = (above - below) / (2 * REFERENCE_STEP);
    const error = Math.abs(difference - gradient[at]) / (largest || 1);
    worst = error <= worst ? worst : error;
  }
  return worst;
}

/** The largest mean change of an element, and the largest change of the loss, that a difference on the GPU makes. */
const ELEMENT_CHANGE = 0.02, LOSS_CHANGE = 0.01;

/**
 * Central differences on the GPU, for one parameter, along its gradient and along a random direction that is
 * turned, element by element, to the gradient's side: there the derivative does not drown in rounding.
 *
 * @returns the relative error of each
 */
async function differencesOnGpu(
  step: Step,
  parameters: Parameters,
  losses: readonly LossTerm[],
  rows: number,
  { name, value, gradient }: { name: string; value: Float32Array; gradient: Float32Array },
  random: RandomStream,
): Promise<[number, number]> {
  const directions = [
    Float64Array.from(gradient),
    Float64Array.from(gradient, (d) => Math.sign(d) * random.nextUnit()),
  ];
  step.run({ first: 0, rows });
  const start = total(await step.readLosses(), losses)[0];
  const predicted = directions.map((direction) => {
    const length = Math.hypot(...chunkNorms(direction));
    const slope = direction.reduce((sum, d, k) => sum + d * gradient[k], 0) / length;
    const size = Math.min(LOSS_CHANGE * start / slope, ELEMENT_CHANGE * Math.sqrt(value.length)) / length;
    // a zero gradient predicts no change in any direction: size is then not finite, and neither is the error
    const above = Float32Array.from(value, (v, k) => v + size * direction[k]);
    const below = Float32Array.from(value, (v, k) => v - size * direction[k]);
    for (const shifted of [above, below]) {
      parameters.write(name, shifted);
      step.run({ first: 0, rows });
    }
    return gradient.reduce((sum, d, k) => sum + d * (above[k] - below[k]), 0);
  });
  parameters.write(name, value);
  const losses4 = total(await step.readLosses(), losses);
  return [
    Math.abs(losses4[0] - losses4[1] - predicted[0]) / Math.abs(predicted[0]),
    Math.abs(losses4[2] - losses4[3] - predicted[1]) / Math.abs(predicted[1]),
  ];
}

/** Norms of pieces, few enough to be passed as arguments. */
function chunkNorms(values: Float64Array): number[] {
  const norms: number[] = [];
  for (let at = 0; at < values.length; at += 10_000) {
    norms.push(Math.hypot(...values.subarray(at, at + 10_000)));
  }
  return norms;
}

/** The weighted sum of the terms, for each step that was read. */
function total(
  reading: { readonly steps: number; readonly values: Readonly<Record<string, Float32Array>> },
  losses: readonly LossTerm[],
): number[] {
  return Array.from(
    { length: reading.steps },
    (_, k) => losses.reduce((sum, { label, weight }) => sum + weight * reading.values[label][k], 0),
  );
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

/**
 * The gradient check: a model's gradients on this GPU against the f64 reference, the reference against finite
 * differences, and the GPU against finite differences of its own loss.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { compile, type Optimizer } from "../graph/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import { Parameters } from "../graph/parameters.ts";
import { RandomStream } from "../random.ts";
import { compare, within } from "./compare.ts";
import { differenceOfReference, differencesOnGpu, DRAW } from "./differences.ts";
import { heldValues, lossInputs, type ReferenceInputs, runReference } from "./reference_graph.ts";
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

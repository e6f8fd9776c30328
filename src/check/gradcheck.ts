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
import { type Difference, differenceOfReference, differencesOnGpu, DRAW, judge } from "./differences.ts";
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
  /** The bound of that: {@link TOLERANCES}' or, where float32 itself cannot do better, what it can. */
  readonly referenceBound: number;
  /** Finite differences of the reference against its gradient, of the largest element. */
  readonly referenceDifference: Difference;
  /** Finite differences on the GPU along the gradient, relative. */
  readonly alongGradient: Difference;
  /** Finite differences on the GPU along a random direction, relative. */
  readonly alongRandom: Difference;
  /** Whether none of these contradicts the gradient. */
  readonly passed: boolean;
}

/** The whole check. */
export interface GradcheckReport {
  /** One row for each parameter and state. */
  readonly rows: readonly GradcheckRow[];
  /** The largest relative error of a loss on the GPU against the reference, and its bound, as of gradients. */
  readonly lossError: number;
  /** The bound of the loss that came nearest to its bound. */
  readonly lossBound: number;
  /** Parameters about which some kind of difference could tell nothing in any state. */
  readonly untold: readonly string[];
  /** Whether a second run gave the same bits. */
  readonly repeats: boolean;
  /** Whether everything passed. */
  readonly passed: boolean;
}

/** Rows of a training batch between the two checks. */
const TRAINING_ROWS = 64;
/** How often the reference is shaken to learn what a rounding of every value does. */
const SHAKES = 3;
/** The three kinds of difference, and their bounds. */
const DIFFERENCES = {
  referenceDifference: TOLERANCES.referenceDifference,
  alongGradient: TOLERANCES.gpuDifference,
  alongRandom: TOLERANCES.gpuDifference,
} as const;
const KINDS = Object.keys(DIFFERENCES) as (keyof typeof DIFFERENCES)[];

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
  let [lossError, lossBound] = [0, TOLERANCES.lossAgainstReference as number];
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
    const shaken = Array.from(
      { length: SHAKES },
      () => runReference(graph, losses, inputs, { shake: random }),
    );
    const heldAt = new Map(held.map((value) => [value, reference.values.get(value)!]));
    const still = { ...inputs, held: heldAt, sides: reference.values };
    for (const [value, numbers] of heldAt) forward.upload(value, Float32Array.from(numbers));

    check.run({ first: 0, rows, draw: DRAW });
    const gradients = await check.readGradients();
    check.run({ first: 0, rows, draw: DRAW });
    const again = await check.readGradients();
    const reading = await check.readLosses();
    for (const [label, expected] of reference.losses) {
      if (!reading.values[label]) continue;
      const error = Math.abs(reading.values[label][0] - expected) / Math.abs(expected);
      const moved = shaken.map(({ losses }) => Math.abs(losses.get(label)! - expected) / Math.abs(expected));
      const bound = boundFor(TOLERANCES.lossAgainstReference, moved);
      if (!(error / bound <= lossError / lossBound)) [lossError, lossBound] = [error, bound];
      repeats &&= reading.values[label][0] === reading.values[label][1];
    }

    for (const { name, shape } of trainable) {
      const gradient = gradients.get(name)!, expected = reference.gradients.get(name)!;
      repeats &&= sameBits(gradient, again.get(name)!);
      const { normError, worstIndex } = compare(gradient, expected, shape);
      const moved = shaken.map(({ gradients }) => compare(gradients.get(name)!, expected, shape).normError);
      const referenceBound = boundFor(TOLERANCES.gpuAgainstReference, moved);
      const bound = TOLERANCES.referenceDifference;
      const referenceDifference = differenceOfReference(graph, losses, still, name, expected, random, bound);
      const sample = { name, value: values.get(name)!, gradient };
      const differenced = { forward, parameters, graph, losses, reference: still };
      const [alongGradient, alongRandom] = await differencesOnGpu(differenced, sample, random);
      const differences = { referenceDifference, alongGradient, alongRandom };
      found.push({
        state,
        parameter: name,
        shape,
        referenceError: normError,
        worstIndex,
        referenceBound,
        ...differences,
        passed: within(normError, referenceBound) &&
          KINDS.every((kind) => judge(differences[kind], DIFFERENCES[kind]) !== "differs"),
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
  const untold = trainable.map(({ name }) => name).filter((name) =>
    KINDS.some((kind) =>
      found.every((row) => row.parameter !== name || judge(row[kind], DIFFERENCES[kind]) !== "agrees")
    )
  );
  const passed = found.every((row) => row.passed) && repeats && untold.length === 0 &&
    within(lossError, lossBound);
  return { rows: found, lossError, lossBound, untold, repeats, passed };
}

/** A bound, or what float32 can do at all: a sum's error is a few times what one rounding of every value does. */
function boundFor(bound: number, moved: readonly number[]): number {
  return Math.max(bound, TOLERANCES.shakes * Math.max(...moved));
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
  const difference = (row: GradcheckRow, kind: keyof typeof DIFFERENCES) =>
    figure(row[kind].error) + (judge(row[kind], DIFFERENCES[kind]) === "cannot tell" ? " ?" : "");
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
      figure(row.referenceError) +
      (row.referenceBound > TOLERANCES.gpuAgainstReference ? ` (of ${figure(row.referenceBound)})` : ""),
      row.worstIndex,
      ...KINDS.map((kind) => difference(row, kind)),
      row.passed ? "ok" : "FAILED",
    ]),
    [
      "bound",
      "",
      "",
      figure(TOLERANCES.gpuAgainstReference),
      "",
      ...KINDS.map((kind) => figure(DIFFERENCES[kind])),
      "",
    ],
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const { rows, lossError, lossBound, repeats, untold, passed } = report;
  const table = cells.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd()
  );
  const text = table.join("\n");
  return [
    text,
    ...(text.includes(" ?")
      ? ["?: rounding hides the difference (its doubt is above the bound); another state must tell"]
      : []),
    ...(rows.some(({ referenceBound }) => referenceBound > TOLERANCES.gpuAgainstReference)
      ? [
        `(of …): float32 can do no better; a rounding of every value moves it by 1/${TOLERANCES.shakes} of that`,
      ]
      : []),
    `loss: GPU to f64 ${figure(lossError)}, bound ${figure(lossBound)}`,
    `a second run gave ${repeats ? "the same bits" : "OTHER BITS"}`,
    ...(untold.length > 0 ? [`no state tells of ${untold.join(", ")}`] : []),
    passed ? "gradients passed" : "gradients FAILED",
  ].join("\n");
}

/**
 * The gradient check: compares a model's gradients on this GPU with the f64 reference, the reference with
 * finite differences, and the GPU with finite differences of its own loss.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import { Graph, type Node } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import { Parameters } from "../graph/parameters.ts";
import type { Step } from "../step/step.ts";
import type { Value } from "../graph/tensor.ts";
import { RandomStream } from "../random.ts";
import { differenceOfReference, differencesOnGpu } from "./differences.ts";
import {
  type Evidence,
  fromDifference,
  gravest,
  largestOf,
  type Verdict,
  withoutDirection,
  worstOf,
} from "./evidence.ts";
import {
  type CheckedNetwork,
  checkRows,
  type LossEvidence,
  type ReferenceEvidence,
  type RowsResult,
} from "./network_check.ts";
import { checkFunctions, type FunctionCheck } from "./pointwise.ts";
import { frozenValuesOf, lossInputs } from "./reference_graph.ts";
import { TOLERANCES } from "./tolerances.ts";
import type { Optimizer } from "../step/update.ts";

/** Options of {@link gradcheck}. */
export interface GradcheckOptions {
  /**
   * Widths of the images, in pixels. The first gets the full check; at the others the GPU is compared with
   * the reference, before training. Include one that is not a multiple of four, because the GPU pads such
   * rows.
   */
  readonly widths: readonly number[];
  /**
   * Numbers of rows of the checked batches. Finite differences use the first; with the others the GPU is
   * compared with the reference. The graph has more rows, which hold other images.
   */
  readonly rows: readonly number[];
  /** Seed of parameters, images and directions. */
  readonly seed: number;
  /** Number of training steps before the second check; 0 checks at initialization only. */
  readonly steps: number;
  /** Optimizer of these steps. */
  readonly optimizer: Optimizer;
  /** True to compute finite differences; default true. */
  readonly differences?: boolean;
}

/** Kinds of evidence about a gradient, in the order of the report's columns. */
export const EVIDENCE = ["reference", "referenceDifference", "alongGradient", "alongRandom"] as const;

/** Result for one parameter in one state. */
export interface GradcheckRow {
  /** State of the check: `initial`, `after 100 steps`, or, at further widths, `initial, width 785`. */
  readonly state: string;
  /** Name of the parameter. */
  readonly parameter: string;
  /** Shape in PyTorch's layout. */
  readonly shape: readonly number[];
  /** GPU against the f64 reference, relative to the norm; the worst over all numbers of rows. */
  readonly reference: ReferenceEvidence;
  /** Reference against its finite differences, relative to the largest element; first width only. */
  readonly referenceDifference?: Evidence;
  /** GPU against its finite differences along the gradient, relative; first width only. */
  readonly alongGradient?: Evidence;
  /** GPU against its finite differences along a random direction, relative; first width only. */
  readonly alongRandom?: Evidence;
  /** Worst verdict of these. */
  readonly verdict: Verdict;
  /** Reason in words; empty if the verdict is `ok`. */
  readonly reason: string;
}

/** Result of {@link gradcheck}. */
export interface GradcheckReport {
  /** One result for each parameter and state. */
  readonly rows: readonly GradcheckRow[];
  /** The loss on the GPU with the largest error relative to its bound. */
  readonly loss: LossEvidence;
  /** Labels of values whose padding, the columns past their width, is not all zeros. */
  readonly padding: readonly string[];
  /** Names of parameters for which some kind of evidence is `cannot tell` in every state. */
  readonly untold: readonly string[];
  /** Results for each custom function of the network. */
  readonly functions: readonly FunctionCheck[];
  /** True if a second run was bit-exact. */
  readonly repeats: boolean;
  /** Remarks, such as that training diverged. */
  readonly remarks: readonly string[];
  /** `FAILED` if anything failed, else `cannot tell` if `untold` is not empty, else `ok`. */
  readonly verdict: Verdict;
  /** True if the verdict is `ok`. */
  readonly passed: boolean;
}

/** Batch size of the training between the two checks. */
const TRAINING_ROWS = 64;
/** Number of training steps between two tests for finite parameters. */
const STEPS_BETWEEN_LOOKS = 25;

/**
 * Checks a model's gradients. Each comparison has one of three verdicts: `ok`, `FAILED`, or `cannot tell` if
 * float32 precision, a kink or a zero gradient makes it undecidable. Each verdict other than `ok` has a
 * reason in words.
 *
 * ```ts
 * import { adam, dense, gradcheck, openGpu, squaredError } from "@bottleneck/bottleneck";
 *
 * using gpu = await openGpu();
 * const report = await gradcheck(
 *   gpu,
 *   () => (graph, parameters, pixels) => {
 *     const code = dense(graph, parameters, pixels, {
 *       label: "encoder", outputs: 2, activation: "tanh", initializer: "pytorch-linear",
 *     });
 *     const output = dense(graph, parameters, code, {
 *       label: "decoder", outputs: pixels.width, activation: "sigmoid", initializer: "pytorch-linear",
 *     });
 *     return { code, output, losses: [squaredError(graph, output, pixels, { label: "loss", reduction: "mean" })] };
 *   },
 *   { widths: [6], rows: [3], seed: 0, steps: 0, optimizer: adam({ learningRate: 1e-3 }) },
 * );
 * if (!report.passed) throw new Error("a gradient is wrong");
 * ```
 *
 * @param gpu the device to check
 * @param network returns the model for a number of pixels
 * @returns the report; `passed` is false if anything failed or is undecided in every state
 */
export async function gradcheck(
  gpu: Gpu,
  network: (width: number) => BuildModel,
  options: GradcheckOptions,
): Promise<GradcheckReport> {
  const found: Finding[] = [];
  const functions: FunctionCheck[] = [], remarks: string[] = [];
  for (const [k, width] of options.widths.entries()) {
    const isFirst = k === 0;
    const { findings, nodes } = await checkWidth(gpu, network(width), width, isFirst, options, remarks);
    found.push(...findings);
    if (isFirst) functions.push(...await checkFunctions(gpu, nodes));
  }
  const rows = found.flatMap(({ rows }) => rows);
  const results = found.flatMap(({ results }) => results);
  const loss = worstOf(results.map(({ loss }) => loss));
  const repeats = results.every(({ repeats }) => repeats);
  const padding = [...new Set(results.flatMap(({ padding }) => padding))];
  const untold = [...new Set(rows.map(({ parameter }) => parameter))].filter((name) =>
    EVIDENCE.some((kind) => {
      const verdicts = rows.filter(({ parameter }) => parameter === name).flatMap((row) =>
        row[kind]?.verdict ?? []
      );
      return verdicts.length > 0 && verdicts.every((verdict) => verdict === "cannot tell");
    })
  );
  const hasFailed = !repeats || padding.length > 0 || functions.some(({ failures }) => failures.length > 0) ||
    [loss, ...rows].some(({ verdict }) => verdict === "FAILED");
  const verdict = hasFailed ? "FAILED" : untold.length > 0 ? "cannot tell" : "ok";
  return { rows, loss, padding, untold, functions, repeats, remarks, verdict, passed: verdict === "ok" };
}

/** Results for one state of one network. */
interface Finding {
  readonly rows: readonly GradcheckRow[];
  readonly results: readonly RowsResult[];
}

async function checkWidth(
  gpu: Gpu,
  build: BuildModel,
  width: number,
  isFirst: boolean,
  { rows, seed, steps, optimizer, differences: wantsDifferences = true }: GradcheckOptions,
  remarks: string[],
): Promise<{ readonly findings: readonly Finding[]; readonly nodes: readonly Node[] }> {
  const random = new RandomStream(seed, "gradcheck");
  const batchSize = Math.max(TRAINING_ROWS, ...rows.map((count) => count + 1));
  const graph = new Graph(batchSize);
  using parameters = new Parameters(seed);
  const pixels = graph.input("pixels", width);
  const { losses } = build(graph, parameters, pixels);
  const trainable = parameters.all;
  const images = drawImages(Math.max(...rows), width, random);
  using step = await compile(gpu, graph, parameters, { label: "gradcheck", losses, trainable });
  // a full batch first, with garbage after the images, which must not affect the smaller batches that follow
  const batch = Float32Array.from({ length: batchSize * width }, () => 2 * random.nextUnit());
  batch.set(images);
  step.upload(pixels, batch);
  step.run({ first: 0, rows: batchSize });

  const checked: CheckedNetwork = { graph, losses, parameters, step, pixels: { value: pixels, images } };
  const differencing = isFirst && wantsDifferences
    ? await prepareDifferences(gpu, checked, rows[0])
    : undefined;
  using _forward = differencing?.forward;

  async function checkState(state: string): Promise<Finding> {
    const results: RowsResult[] = [];
    for (const count of rows) results.push(await checkRows(checked, count));
    const found: GradcheckRow[] = [];
    for (const { name, shape } of trainable) {
      const reference = worstOf(results.map(({ gradients }) => gradients.get(name)!));
      const differences = differencing &&
        await differencesOf(differencing, checked, results[0], name, random);
      const row = { reference, ...differences };
      found.push({ state, parameter: name, shape, ...row, ...judgeRow(row, rows.length > 1) });
    }
    return { rows: found, results };
  }

  const { nodes } = graph;
  if (!isFirst) return { findings: [await checkState(`initial, width ${width}`)], nodes };
  const findings = [await checkState("initial")];
  if (steps > 0) {
    // new images at each step: trained on the checked images, their gradients would shrink to rounding noise
    const options = { label: "gradcheck training", losses, trainable, optimizer };
    using training = await compile(gpu, graph, parameters, options);
    const done = await train(training, parameters, pixels, steps, random);
    if (done < steps) {
      remarks.push(
        `training diverges between steps ${done} and ${Math.min(steps, done + STEPS_BETWEEN_LOOKS)}: ` +
          `${
            done === 0 ? "nothing is checked after training" : "later steps are not checked"
          }; try a smaller learning rate`,
      );
    }
    if (done > 0) findings.push(await checkState(`after ${done} steps`));
  }
  return { findings, nodes };
}

/** Trains while parameters are finite; restores the last finite ones and returns their number of steps. */
async function train(
  step: Step,
  parameters: Parameters,
  pixels: Value,
  steps: number,
  random: RandomStream,
): Promise<number> {
  let kept = await parameters.read();
  for (let done = 0; done < steps;) {
    const next = Math.min(steps, done + STEPS_BETWEEN_LOOKS);
    for (let k = done; k < next; k++) {
      step.upload(pixels, drawImages(TRAINING_ROWS, pixels.width, random));
      step.run({ first: 0, rows: TRAINING_ROWS });
    }
    const now = await parameters.read();
    if (!now.values().every((floats) => floats.every(Number.isFinite))) {
      for (const [name, floats] of kept) parameters.write(name, floats);
      return done;
    }
    [kept, done] = [now, next];
  }
  return steps;
}

interface Differencing {
  /** Step that computes the inputs of the losses. */
  readonly forward: Step;
  /** Values held fixed, because no gradient flows through them. */
  readonly frozenValues: readonly Value[];
}

async function prepareDifferences(
  gpu: Gpu,
  { graph, losses, parameters, pixels }: CheckedNetwork,
  rows: number,
): Promise<Differencing> {
  const frozenValues = frozenValuesOf(graph, losses);
  const outputs = lossInputs(graph, losses);
  const forward = await compile(gpu, graph, parameters, {
    label: "gradcheck differences",
    outputs,
    frozenValues,
  });
  forward.upload(pixels.value, pixels.images.subarray(0, rows * pixels.value.width));
  return { forward, frozenValues };
}

/** Computes the three kinds of differences for one parameter. */
async function differencesOf(
  { forward, frozenValues }: Differencing,
  { graph, losses, parameters }: CheckedNetwork,
  { onGpu, inputs, reference, gradients }: RowsResult,
  name: string,
  random: RandomStream,
): Promise<Pick<GradcheckRow, "referenceDifference" | "alongGradient" | "alongRandom">> {
  const expected = reference.gradients.get(name)!, gradient = onGpu.get(name)!;
  const largest = largestOf(expected), onGpuLargest = largestOf(gradient);
  const heldAt = new Map(frozenValues.map((value) => [value, reference.values.get(value)!]));
  for (const [value, numbers] of heldAt) forward.upload(value, Float32Array.from(numbers));
  const still = { ...inputs, frozenValues: heldAt, kinkSides: reference.kinkInputs };
  const bound = TOLERANCES.referenceDifference;
  const difference = differenceOfReference(graph, losses, still, name, expected, random, bound);
  const referenceDifference = fromDifference(difference, bound, largest);

  const gpuBound = TOLERANCES.gpuDifference, { cause, reason } = gradients.get(name)!;
  if (onGpuLargest === 0 || !Number.isFinite(onGpuLargest)) {
    const nothing = withoutDirection(gpuBound, onGpuLargest, largest);
    return { referenceDifference, alongGradient: nothing, alongRandom: nothing };
  }
  const value = Float32Array.from(inputs.parameters.get(name)!);
  const [alongGradient, alongRandom] = (await differencesOnGpu(
    { forward, parameters, graph, losses, reference: still },
    { name, value, gradient },
    random,
  )).map((difference): Evidence => {
    const evidence = fromDifference(difference, gpuBound, largest);
    // the differences hold elements on the reference's side of a kink, which is here not the GPU's
    const isKink = evidence.verdict === "FAILED" && cause === "kink";
    return isKink ? { ...evidence, verdict: "cannot tell", cause, reason } : evidence;
  });
  return { referenceDifference, alongGradient, alongRandom };
}

/** Returns the worst verdict of a row and its reasons, without duplicates. */
function judgeRow(
  row: Pick<GradcheckRow, typeof EVIDENCE[number]>,
  saysRows: boolean,
): Pick<GradcheckRow, "verdict" | "reason"> {
  const all = EVIDENCE.flatMap((kind) => row[kind] ?? []);
  const verdict = gravest(all.map(({ verdict }) => verdict));
  if (verdict === "ok") return { verdict, reason: "" };
  const reasons = all.filter((evidence) => evidence.verdict === verdict).map((evidence) => {
    const count = saysRows && evidence === row.reference ? row.reference.rows : 0;
    return evidence.reason + (count === 0 ? "" : ` (with ${count} row${count === 1 ? "" : "s"})`);
  });
  return { verdict, reason: [...new Set(reasons)].join("; ") };
}

/** Draws images like those of a data set: half-shaded ellipses on black, with exact zeros and ones. */
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

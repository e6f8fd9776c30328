/**
 * Comparison of a compiled network with the f64 reference, for a given number of rows.
 * @module
 */
import type { Graph, LossTerm } from "../graph/graph.ts";
import type { Parameter, Parameters } from "../graph/parameters.ts";
import type { Step } from "../step/step.ts";
import { padded, type Value } from "../graph/tensor.ts";
import { reachable } from "../step/plan_gradients.ts";
import { RandomStream } from "../random.ts";
import { elementsAtKinks, sidesOnGpu, valuesAtKinks } from "./at_kinks.ts";
import { compare, within } from "./compare.ts";
import { DRAW } from "./differences.ts";
import { againstReference, type Evidence, figure, worstOf } from "./evidence.ts";
import { type ReferenceInputs, type ReferenceResult, runReference } from "./reference_graph.ts";
import { TOLERANCES } from "./tolerances.ts";
import { LOSS_RING } from "../step/loss_ring.ts";

/** Number of runs of the reference with rounding noise, which estimate its effect. */
export const NOISY_RUNS = 3;

/** A network on the GPU, to be checked. */
export interface CheckedNetwork {
  /** Graph of the network. */
  readonly graph: Graph;
  /** Terms of the loss. */
  readonly losses: readonly LossTerm[];
  /** Parameters of the network. */
  readonly parameters: Parameters;
  /** Step that computes the losses and the gradients of all parameters. */
  readonly step: Step;
  /** Input of the network, and the images uploaded to it, [rows of the largest batch, width]. */
  readonly pixels: { readonly value: Value; readonly images: Float32Array };
}

/** Comparison of one parameter's gradient with the reference. */
export interface ReferenceEvidence extends Evidence {
  /** Index of the largest difference, in array notation. */
  readonly worstIndex: string;
  /** The number of rows of the batch. */
  readonly rows: number;
}

/** Comparison of a loss with the reference. */
export interface LossEvidence extends Evidence {
  /** Label of the loss term. */
  readonly label: string;
  /** The number of rows of the batch. */
  readonly rows: number;
}

/** Results for one number of rows. */
export interface RowsResult {
  /** Evidence about each gradient, by the parameter's name. */
  readonly gradients: ReadonlyMap<string, ReferenceEvidence>;
  /** Evidence about the worst loss term. */
  readonly loss: LossEvidence;
  /** Labels of values whose padding is not zero. */
  readonly padding: readonly string[];
  /** True if a second run was bit-exact. */
  readonly repeats: boolean;
  /** Gradients on the GPU, by the parameter's name. */
  readonly onGpu: ReadonlyMap<string, Float32Array>;
  /** Inputs of the reference. */
  readonly inputs: ReferenceInputs;
  /** Result of the reference. */
  readonly reference: ReferenceResult;
}

/** Runs the network on its first `rows` images and compares losses and gradients with the reference. */
export async function checkRows(network: CheckedNetwork, rows: number): Promise<RowsResult> {
  const { graph, losses, parameters, step, pixels } = network;
  const values = await parameters.read();
  const inputs: ReferenceInputs = {
    parameters: new Map([...values].map(([name, floats]) => [name, Float64Array.from(floats)])),
    inputs: new Map([[
      pixels.value.label,
      Float64Array.from(pixels.images.subarray(0, rows * pixels.value.width)),
    ]]),
    rows,
    draw: DRAW,
  };
  const reference = runReference(graph, losses, inputs);
  let noisyRuns: readonly ReferenceResult[] | undefined;
  const noisy = () => {
    const roundingNoise = new RandomStream(rows, "gradcheck rounding");
    const given = { ...inputs, kinkSides: reference.kinkInputs };
    const run = () => runReference(graph, losses, given, { roundingNoise });
    return noisyRuns ??= Array.from({ length: NOISY_RUNS }, run);
  };

  const runs = [];
  for (let k = 0; k < 2; k++) {
    step.run({ first: 0, rows, draw: DRAW });
    runs.push({ gradients: await step.readGradients(), losses: await readLosses(step, losses.length) });
  }
  const [{ gradients: onGpu, losses: lossesOnGpu }, again] = runs;
  const repeats =
    parameters.all.every(({ name }) => sameBits(onGpu.get(name)!, again.gradients.get(name)!)) &&
    sameBits(lossesOnGpu, again.losses);

  const loss = worstOf(losses.map(({ label }, k) => ({
    ...againstReference(
      `loss "${label}"`,
      [lossesOnGpu[k]],
      Float64Array.of(reference.losses.get(label)!),
      () => noisy().map(({ losses }) => Float64Array.of(losses.get(label)!)),
      [],
      TOLERANCES.lossAgainstReference,
    ),
    label,
    rows,
  })));
  const gradients = new Map<string, ReferenceEvidence>();
  let explain: ((parameter: Parameter, gradient: Float32Array, bound: number) => string) | undefined;
  for (const parameter of parameters.all) {
    const { name, shape } = parameter, expected = reference.gradients.get(name)!;
    const evidence = againstReference(
      "its gradient",
      onGpu.get(name)!,
      expected,
      () => noisy().map(({ gradients }) => gradients.get(name)!),
      shape,
      TOLERANCES.gpuAgainstReference,
    );
    let kink = "";
    if (evidence.verdict === "FAILED" && Number.isFinite(evidence.error)) {
      explain ??= await kinkExplanation(network, inputs, reference, noisy());
      kink = explain(parameter, onGpu.get(name)!, evidence.bound);
    }
    const found = kink
      ? { ...evidence, verdict: "cannot tell", cause: "kink", reason: kink } as const
      : evidence;
    gradients.set(name, { ...found, rows });
  }
  return {
    gradients,
    loss,
    padding: await paddingNotZero(network, rows),
    repeats,
    onGpu,
    inputs,
    reference,
  };
}

/**
 * Returns a function that explains a mismatch by kinks: its text is not empty if the gradient matches the
 * reference with the elements on a kink, within rounding, moved to the GPU's side.
 */
async function kinkExplanation(
  { graph, losses, step }: CheckedNetwork,
  inputs: ReferenceInputs,
  reference: ReferenceResult,
  noisy: readonly ReferenceResult[],
): Promise<(parameter: Parameter, gradient: Float32Array, bound: number) => string> {
  const atKinks = elementsAtKinks(graph, reference, noisy);
  if (atKinks.length === 0) return () => "";
  const wanted = valuesAtKinks(atKinks);
  const read = await step.read(wanted, inputs.rows);
  const values = new Map(wanted.map((value, k) => [value, read[k]]));
  const [below, above] = ([-1, 1] as const).map((tie) =>
    runReference(graph, losses, { ...inputs, kinkSides: sidesOnGpu(atKinks, reference, values, tie) })
      .gradients
  );
  const [{ node, kinks }] = atKinks, count = atKinks.reduce((sum, { kinks }) => sum + kinks.size, 0);
  const elements = count === 1 ? "an element lies" : `${count} elements lie`;
  return ({ name, shape }, gradient, bound) => {
    const expected = below.get(name)!;
    const between = compare(above.get(name)!, expected, shape).normError;
    const { normError } = compare(gradient, expected, shape);
    return within(normError, bound + between)
      ? `${elements} on a kink within rounding ("${node.label}" at ${
        [...kinks.values()][0]
      }), and the gradient is ` +
        `${figure(normError)} off the reference on the GPU's side of it`
      : "";
  };
}

/** Reads the losses of the latest run, which may be NaN; `Step.readLosses` would throw then. */
async function readLosses(step: Step, terms: number): Promise<Float32Array<ArrayBuffer>> {
  const { count, losses } = await step.readState();
  const at = count % LOSS_RING * terms;
  return Float32Array.from(losses.subarray(at, at + terms));
}

/** Returns the labels of values whose padding is not all zeros. */
async function paddingNotZero({ graph, losses, step }: CheckedNetwork, rows: number): Promise<string[]> {
  const values = reachable(graph, losses, [], []).flatMap(({ op, output }) =>
    output && op !== "input" && output.width % 4 !== 0 ? [output] : []
  );
  if (values.length === 0) return [];
  const wide = await step.read(values.map((value) => ({ ...value, width: padded(value.width) })), rows);
  return values.filter(({ width }, k) => wide[k].some((x, at) => at % padded(width) >= width && x !== 0))
    .map(({ label }) => label);
}

function sameBits(a: Float32Array<ArrayBuffer>, b: Float32Array<ArrayBuffer>): boolean {
  const [left, right] = [new Uint32Array(a.buffer), new Uint32Array(b.buffer)];
  return left.length === right.length && left.every((bits, k) => bits === right[k]);
}

/**
 * Replay of a trace: repeats the optimizer steps of another framework with the graph and kernels.
 * @module
 */
import { InputError } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../step/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import { type Parameter, Parameters } from "../graph/parameters.ts";
import { adam } from "../optim/adam.ts";
import { RandomStream } from "../random.ts";
import { compare, within } from "./compare.ts";
import { figure } from "./evidence.ts";
import { NOISY_RUNS } from "./network_check.ts";
import { type ReferenceTraining, trainReference } from "./reference_training.ts";
import { boundFor, TOLERANCES } from "./tolerances.ts";
import type { Trace, TraceTensor } from "./trace.ts";

/** The largest deviation, relative to its bound, among the numbers or tensors of one kind. */
export interface Deviation {
  /** Relative error, for a tensor that of the norm; NaN if something is not finite. */
  readonly error: number;
  /** Bound of {@link TOLERANCES}, or the precision of float32 if that is larger. */
  readonly bound: number;
  /** Name of the tensor or loss. */
  readonly of: string;
}

/** Result of {@link replay}. */
export interface ReplayReport {
  /** Name of the trace. */
  readonly name: string;
  /** Number of steps. */
  readonly steps: number;
  /** Worst deviation of the total losses and their parts. */
  readonly loss: Deviation;
  /** Worst deviation of the first gradients. */
  readonly gradient: Deviation;
  /** Worst deviation of the final parameters. */
  readonly parameter: Deviation;
  /** True if all are within bounds. */
  readonly passed: boolean;
}

/**
 * Repeats the steps of a trace. If a deviation exceeds its tolerance, the f64 reference repeats them too,
 * with and without rounding noise, and the bound is raised to the precision of float32, as in `gradcheck`.
 *
 * @param gpu the device
 * @param trace the trace to repeat
 * @param build adds the trace's model to a graph
 * @throws InputError if the trace's tensors are not those of its model
 */
export async function replay(gpu: Gpu, trace: Trace, build: BuildModel): Promise<ReplayReport> {
  const graph = new Graph(Math.max(...trace.steps.map(({ rows }) => rows)));
  using parameters = new Parameters(0);
  const pixels = graph.input("x", trace.model.sizes[0]);
  const { losses } = build(graph, parameters, pixels);
  const trainable = parameters.all.filter(({ name }) => trace.trainable.includes(name));
  sameTensors(trace, "params", trace.params, parameters.all);
  sameTensors(trace, "finalParams", trace.finalParams, parameters.all);
  sameTensors(trace, "firstGrads", trace.firstGrads, trainable);
  for (const [name, { data }] of trace.params) parameters.write(name, data);

  let optimizer;
  try {
    optimizer = adam({ ...trace.optimizer, decay: "l2" });
  } catch (error) {
    throw new InputError(`Cannot replay ${trace.name}: ${(error as Error).message}`);
  }
  using step = await compile(gpu, graph, parameters, { label: trace.name, losses, trainable, optimizer });
  // total losses, their parts, first gradients and final parameters, on the GPU and in the trace
  const found: Found[] = [];
  for (const [at, { inputs, rows, loss, parts }] of trace.steps.entries()) {
    for (const [label, { data }] of inputs) {
      step.upload(graph.nodes.find((node) => node.label === label)!.output!, Float32Array.from(data));
    }
    step.run({ first: 0, rows });
    if (at === 0) {
      const gradients = await step.readGradients();
      const byReference = (name: string) => (run: ReferenceTraining) => run.firstGradients.get(name)!;
      for (const [name, tensor] of trace.firstGrads) {
        found.push({
          kind: "gradient",
          of: name,
          actual: gradients.get(name)!,
          ...tensor,
          byReference: byReference(name),
        });
      }
    }
    const { values } = await step.readLosses();
    const total = (loss: (label: string) => number) =>
      losses.reduce((sum, { label, weight }) => sum + weight * loss(label), 0);
    const push = (
      of: string,
      actual: number,
      expected: number,
      byReference: (of: ReferenceLosses) => number,
    ) =>
      found.push({
        kind: "loss",
        of: `${of} of step ${at + 1}`,
        actual: [actual],
        data: [expected],
        shape: [1],
        byReference: (run) => [byReference(run.losses[at])],
      });
    push("loss", total((label) => values[label][0]), loss, (of) => total((label) => of.get(label)!));
    for (const { label, weight } of losses) {
      const part = parts.get(label);
      if (part !== undefined) push(label, weight * values[label][0], part, (of) => weight * of.get(label)!);
    }
  }
  const finals = await parameters.read();
  for (const [name, tensor] of trace.finalParams) {
    const byReference = (run: ReferenceTraining) => run.finalParameters.get(name)!;
    found.push({ kind: "parameter", of: name, actual: finals.get(name)!, ...tensor, byReference });
  }

  let runs: readonly ReferenceTraining[] | undefined;
  const runReferences = () => {
    const random = new RandomStream(0, "replay");
    const noises = [undefined, ...new Array<RandomStream>(NOISY_RUNS).fill(random)];
    return noises.map((noise) => trainReference(graph, losses, trace, trainable, noise));
  };
  const deviationOf = ({ kind, of, actual, data, shape, byReference }: Found): Deviation => {
    const error = compare(actual, data, shape).normError, tolerance = BOUNDS[kind];
    if (within(error, tolerance)) return { error, bound: tolerance, of };
    const [exact, ...noisy] = (runs ??= runReferences()).map(byReference);
    const moved = noisy.map((numbers) => compare(numbers, exact, shape).normError);
    return { error, bound: boundFor(tolerance, moved), of };
  };
  const worst = (kind: Kind) =>
    found.filter((one) => one.kind === kind).map(deviationOf).reduce((a, b) =>
      Number.isNaN(a.error) || a.error / a.bound >= b.error / b.bound ? a : b
    );
  const [loss, gradient, parameter] = [worst("loss"), worst("gradient"), worst("parameter")];
  const passed = [loss, gradient, parameter].every(({ error, bound }) => within(error, bound));
  return { name: trace.name, steps: trace.steps.length, loss, gradient, parameter, passed };
}

type Kind = "loss" | "gradient" | "parameter";

/** Losses of one step of the reference, by label. */
type ReferenceLosses = ReferenceTraining["losses"][number];

const BOUNDS: Readonly<Record<Kind, number>> = {
  loss: TOLERANCES.traceLoss,
  gradient: TOLERANCES.traceGradient,
  parameter: TOLERANCES.traceParameter,
};

/** A computed result, its value in the trace, and its accessor in the reference. */
interface Found extends TraceTensor {
  readonly kind: Kind;
  readonly of: string;
  readonly actual: ArrayLike<number>;
  readonly byReference: (run: ReferenceTraining) => ArrayLike<number>;
}

function sameTensors(
  trace: Trace,
  kind: string,
  tensors: ReadonlyMap<string, TraceTensor>,
  parameters: readonly Parameter[],
): void {
  for (const { name, shape } of parameters) {
    const tensor = tensors.get(name);
    if (!tensor || tensor.shape.join() !== shape.join()) {
      throw new InputError(
        `Cannot replay ${trace.name}: expected ${kind} "${name}" of shape [${shape.join(", ")}], found ` +
          (tensor ? `[${tensor.shape.join(", ")}]` : "none"),
      );
    }
  }
  for (const name of tensors.keys()) {
    if (!parameters.some((parameter) => parameter.name === name)) {
      throw new InputError(
        `Cannot replay ${trace.name}: ${kind} "${name}" is not a tensor of recipe ${trace.recipe}`,
      );
    }
  }
}

/** Formats a report as one line. */
export function formatReplay({ name, steps, loss, gradient, parameter, passed }: ReplayReport): string {
  const againstBound = ({ error, bound, of }: Deviation, kind: Kind) => {
    const widened = bound > BOUNDS[kind] ? `, bound widened to ${figure(bound)} for rounding` : "";
    return `${figure(error)} (${of}${widened})`;
  };
  return `${passed ? "pass" : "FAIL"}  ${name}: ${steps} steps, losses ${againstBound(loss, "loss")}, ` +
    `first gradients ${againstBound(gradient, "gradient")}, final parameters ${
      againstBound(parameter, "parameter")
    }`;
}

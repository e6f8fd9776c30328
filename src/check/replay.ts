/**
 * Replaying a trace: another framework's optimizer steps, repeated by the real graph and kernels.
 * @module
 */
import { InputError } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile } from "../graph/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import { type Parameter, Parameters } from "../graph/parameters.ts";
import { adam } from "../optim/adam.ts";
import { compare, within } from "./compare.ts";
import { TOLERANCES } from "./tolerances.ts";
import type { Trace, TraceTensor } from "./trace.ts";

/** How far a replay is from its trace. */
export interface ReplayReport {
  /** The trace's name. */
  readonly name: string;
  /** How many steps there were. */
  readonly steps: number;
  /** The worst relative deviation of a loss. */
  readonly lossError: number;
  /** The worst deviation of a first gradient, of the tensor's norm, and the tensor. */
  readonly gradient: { readonly error: number; readonly tensor: string };
  /** The worst deviation of a final parameter, of the tensor's norm, and the tensor. */
  readonly parameter: { readonly error: number; readonly tensor: string };
  /** Whether all are within bounds. */
  readonly passed: boolean;
}

/**
 * Repeats a trace's steps.
 *
 * @param gpu the device
 * @param trace what to repeat
 * @param build records the trace's model
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
  let lossError = 0;
  const deviates = (actual: number, expected: number) => {
    const error = Math.abs(actual - expected) / Math.abs(expected || 1);
    lossError = error <= lossError ? lossError : error;
  };
  let gradient = { error: 0, tensor: "" };
  for (const [at, { inputs, rows, loss, parts }] of trace.steps.entries()) {
    for (const [label, { data }] of inputs) {
      step.upload(graph.nodes.find((node) => node.label === label)!.output!, Float32Array.from(data));
    }
    step.run({ first: 0, rows });
    if (at === 0) gradient = worst(await step.readGradients(), trace.firstGrads);
    const { values } = await step.readLosses();
    deviates(losses.reduce((sum, { label, weight }) => sum + weight * values[label][0], 0), loss);
    for (const { label, weight } of losses) {
      const part = parts.get(label);
      if (part !== undefined) deviates(weight * values[label][0], part);
    }
  }
  const parameter = worst(await parameters.read(), trace.finalParams);
  const passed = within(lossError, TOLERANCES.traceLoss) &&
    within(gradient.error, TOLERANCES.traceGradient) &&
    within(parameter.error, TOLERANCES.traceParameter);
  return { name: trace.name, steps: trace.steps.length, lossError, gradient, parameter, passed };
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
        `Cannot replay ${trace.name}: ${kind} "${name}" is no tensor of recipe ${trace.recipe}`,
      );
    }
  }
}

/** The largest deviation among tensors, of each one's norm; NaN is the largest of all. */
function worst(
  actual: ReadonlyMap<string, Float32Array>,
  expected: ReadonlyMap<string, TraceTensor>,
): { error: number; tensor: string } {
  let result = { error: -1, tensor: "" };
  for (const [tensor, { data, shape }] of expected) {
    const error = compare(actual.get(tensor)!, data, shape).normError;
    if (!(error <= result.error) && !Number.isNaN(result.error)) result = { error, tensor };
  }
  return result;
}

/** One line for a person. */
export function formatReplay({ name, steps, lossError, gradient, parameter, passed }: ReplayReport): string {
  const figure = (error: number) => error.toExponential(1);
  return `${passed ? "pass" : "FAIL"}  ${name}: ${steps} steps, losses ${figure(lossError)}, ` +
    `first gradients ${figure(gradient.error)} (${gradient.tensor}), ` +
    `final parameters ${figure(parameter.error)} (${parameter.tensor})`;
}

/**
 * Holds whole graphs to the f64 reference.
 * @module
 */
import assert from "node:assert/strict";
import { arrayNotation } from "../../src/check/compare.ts";
import { type ReferenceResult, runReference } from "../../src/check/reference_graph.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import { Diverged } from "../../src/errors.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/step/compile.ts";
import type { Graph, LossTerm } from "../../src/graph/graph.ts";
import type { Parameters } from "../../src/graph/parameters.ts";
import type { Batch, Step } from "../../src/step/step.ts";
import { type Dispatch, padded, type Tensor, type Value } from "../../src/graph/tensor.ts";
import { closeness, largest } from "./gpu.ts";

/** A gradient that is 0 in float64 need not be 0 in float32: 1e-7 is float32's rounding of numbers of about 1. */
const GRADIENT_FLOOR = 1e-7;

/** A recorded network with what its inputs are given, [rows, width] each. */
export interface Recorded {
  readonly losses: readonly LossTerm[];
  readonly inputs: ReadonlyMap<Value, ArrayLike<number>>;
}

/** The first difference between a step and the reference. */
export interface Disagreement {
  /** What kind of numbers differ. */
  readonly check: "values" | "padding" | "gradients" | "losses";
  /** The kernel that wrote them, their name and shape, and where. */
  readonly message: string;
}

/** How a network is held to the reference. */
export interface AgreementOptions {
  /**
   * Batches that run before the checked one and with it, which is the last. If absent, a full batch of halves before one
   * whose rows past the end are NaN: what the first leaves must not show in the second.
   */
  readonly batches?: readonly Batch[];
  /** The reference's result, where that is known already. */
  readonly reference?: (step: ReadonlyMap<string, Float64Array>) => ReferenceResult;
}

/**
 * Runs a network and compares everything that the last batch computes with the f64 reference: values, the gradients of
 * values and of parameters, losses. Padding must be exactly 0, and every gradient must be computed but those of values
 * that nothing trained depends on.
 *
 * @param rows of the last batch
 * @returns the first difference, nothing if all agrees
 */
export async function findDisagreement(
  gpu: Gpu,
  graph: Graph,
  parameters: Parameters,
  { losses, inputs }: Recorded,
  rows: number,
  { batches, reference: known }: AgreementOptions = {},
): Promise<Disagreement | undefined> {
  using step = await compile(gpu, graph, parameters, {
    label: "agreement",
    losses,
    trainable: parameters.all,
    gradients: [...inputs.keys()].filter(({ tensor }) => isInput(graph, tensor)),
  });
  const filled = batches ? [] : [[0.5, graph.batchSize], [NaN, rows]];
  for (const [past, count] of filled) {
    for (const [value, given] of inputs) {
      const batch = new Float32Array(graph.batchSize * value.width).fill(past);
      batch.set(given);
      step.upload(value, batch);
    }
    step.run({ first: 0, rows: count });
  }
  for (const batch of batches ?? []) step.run(batch);

  const values = graph.nodes.flatMap(({ output }) => output ? [output] : []);
  const isWritten = ({ gradient }: Value) =>
    step.dispatches.some((dispatch) => writesOf(dispatch).includes(gradient));
  const differentiated = values.filter(isWritten);
  // the same tensors as they lie in memory, padding and all
  const wide = (value: Value) => ({ ...value, width: padded(value.width) });
  const [read, gradients, parameterGradients, current, reading] = await Promise.all([
    step.read(values.map(wide), rows),
    step.readValueGradients(differentiated.map(wide), rows),
    step.readGradients(),
    parameters.read(),
    step.readLosses().catch((error) => {
      if (error instanceof Diverged) return error;
      throw error;
    }),
  ]);
  const start = new Map([...current].map(([name, floats]) => [name, Float64Array.from(floats)]));
  const reference = known?.(start) ?? runReference(graph, losses, {
    parameters: start,
    inputs: new Map([...inputs].map(([value, given]) => [value.label, Float64Array.from(given)])),
    rows,
    draw: (batches ?? filled).length,
  });

  const found = (check: Disagreement["check"], tensor: Dispatch["writes"][number], what: string) => ({
    check,
    message: `${writerOf(step, tensor)}: ${what}`,
  });
  // all values before all gradients, so that the first difference is where it arises
  for (const [k, value] of values.entries()) {
    const expected = reference.values.get(value)!;
    const tolerance = TOLERANCES.forwardElement * Math.max(1, largest(expected));
    const off = closeness(value.label, narrow(read[k], rows, value.width), expected, [
      rows,
      value.width,
    ], tolerance);
    if (off) return found("values", value.tensor, off);
    const padding = paddingOf(value.label, read[k], rows, value.width);
    if (padding) return found("padding", value.tensor, padding);
  }
  for (const { output, inputs, parameters, stopsGradient } of graph.nodes) {
    if (!output || isWritten(output) || stopsGradient || inputs.length + parameters.length === 0) continue;
    return found("gradients", output.gradient, `d_${output.label} is not computed`);
  }
  // from the last to the first, for the same reason
  for (const value of differentiated.toReversed()) {
    const expected = reference.valueGradients.get(value)!;
    const tolerance = TOLERANCES.gpuAgainstReference * largest(expected) + GRADIENT_FLOOR;
    const actual = gradients[differentiated.indexOf(value)], { label, width, gradient } = value;
    const off = closeness(`d_${label}`, narrow(actual, rows, width), expected, [rows, width], tolerance);
    if (off) return found("gradients", gradient, off);
    const padding = paddingOf(`d_${label}`, actual, rows, width);
    if (padding) return found("padding", gradient, padding);
  }
  for (const { name, shape, gradient } of parameters.all.toReversed()) {
    const expected = reference.gradients.get(name)!;
    const tolerance = TOLERANCES.gpuAgainstReference * largest(expected) + GRADIENT_FLOOR;
    const off = closeness(`d_${name}`, parameterGradients.get(name)!, expected, shape, tolerance);
    if (off) return found("gradients", gradient, off);
  }
  if (reading instanceof Diverged) return { check: "losses", message: reading.message };
  for (const { label, partial } of losses) {
    const expected = reference.losses.get(label)!;
    const tolerance = TOLERANCES.lossAgainstReference * Math.abs(expected) + GRADIENT_FLOOR;
    const off = closeness(`loss ${label}`, reading.values[label].slice(-1), [expected], [1], tolerance);
    if (off) return found("losses", partial, off);
  }
  return undefined;
}

/** As {@link findDisagreement}; fails with what differs. */
export async function assertAgreesWithReference(
  gpu: Gpu,
  graph: Graph,
  parameters: Parameters,
  recorded: Recorded,
  rows: number,
  of: string,
): Promise<void> {
  const found = await findDisagreement(gpu, graph, parameters, recorded, rows);
  if (found) assert.fail(`${of}: ${found.message}`);
}

const isInput = (graph: Graph, tensor: Tensor) =>
  graph.nodes.some(({ op, output }) => op === "input" && output?.tensor === tensor);

/** The tensors that a dispatch writes, those of the dispatches that it replaces if it is fused. */
export const writesOf = ({ writes, fused }: Dispatch): Dispatch["writes"] =>
  fused ? fused.flatMap(({ writes }) => writes) : writes;

/** The kernel that writes a tensor last, and its file. */
function writerOf(step: Step, tensor: Dispatch["writes"][number]): string {
  const dispatch = step.dispatches.findLast((dispatch) => writesOf(dispatch).includes(tensor));
  return dispatch ? `${dispatch.shader.path}, ${dispatch.entryPoint}` : "no kernel";
}

/** The columns of rows that were read with their padding. */
export function narrow(wide: Float32Array, rows: number, width: number): Float32Array {
  return Float32Array.from({ length: rows * width }, (_, k) => {
    return wide[Math.floor(k / width) * padded(width) + k % width];
  });
}

/** What is wrong with the padding of rows, which must be exactly 0; nothing if it is. */
function paddingOf(of: string, wide: Float32Array, rows: number, width: number): string | undefined {
  for (let b = 0; b < rows; b++) {
    for (let column = width; column < padded(width); column++) {
      const number = wide[b * padded(width) + column];
      if (Math.abs(number) === 0) continue;
      return `padding of ${of} [${rows}, ${width}] at ${
        arrayNotation(b * padded(width) + column, [rows, padded(width)])
      } is ${number}`;
    }
  }
  return undefined;
}

/** Fails unless the padding of rows is exactly 0. */
export function assertPaddingIsZero(of: string, wide: Float32Array, rows: number, width: number): void {
  const wrong = paddingOf(of, wide, rows, width);
  if (wrong) assert.fail(wrong);
}

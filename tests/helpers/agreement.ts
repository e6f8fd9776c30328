/**
 * Holds whole graphs to the f64 reference.
 * @module
 */
import assert from "node:assert/strict";
import { runReference } from "../../src/check/reference_graph.ts";
import { TOLERANCES } from "../../src/check/tolerances.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { compile } from "../../src/graph/compile.ts";
import type { Graph, LossTerm } from "../../src/graph/graph.ts";
import type { Parameters } from "../../src/graph/parameters.ts";
import { padded, type Value } from "../../src/graph/tensor.ts";
import { assertAllClose, largest } from "./gpu.ts";

/** A gradient that is 0 in float64 need not be 0 in float32: 1e-7 is float32's rounding of numbers of about 1. */
const GRADIENT_FLOOR = 1e-7;

/**
 * Runs a graph once, on a batch whose rows past the end are NaN, and holds everything that it computes to the f64
 * reference: values, losses, the gradients of values and of parameters. Padding must be exactly 0.
 */
export async function assertAgreesWithReference(
  gpu: Gpu,
  graph: Graph,
  parameters: Parameters,
  losses: readonly LossTerm[],
  inputs: ReadonlyMap<Value, Float32Array>,
  rows: number,
  of: string,
): Promise<void> {
  using step = await compile(gpu, graph, parameters, {
    label: of,
    losses,
    trainable: parameters.all,
    gradients: [...inputs.keys()],
  });
  for (const [value, given] of inputs) {
    const batch = new Float32Array(graph.batchSize * value.width).fill(NaN);
    batch.set(given);
    step.upload(value, batch);
  }
  step.run({ first: 0, rows });

  const reference = runReference(graph, losses, {
    parameters: new Map(
      [...await parameters.read()].map(([name, floats]) => [name, Float64Array.from(floats)]),
    ),
    inputs: new Map([...inputs].map(([value, given]) => [value.label, Float64Array.from(given)])),
    rows,
  });
  const values = graph.nodes.flatMap(({ output }) => output ? [output] : []);
  // the same tensors as they lie in memory, padding and all
  const wide = values.map((value) => ({ ...value, width: padded(value.width) }));
  const read = await step.read(wide, rows);
  const gradients = await step.readValueGradients(wide, rows);
  values.forEach((value, k) => {
    const shape = [rows, value.width];
    const expected = reference.values.get(value)!, gradient = reference.valueGradients.get(value)!;
    assertAllClose(
      `${of}: ${value.label}`,
      narrow(read[k], rows, value.width),
      expected,
      shape,
      TOLERANCES.forwardElement * Math.max(1, largest(expected)),
    );
    assertAllClose(
      `${of}: d_${value.label}`,
      narrow(gradients[k], rows, value.width),
      gradient,
      shape,
      TOLERANCES.gpuAgainstReference * largest(gradient) + GRADIENT_FLOOR,
    );
    assertPaddingIsZero(`${of}: ${value.label}`, read[k], rows, value.width);
    assertPaddingIsZero(`${of}: d_${value.label}`, gradients[k], rows, value.width);
  });
  const parameterGradients = await step.readGradients();
  for (const { name, shape } of parameters.all) {
    const expected = reference.gradients.get(name)!;
    assertAllClose(
      `${of}: d_${name}`,
      parameterGradients.get(name)!,
      expected,
      shape,
      TOLERANCES.gpuAgainstReference * largest(expected) + GRADIENT_FLOOR,
    );
  }
  const reading = await step.readLosses();
  for (const { label } of losses) {
    const expected = reference.losses.get(label)!;
    const tolerance = TOLERANCES.lossAgainstReference * Math.abs(expected) + GRADIENT_FLOOR;
    assertAllClose(`${of}: ${label}`, reading.values[label], [expected], [1], tolerance);
  }
}

function narrow(wide: Float32Array, rows: number, width: number): Float32Array {
  return Float32Array.from({ length: rows * width }, (_, k) => {
    return wide[Math.floor(k / width) * padded(width) + k % width];
  });
}

function assertPaddingIsZero(of: string, wide: Float32Array, rows: number, width: number): void {
  for (let b = 0; b < rows; b++) {
    for (let column = width; column < padded(width); column++) {
      assert.equal(Math.abs(wide[b * padded(width) + column]), 0, `${of}: padding at [${b}, ${column}]`);
    }
  }
}

/**
 * Tensors of a step between CPU and GPU: their shapes, uploading and reading. Rows on the GPU are padded to
 * multiples of four floats; those of the CPU are not.
 * @module
 */
import type { Graph } from "../graph/graph.ts";
import { fromArena } from "../graph/parameters.ts";
import type { StepParts } from "./step_parts.ts";
import { padded, type Tensor, type Value } from "../graph/tensor.ts";

/**
 * Returns a tensor's shape: [B, width] for a value or its gradient, PyTorch's shape for a parameter or its
 * gradient, and the number of floats for any other tensor.
 */
export function shapeIn({ nodes, batchSize }: Graph, tensor: Tensor): readonly number[] {
  for (const { output, parameters } of nodes) {
    if (output && (output.tensor === tensor || output.gradient === tensor)) return [batchSize, output.width];
    const parameter = parameters.find((one) => one.tensor === tensor || one.gradient === tensor);
    if (parameter) return parameter.shape;
  }
  return [tensor.bytes / 4];
}

/** Uploads an input value: `data` is [rows, width], row-major. */
export function uploadRows(
  { gpu, graph, options, buffers }: StepParts,
  value: Value,
  data: Float32Array,
): void {
  const rows = data.length / value.width;
  const isInput = options.frozenValues?.includes(value) ||
    graph.nodes.some(({ op, output }) => op === "input" && output === value);
  const place = isInput ? buffers.owned.get(value.tensor) : undefined;
  if (!place || !Number.isInteger(rows) || rows > graph.batchSize) {
    throw new RangeError(
      `Cannot upload "${value.label}": expected up to [${graph.batchSize}, ${value.width}] numbers of an ` +
        `input of this step but received ${data.length}`,
    );
  }
  const wide = new Float32Array(rows * padded(value.width));
  for (let b = 0; b < rows; b++) {
    wide.set(data.subarray(b * value.width, (b + 1) * value.width), b * padded(value.width));
  }
  gpu.device.queue.writeBuffer(place.buffer, place.offset, wide);
}

/**
 * Reads the first rows of values or of their gradients, with a single wait for the GPU.
 *
 * @param doing the current activity, for errors
 * @returns one array [rows, width] per tensor, row-major
 */
export async function readRows(
  { gpu, options, buffers }: StepParts,
  tensors: readonly { tensor: Tensor; width: number }[],
  rows: number,
  doing: string,
): Promise<Float32Array<ArrayBuffer>[]> {
  const parts = tensors.map(({ tensor, width }) => {
    const place = buffers.owned.get(tensor);
    if (!place) throw new TypeError(`Cannot read "${tensor.name}": "${options.label}" does not compute it`);
    return { ...place, size: 4 * rows * padded(width) };
  });
  const results = await gpu.read(parts, doing);
  return results.map((wide, k) => {
    const { width } = tensors[k];
    if (width === padded(width)) return wide;
    const narrow = new Float32Array(rows * width);
    for (let b = 0; b < rows; b++) {
      narrow.set(wide.subarray(b * padded(width), b * padded(width) + width), b * width);
    }
    return narrow;
  });
}

/** Reads the gradients of the trainable parameters after the last run, by name, in PyTorch's layout. */
export async function readParameterGradients(
  { gpu, options: { trainable = [] }, buffers: { gradients } }: StepParts,
  doing: string,
): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const [arena] = await gpu.read([{ buffer: gradients, offset: 0, size: gradients.size }], doing);
  return new Map(trainable.map((parameter) => [parameter.name, fromArena(parameter, arena)]));
}

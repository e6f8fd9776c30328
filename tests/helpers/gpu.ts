/**
 * What GPU tests share: one device per test module, a test that fails when the device complains or memory leaks, and
 * a comparison whose failure tells where to look.
 * @module
 */
import assert from "node:assert/strict";
import { arrayNotation } from "../../src/check/compare.ts";
import { type Gpu, openGpu } from "../../src/gpu/device.ts";
import { formatKernel, type KernelKind, type ProductKernel } from "../../src/gpu/product_kernel.ts";
import type { Graph, Node } from "../../src/graph/graph.ts";
import { kernelNamed } from "../../src/graph/products.ts";
import type { Activation, Dispatch } from "../../src/graph/tensor.ts";
import { RandomStream } from "../../src/random.ts";

let opened: Promise<Gpu> | undefined;

/** The test module's device, opened when first asked for. */
export function sharedGpu(): Promise<Gpu> {
  opened ??= openGpu().then((gpu) => {
    gpu.placeholder; // made lazily: make it now, so that it never looks like a leak
    return gpu;
  });
  return opened;
}

Deno.test.afterAll(async () => {
  (await opened)?.destroy();
  opened = undefined;
});

/** Runs the body of a test with the shared device; fails if the device reported an error or a buffer is left over. */
export async function withGpu(body: (gpu: Gpu) => void | Promise<void>): Promise<void> {
  const gpu = await sharedGpu();
  const before = gpu.liveBuffers;
  try {
    await body(gpu);
    await gpu.device.queue.onSubmittedWorkDone();
  } catch (error) {
    try {
      gpu.check("a test"); // the next test must not be blamed for this one's errors
    } catch (reported) {
      throw new AggregateError(
        [error, reported],
        `${(error as Error).message}\n${(reported as Error).message}`,
      );
    }
    throw error;
  }
  gpu.check("a test");
  assert.equal(gpu.liveBuffers, before, `${gpu.liveBuffers - before} buffers were not destroyed`);
}

/** A test of {@link withGpu}. */
export function gpuTest(name: string, body: (gpu: Gpu) => void | Promise<void>): void {
  Deno.test(name, () => withGpu(body));
}

/**
 * How two arrays differ, in words; nothing if every |actual - expected| is within the tolerance. NaN is within none, and
 * no number is within a tolerance of NaN.
 *
 * @param label what is compared
 * @param shape of both, row-major
 * @param tolerance absolute
 */
export function closeness(
  label: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  shape: readonly number[],
  tolerance: number,
): string | undefined {
  const of = `${label} [${shape.join(", ")}]`;
  const count = shape.reduce((product, size) => product * size, 1);
  if (actual.length !== count || expected.length !== count) {
    return `${of}: expected ${count} numbers, compared ${actual.length} with ${expected.length}`;
  }
  let off = 0, first = -1;
  for (let k = 0; k < count; k++) {
    if (Math.abs(actual[k] - expected[k]) <= tolerance) continue;
    off++;
    if (first < 0) first = k;
  }
  if (off === 0) return undefined;
  return `${of}: ${off} of ${count} are off, the first at ${arrayNotation(first, shape)}: actual ${
    actual[first]
  }, ` +
    `expected ${expected[first]}, error ${Math.abs(actual[first] - expected[first]).toExponential(2)}, ` +
    `tolerance ${tolerance.toExponential(2)}`;
}

/** Fails if two arrays differ: see {@link closeness}. */
export function assertAllClose(...arrays: Parameters<typeof closeness>): void {
  const difference = closeness(...arrays);
  if (difference) assert.fail(difference);
}

/** Checks all of a list, some at a time: a check waits for the GPU most of the while. */
export async function checkAll<T>(list: Iterable<T>, check: (one: T) => Promise<void>): Promise<void> {
  const left = Iterator.from(list), errors: unknown[] = [];
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (let next = left.next(); !next.done && errors.length === 0; next = left.next()) {
      try {
        await check(next.value);
      } catch (error) {
        errors.push(error);
      }
    }
  }));
  if (errors.length > 0) throw errors[0];
}

/** The largest magnitude of an array, to which tolerances of gradients are relative. */
export function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let k = 0; k < values.length; k++) most = Math.max(most, Math.abs(values[k]));
  return most;
}

/** Random float32 numbers on [low, high), the same for the same name. */
export function randomFloats(
  name: string,
  count: number,
  low: number = -1,
  high: number = 1,
): Float32Array<ArrayBuffer> {
  const random = new RandomStream(20260901, name);
  return Float32Array.from({ length: count }, () => low + (high - low) * random.nextUnit());
}

/** The bits of floats: equal bits are equal numbers, and NaN and -0 do not hide. */
export function bitsOf(floats: Float32Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
}

/** Gives a graph's products invocations with tiles of another size than the device would. */
export function retile(graph: Graph, rows: number, columns: number): void {
  const change = (dispatch: Dispatch): Dispatch => {
    const { inputs, outputs } = dispatch.settings.u32;
    const [batch, x, y] = [graph.batchSize, Math.ceil(inputs / 4), Math.ceil(outputs / 4)];
    const sides: Record<string, readonly [number, number]> = {
      dense_forward: [batch, y],
      dense_backward_input: [batch, x],
      dense_backward_weight: [x, y],
      tied_forward: [batch, x],
      tied_backward_input: [batch, y],
    };
    const [entryPoint, isShared] = dispatch.entryPoint.replace("_texture", "").split("_workgroup");
    const side = sides[entryPoint];
    if (!side) return dispatch;
    const tilesOf = (rows: number, columns: number) =>
      Math.ceil(side[0] / rows) * Math.ceil(side[1] / columns);
    if (isShared === undefined) {
      const constants = { TILE_ROWS: rows, TILE_COLUMNS: columns };
      return { ...dispatch, constants, invocations: tilesOf(rows, columns) };
    }
    // two invocations below two others, which share so little at a time that it takes turns
    const [down, across] = [Math.min(2, rows), Math.min(2, columns)];
    const depth = entryPoint === "dense_backward_weight" ? 4 : 2; // in rows there, elsewhere in vec4
    const constants = { ACROSS: 2, TILE_ROWS: down, TILE_COLUMNS: across, DEPTH: depth };
    return { ...dispatch, constants, invocations: 4 * tilesOf(2 * down, 2 * across), workgroupSize: 4 };
  };
  graph.nodes.forEach((node, k) => {
    graph.nodes[k] = {
      ...node,
      forward: (target, request) => node.forward(target, request).map(change),
      backward: (target, request) => node.backward(target, request).map(change),
    };
  });
}

/** Runs `body` while the device compiles products with one kind of kernel, or with one kernel where a product has it. */
export async function withKernels<T>(
  gpu: Gpu,
  kernels: KernelKind | "auto" | ProductKernel,
  body: () => T | Promise<T>,
): Promise<T> {
  const before = gpu.kernels;
  gpu.kernels = typeof kernels === "string" ? { kind: kernels } : {
    kind: "auto",
    tuned: Object.assign(new Map<string, ProductKernel>(), {
      get: (product: string) => kernelNamed(product, formatKernel(kernels)),
    }),
  };
  try {
    return await body();
  } finally {
    gpu.kernels = before;
  }
}

/** A view of a graph under which a layer gets another label but the parameters that its own label names. */
export function relabel(graph: Graph, suffix: string): Graph {
  return Object.assign(Object.create(graph) as Graph, {
    add: (node: Node) => graph.add({ ...node, label: node.label + suffix }),
    value: (label: string, width: number, activation?: Activation) =>
      graph.value(label + suffix, width, activation),
  });
}

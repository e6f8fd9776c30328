/**
 * Dense layers on the GPU against the f64 reference: two layers of any size, and all sizes near a kernel's tile.
 * @module
 */
import type { ActivationLike } from "../../src/elementwise/activation_names.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { ProductKernel } from "../../src/gpu/product_kernel.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Parameters } from "../../src/graph/parameters.ts";
import { type Activation, ACTIVATIONS } from "../../src/graph/tensor.ts";
import { dense } from "../../src/layers/dense.ts";
import { squaredError } from "../../src/losses/squared_error.ts";
import { assertAgreesWithReference, type Recorded } from "../helpers/agreement.ts";
import { checkAll, randomFloats, retile, withKernels } from "../helpers/gpu.ts";

const LAYER = { initializer: "pytorch-linear" } as const;

/** Random inputs with exact zeros and ones, as in images, and negative numbers. */
export function awkward(name: string, count: number): Float32Array<ArrayBuffer> {
  return randomFloats(name, count).map((x, k) => k % 5 === 1 ? 0 : k % 7 === 2 ? 1 : x);
}

/** Records a network in a new graph, and compares all of its values and gradients with the reference. */
export async function check(
  gpu: Gpu,
  [batchSize, rows]: readonly [batchSize: number, rows: number],
  of: string,
  record: (graph: Graph, parameters: Parameters) => Recorded,
): Promise<void> {
  const graph = new Graph(batchSize);
  using parameters = new Parameters(rows * 100 + batchSize);
  await assertAgreesWithReference(gpu, graph, parameters, record(graph, parameters), rows, of);
}

/** Sizes and options of two dense layers. */
export interface Product {
  readonly batchSize: number;
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly f: ActivationLike;
  readonly bias: boolean;
  readonly tile?: readonly [rows: number, columns: number];
}

/**
 * x → h = f(x·W) → y = h·V, with a random target, so that the gradient of h is random. V is not square, to
 * notice transposed indices.
 */
export function checkTwoLayers(gpu: Gpu, product: Product): Promise<void> {
  const { batchSize, rows, inputs, outputs, f, bias, tile } = product;
  const of = `dense, ${f}, ${bias ? "with" : "without"} bias, [${rows}, ${inputs}] → ${outputs}`;
  return check(gpu, [batchSize, rows], of, (graph, parameters) => {
    const x = graph.input("x", inputs), target = graph.input("target", 6);
    const h = dense(graph, parameters, x, { ...LAYER, label: "h", outputs, activation: f, bias });
    const y = dense(graph, parameters, h, { ...LAYER, label: "y", outputs: 6, activation: "identity", bias });
    if (tile) retile(graph, ...tile);
    return {
      losses: [squaredError(graph, y, target, { label: "loss", reduction: "sum", weight: 0.7 })],
      inputs: new Map([
        [x, awkward(`x ${of}`, rows * inputs)],
        [target, randomFloats(`t ${of}`, rows * 6)],
      ]),
    };
  });
}

/** Kernels of several kinds, each with its tile. */
export const TILES: readonly ProductKernel[] = [
  { kind: "naive", rows: 1, columns: 1 },
  { kind: "register", rows: 4, columns: 4 },
  { kind: "register", rows: 16, columns: 4 },
  { kind: "register", rows: 8, columns: 8 },
  { kind: "register", rows: 16, columns: 8 },
  { kind: "workgroup", rows: 16, columns: 32 },
  { kind: "workgroup", rows: 32, columns: 32 },
  { kind: "workgroup", rows: 64, columns: 64 },
  { kind: "workgroup", rows: 128, columns: 128 },
  { kind: "texture", rows: 4, columns: 4 },
  { kind: "texture", rows: 16, columns: 16 },
];

/** Kernels that a software adapter compiles for three seconds each; tests/long/tiles.ts checks them. */
export const LARGE_TILES: readonly ProductKernel[] = [
  { kind: "register", rows: 32, columns: 16 },
  { kind: "register", rows: 16, columns: 32 },
];

/** Checks two layers of sizes below, at and above the tile of a workgroup and its shared memory, and far from them. */
export function checkTile(gpu: Gpu, kernel: ProductKernel): Promise<void> {
  const { rows: r, columns: c } = kernel;
  const batchSize = Math.max(16, 2 * r); // one for all, as each height of a register tile is compiled separately
  const shapes = [
    [1, 1, 1],
    [7, 13, 5],
    [r, c, 33],
    [r + 1, c + 1, c + 1],
    [batchSize, 31, c + 3],
    [Math.max(1, r - 1), Math.max(1, c - 1), c],
  ];
  const all = shapes.flatMap(([rows, inputs, outputs], k) =>
    (k === 1 ? Object.keys(ACTIVATIONS) as Activation[] : ["tanh" as const]).map((f) => ({
      ...{ batchSize, rows, inputs, outputs },
      ...{ f, bias: k !== 3 },
    }))
  );
  return withKernels(gpu, kernel, () => checkAll(all, (product) => checkTwoLayers(gpu, product)));
}

// Measurements of `deno task tune`: all candidate kernels of a product, on a dense layer of its size.
import type { Gpu } from "../gpu/device.ts";
import { type Product, type ProductKernel, productName } from "../gpu/product_kernel.ts";
import { compile } from "../step/compile.ts";
import { Graph } from "../graph/graph.ts";
import type { BuildModel } from "../graph/model.ts";
import { Parameters } from "../graph/parameters.ts";
import { candidates } from "../graph/products.ts";
import type { Step } from "../step/step.ts";
import { planDispatches } from "../step/plan_dispatches.ts";
import { dense } from "../layers/dense.ts";
import { squaredError } from "../losses/squared_error.ts";

/** Size of a dense layer, which has one product of each kind. */
export interface Layer {
  /** Batch size B. */
  readonly rows: number;
  /** Input width I. */
  readonly inputs: number;
  /** Output width O. */
  readonly outputs: number;
}

/** Result of tuning one product. */
export interface Finding {
  readonly product: Product;
  /** All measured kernels, the device's default first. */
  readonly kernels: readonly { readonly kernel: ProductKernel; readonly microseconds: number }[];
  /** The fastest kernel; the device's default unless another takes less than {@link GAIN} of its time. */
  readonly winner: { readonly kernel: ProductKernel; readonly microseconds: number };
}

/**
 * Times the products of a layer's step by name: microseconds per dispatch, averaged over `repeats`, including
 * half of each copy into a texture that it reads, because two of a layer's three products read each matrix.
 */
export type Clock = (step: Step, rows: number, repeats: number) => Promise<ReadonlyMap<string, number>>;

/** Largest time of a replacement, relative to the default kernel; smaller gains are within the noise. */
export const GAIN = 0.95;
/** Kernels slower than this multiple of the fastest in the first run are not measured again. */
const HOPELESS = 4;
/** Target duration of a measurement in microseconds, and largest number of repeats. */
const LONG_ENOUGH = 3000, MAX_REPEATS = 50;

/** Returns the distinct layer sizes of the products that have a dispatch of their own in a network's training step. */
export function layersOf(gpu: Gpu, build: BuildModel, batchSize: number, width: number): Layer[] {
  const graph = new Graph(batchSize);
  using parameters = new Parameters(0);
  const { losses } = build(graph, parameters, graph.input("pixels", width));
  const { dispatches } = planDispatches(gpu, graph, { label: "tune", losses, trainable: parameters.all });
  const layers = new Map<string, Layer>();
  for (const { product } of dispatches) {
    if (product) layers.set(JSON.stringify(layerOf(product)), layerOf(product));
  }
  return [...layers.values()];
}

/** Returns the size of the dense layer that a product belongs to. */
export function layerOf({ kind, rows, sum, columns }: Product): Layer {
  if (kind === "X·W") return { rows, inputs: sum, outputs: columns };
  if (kind === "dZ·Wᵀ") return { rows, inputs: columns, outputs: sum };
  return { rows: sum, inputs: rows, outputs: columns };
}

/** Returns the three products of a dense layer: forward, input gradient, weight gradient. */
export function productsOf({ rows, inputs, outputs }: Layer): Product[] {
  return [
    { kind: "X·W", rows, sum: inputs, columns: outputs },
    { kind: "dZ·Wᵀ", rows, sum: outputs, columns: inputs },
    { kind: "Xᵀ·dZ", rows: inputs, sum: rows, columns: outputs },
  ];
}

/**
 * Measures all candidates for the three products of a layer in turn, so that disturbances of the machine
 * affect all.
 *
 * @param rounds number of measurements, of which the fastest counts, because disturbances only slow down
 * @throws InputError if the device cannot time kernels
 */
export async function tuneLayer(
  gpu: Gpu,
  layer: Layer,
  rounds: number,
  clock: Clock = profile,
): Promise<Finding[]> {
  const products = productsOf(layer).map((product) => {
    const kernels = candidates(gpu, product);
    return { product, name: productName(product), kernels, times: kernels.map((): number[] => []) };
  });
  const most = Math.max(...products.map(({ kernels }) => kernels.length));
  using owned = new DisposableStack();
  const steps: { step: Step; repeats: number }[] = [];
  for (let k = 0; k < most; k++) {
    const tuned = new Map(products.map(({ name, kernels }) => [name, kernels[k] ?? kernels[0]]));
    const step = owned.use(await compileLayer(gpu, layer, tuned, owned));
    await clock(step, layer.rows, 1); // includes compilation by the driver
    const first = await clock(step, layer.rows, 1);
    products.forEach(({ name, kernels, times }) => kernels[k] && times[k].push(first.get(name)!));
    const longest = Math.max(...products.map(({ name }) => first.get(name)!));
    steps.push({ step, repeats: Math.max(1, Math.min(MAX_REPEATS, Math.round(LONG_ENOUGH / longest))) });
  }
  const hopeful = products.map(({ times }) => {
    const fastest = Math.min(...times.map(([first]) => first));
    return times.map(([first], k) => k === 0 || first <= HOPELESS * fastest);
  });
  products.forEach(({ times }, p) => times.forEach((list, k) => hopeful[p][k] && list.splice(0)));
  for (let round = 0; round < rounds; round++) {
    for (const [k, { step, repeats }] of steps.entries()) {
      if (!hopeful.some((list) => list[k])) continue;
      const found = await clock(step, layer.rows, repeats);
      products.forEach(({ name, times }, p) => hopeful[p][k] && times[k].push(found.get(name)!));
    }
  }
  return products.map(({ product, kernels, times }) => {
    const measured = kernels.map((kernel, k) => ({ kernel, microseconds: Math.min(...times[k]) }));
    const fastest = measured.reduce((best, other) => other.microseconds < best.microseconds ? other : best);
    const isWorth = fastest.microseconds < GAIN * measured[0].microseconds;
    return { product, kernels: measured, winner: isWorth ? fastest : measured[0] };
  });
}

/** Compiles a step of the layer alone, with these kernels. */
async function compileLayer(
  gpu: Gpu,
  { rows, inputs, outputs }: Layer,
  tuned: ReadonlyMap<string, ProductKernel>,
  owned: DisposableStack,
): Promise<Step> {
  const graph = new Graph(rows);
  const parameters = owned.use(new Parameters(0));
  const x = graph.input("x", inputs), target = graph.input("target", outputs);
  const y = dense(graph, parameters, x, {
    label: "layer",
    outputs,
    activation: "identity",
    initializer: "pytorch-linear",
  });
  const losses = [squaredError(graph, y, target, { label: "loss", reduction: "mean" })];
  const before = gpu.kernels;
  gpu.kernels = { kind: "auto", tuned };
  try {
    return await compile(gpu, graph, parameters, {
      label: "tune",
      losses,
      trainable: parameters.all,
      gradients: [x],
    });
  } finally {
    gpu.kernels = before;
  }
}

/** The {@link Clock} of the device. */
export async function profile(step: Step, rows: number, repeats: number): Promise<Map<string, number>> {
  const times = await step.profile({ first: 0, rows }, repeats);
  const copied = new Map(
    times.flatMap(({ dispatch, copies }) =>
      dispatch.copies.map(({ tensor }, k) => [tensor, copies[k]] as const)
    ),
  );
  return new Map(
    times.flatMap(({ dispatch: { product, reads, textures = 0 }, microseconds }): [string, number][] => {
      if (!product) return [];
      const shares = reads.slice(0, textures).map((tensor) => copied.get(tensor!)! / 2);
      return [[productName(product), shares.reduce((sum, share) => sum + share, microseconds / repeats)]];
    }),
  );
}

// What both kinds of `deno task bench` measure: steps, kernels, the device's bandwidth, and floors by arithmetic.
import type { Gpu } from "../src/gpu/device.ts";
import { compile, type Optimizer } from "../src/graph/compile.ts";
import { Graph } from "../src/graph/graph.ts";
import type { BuildModel } from "../src/graph/model.ts";
import type { Parameters } from "../src/graph/parameters.ts";
import type { CompiledDispatch, Step } from "../src/graph/step.ts";
import { DeviceImages, gatherBatch } from "../src/layers/gather_batch.ts";
import { RandomStream } from "../src/random.ts";
import { spread } from "./bench_spread.ts";

/** A compiled step with the batch that it is run on. */
export interface Bench extends Disposable {
  /** The step. */
  readonly step: Step;
  /** Runs it once. */
  run(): void;
}

/** A kernel's share of a step. */
export interface KernelTime {
  /** The dispatch's label. */
  readonly label: string;
  /** Its entry point. */
  readonly entryPoint: string;
  /** What one more dispatch costs. */
  readonly microseconds: number;
  /** Floating-point operations; 0 where memory is what counts. */
  readonly flop: number;
  /** What it reads and writes, each once. */
  readonly bytes: number;
}

/** The best that a device has shown. */
export interface Rates {
  /** FLOP/s of its best matrix product. */
  readonly product: number;
  /** Bytes/s read and written while copying. */
  readonly copy: number;
}

/** Compiles a network for random images of 784 pixels, a batch of them. */
export async function createBench(
  gpu: Gpu,
  parameters: Parameters,
  { build, optimizer, batchSize }: { build: BuildModel; optimizer: Optimizer; batchSize: number },
): Promise<Bench> {
  const random = new RandomStream(0, "bench");
  const bytes = Uint8Array.from({ length: batchSize * 784 }, () => random.nextBelow(256));
  const images = new DeviceImages(gpu, "bench", bytes, 784);
  try {
    const graph = new Graph(batchSize);
    const { losses } = build(graph, parameters, gatherBatch(graph, "pixels", images));
    const trained = new Set(graph.nodes.flatMap((node) => node.parameters));
    const step = await compile(gpu, graph, parameters, {
      label: "bench",
      losses,
      trainable: [...trained],
      optimizer,
    });
    return {
      step,
      run: () => step.run({ first: 0, rows: batchSize }),
      [Symbol.dispose]() {
        step.destroy();
        images.destroy();
      },
    };
  } catch (error) {
    images.destroy();
    throw error;
  }
}

/** Milliseconds of a step, of a round of `steps` with one wait at its end. */
export async function timeSteps({ step, run }: Bench, steps: number): Promise<number> {
  const start = performance.now();
  for (let k = 0; k < steps; k++) run();
  await step.readLosses();
  return (performance.now() - start) / steps;
}

/** Milliseconds in which JavaScript encodes and submits one step while the device has nothing else to do. */
export async function timeEncoding({ step, run }: Bench, rounds: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5 * rounds; round++) {
    const start = performance.now();
    run();
    times.push(performance.now() - start);
    await step.readLosses();
  }
  return spread(times).median;
}

/** What one more dispatch of each kernel costs, by the difference between passes of few and of many. */
export async function timeKernels(
  { step }: Bench,
  rows: number,
  { rounds, few, many }: { rounds: number; few: number; many: number },
): Promise<KernelTime[]> {
  const costs: number[][] = step.dispatches.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const low = await step.profile({ first: 0, rows }, few);
    const high = await step.profile({ first: 0, rows }, many);
    costs.forEach((list, at) => list.push((high[at].microseconds - low[at].microseconds) / (many - few)));
  }
  return step.dispatches.map((dispatch, at) => ({
    label: dispatch.label,
    entryPoint: dispatch.entryPoint,
    microseconds: Math.max(0.01, spread(costs[at]).median),
    flop: dispatch.flop ?? 0,
    bytes: bytesOf(dispatch),
  }));
}

/** The best product among kernels, and the device's bandwidth, measured now. */
export async function measureRates(gpu: Gpu, kernels: readonly KernelTime[]): Promise<Rates> {
  const product = Math.max(...kernels.map(({ flop, microseconds }) => 1e6 * flop / microseconds));
  return { product, copy: await measureCopy(gpu) };
}

/** Seconds that a step takes at least: its products at the best rate, everything else at the bandwidth of a copy. */
export function floorOf(dispatches: readonly { flop: number; bytes: number }[], rates: Rates): number {
  return dispatches.reduce(
    (sum, { flop, bytes }) => sum + (flop > 0 ? flop / rates.product : bytes / rates.copy),
    0,
  );
}

/** What a dispatch reads and writes; an update also reads what it writes. */
export function bytesOf({ label, reads, writes }: CompiledDispatch): number {
  const sum = (tensors: CompiledDispatch["reads"]) =>
    tensors.reduce((n, tensor) => n + (tensor?.bytes ?? 0), 0);
  return sum(reads) + sum(writes) * (label.startsWith("update ") ? 2 : 1);
}

/** Bytes/s read and written by copies of 64 MiB, by the difference between few and many. */
async function measureCopy(gpu: Gpu): Promise<number> {
  const size = 2 ** 26;
  const [from, to] = ["from", "to"].map((label) => gpu.createBuffer(`copy ${label}`, size));
  try {
    const time = async (copies: number) => {
      const start = performance.now();
      const encoder = gpu.device.createCommandEncoder({ label: "copy" });
      for (let k = 0; k < copies; k++) encoder.copyBufferToBuffer(from, 0, to, 0, size);
      gpu.device.queue.submit([encoder.finish()]);
      await gpu.read([{ buffer: to, offset: 0, size: 16 }], "copying");
      return performance.now() - start;
    };
    await time(1);
    const few: number[] = [], many: number[] = [];
    for (let round = 0; round < 5; round++) {
      few.push(await time(1));
      many.push(await time(9));
    }
    return 1000 * 8 * 2 * size / (spread(many).median - spread(few).median);
  } finally {
    for (const buffer of [from, to]) gpu.destroyBuffer(buffer);
  }
}

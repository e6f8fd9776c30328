/**
 * Times a compiled step as a whole and by kernel, and compares it with the device's arithmetic and memory
 * rates.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { formatKernel } from "../gpu/product_kernel.ts";
import type { Step } from "../step/step.ts";
import { type MedianAndRange, medianAndRange } from "../stats/median.ts";
import type { CompiledDispatch } from "../step/compile_dispatch.ts";
import type { DispatchTime } from "../step/profile.ts";

/** Cost of a copy into a texture. */
export interface CopyCost {
  /** Label of the copied tensor. */
  readonly label: string;
  /** Shape of the tensor. */
  readonly shape: readonly number[];
  /** Bytes read, and as many written, without the padding of the last row of texels (16 KiB). */
  readonly bytes: number;
  /** Time in microseconds, above 0; absent if the device has no timestamp queries. */
  readonly microseconds?: number;
}

/** Cost of a dispatch. */
export interface DispatchCost {
  /** Label in the plan. */
  readonly label: string;
  /** Name of the entry point. */
  readonly entryPoint: string;
  /** Kernel chosen for a product, such as `register 16×16`. */
  readonly kernel?: string | undefined;
  /** B, I, O of a product; for others the shape of the largest tensor, preferably one that it writes. */
  readonly shape: readonly number[];
  /** Number of workgroups. */
  readonly workgroups: number;
  /** Floating-point operations of a product; 0 for memory-bound dispatches. */
  readonly flop: number;
  /** Bytes read and written. */
  readonly bytes: number;
  /** Marginal time in microseconds, above 0; absent if the device has no timestamp queries. */
  readonly microseconds?: number;
  /** Copies into textures before it, not included in its other fields. */
  readonly copies: readonly CopyCost[];
}

/** A dispatch with measured times. */
export type TimedDispatch = DispatchCost & {
  readonly microseconds: number;
  readonly copies: readonly (CopyCost & { readonly microseconds: number })[];
};

/** Best measured rates of a device. */
export interface Rates {
  /** FLOP/s of the best matrix product. */
  readonly product: number;
  /** Bytes/s read and written by a copy. */
  readonly copy: number;
}

/** Result of {@link timeStep}. */
export interface StepCost {
  /** Number of rows per step. */
  readonly rows: number;
  /** Milliseconds per step. */
  readonly step: MedianAndRange;
  /** Number of measured rounds. */
  readonly rounds: number;
  /** Milliseconds that JavaScript takes to encode and submit a step. */
  readonly javascript: number;
  /** Dispatches in order. */
  readonly dispatches: readonly DispatchCost[];
  /** Bytes/s of a copy. */
  readonly copy: number;
  /** Measurements that need timestamp queries; absent without them. */
  readonly kernels?: {
    /** Milliseconds of all kernels. */
    readonly milliseconds: number;
    /** Milliseconds of all copies into textures; 0 if there are none. */
    readonly copies: number;
    /** FLOP/s of the best product; 0 without products. */
    readonly product: number;
    /** Floor in milliseconds, see {@link floorOf}. */
    readonly floor: number;
  } | undefined;
}

/** Effort of a measurement. */
export interface Effort {
  /** Number of rounds, of which the median counts; default 5. */
  readonly rounds?: number;
  /** Number of steps per round; by default as many as take about 0.2 s. */
  readonly steps?: number;
}

/**
 * Times a step on its first rows. Parameters keep their values; losses and the optimizer's moments change.
 *
 * @param gpu the device
 * @param step the step
 * @param rows number of rows of a batch
 * @param effort number of rounds and steps
 */
export async function timeStep(
  gpu: Gpu,
  step: Step,
  rows: number,
  { rounds = 5, steps }: Effort = {},
): Promise<StepCost> {
  await timeSteps(step, rows, 1); // the driver compiles at the first use
  const about = await timeSteps(step, rows, 1);
  const within = (milliseconds: number, most: number) =>
    Math.max(1, Math.min(most, Math.round(milliseconds / about)));
  const times: number[] = [], javascript: number[] = [], kernels: KernelTime[][] = [];
  for (let round = 0; round < rounds; round++) {
    times.push(await timeSteps(step, rows, steps ?? within(200, 100)));
    for (let k = within(50, 5); k > 0; k--) javascript.push(await timeEncoding(step, rows));
    if (gpu.hasTimestamps) kernels.push(await timeKernels(step, rows, { few: 1, many: 1 + within(50, 8) }));
  }
  const typical = (of: (round: KernelTime[]) => number): { readonly microseconds?: number } =>
    gpu.hasTimestamps ? { microseconds: Math.max(0.01, medianAndRange(kernels.map(of)).median) } : {};
  const dispatches = step.dispatches.map((dispatch, at): DispatchCost => {
    const cost = costOf(step, dispatch);
    const copies = cost.copies.map((copy, k) => ({ ...copy, ...typical((round) => round[at].copies[k]) }));
    return { ...cost, copies, ...typical((round) => round[at].microseconds) };
  });
  const copy = await measureCopy(gpu);
  const timed = dispatches.filter(isTimed);
  const product = bestProduct(timed);
  return {
    rows,
    step: medianAndRange(times),
    rounds,
    javascript: medianAndRange(javascript).median,
    dispatches,
    copy,
    kernels: gpu.hasTimestamps
      ? {
        milliseconds: timed.reduce((sum, { microseconds }) => sum + microseconds, 0) / 1000,
        copies: timed.flatMap(({ copies }) => copies).reduce((sum, copy) => sum + copy.microseconds, 0) /
          1000,
        product,
        floor: 1000 * floorOf(timed, { product, copy }),
      }
      : undefined,
  };
}

/** True if a dispatch was timed. */
export function isTimed(cost: DispatchCost): cost is TimedDispatch {
  return cost.microseconds !== undefined;
}

/** FLOP/s of the best product; 0 if there is none. */
export function bestProduct(dispatches: readonly TimedDispatch[]): number {
  return Math.max(0, ...dispatches.map(({ flop, microseconds }) => 1e6 * flop / microseconds));
}

/**
 * Floor of the time of dispatches in seconds: products at the best rate, others at the bandwidth of a copy.
 * It is an estimate, not a bound: reads from a cache may be faster than a copy.
 */
export function floorOf(
  dispatches: readonly { readonly flop: number; readonly bytes: number }[],
  { product, copy }: Rates,
): number {
  return dispatches.reduce((sum, { flop, bytes }) => sum + (flop > 0 ? flop / product : bytes / copy), 0);
}

/** Measures the milliseconds per step over `steps` steps with a single wait at the end. */
export async function timeSteps(step: Step, rows: number, steps: number): Promise<number> {
  const start = performance.now();
  for (let k = 0; k < steps; k++) step.run({ first: 0, rows }, 0);
  await step.readLosses();
  return (performance.now() - start) / steps;
}

/** Measures the milliseconds that JavaScript takes to encode and submit one step on an idle device. */
async function timeEncoding(step: Step, rows: number): Promise<number> {
  const start = performance.now();
  step.run({ first: 0, rows }, 0);
  const milliseconds = performance.now() - start;
  await step.readLosses();
  return milliseconds;
}

/** Microseconds of a dispatch and of each copy before it. */
export type KernelTime = Pick<DispatchTime, "microseconds" | "copies">;

/** Measures the marginal time of each dispatch, from passes with few and many repeats, and of its copies. */
export async function timeKernels(
  step: Step,
  rows: number,
  { few, many }: { readonly few: number; readonly many: number },
): Promise<KernelTime[]> {
  const low = await step.profile({ first: 0, rows }, few);
  const high = await step.profile({ first: 0, rows }, many);
  const oneMore = (lower: number, higher: number) => (higher - lower) / (many - few);
  return high.map(({ microseconds, copies }, at) => ({
    microseconds: oneMore(low[at].microseconds, microseconds),
    copies: copies.map((copy, k) => (low[at].copies[k] + copy) / 2),
  }));
}

/** Returns the cost of a dispatch without times. */
export function costOf(step: Step, dispatch: CompiledDispatch): DispatchCost {
  const { label, entryPoint, workgroups, flop = 0 } = dispatch;
  const shape = shapeOf(step, dispatch);
  const kernel = dispatch.kernel && formatKernel(dispatch.kernel);
  const copies = dispatch.copies.map(({ tensor, from }) => ({
    label: tensor.name,
    shape: step.shapeOf(tensor),
    bytes: from.size,
  }));
  return { label, entryPoint, kernel, workgroups, flop, bytes: bytesOf(dispatch), shape, copies };
}

/** Bytes that a dispatch reads and writes; an update also reads its outputs. */
export function bytesOf({ label, reads, writes, bytes }: CompiledDispatch): number {
  const sum = (tensors: CompiledDispatch["reads"]) =>
    tensors.reduce((total, tensor) => total + (tensor?.bytes ?? 0), 0);
  return bytes ?? sum(reads) + sum(writes) * (label.startsWith("update ") ? 2 : 1);
}

/** See {@link DispatchCost.shape}. */
function shapeOf(step: Step, { flop, settings, reads, writes }: CompiledDispatch): readonly number[] {
  const shapes = (tensors: CompiledDispatch["reads"]) =>
    tensors.flatMap((tensor) => tensor ? [step.shapeOf(tensor)] : []);
  const elements = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
  const largest = (list: readonly (readonly number[])[]) =>
    list.toSorted((a, b) => elements(b) - elements(a))[0] ?? [];
  const [read, written] = [shapes(reads), shapes(writes)];
  if (flop) return [read[0][0], settings.u32.inputs, settings.u32.outputs];
  const named = written.filter((shape) => shape.length > 1);
  return largest(named.length > 0 ? named : [...read, ...written]);
}

/** Measures the bytes/s read and written by copies of up to 64 MiB, from the difference of few and many. */
export async function measureCopy(gpu: Gpu): Promise<number> {
  const size = Math.min(2 ** 26, Math.floor(gpu.bufferBytes / 4) * 4);
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
    return 1000 * 8 * 2 * size / (medianAndRange(many).median - medianAndRange(few).median);
  } finally {
    for (const buffer of [from, to]) gpu.destroyBuffer(buffer);
  }
}

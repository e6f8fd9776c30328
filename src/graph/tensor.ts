/**
 * The nouns of a graph: tensors that dispatches read and write, values that flow between nodes, and dispatches.
 * @module
 */
import type { Product, ProductKernel } from "../gpu/product_kernel.ts";
import type { Shader } from "../gpu/shader.ts";

/** A named piece of GPU memory. A compiled step gives it a buffer when a dispatch names it. */
export interface Tensor {
  /** Its name in plans, errors and on the GPU. */
  readonly name: string;
  /** Its size. */
  readonly bytes: number;
  /** Where it lies, if it exists before any step is compiled (data sets, parameters). */
  readonly location?: { readonly buffer: GPUBuffer; readonly offset: number } | undefined;
  /** Another tensor that has the same numbers, and whose memory it shares unless a step holds it apart. */
  readonly sameAs?: Tensor;
  /** What it holds from the start, if it never changes. */
  readonly contents?: Float32Array<ArrayBuffer>;
}

/** What a dense layer does to its sums, and the number that `shaders/common/activation.wgsl` knows it by. */
export const ACTIVATIONS = { identity: 0, sigmoid: 1, tanh: 2, relu: 3 } as const;

/** The name of an activation. */
export type Activation = keyof typeof ACTIVATIONS;

/** Where an activation's derivative jumps; checks tell these kinks from wrong gradients. */
export const ACTIVATION_KINKS: Readonly<Record<Activation, readonly number[]>> = {
  identity: [],
  sigmoid: [],
  tanh: [],
  relu: [0],
};

/** A matrix [B, width] that flows through the graph, and its gradient. */
export interface Value {
  /** Its name, such as `encoder.0`. */
  readonly label: string;
  /** Columns; in memory they are padded with zeros to a multiple of four. */
  readonly width: number;
  /** The activation that made it; its gradient is written as the gradient before this activation. */
  readonly activation: Activation;
  /** The numbers themselves. */
  readonly tensor: Tensor;
  /** Their gradient, allocated only if a step computes it. */
  readonly gradient: Tensor;
}

/** Fields of the struct that a shader reads its fixed numbers from, in its order. */
export interface Settings {
  /** The u32 fields, which come first. */
  readonly u32: Readonly<Record<string, number>>;
  /** The f32 fields, which come last. */
  readonly f32?: Readonly<Record<string, number>>;
}

/** One dispatch: an entry point with everything it is bound to. Bindings are reads, writes, settings, step. */
export interface Dispatch {
  /** What it does and for whom, such as `encoder.0 forward`. */
  readonly label: string;
  /** The WGSL file. */
  readonly shader: Shader;
  /** The function in it. */
  readonly entryPoint: string;
  /** Its `override` constants besides WORKGROUP_SIZE. */
  readonly constants?: Readonly<Record<string, number>>;
  /** What it reads, in the order of its bindings; undefined binds something that is not read. */
  readonly reads: readonly (Tensor | undefined)[];
  /** How many of what it reads, from the first on, it reads as textures: the step copies them there. None if absent. */
  readonly textures?: number;
  /** What it writes, in the order of its bindings; undefined binds something that is not written. */
  readonly writes: readonly (Tensor | undefined)[];
  /** Its fixed numbers. */
  readonly settings: Settings;
  /** How many invocations it needs. */
  readonly invocations: number;
  /** Invocations of a workgroup; the device's usual number if absent. */
  readonly workgroupSize?: number;
  /** Floating-point operations, for benchmarks; absent where memory is what counts. */
  readonly flop?: number;
  /** The product that it computes, if it is one. */
  readonly product?: Product;
  /** The kernel that was chosen for the product. */
  readonly kernel?: ProductKernel;
  /** Bytes read and written, for benchmarks; if absent, every tensor once. */
  readonly bytes?: number;
}

/** `width` rounded up to a multiple of four. */
export function padded(width: number): number {
  return Math.ceil(width / 4) * 4;
}

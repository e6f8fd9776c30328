/**
 * Types of a graph: tensors that dispatches read and write, values that flow between nodes, and dispatches.
 * @module
 */
import type { Product, ProductKernel } from "../gpu/product_kernel.ts";
import type { Shader } from "../gpu/shader.ts";

/** Where a tensor is. */
export interface Location {
  /** The buffer. */
  readonly buffer: GPUBuffer;
  /** Its first byte. */
  readonly offset: number;
}

/** A named piece of GPU memory. Compiling a step allocates a buffer for it if a dispatch uses it. */
export interface Tensor {
  /** Name in plans and errors, and label of its buffer. */
  readonly name: string;
  /** Size in bytes. */
  readonly bytes: number;
  /** Memory of a tensor that exists before any step is compiled (data sets, parameters). */
  readonly location?: Location | undefined;
  /** Tensor with equal values, whose memory this one shares unless it is frozen in a step. */
  readonly sameAs?: Tensor;
  /** Constant contents, written when the buffer is created. */
  readonly contents?: Float32Array<ArrayBuffer>;
}

/** Activations of dense layers, with their numbers in `shaders/common/activation.wgsl`. */
export const ACTIVATIONS = { identity: 0, sigmoid: 1, tanh: 2, relu: 3 } as const;

/** Name of an activation: see {@link ACTIVATIONS}. */
export type Activation = keyof typeof ACTIVATIONS;

/** Inputs at which an activation's derivative jumps, so that checks can tell kinks from wrong gradients. */
export const ACTIVATION_KINKS: Readonly<Record<Activation, readonly number[]>> = {
  identity: [],
  sigmoid: [],
  tanh: [],
  relu: [0],
};

/** A matrix [B, width] that flows through the graph, and its gradient. */
export interface Value {
  /** Name, such as `encoder.0`. */
  readonly label: string;
  /** Number of columns; in memory they are padded with zeros to a multiple of four. */
  readonly width: number;
  /** Activation that computed the value; its gradient is stored with respect to the pre-activation. */
  readonly activation: Activation;
  /** The values, [B, width]. */
  readonly tensor: Tensor;
  /** The gradient, allocated only if a step computes it. */
  readonly gradient: Tensor;
}

/** Fields of a shader's settings struct, in order. */
export interface Settings {
  /** u32 fields, which come first. */
  readonly u32: Readonly<Record<string, number>>;
  /** f32 fields, which come last. */
  readonly f32?: Readonly<Record<string, number>>;
}

/** A pass of a dense or tied layer, named as the entry point of its register kernel. */
export type LayerPass =
  | "dense_forward"
  | "tied_backward_input"
  | "dense_backward_input"
  | "tied_forward"
  | "dense_backward_weight"
  | "dense_backward_bias";

/** One dispatch: an entry point with its bindings, in the order reads, writes, settings, step. */
export interface Dispatch {
  /** Name in plans, such as `encoder.0 forward`. */
  readonly label: string;
  /** The WGSL file. */
  readonly shader: Shader;
  /** Name of the entry point. */
  readonly entryPoint: string;
  /** Values of `override` constants besides WORKGROUP_SIZE. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Tensors to read, in the order of the bindings; undefined binds a placeholder. */
  readonly reads: readonly (Tensor | undefined)[];
  /** Number of leading reads bound as textures, into which the step copies them. 0 if absent. */
  readonly textures?: number;
  /** Tensors to write, in the order of the bindings; undefined binds a placeholder. */
  readonly writes: readonly (Tensor | undefined)[];
  /** Numbers that do not change between steps. */
  readonly settings: Settings;
  /** Minimum number of invocations. */
  readonly invocations: number;
  /** Invocations per workgroup; the device's default if absent. */
  readonly workgroupSize?: number;
  /** Floating-point operations, for benchmarks; absent for memory-bound dispatches. */
  readonly flop?: number;
  /** The matrix product that it computes, if any. */
  readonly product?: Product;
  /** The kernel chosen for the product. */
  readonly kernel?: ProductKernel;
  /** The layer's pass that it computes, if any: small ones may be fused. */
  readonly pass?: LayerPass;
  /** The dispatches that it replaces, if it is a fused one; its workgroup size is fixed. */
  readonly fused?: readonly Dispatch[];
  /** Bytes read and written, for benchmarks; if absent, each tensor counts once. */
  readonly bytes?: number;
}

/** `width` rounded up to a multiple of four. */
export function padded(width: number): number {
  return Math.ceil(width / 4) * 4;
}

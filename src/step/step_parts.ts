/**
 * What a compiled step consists of.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { CompiledDispatch } from "./compile_dispatch.ts";
import type { Graph } from "../graph/graph.ts";
import type { CompileOptions } from "./plan_dispatches.ts";
import type { Location, Tensor } from "../graph/tensor.ts";

/** A step as it was compiled; only the contents of its buffers change. */
export interface StepParts {
  /** The device that it runs on. */
  readonly gpu: Gpu;
  /** The recorded ops. */
  readonly graph: Graph;
  /** Options that it was compiled with. */
  readonly options: CompileOptions;
  /** Dispatches, in order. */
  readonly dispatches: readonly CompiledDispatch[];
  /** Its buffers. */
  readonly buffers: StepBuffers;
}

/** Buffers of a step. */
export interface StepBuffers {
  /** Memory of tensors without a location of their own. */
  readonly owned: ReadonlyMap<Tensor, Location>;
  /** Arena of the parameters' gradients. */
  readonly gradients: GPUBuffer;
  /** Arenas of the optimizer, one per moment. */
  readonly moments: readonly GPUBuffer[];
  /** Settings of all dispatches. */
  readonly settings: GPUBuffer;
  /** `struct Step`: numbers that change from step to step. */
  readonly state: GPUBuffer;
  /** Losses of the latest steps. */
  readonly ring: GPUBuffer;
  /** Gradient norms of the latest steps, if gradients are clipped. */
  readonly norms: GPUBuffer | undefined;
  /** Buffers for watching the trained tensors, if there is an optimizer. */
  readonly watch: WatchBuffers | undefined;
  /** All buffers to free with the step, including those that only dispatches use. */
  readonly made: readonly GPUBuffer[];
  /** Textures to free with the step. */
  readonly textures: readonly GPUTexture[];
}

/** Buffers and dispatches for watching the trained tensors. */
export interface WatchBuffers {
  /** Arena of the parameters. */
  readonly parameters: GPUBuffer;
  /** Copy of that arena from before a watched step; absent if no step is watched. */
  readonly before: GPUBuffer | undefined;
  /** Dispatches to run after a watched step, or before a reading. */
  readonly dispatches: readonly CompiledDispatch[];
  /** Sums that these dispatches write. */
  readonly sums: GPUBuffer;
}

/**
 * A compiled step: dispatches that are replayed for each batch without creating GPU objects.
 * @module
 */
import { QueuePace } from "../gpu/queue_pace.ts";
import { encodeCopy } from "../gpu/texture.ts";
import { type CompiledDispatch, encodeDispatch } from "./compile_dispatch.ts";
import { type DispatchTime, refuseWithoutTimestamps, timeDispatches } from "./profile.ts";
import type { LossReading } from "./loss_ring.ts";
import type { StepParts } from "./step_parts.ts";
import { readStepState, type StepState, writeStepState } from "./step_state.ts";
import { readParameterGradients, readRows, shapeIn, uploadRows } from "./step_tensors.ts";
import type { Tensor, Value } from "../graph/tensor.ts";
import { UnreadLosses } from "./unread_losses.ts";

/** The rows of the data set's order that a step uses. */
export interface Batch {
  /** Index of the first row in the order. */
  readonly first: number;
  /** Number of rows, from 1 to the graph's batch size. */
  readonly rows: number;
  /** Index of the noise, an integer in [0, 2³²); equal draws give equal noise. Default: the step's number. */
  readonly draw?: number;
}

/** A compiled step, created by `compile`. */
export class Step {
  readonly #parts: StepParts;
  readonly #state = new ArrayBuffer(32);
  readonly #stateU32 = new Uint32Array(this.#state);
  readonly #stateF32 = new Float32Array(this.#state);
  readonly #pace: QueuePace;
  readonly #unread: UnreadLosses;
  #count = 0;

  /** Use `compile`. */
  constructor(parts: StepParts) {
    this.#parts = parts;
    this.#pace = new QueuePace(parts.gpu.device);
    this.#unread = new UnreadLosses(parts);
  }

  /** Dispatches, in order. */
  get dispatches(): readonly CompiledDispatch[] {
    return this.#parts.dispatches;
  }

  /** Dispatches that follow them where tensors are watched, in order. */
  get watchDispatches(): readonly CompiledDispatch[] {
    return this.#parts.buffers.watch?.dispatches ?? [];
  }

  /** Number of runs so far. */
  get count(): number {
    return this.#count;
  }

  get #name(): string {
    return `step ${this.#count} of "${this.#parts.options.label}"`;
  }

  /**
   * Submits the step for a batch and returns without waiting for the GPU.
   *
   * @param batch the rows to use
   * @param learningRate the step size η; the optimizer's own by default
   * @throws RangeError if the rows do not exist
   */
  run(batch: Batch, learningRate?: number): void {
    const { gpu: { device }, options: { label, watch: isWatched }, buffers } = this.#parts;
    this.#prepare(batch, learningRate);
    const encoder = device.createCommandEncoder({ label });
    const watch = isWatched?.(this.#count) ? buffers.watch : undefined;
    if (watch?.before) {
      this.#unread.watch(this.#count);
      encoder.copyBufferToBuffer(watch.parameters, 0, watch.before, 0, watch.before.size);
    }
    let pass: GPUComputePassEncoder | undefined;
    for (const dispatch of watch ? [...this.dispatches, ...watch.dispatches] : this.dispatches) {
      if (dispatch.copies.length > 0) {
        pass?.end();
        pass = undefined;
        for (const { from, texture } of dispatch.copies) encodeCopy(encoder, from, texture);
      }
      pass ??= encoder.beginComputePass({ label });
      encodeDispatch(pass, dispatch);
    }
    pass?.end();
    device.queue.submit([encoder.finish()]);
    this.#pace.submitted();
  }

  /** Writes `struct Step` for the next run, and counts it. */
  #prepare({ first, rows, draw }: Batch, learningRate: number | undefined): void {
    const { gpu, graph: { batchSize, rowsAvailable }, options: { optimizer, label }, buffers } = this.#parts;
    if (
      !Number.isInteger(rows) || rows < 1 || rows > batchSize ||
      !Number.isInteger(first) || first < 0 || first + rows > rowsAvailable
    ) {
      throw new RangeError(
        `Cannot run "${label}": expected 1 to ${batchSize} rows below row ${rowsAvailable} ` +
          `but received ${rows} from row ${first}`,
      );
    }
    if (draw !== undefined && draw !== draw >>> 0) {
      throw new RangeError(
        `Cannot run "${label}": expected draw to be an integer in [0, 2³²) but received ${draw}`,
      );
    }
    this.#count++;
    this.#unread.add(rows);
    this.#stateU32.set([rows, first, this.#count]);
    this.#stateF32[3] = learningRate ?? optimizer?.learningRate ?? 0;
    this.#stateF32.set(optimizer?.corrections(this.#count) ?? [1, 1], 4);
    this.#stateU32[6] = draw ?? this.#count;
    gpu.device.queue.writeBuffer(buffers.state, 0, this.#state);
  }

  /**
   * Lets the event loop turn, so that signals are heard: long loops call it between runs. It waits for the GPU only if
   * runs that take more than 0.4 s are queued.
   */
  async keepPace(): Promise<void> {
    await this.#pace.keep();
  }

  /**
   * Times each dispatch, in a pass of its own that repeats it `repeats` times. The overhead of a pass cancels
   * in the difference between two numbers of repeats. A copy into a texture is made once, as a second one
   * would read from the cache, and timed by the delay between two empty passes. Parameters keep their values,
   * as the learning rate is 0; gradients, moments and losses are meaningless afterwards.
   *
   * @throws InputError if the device cannot time kernels
   */
  async profile(batch: Batch, repeats: number = 1): Promise<DispatchTime[]> {
    const { gpu } = this.#parts;
    refuseWithoutTimestamps(gpu);
    this.#prepare(batch, 0);
    return await timeDispatches(gpu, this.dispatches, repeats, this.#name);
  }

  /**
   * Reads the losses of all steps since the previous reading; waits for the GPU.
   *
   * @throws RangeError if there were more than {@link LOSS_RING} steps
   * @throws Diverged if a loss is not finite, or, with an optimizer, a gradient or parameter after the latest step
   */
  async readLosses(): Promise<LossReading> {
    try {
      return await this.#unread.read(this.#count, this.#name);
    } finally {
      this.#pace.awaited();
    }
  }

  /**
   * Returns a tensor's shape: [B, width] for a value or its gradient, PyTorch's shape for a parameter or its
   * gradient, and the number of floats for any other tensor.
   */
  shapeOf(tensor: Tensor): readonly number[] {
    return shapeIn(this.#parts.graph, tensor);
  }

  /** Uploads an input value: `data` is [rows, width], row-major. */
  upload(value: Value, data: Float32Array): void {
    uploadRows(this.#parts, value, data);
  }

  /**
   * Reads values back, with a single wait for the GPU.
   *
   * @param values outputs of this step
   * @param rows number of rows to read of each value
   * @returns one array [rows, width] per value, row-major
   */
  read(values: readonly Value[], rows: number): Promise<Float32Array<ArrayBuffer>[]> {
    return readRows(this.#parts, values, rows, this.#name);
  }

  /** Reads gradients of values back, each with respect to the value's pre-activation. See {@link read}. */
  readValueGradients(values: readonly Value[], rows: number): Promise<Float32Array<ArrayBuffer>[]> {
    const gradients = values.map(({ gradient, width }) => ({ tensor: gradient, width }));
    return readRows(this.#parts, gradients, rows, this.#name);
  }

  /** Reads the gradients of the trainable parameters after the last run, by name, in PyTorch's layout. */
  readGradients(): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    return readParameterGradients(this.#parts, this.#name);
  }

  /** Reads the state for {@link restoreState}; waits for the GPU. Read the parameters at the same time. */
  readState(): Promise<StepState> {
    const count = this.#count, { rows: unreadRows } = this.#unread;
    return readStepState(
      this.#parts,
      { count, unread: this.#unread.runsUpTo(count), unreadRows },
      this.#name,
    );
  }

  /**
   * Restores a saved state. If the parameters are restored too, the following runs are bit-exact with those
   * that followed the saved state.
   *
   * @param state state from {@link readState}, of this step or one compiled with the same options
   * @throws TypeError if the state does not match this step
   */
  restoreState(state: StepState): void {
    writeStepState(this.#parts, state);
    this.#count = state.count;
    this.#unread.reset(state.count, state.unread, state.unreadRows);
  }

  /**
   * Resets the optimizer's moments to 0 and discards unread losses.
   *
   * @param count new number of runs: 0 as after compiling, more for a step that has completed its training
   */
  reset(count: number = 0): void {
    const { gpu: { device }, buffers } = this.#parts;
    const encoder = device.createCommandEncoder({ label: "reset" });
    for (const buffer of buffers.moments) encoder.clearBuffer(buffer);
    device.queue.submit([encoder.finish()]);
    this.#count = count;
    this.#unread.reset(count);
  }

  /** Frees all buffers and textures of the step. */
  destroy(): void {
    const { gpu, buffers } = this.#parts;
    for (const buffer of buffers.made) gpu.destroyBuffer(buffer);
    for (const texture of buffers.textures) gpu.destroyTexture(texture);
  }

  /** Same as {@link destroy}, for `using`. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}

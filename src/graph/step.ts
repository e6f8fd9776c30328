/**
 * A compiled step: dispatches that are replayed for each batch without creating GPU objects.
 * @module
 */
import { Diverged } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import { QueuePace } from "../gpu/queue_pace.ts";
import { encodeCopy } from "../gpu/texture.ts";
import { type CompiledDispatch, encodeDispatch } from "./compile_dispatch.ts";
import { type DispatchTime, refuseWithoutTimestamps, timeDispatches } from "./profile.ts";
import type { CompileOptions } from "./plan_dispatches.ts";
import { LOSS_RING, type LossReading } from "./loss_ring.ts";
import type { StepState } from "./step_state.ts";
import type { Graph } from "./graph.ts";
import { elements, fromArena, type Parameter, toSlot } from "./parameters.ts";
import { padded, type Tensor, type Value } from "./tensor.ts";
import { type WatchedTensor, watchedTensors } from "./tensor_stats.ts";

/** Buffers of a step. */
export interface StepBuffers {
  /** Buffers of tensors without a location of their own. */
  readonly owned: ReadonlyMap<Tensor, GPUBuffer>;
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
  /** Buffers for watching the trained tensors, if they are watched. */
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
  /** Copy of that arena from before the step. */
  readonly before: GPUBuffer;
  /** Dispatches to run after the step. */
  readonly dispatches: readonly CompiledDispatch[];
  /** Sums that these dispatches write. */
  readonly sums: GPUBuffer;
}

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
  /** Dispatches, in order. */
  readonly dispatches: readonly CompiledDispatch[];
  readonly #gpu: Gpu;
  readonly #graph: Graph;
  readonly #options: CompileOptions;
  readonly #buffers: StepBuffers;
  readonly #state = new ArrayBuffer(32);
  readonly #stateU32 = new Uint32Array(this.#state);
  readonly #stateF32 = new Float32Array(this.#state);
  #count = 0;
  #read = 0;
  #rows = 0;
  #watched = 0; // the latest watched step
  readonly #pace: QueuePace;

  /** Use `compile`. */
  constructor(
    gpu: Gpu,
    graph: Graph,
    options: CompileOptions,
    dispatches: readonly CompiledDispatch[],
    buffers: StepBuffers,
  ) {
    this.#gpu = gpu;
    this.#graph = graph;
    this.#options = options;
    this.dispatches = dispatches;
    this.#buffers = buffers;
    this.#pace = new QueuePace(gpu.device);
  }

  /** Number of runs so far. */
  get count(): number {
    return this.#count;
  }

  get #name(): string {
    return `step ${this.#count} of "${this.#options.label}"`;
  }

  /**
   * Submits the step for a batch and returns without waiting for the GPU.
   *
   * @param batch the rows to use
   * @param learningRate the step size η; the optimizer's own by default
   * @throws RangeError if the rows do not exist
   */
  run(batch: Batch, learningRate?: number): void {
    this.#prepare(batch, learningRate);
    const encoder = this.#gpu.device.createCommandEncoder({ label: this.#options.label });
    const watch = this.#options.watch?.(this.#count) ? this.#buffers.watch : undefined;
    if (watch) {
      this.#watched = this.#count;
      const { parameters, before } = watch;
      encoder.copyBufferToBuffer(parameters, 0, before, 0, before.size);
    }
    let pass: GPUComputePassEncoder | undefined;
    for (const dispatch of watch ? [...this.dispatches, ...watch.dispatches] : this.dispatches) {
      if (dispatch.copies.length > 0) {
        pass?.end();
        pass = undefined;
        for (const { from, texture } of dispatch.copies) encodeCopy(encoder, from, texture);
      }
      pass ??= encoder.beginComputePass({ label: this.#options.label });
      encodeDispatch(pass, dispatch);
    }
    pass?.end();
    this.#gpu.device.queue.submit([encoder.finish()]);
    this.#pace.submitted();
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
    refuseWithoutTimestamps(this.#gpu);
    this.#prepare(batch, 0);
    return await timeDispatches(this.#gpu, this.dispatches, repeats, this.#name);
  }

  /**
   * Returns a tensor's shape: [B, width] for a value or its gradient, PyTorch's shape for a parameter or its
   * gradient, and the number of floats for any other tensor.
   */
  shapeOf(tensor: Tensor): readonly number[] {
    for (const { output, parameters } of this.#graph.nodes) {
      if (output && (output.tensor === tensor || output.gradient === tensor)) {
        return [this.#graph.batchSize, output.width];
      }
      const parameter = parameters.find((one) => one.tensor === tensor || one.gradient === tensor);
      if (parameter) return parameter.shape;
    }
    return [tensor.bytes / 4];
  }

  #prepare({ first, rows, draw }: Batch, learningRate: number | undefined): void {
    const { batchSize, rowsAvailable } = this.#graph;
    if (
      !Number.isInteger(rows) || rows < 1 || rows > batchSize ||
      !Number.isInteger(first) || first < 0 || first + rows > rowsAvailable
    ) {
      throw new RangeError(
        `Cannot run "${this.#options.label}": expected 1 to ${batchSize} rows below row ${rowsAvailable} ` +
          `but received ${rows} from row ${first}`,
      );
    }
    if (draw !== undefined && draw !== draw >>> 0) {
      throw new RangeError(
        `Cannot run "${this.#options.label}": expected draw to be an integer in [0, 2³²) but received ${draw}`,
      );
    }
    this.#count++;
    this.#rows += rows;
    const { optimizer } = this.#options;
    this.#stateU32.set([rows, first, this.#count]);
    this.#stateF32[3] = learningRate ?? optimizer?.learningRate ?? 0;
    this.#stateF32.set(optimizer?.corrections(this.#count) ?? [1, 1], 4);
    this.#stateU32[6] = draw ?? this.#count;
    this.#gpu.device.queue.writeBuffer(this.#buffers.state, 0, this.#state);
  }

  /** Uploads an input value: `data` is [rows, width], row-major. */
  upload(value: Value, data: Float32Array): void {
    const rows = data.length / value.width;
    const isInput = this.#options.frozenValues?.includes(value) ||
      this.#graph.nodes.some(({ op, output }) => op === "input" && output === value);
    const buffer = isInput ? this.#buffers.owned.get(value.tensor) : undefined;
    if (!buffer || !Number.isInteger(rows) || rows > this.#graph.batchSize) {
      throw new RangeError(
        `Cannot upload "${value.label}": expected up to [${this.#graph.batchSize}, ${value.width}] numbers of an ` +
          `input of this step but received ${data.length}`,
      );
    }
    const wide = new Float32Array(rows * padded(value.width));
    for (let b = 0; b < rows; b++) {
      wide.set(data.subarray(b * value.width, (b + 1) * value.width), b * padded(value.width));
    }
    this.#gpu.device.queue.writeBuffer(buffer, 0, wide);
  }

  /**
   * Reads the losses of all steps since the previous reading; waits for the GPU.
   *
   * @throws RangeError if there were more than {@link LOSS_RING} steps
   * @throws Diverged if a loss is not finite, or, if the latest step was watched, a gradient or parameter
   */
  async readLosses(): Promise<LossReading> {
    const { losses = [], label } = this.#options;
    const [after, upTo, rows] = [this.#read, this.#count, this.#rows];
    const steps = upTo - after;
    if (steps > LOSS_RING) {
      throw new RangeError(
        `Cannot read the losses of "${label}": expected at most ${LOSS_RING} steps since the last reading ` +
          `but there were ${steps}; read them more often`,
      );
    }
    this.#read = upTo;
    this.#rows = 0;
    const watch = this.#watched === upTo && upTo > after ? this.#buffers.watch : undefined;
    const [ring, ...others] = await this.#gpu.read(
      [this.#buffers.ring, this.#buffers.norms, watch?.sums].flatMap((buffer) =>
        buffer ? [{ buffer, offset: 0, size: buffer.size }] : []
      ),
      this.#name,
    );
    this.#pace.awaited();
    const norms = this.#buffers.norms && others.shift();
    const series = losses.map((_, at) =>
      Float32Array.from({ length: steps }, (_, k) => ring[(after + 1 + k) % LOSS_RING * losses.length + at])
    );
    const watched = watch ? watchedTensors(this.#options.trainable ?? [], others[0]) : [];
    await this.#checkFinite(after, upTo, series, watched);

    const values = Object.fromEntries(losses.map(({ label }, k) => [label, series[k]]));
    const mean = Object.fromEntries(
      losses.map(({ label }, k) => [label, series[k].reduce((sum, loss) => sum + loss, 0) / steps]),
    );
    const gradientNorms = norms &&
      Float32Array.from({ length: steps }, (_, k) => norms[(after + 1 + k) % LOSS_RING]);
    return {
      steps,
      rows,
      values,
      mean,
      ...(gradientNorms ? { gradientNorms } : {}),
      ...(watch ? { tensors: watched } : {}),
    };
  }

  /** Throws if a loss of the steps after `after`, or a tensor watched at step `upTo`, is not finite. */
  async #checkFinite(
    after: number,
    upTo: number,
    series: readonly Float32Array[],
    watched: readonly WatchedTensor[],
  ): Promise<void> {
    const { losses = [], label } = this.#options;
    const bad = losses.flatMap((term, at) => {
      const k = series[at].findIndex((loss) => !Number.isFinite(loss));
      return k < 0 ? [] : [{ step: after + 1 + k, what: `loss "${term.label}" is ${series[at][k]}` }];
    }).sort((a, b) => a.step - b.step)[0];
    if (!bad && !watched.some(({ badGradients, badWeights }) => badGradients + badWeights > 0)) return;
    const tensors = await this.#notFinite();
    const findings = [
      bad ? `${bad.what} at step ${bad.step}` : "",
      tensors ? `${tensors} not finite at step ${upTo}` : "",
    ];
    throw new Diverged(`Training of "${label}" diverged: ${findings.filter(Boolean).join("; ")}`);
  }

  /** Names the trained tensors and gradients that contain NaN or infinity, for an error; empty if none do. */
  async #notFinite(): Promise<string> {
    const { trainable = [], optimizer } = this.#options;
    if (trainable.length === 0) return "";
    const { gradients } = this.#buffers, weights = trainable[0].tensor.location!.buffer;
    const arenas = await this.#gpu.read(
      [gradients, weights].map((buffer) => ({ buffer, offset: 0, size: buffer.size })),
      this.#name,
    );
    const isBad = (arena: Float32Array) => ({ offset, bytes }: Parameter) =>
      !arena.subarray(offset / 4, (offset + bytes) / 4).every(Number.isFinite);
    const [ofGradients, ofWeights] = arenas.map((arena) => trainable.filter(isBad(arena)));
    const parts = [
      ofGradients.length > 0 ? `the gradient of ${andMore(ofGradients)}` : "",
      optimizer && ofWeights.length > 0 ? `parameter ${andMore(ofWeights)}` : "",
    ].filter(Boolean);
    const isOne = ofGradients.length + ofWeights.length === 1;
    return parts.length === 0 ? "" : `${parts.join(" and ")} ${isOne ? "is" : "are"}`;
  }

  /**
   * Reads values back, with a single wait for the GPU.
   *
   * @param values outputs of this step
   * @param rows number of rows to read of each value
   * @returns one array [rows, width] per value, row-major
   */
  read(values: readonly Value[], rows: number): Promise<Float32Array<ArrayBuffer>[]> {
    return this.#readTensors(values.map(({ tensor, width }) => ({ tensor, width })), rows);
  }

  /** Reads gradients of values back, each with respect to the value's pre-activation. See {@link read}. */
  readValueGradients(values: readonly Value[], rows: number): Promise<Float32Array<ArrayBuffer>[]> {
    return this.#readTensors(values.map(({ gradient, width }) => ({ tensor: gradient, width })), rows);
  }

  async #readTensors(
    tensors: readonly { tensor: Tensor; width: number }[],
    rows: number,
  ): Promise<Float32Array<ArrayBuffer>[]> {
    const parts = tensors.map(({ tensor, width }) => {
      const buffer = this.#buffers.owned.get(tensor);
      if (!buffer) {
        throw new TypeError(`Cannot read "${tensor.name}": "${this.#options.label}" does not compute it`);
      }
      return { buffer, offset: 0, size: 4 * rows * padded(width) };
    });
    const results = await this.#gpu.read(parts, this.#name);
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
  async readGradients(): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    const { gradients } = this.#buffers;
    const [arena] = await this.#gpu.read(
      [{ buffer: gradients, offset: 0, size: gradients.size }],
      this.#name,
    );
    return new Map(
      (this.#options.trainable ?? []).map((parameter) => [parameter.name, fromArena(parameter, arena)]),
    );
  }

  /** Reads the state for {@link restoreState}; waits for the GPU. Read the parameters at the same time. */
  async readState(): Promise<StepState> {
    const { moments, ring, norms } = this.#buffers, { trainable = [] } = this.#options;
    const [count, unread, unreadRows] = [this.#count, this.#count - this.#read, this.#rows];
    const parts = [ring, ...(norms ? [norms] : []), ...moments].map((buffer) => ({
      buffer,
      offset: 0,
      size: buffer.size,
    }));
    const [losses, ...rest] = await this.#gpu.read(parts, this.#name);
    return {
      count,
      unread,
      unreadRows,
      losses,
      norms: norms && rest.shift(),
      moments: rest.map((arena) =>
        new Map(trainable.map((parameter) => [parameter.name, fromArena(parameter, arena)]))
      ),
    };
  }

  /**
   * Restores a saved state. If the parameters are restored too, the following runs are bit-exact with those
   * that followed the saved state.
   *
   * @param state state from {@link readState}, of this step or one compiled with the same options
   * @throws TypeError if the state does not match this step
   */
  restoreState({ count, unread, unreadRows, moments, losses, norms }: StepState): void {
    const { trainable = [] } = this.#options, buffers = this.#buffers, { queue } = this.#gpu.device;
    const refuse = (what: string): TypeError =>
      new TypeError(`Cannot restore "${this.#options.label}": ${what} do not match this step`);
    if (4 * losses.length !== buffers.ring.size) throw refuse("the losses");
    if (norms === undefined ? buffers.norms : 4 * norms.length !== buffers.norms?.size) {
      throw refuse("the gradient norms");
    }
    if (moments.length !== buffers.moments.length) throw refuse("the moments");
    for (const [k, values] of moments.entries()) {
      for (const parameter of trainable) {
        const slot = values.get(parameter.name) ?? [];
        if (slot.length !== elements(parameter.shape)) throw refuse(`the moments of "${parameter.name}"`);
        queue.writeBuffer(buffers.moments[k], parameter.offset, toSlot(parameter, slot));
      }
    }
    queue.writeBuffer(buffers.ring, 0, Float32Array.from(losses));
    if (norms) queue.writeBuffer(buffers.norms!, 0, Float32Array.from(norms));
    this.#count = count;
    this.#read = count - unread;
    this.#rows = unreadRows;
    this.#watched = 0;
  }

  /**
   * Resets the optimizer's moments to 0 and discards unread losses.
   *
   * @param count new number of runs: 0 as after compiling, more for a step that has completed its training
   */
  reset(count: number = 0): void {
    const encoder = this.#gpu.device.createCommandEncoder({ label: "reset" });
    for (const buffer of this.#buffers.moments) encoder.clearBuffer(buffer);
    this.#gpu.device.queue.submit([encoder.finish()]);
    this.#count = this.#read = count;
    this.#rows = this.#watched = 0;
  }

  /** Frees all buffers and textures of the step. */
  destroy(): void {
    for (const buffer of this.#buffers.made) this.#gpu.destroyBuffer(buffer);
    for (const texture of this.#buffers.textures) this.#gpu.destroyTexture(texture);
  }

  /** Same as {@link destroy}, for `using`. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}

function andMore(parameters: readonly Parameter[]): string {
  const more = parameters.length - 1;
  return `"${parameters[0].name}"` + (more > 0 ? ` (and ${more} more)` : "");
}

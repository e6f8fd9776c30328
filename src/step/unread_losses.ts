/**
 * The losses of the runs since the last reading: how many there are, and reading them from the ring. A reading
 * refuses what is not finite.
 * @module
 */
import { Diverged } from "../errors.ts";
import { type CompiledDispatch, encodeDispatch } from "./compile_dispatch.ts";
import { LOSS_RING, type LossReading } from "./loss_ring.ts";
import type { Parameter } from "../graph/parameters.ts";
import type { StepParts } from "./step_parts.ts";
import { type WatchedTensor, watchedTensors } from "./tensor_stats.ts";

/** Counts the runs of a step whose losses are still to be read, and reads them. */
export class UnreadLosses {
  readonly #parts: StepParts;
  #read = 0; // number of runs whose losses were read
  #rows = 0; // of the runs since then
  #watched = 0; // the latest watched run
  #isFresh = false; // gradients and parameters are those after the latest run

  constructor(parts: StepParts) {
    this.#parts = parts;
  }

  /** Total number of rows of the unread runs. */
  get rows(): number {
    return this.#rows;
  }

  /** Number of unread runs up to run `count`. */
  runsUpTo(count: number): number {
    return count - this.#read;
  }

  /** Counts a run over `rows` rows. */
  add(rows: number): void {
    this.#rows += rows;
    this.#isFresh = true;
  }

  /** Notes that the trained tensors are watched in run `count`. */
  watch(count: number): void {
    this.#watched = count;
  }

  /** Begins anew after run `count`, of which `unread` runs over `rows` rows are still to be read. */
  reset(count: number, unread: number = 0, rows: number = 0): void {
    this.#read = count - unread;
    this.#rows = rows;
    this.#watched = 0;
    this.#isFresh = false;
  }

  /**
   * Reads the losses of the unread runs up to `upTo`; waits for the GPU.
   *
   * @param doing the current activity, for errors
   * @throws RangeError if there are more than {@link LOSS_RING} of them
   * @throws Diverged if a loss is not finite, or, with an optimizer, a gradient or parameter after run `upTo`
   */
  async read(upTo: number, doing: string): Promise<LossReading> {
    const { gpu, buffers, options: { losses = [], trainable = [], label } } = this.#parts;
    const [after, rows] = [this.#read, this.#rows];
    const steps = upTo - after;
    if (steps > LOSS_RING) {
      throw new RangeError(
        `Cannot read the losses of "${label}": expected at most ${LOSS_RING} steps since the last reading ` +
          `but there were ${steps}; read them more often`,
      );
    }
    this.#read = upTo;
    this.#rows = 0;
    const watch = upTo > after && this.#isFresh ? buffers.watch : undefined;
    const isWatched = watch !== undefined && this.#watched === upTo;
    if (watch && !isWatched) this.#submit(watch.dispatches);
    const [ring, ...others] = await gpu.read(
      [buffers.ring, buffers.norms, watch?.sums].flatMap((buffer) =>
        buffer ? [{ buffer, offset: 0, size: buffer.size }] : []
      ),
      doing,
    );
    const norms = buffers.norms && others.shift();
    const series = losses.map((_, at) =>
      Float32Array.from({ length: steps }, (_, k) => ring[(after + 1 + k) % LOSS_RING * losses.length + at])
    );
    const watched = watch ? watchedTensors(trainable, others[0]) : [];
    await this.#checkFinite(after, upTo, series, watched, doing);

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
      ...(isWatched ? { tensors: watched } : {}),
    };
  }

  /** Computes the sums of what is watched. Those of the change are meaningless after a run that was not watched. */
  #submit(dispatches: readonly CompiledDispatch[]): void {
    const { gpu: { device }, options } = this.#parts, label = `watch ${options.label}`;
    const encoder = device.createCommandEncoder({ label }), pass = encoder.beginComputePass({ label });
    for (const dispatch of dispatches) encodeDispatch(pass, dispatch);
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  /** Throws if a loss of the runs after `after`, or a trained tensor after run `upTo`, is not finite. */
  async #checkFinite(
    after: number,
    upTo: number,
    series: readonly Float32Array[],
    watched: readonly WatchedTensor[],
    doing: string,
  ): Promise<void> {
    const { losses = [], label, optimizer } = this.#parts.options;
    const bad = losses.flatMap((term, at) => {
      const k = series[at].findIndex((loss) => !Number.isFinite(loss));
      return k < 0 ? [] : [{ k, what: `loss "${term.label}" is ${series[at][k]}` }];
    }).sort((a, b) => a.k - b.k)[0];
    if (!bad && !watched.some(({ badGradients, badWeights }) => badGradients + badWeights > 0)) return;
    const tensors = await this.#notFinite(doing);
    const place = (k: number) => optimizer ? `at step ${after + 1 + k}` : `in batch ${k + 1}`;
    const findings = [
      bad ? `${bad.what} ${place(bad.k)}` : "",
      tensors ? `${tensors} not finite ${place(upTo - after - 1)}` : "",
    ].filter(Boolean).join("; ");
    throw new Diverged(
      optimizer ? `Training of "${label}" diverged: ${findings}` : `Measuring "${label}" failed: ${findings}`,
    );
  }

  /** Names the trained tensors and gradients that contain NaN or infinity, for an error; empty if none do. */
  async #notFinite(doing: string): Promise<string> {
    const { gpu, buffers: { gradients }, options: { trainable = [], optimizer } } = this.#parts;
    if (trainable.length === 0) return "";
    const weights = trainable[0].tensor.location!.buffer;
    const arenas = await gpu.read(
      [gradients, weights].map((buffer) => ({ buffer, offset: 0, size: buffer.size })),
      doing,
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
}

function andMore(parameters: readonly Parameter[]): string {
  const more = parameters.length - 1;
  return `"${parameters[0].name}"` + (more > 0 ? ` (and ${more} more)` : "");
}

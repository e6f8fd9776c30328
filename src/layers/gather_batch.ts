/**
 * Batches out of a data set that stays on the GPU, as bytes or as floats.
 * @module
 */
import code from "../../shaders/data/gather_batch.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import type { Graph } from "../graph/graph.ts";
import { padded, type Tensor, type Value } from "../graph/tensor.ts";

const GATHER = { path: "shaders/data/gather_batch.wgsl", code };

/** Images on the GPU, a byte or a float a pixel, with the order in which they are taken. */
export class DeviceImages {
  /** Number of images. */
  readonly count: number;
  /** Pixels of an image. */
  readonly width: number;
  /** Whether pixels are floats in [0, 1], and not bytes. */
  readonly isFloat: boolean;
  /** The pixels. */
  readonly images: Tensor;
  /** The order. */
  readonly order: Tensor;
  readonly #gpu: Gpu;
  readonly #buffers: readonly [images: GPUBuffer, order: GPUBuffer];

  /**
   * Copies images to the GPU, in the order in which they lie.
   *
   * @param gpu the device
   * @param label their name, such as `train`
   * @param pixels [count, width]: bytes from 0 to 255, or floats in [0, 1]
   * @param width pixels of an image
   * @throws InputError if they exceed the device's limits
   * @throws RangeError if they are no whole number of images
   */
  constructor(gpu: Gpu, label: string, pixels: Uint8Array | Float32Array, width: number) {
    const isFloat = pixels instanceof Float32Array;
    const count = pixels.length / width;
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(
        `Cannot upload images "${label}": expected a multiple of ${width} ${
          isFloat ? "floats" : "bytes"
        }, received ${pixels.length}`,
      );
    }
    const stride = padded(width);
    const bytes = count * stride * pixels.BYTES_PER_ELEMENT;
    const images = gpu.createBuffer(`${label} images`, bytes);
    const order = gpu.createBuffer(`${label} order`, count * 4);
    // a few rows at a time: what is written stays in memory until it is submitted
    const rowsAtOnce = Math.ceil(2 ** 22 / (stride * pixels.BYTES_PER_ELEMENT));
    for (let first = 0; first < count; first += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, count - first);
      const chunk = isFloat ? new Float32Array(rows * stride) : new Uint8Array(rows * stride);
      for (let b = 0; b < rows; b++) {
        chunk.set(pixels.subarray((first + b) * width, (first + b + 1) * width), b * stride);
      }
      gpu.device.queue.writeBuffer(images, first * stride * pixels.BYTES_PER_ELEMENT, chunk);
    }
    gpu.device.queue.submit([]);
    this.count = count;
    this.width = width;
    this.isFloat = isFloat;
    this.images = { name: `${label} images`, bytes, home: { buffer: images, offset: 0 } };
    this.order = { name: `${label} order`, bytes: count * 4, home: { buffer: order, offset: 0 } };
    this.#gpu = gpu;
    this.#buffers = [images, order];
    this.setOrder(Uint32Array.from({ length: count }, (_, k) => k));
  }

  /**
   * Sets the order in which images are taken from now on.
   *
   * @param order `count` indices below `count`
   * @throws RangeError for another number of indices, or for an index that is too large
   */
  setOrder(order: Uint32Array<ArrayBuffer>): void {
    const bad = order.findIndex((index) => index >= this.count);
    if (order.length !== this.count || bad >= 0) {
      throw new RangeError(
        `Cannot order ${this.count} images: received ${order.length} indices` +
          (bad >= 0 ? `, of which [${bad}] is ${order[bad]}` : ""),
      );
    }
    this.#gpu.device.queue.writeBuffer(this.#buffers[1], 0, order);
  }

  /** Frees the images. */
  destroy(): void {
    for (const buffer of this.#buffers) this.#gpu.destroyBuffer(buffer);
  }

  /** Same as {@link destroy}, for `using`. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}

/**
 * The next batch, in [0, 1]: bytes / 255, or the floats as they are. Which rows of the order are taken is said when the step is run.
 *
 * @returns [B, width]
 */
export function gatherBatch(graph: Graph, label: string, source: DeviceImages): Value {
  const output = graph.value(label, source.width);
  const words = padded(source.width) / 4;
  graph.rowsAvailable = Math.min(graph.rowsAvailable, source.count);
  graph.add({
    op: "input",
    label,
    inputs: [],
    parameters: [],
    output,
    attributes: {},
    forward: () => [{
      label: `${label} gather`,
      shader: GATHER,
      entryPoint: source.isFloat ? "gather_batch_float" : "gather_batch",
      reads: [source.images, source.order],
      writes: [output.tensor],
      settings: { u32: { words } },
      lanes: graph.batchSize * words,
      workgroup: 64,
    }],
    backward: () => [],
  });
  return output;
}

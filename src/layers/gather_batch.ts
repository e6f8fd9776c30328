/**
 * Mini-batches from a data set stored on the GPU as bytes or floats.
 * @module
 */
import code from "../../shaders/data/gather_batch.wgsl" with { type: "text" };
import { InputError } from "../errors.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Graph } from "../graph/graph.ts";
import { inRows } from "../graph/shares.ts";
import { padded, type Tensor, type Value } from "../graph/tensor.ts";

const GATHER = { path: "shaders/data/gather_batch.wgsl", code };

/** Images stored in one buffer. */
export interface ImageChunk {
  /** Index of its first image in the data set. */
  readonly first: number;
  /** Number of images. */
  readonly count: number;
  /** The pixels. */
  readonly pixels: Tensor;
}

/**
 * Images on the GPU, one byte or float per pixel, and the order in which batches use them. They are split
 * into several buffers if they exceed the device's limit on a storage buffer (128 MiB by default).
 */
export class DeviceImages {
  /** Number of images. */
  readonly count: number;
  /** Number of pixels per image. */
  readonly width: number;
  /** True if pixels are floats in [0, 1], false if they are bytes. */
  readonly isFloat: boolean;
  /** The pixels, in one chunk per buffer. */
  readonly chunks: readonly ImageChunk[];
  /** Order of the images: `count` indices, u32. */
  readonly order: Tensor;
  readonly #gpu: Gpu;
  readonly #buffers: readonly [order: GPUBuffer, ...chunks: GPUBuffer[]];

  /**
   * Copies images to the GPU and sets the order to their original one.
   *
   * @param gpu the device
   * @param label name of the images, such as `train`
   * @param pixels [count, width]: bytes from 0 to 255, or floats in [0, 1]
   * @param width number of pixels per image
   * @param chunkBytes maximum size of a buffer in bytes; the device's limit by default
   * @throws InputError if the images exceed the device's limits
   * @throws RangeError if `pixels` is not a whole number of images, at least one
   */
  constructor(
    gpu: Gpu,
    label: string,
    pixels: Uint8Array | Float32Array,
    width: number,
    chunkBytes: number = gpu.bufferBytes,
  ) {
    const isFloat = pixels instanceof Float32Array;
    const count = pixels.length / width;
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(
        `Cannot upload images "${label}": expected a multiple of ${width} ${
          isFloat ? "floats" : "bytes"
        } but received ${pixels.length}`,
      );
    }
    if (4 * count > gpu.bufferBytes) {
      throw new InputError(
        `Cannot upload ${count} images "${label}": their order needs ${
          4 * count
        } bytes, and this device binds at ` +
          `most ${gpu.bufferBytes} (maxStorageBufferBindingSize); use at most ${
            Math.floor(gpu.bufferBytes / 4)
          } images`,
        { settings: ["limit"] },
      );
    }
    const imageBytes = padded(width) * pixels.BYTES_PER_ELEMENT;
    const most = Math.max(1, Math.floor(chunkBytes / imageBytes));
    const firsts = Array.from({ length: Math.ceil(count / most) }, (_, k) => k * most);
    using made = new DisposableStack();
    const create = (name: string, bytes: number) =>
      made.adopt(gpu.createBuffer(name, bytes), (buffer) => gpu.destroyBuffer(buffer));
    const order = create(`${label} order`, count * 4);
    const buffers = firsts.map((first, k) =>
      create(
        firsts.length === 1 ? `${label} images` : `${label} images ${k + 1} of ${firsts.length}`,
        Math.min(most, count - first) * imageBytes,
      )
    );
    this.chunks = buffers.map((buffer, k) => {
      const first = firsts[k], rows = Math.min(most, count - first);
      upload(gpu, buffer, pixels.subarray(first * width, (first + rows) * width), width);
      const bytes = rows * imageBytes;
      return { first, count: rows, pixels: { name: buffer.label, bytes, location: { buffer, offset: 0 } } };
    });
    this.count = count;
    this.width = width;
    this.isFloat = isFloat;
    this.order = { name: order.label, bytes: count * 4, location: { buffer: order, offset: 0 } };
    this.#gpu = gpu;
    this.#buffers = [order, ...buffers];
    made.move(); // keeps the buffers: this object owns them now
    this.setOrder(Uint32Array.from({ length: count }, (_, k) => k));
  }

  /**
   * Sets the order in which batches use the images.
   *
   * @param order `count` indices below `count`
   * @throws RangeError if the number of indices is wrong or an index is too large
   */
  setOrder(order: Uint32Array<ArrayBuffer>): void {
    const bad = order.findIndex((index) => index >= this.count);
    if (order.length !== this.count || bad >= 0) {
      throw new RangeError(
        `Cannot order ${this.count} images: expected ${this.count} indices below ${this.count} but received ${order.length}` +
          (bad >= 0 ? `, of which [${bad}] is ${order[bad]}` : ""),
      );
    }
    this.#gpu.device.queue.writeBuffer(this.#buffers[0], 0, order);
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

/** Writes images with padded rows, 4 MiB at a time: written data occupies staging memory until a submit. */
function upload(gpu: Gpu, buffer: GPUBuffer, pixels: Uint8Array | Float32Array, width: number): void {
  const stride = padded(width), count = pixels.length / width;
  const rowsAtOnce = Math.ceil(2 ** 22 / (stride * pixels.BYTES_PER_ELEMENT));
  for (let first = 0; first < count; first += rowsAtOnce) {
    const rows = Math.min(rowsAtOnce, count - first);
    const size = rows * stride;
    const wide = pixels instanceof Float32Array ? new Float32Array(size) : new Uint8Array(size);
    for (let b = 0; b < rows; b++) {
      wide.set(pixels.subarray((first + b) * width, (first + b + 1) * width), b * stride);
    }
    gpu.device.queue.writeBuffer(buffer, first * stride * pixels.BYTES_PER_ELEMENT, wide);
    gpu.device.queue.submit([]);
  }
}

/**
 * Batch of images in [0, 1]: bytes / 255, or the floats unchanged. `Step.run` selects the rows of the order.
 * Each chunk of the images has its own dispatch, which writes the rows of that chunk's images.
 *
 * ```ts
 * import { DeviceImages, gatherBatch, Graph, openGpu } from "@bottleneck/bottleneck";
 *
 * using gpu = await openGpu();
 * using images = new DeviceImages(gpu, "train", new Uint8Array(10 * 784), 784);
 * const pixels = gatherBatch(new Graph(4), "pixels", images); // [4, 784]
 * ```
 *
 * @returns [B, width]
 */
export function gatherBatch(graph: Graph, label: string, source: DeviceImages): Value {
  const output = graph.value(label, source.width);
  const words = padded(source.width) / 4;
  const pixelBytes = source.isFloat ? 4 : 1;
  graph.rowsAvailable = Math.min(graph.rowsAvailable, source.count);
  graph.add({
    op: "input",
    label,
    inputs: [],
    parameters: [],
    output,
    attributes: {},
    forward: (traits) =>
      source.chunks.map(({ first, count, pixels }, k) => ({
        label: source.chunks.length === 1 ? `${label} gather` : `${label} gather ${k + 1}`,
        shader: GATHER,
        entryPoint: source.isFloat ? "gather_batch_float" : "gather_batch",
        reads: [pixels, source.order],
        writes: [output.tensor],
        settings: { u32: { words, first, count } },
        ...inRows(traits, graph.batchSize),
        bytes: graph.batchSize * (4 + 4 * words * (pixelBytes + 4)) / source.chunks.length,
      })),
    backward: () => [],
  });
  return output;
}

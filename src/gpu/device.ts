/**
 * The GPU device, and the only module that uses `navigator.gpu`. It opens one device, describes its adapter,
 * and turns WebGPU's asynchronous errors into exceptions.
 * @module
 */
import { DeviceLost, InputError } from "../errors.ts";
import { createTexture, TEXTURE_FEATURE } from "./texture.ts";
import type { KernelPreference } from "./product_kernel.ts";
import type { RewriteShader } from "./shader.ts";

/** Options of {@link openGpu}. */
export interface OpenOptions {
  /** Rewrites a shader's text before it is compiled; tests plant faults with it. */
  rewriteShader?: RewriteShader;
}

/** Milliseconds that a lost device may take to say so; Deno takes 50. */
const SAYS_SO = 200;

/** Formats a number of bytes in MiB, with at most one decimal. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toLocaleString("en-US", { maximumFractionDigits: 1 })} MiB`;
}

/** An open GPU device with all buffers, textures and pipelines created on it. One per process is enough. */
export class Gpu {
  /** The WebGPU device. */
  readonly device: GPUDevice;
  /** Name reported by the adapter, such as `llvmpipe (LLVM 15.0.6, 256 bits)`, or else vendor and architecture. */
  readonly adapterName: string;
  /** Features that the adapter has, requested or not, such as `bgra8unorm-storage`. */
  readonly adapterFeatures: ReadonlySet<string>;
  /** True if the adapter computes on the CPU. */
  readonly isSoftware: boolean;
  /** True if shaders can read storage textures. */
  readonly hasTextures: boolean;
  /** True if shaders read textures faster than buffers, as with Mesa's software driver. */
  readonly prefersTextures: boolean;
  /** True if single kernels can be timed. */
  readonly hasTimestamps: boolean;
  /** See {@link OpenOptions.rewriteShader}. */
  readonly rewriteShader: RewriteShader;
  /** Kernels used for matrix products compiled from now on. */
  kernels: KernelPreference = { kind: "auto" };
  /** Cached pipelines, keyed by everything that distinguishes them. */
  readonly pipelines: Map<string, GPUComputePipeline> = new Map();

  readonly #errors: string[] = [];
  #isOutOfMemory = false;
  readonly #buffers: Set<GPUBuffer> = new Set();
  readonly #textures: Set<GPUTexture> = new Set();
  #lost: string | undefined;
  #placeholder: GPUBuffer | undefined;

  /** Use {@link openGpu}. */
  constructor(adapter: GPUAdapter, device: GPUDevice, options: OpenOptions) {
    this.device = device;
    const { description, device: model, vendor, architecture } = adapter.info; // browsers leave most of them empty
    this.adapterName = description || model || `${vendor} ${architecture}`.trim() || "unnamed adapter";
    this.adapterFeatures = new Set(adapter.features);
    this.isSoftware = adapter.info.isFallbackAdapter ?? false;
    this.hasTextures = languageFeatures().has(TEXTURE_FEATURE);
    this.prefersTextures = this.hasTextures && this.adapterName.startsWith("llvmpipe");
    this.hasTimestamps = device.features.has("timestamp-query");
    this.rewriteShader = options.rewriteShader ?? ((_path, code) => code);
    device.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      const { error } = event as GPUUncapturedErrorEvent;
      this.#isOutOfMemory ||= error instanceof GPUOutOfMemoryError;
      this.#errors.push(error.message.trim());
    });
    device.lost.then((info) => {
      this.#lost = `${info.reason}: ${info.message}`;
    });
  }

  /** One line that describes the adapter. */
  get description(): string {
    return this.isSoftware
      ? `${this.adapterName}, a software adapter: it computes on the CPU and is slow`
      : this.adapterName;
  }

  /** Name of the limit on a storage buffer's size: the smaller one, as shaders bind whole buffers. */
  get bufferLimit(): "maxBufferSize" | "maxStorageBufferBindingSize" {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    return maxBufferSize <= maxStorageBufferBindingSize ? "maxBufferSize" : "maxStorageBufferBindingSize";
  }

  /** Maximum size of a storage buffer, in bytes. */
  get bufferBytes(): number {
    return this.device.limits[this.bufferLimit];
  }

  /** Number of buffers and textures created and not yet destroyed. */
  get liveBuffers(): number {
    return this.#buffers.size + this.#textures.size;
  }

  /** Total size in bytes of all buffers and textures created and not yet destroyed. */
  get liveBytes(): number {
    let bytes = 0;
    for (const buffer of this.#buffers) bytes += buffer.size;
    for (const { width, height } of this.#textures) bytes += 16 * width * height;
    return bytes;
  }

  /**
   * Throws the errors that WebGPU has reported since the last call: a lost device or an uncaptured error.
   *
   * @param doing the current activity, such as `step 120 of "deep"`
   * @throws DeviceLost if the device was lost, or has run out of memory
   * @throws InputError if it reported another error
   */
  check(doing: string): void {
    if (this.#isOutOfMemory) {
      const needed = `${mebibytes(this.liveBytes)} are more than this device has left`;
      throw new DeviceLost(
        `Out of GPU memory during ${doing}: ${needed}; use fewer images, a smaller batch or smaller layers`,
        `out of memory: ${needed}`,
        { settings: ["limit", "batchSize", "sizes"] },
      );
    }
    this.#refuseLost(doing);
    if (this.#errors.length > 0) {
      const said = [...new Set(this.#errors.splice(0))].join(" | ");
      throw new InputError(
        `GPU error during ${doing}: ${said}; if you changed a shader or wrote an op, compare what it binds with what the ` +
          "shader declares; otherwise please report this",
      );
    }
  }

  /**
   * Throws if the device was lost; call it when something has failed. A lost device fails first and then says that it is
   * lost, for which this waits a moment.
   *
   * @param doing the current activity
   * @throws DeviceLost if it was lost
   */
  async checkLoss(doing: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>(), patience = setTimeout(resolve, SAYS_SO);
    await Promise.race([this.device.lost, promise]);
    clearTimeout(patience);
    this.#refuseLost(doing);
  }

  #refuseLost(doing: string): void {
    if (this.#lost === undefined) return;
    throw new DeviceLost(
      `Cannot continue ${doing}: the GPU was lost (${this.#lost}); start again`,
      this.#lost,
    );
  }

  /**
   * Creates a buffer filled with zeros.
   *
   * @param label the name shown in errors and plans
   * @param bytes its size, rounded up to a multiple of 4
   * @param usage WebGPU usage flags; copying in and out is always allowed
   * @throws InputError if the size exceeds the device's limits
   */
  createBuffer(label: string, bytes: number, usage: number = GPUBufferUsage.STORAGE): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 4) * 4);
    const name = usage & GPUBufferUsage.STORAGE ? this.bufferLimit : "maxBufferSize";
    const limit = this.device.limits[name];
    if (size > limit) {
      throw new InputError(
        `Cannot create GPU buffer "${label}": it needs ${mebibytes(size)}, ${
          mebibytes(size - limit)
        } more than ` +
          `this device's ${name} of ${mebibytes(limit)}; use smaller layers, a smaller batch or fewer images`,
      );
    }
    const both = usage & GPUBufferUsage.MAP_READ
      ? GPUBufferUsage.COPY_DST
      : GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.device.createBuffer({ label, size, usage: usage | both });
    this.#buffers.add(buffer);
    return buffer;
  }

  /** Creates a buffer that contains `data`. See {@link createBuffer}. */
  upload(label: string, data: Float32Array | Uint32Array, usage?: number): GPUBuffer {
    const buffer = this.createBuffer(label, data.byteLength, usage);
    this.device.queue.writeBuffer(buffer, 0, data as BufferSource);
    return buffer;
  }

  /** Buffer bound in place of a tensor that a layer lacks, such as a bias; it has 256 bytes per binding. */
  get placeholder(): GPUBuffer {
    this.#placeholder ??= this.createBuffer("placeholder", 2048);
    return this.#placeholder;
  }

  /** Frees a buffer made by {@link createBuffer}. */
  destroyBuffer(buffer: GPUBuffer): void {
    buffer.destroy();
    this.#buffers.delete(buffer);
  }

  /**
   * Creates a texture for the vec4 of a buffer: see `src/gpu/texture.ts`.
   *
   * @param label the name shown in errors
   * @param bytes its size, a multiple of 16, at most {@link bufferBytes}
   */
  createTexture(label: string, bytes: number): GPUTexture {
    const texture = createTexture(this.device, label, bytes);
    this.#textures.add(texture);
    return texture;
  }

  /** Frees a texture made by {@link createTexture}. */
  destroyTexture(texture: GPUTexture): void {
    texture.destroy();
    this.#textures.delete(texture);
  }

  /**
   * Reads parts of buffers back to the CPU, with a single wait for the GPU.
   *
   * @param parts each a buffer with an offset and a size in bytes, multiples of 4
   * @param doing the current activity, for errors
   * @returns the floats of each part
   * @throws DeviceLost if the device was lost, or has run out of memory
   * @throws InputError if it reported another error
   */
  async read(
    parts: readonly { buffer: GPUBuffer; offset: number; size: number }[],
    doing: string,
  ): Promise<Float32Array<ArrayBuffer>[]> {
    this.check(doing);
    const total = parts.reduce((sum, part) => sum + part.size, 0);
    const staging = this.createBuffer("read back", total, GPUBufferUsage.MAP_READ);
    try {
      const encoder = this.device.createCommandEncoder({ label: "read back" });
      let at = 0;
      for (const { buffer, offset, size } of parts) {
        encoder.copyBufferToBuffer(buffer, offset, staging, at, size);
        at += size;
      }
      this.device.queue.submit([encoder.finish()]);
      try {
        await staging.mapAsync(GPUMapMode.READ);
      } catch (error) {
        await this.checkLoss(doing);
        this.check(doing);
        throw new Error(`Cannot read from the GPU during ${doing}: ${(error as Error).message}`);
      }
      this.check(doing);
      const mapped = staging.getMappedRange();
      at = 0;
      return parts.map(({ size }) => new Float32Array(mapped.slice(at, at += size)));
    } finally {
      this.destroyBuffer(staging);
    }
  }

  /** Destroys every buffer and the device. */
  destroy(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    for (const texture of this.#textures) texture.destroy();
    this.#buffers.clear();
    this.#textures.clear();
    this.pipelines.clear();
    this.device.destroy();
  }

  /** Same as {@link destroy}, for `using`. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** WGSL language extensions of this WebGPU implementation, which Deno's types lack. */
function languageFeatures(): ReadonlySet<string> {
  return (navigator.gpu as GPU & { readonly wgslLanguageFeatures?: ReadonlySet<string> })
    .wgslLanguageFeatures ?? new Set();
}

/**
 * Opens the machine's GPU with WebGPU's default limits, so that a network that runs here runs everywhere.
 *
 * ```ts
 * import { openGpu } from "@bottleneck/bottleneck";
 *
 * using gpu = await openGpu();
 * console.log(gpu.adapterName);
 * ```
 *
 * @throws InputError if WebGPU finds no adapter
 */
export async function openGpu(options: OpenOptions = {}): Promise<Gpu> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new InputError(
      "Cannot open a GPU: WebGPU found no adapter. Install your GPU's Vulkan driver, or on Debian and Ubuntu " +
        "the software one: apt-get install -y --no-install-recommends mesa-vulkan-drivers libvulkan1 " +
        "(`sh dev` does it for you)",
    );
  }
  const timestamps: GPUFeatureName = "timestamp-query";
  const device = await adapter.requestDevice({
    label: "bottleneck",
    requiredFeatures: adapter.features.has(timestamps) ? [timestamps] : [],
  });
  return new Gpu(adapter, device, options);
}

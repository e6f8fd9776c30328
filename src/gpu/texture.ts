/**
 * Textures: copies of buffers that shaders read as textures, because Mesa's software driver reads those faster. A texture holds
 * a buffer's vec4 one after the other, 1,024 in a row.
 * @module
 */

/** The format of all textures: a texel is a vec4f. */
export const TEXTURE_FORMAT = "rgba32float";

/** The feature of WGSL with which shaders read textures. */
export const TEXTURE_FEATURE = "readonly_and_readwrite_storage_textures";

/** Texels of a row; shaders have the same number. With it, all that fits a storage buffer's 128 MiB fits a texture. */
const PITCH = 1024;

/** Bytes of a row. A buffer of whole rows is copied faster. */
export const ROW_BYTES = 16 * PITCH;

/** A stretch of a buffer. */
export interface Stretch {
  /** The buffer. */
  readonly buffer: GPUBuffer;
  /** Where it begins, in bytes: a multiple of 16. */
  readonly offset: number;
  /** Its bytes: a multiple of 16. */
  readonly size: number;
}

/**
 * An empty texture for so many bytes. Its height is a power of two, as its width is: Mesa compiles a shader anew for textures
 * that differ in this.
 *
 * @param bytes a multiple of 16, at most 128 MiB
 */
export function createTexture(device: GPUDevice, label: string, bytes: number): GPUTexture {
  const rows = Math.ceil(bytes / ROW_BYTES);
  return device.createTexture({
    label,
    size: [PITCH, 2 ** Math.ceil(Math.log2(rows))],
    format: TEXTURE_FORMAT,
    usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST,
  });
}

/**
 * Encodes the copy of a stretch into its texture. What lies behind the stretch in its last row is copied too, if the buffer
 * goes on: a copy of whole rows is one command, and a command costs some 10 µs.
 */
export function encodeCopy(
  encoder: GPUCommandEncoder,
  { buffer, offset, size }: Stretch,
  texture: GPUTexture,
): void {
  const rows = Math.min(Math.ceil(size / ROW_BYTES), Math.floor((buffer.size - offset) / ROW_BYTES));
  const rest = size - rows * ROW_BYTES, bytesPerRow = ROW_BYTES;
  if (rows > 0) {
    encoder.copyBufferToTexture({ buffer, offset, bytesPerRow }, { texture: texture }, [PITCH, rows]);
  }
  if (rest > 0) {
    const source = { buffer, offset: offset + rows * ROW_BYTES, bytesPerRow };
    encoder.copyBufferToTexture(source, { texture: texture, origin: [0, rows] }, [rest / 16, 1]);
  }
}

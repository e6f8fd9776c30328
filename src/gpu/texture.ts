/**
 * Texture copies of buffers, which shaders read faster than buffers with Mesa's software driver. A texture
 * contains a buffer's vec4 in order, 1,024 per row.
 * @module
 */

/** Format of all textures: a texel is a vec4f. */
export const TEXTURE_FORMAT = "rgba32float";

/** WGSL language feature that lets shaders read storage textures. */
export const TEXTURE_FEATURE = "readonly_and_readwrite_storage_textures";

/** Texels per row, as in the shaders. With 1,024, any storage buffer (128 MiB at most) fits a texture. */
const PITCH = 1024;

/** Bytes per row. A buffer of whole rows is copied faster. */
export const ROW_BYTES = 16 * PITCH;

/** A range of a buffer. */
export interface Stretch {
  /** Buffer that contains the range. */
  readonly buffer: GPUBuffer;
  /** Start of the range in bytes, a multiple of 16. */
  readonly offset: number;
  /** Size of the range in bytes, a multiple of 16. */
  readonly size: number;
}

/**
 * Creates an empty texture. Its height is a power of two, as its width is: Mesa recompiles a shader for
 * textures whose sizes are powers of two and for others.
 *
 * @param bytes minimum size, a multiple of 16, at most 128 MiB
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
 * Encodes the copy of a range into its texture. If the buffer is long enough, the last row is copied whole,
 * beyond the end of the range: a copy of whole rows is one command, and a command costs about 10 µs.
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

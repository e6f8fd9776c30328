/**
 * Validation of PNG files before they are displayed: complete, of the kind that runs save, and not oversized.
 * @module
 */
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { decode } from "../dependencies/fast_png.ts";
import { InputError, toOneLine } from "../errors.ts";

const SIGNATURE_BYTES = 8;
/** Bytes of a chunk besides its data: length, type and checksum. */
const CHUNK_BYTES = 12;
/** Chunk types that runs write. Others may contain compressed data of any size. */
const CHUNKS = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];
/** Limits above any picture of a run, in pixels and in decompressed bytes. */
const MAX_PIXELS = 2 ** 24, MAX_BYTES = 2 ** 26;

/**
 * Returns the picture if it is valid.
 *
 * @param png content of the file
 * @param path path of the file, for messages
 * @throws InputError if the file is damaged, or larger than any picture of a run
 */
export function checkPicture<T extends Uint8Array>(png: T, path: string): T {
  try {
    const view = new DataView(png.buffer, png.byteOffset, png.byteLength), data: Uint8Array[] = [];
    for (let at = SIGNATURE_BYTES; at < png.length;) {
      const length = view.getUint32(at), begin = at + CHUNK_BYTES - 4;
      const type = String.fromCharCode(...png.subarray(at + 4, begin));
      if (!CHUNKS.includes(type)) throw new Error(`a chunk ${type}`);
      if (type === "IDAT") data.push(png.subarray(begin, begin + length));
      at += CHUNK_BYTES + length;
    }
    const pixels = view.getUint32(16) * view.getUint32(20);
    if (pixels === 0 || pixels > MAX_PIXELS) throw new Error(`${pixels} pixels`);
    inflateSync(Buffer.concat(data), { maxOutputLength: MAX_BYTES });
    decode(png);
    return png;
  } catch (error) { // any error of the decoder means that the file is damaged
    throw new InputError(
      `Cannot read "${path}": expected a PNG picture of 1 to ${MAX_PIXELS} pixels but found ` +
        `${toOneLine((error as Error).message)}; remove the file; the rest of the run does not need it`,
    );
  }
}

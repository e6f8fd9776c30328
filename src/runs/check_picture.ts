/**
 * Checking PNG files that are to be shown: whole ones of the kind that runs save, which unpack to no more than that.
 * @module
 */
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { decode } from "../dependencies/fast_png.ts";
import { InputError, toOneLine } from "../errors.ts";

const SIGNATURE_BYTES = 8;
/** What a chunk has besides its data: length, type and checksum. */
const CHUNK_BYTES = 12;
/** The chunks that runs write. Others may hold compressed data of any size. */
const CHUNKS = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];
/** More than any picture of a run has, in pixels and in bytes once unpacked. */
const MAX_PIXELS = 2 ** 24, MAX_BYTES = 2 ** 26;

/**
 * Gives the picture back if it can be shown.
 *
 * @param png the file
 * @param path where it is from, for messages
 * @throws InputError if it is damaged, or larger than any picture of a run
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
  } catch (error) { // whatever the decoder says, it is the file's fault
    throw new InputError(
      `Cannot read "${path}": expected a PNG picture of 1 to ${MAX_PIXELS} pixels but found ` +
        `${toOneLine((error as Error).message)}; remove the file: the run's other files do not need it`,
    );
  }
}

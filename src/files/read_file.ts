/**
 * Reads files of a run, with a limit on their size; rejects devices and pipes, whose reads may never end.
 * @module
 */
import { InputError } from "../errors.ts";
import { ioError } from "./io_error.ts";

/** Default limit on the size of a file in bytes. */
const MAX_FILE_BYTES = 2 ** 28;

/**
 * Returns the size of a file in bytes.
 *
 * @throws InputError if it is a folder, device or pipe
 */
function sizeOfFile(path: string): number {
  const { isFile, isDirectory, size } = Deno.statSync(path);
  if (isFile) return size;
  throw new InputError(
    `Cannot read "${path}": expected a file but found ${
      isDirectory ? "a folder" : "a device or a pipe"
    }; check the path`,
  );
}

/**
 * Reads a file.
 *
 * @param most maximum size in bytes
 * @throws InputError if it is not a file, too large, or cannot be read
 */
export function readBytes(path: string, most: number = MAX_FILE_BYTES): Uint8Array<ArrayBuffer> {
  const action = `Cannot read "${path}"`;
  try {
    const size = sizeOfFile(path);
    if (size > most) {
      throw new InputError(`${action}: expected at most ${most} bytes but it has ${size}`);
    }
    return Deno.readFileSync(path);
  } catch (error) {
    throw ioError(action, error);
  }
}

/**
 * Opens a file for reading in parts, with {@link chunksOf}.
 *
 * @throws InputError if it is not a file or cannot be read
 */
export function openToRead(path: string): Deno.FsFile {
  try {
    sizeOfFile(path);
    return Deno.openSync(path);
  } catch (error) {
    throw ioError(`Cannot read "${path}"`, error);
  }
}

/**
 * Reads an open file from its beginning, in chunks of at most a mebibyte. A chunk is overwritten by the next.
 *
 * @param end number of bytes to read; all if absent
 */
export function* chunksOf(file: Deno.FsFile, end: number = Infinity): Generator<Uint8Array> {
  const buffer = new Uint8Array(2 ** 20);
  file.seekSync(0, Deno.SeekMode.Start);
  for (let at = 0; at < end;) {
    const count = file.readSync(buffer.subarray(0, Math.min(buffer.length, end - at)));
    if (count === null) return;
    yield buffer.subarray(0, count);
    at += count;
  }
}

/**
 * Reads a text file. Bytes that are not UTF-8 become U+FFFD, as in Deno.readTextFile.
 *
 * @throws InputError if it is not a file, too large, or cannot be read
 */
export function readText(path: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(readBytes(path));
}

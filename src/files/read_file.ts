/**
 * Reading the files of a run: whole ones of a size that a run may have, and nothing that never ends, such as a device
 * or a pipe.
 * @module
 */
import { InputError } from "../errors.ts";
import { ioError } from "./io_error.ts";

/** More than any file of a run has, and little enough to read at once. */
const MAX_FILE_BYTES = 2 ** 28;

/**
 * Reads a file.
 *
 * @param path the file
 * @param most bytes that it may have
 * @throws InputError if it is no file, too large, or cannot be read
 */
export function readBytes(path: string, most: number = MAX_FILE_BYTES): Uint8Array<ArrayBuffer> {
  const action = `Cannot read "${path}"`;
  try {
    const { isFile, isDirectory, size } = Deno.statSync(path);
    if (!isFile) {
      throw new InputError(
        `${action}: expected a file but found ${
          isDirectory ? "a folder" : "a device or a pipe"
        }; check the path`,
      );
    }
    if (size > most) {
      throw new InputError(`${action}: expected at most ${most} bytes but it has ${size}`);
    }
    return Deno.readFileSync(path);
  } catch (error) {
    throw ioError(action, error);
  }
}

/**
 * Reads a text file. Bytes that are not UTF-8 become U+FFFD, as in all of Deno's own reading.
 *
 * @param path the file
 * @throws InputError if it is no file, too large, or cannot be read
 */
export function readText(path: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(readBytes(path));
}

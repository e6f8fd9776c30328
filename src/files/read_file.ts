/**
 * Reads files of a run, with a limit on their size; rejects devices and pipes, whose reads may never end.
 * @module
 */
import { InputError } from "../errors.ts";
import { ioError } from "./io_error.ts";

/** Default limit on the size of a file in bytes. */
const MAX_FILE_BYTES = 2 ** 28;

/**
 * Reads a file.
 *
 * @param most maximum size in bytes
 * @throws InputError if it is not a file, too large, or cannot be read
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
 * Reads a text file. Bytes that are not UTF-8 become U+FFFD, as in Deno.readTextFile.
 *
 * @throws InputError if it is not a file, too large, or cannot be read
 */
export function readText(path: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(readBytes(path));
}

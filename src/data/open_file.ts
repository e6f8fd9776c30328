/**
 * Data files opened for sequential reading.
 * @module
 */
import { toOneLine } from "../errors.ts";
import { cannotUse } from "./cannot_use.ts";

/** Limit on the size of a file in bytes, as it is kept in memory. */
const MAX_FILE_BYTES = 2 ** 31;

/** A file opened for sequential reading. */
export interface OpenFile extends Disposable {
  /** Size in bytes. */
  readonly size: number;
  /** Reads up to `most` further bytes, and returns them appended to `after`. */
  read(most: number, after?: Uint8Array): Uint8Array<ArrayBuffer>;
}

/**
 * Opens a file.
 *
 * @throws {InputError} if it does not exist, is no plain file or is too large
 */
export function openFile(path: string): OpenFile {
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) cannotUse(path, "no such file; check the path");
      if (error instanceof Deno.errors.NotCapable || !(error instanceof Error)) throw error;
      cannotUse(path, `it cannot be read: ${toOneLine(error.message)}; check the path and its permissions`);
    }
  };
  const { isFile, isDirectory, size } = attempt(() => Deno.statSync(path));
  if (!isFile) {
    cannotUse(path, `expected a file but found ${isDirectory ? "a folder" : "something else"}; name a file`);
  }
  if (size > MAX_FILE_BYTES) {
    const percent = Math.floor(100 * MAX_FILE_BYTES / size);
    cannotUse(
      path,
      `expected at most ${MAX_FILE_BYTES} bytes but it has ${size}; use at most ${percent} % of its rows`,
    );
  }
  const file = attempt(() => Deno.openSync(path));
  return {
    size,
    read: (most, after = new Uint8Array()) =>
      attempt(() => {
        const bytes = new Uint8Array(after.length + most);
        bytes.set(after);
        let end = after.length;
        while (end < bytes.length) {
          const count = file.readSync(bytes.subarray(end));
          if (count === null) break;
          end += count;
        }
        return bytes.subarray(0, end);
      }),
    [Symbol.dispose]: () => file.close(),
  };
}

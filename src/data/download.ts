/**
 * Downloads one file of a data set from the first mirror with the complete file. The bytes are verified
 * before an atomic write, so an interrupted download never leaves a damaged file.
 * @module
 */
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { sha256 } from "./catalogue.ts";
import { expandIdx } from "./idx.ts";
import { ioError } from "../files/io_error.ts";
import { writeFileAtomic } from "../files/write_file.ts";

/** Progress of a download. */
export interface DownloadProgress {
  /** File name, such as `train-images-idx3-ubyte.gz`. */
  readonly file: string;
  /** Bytes received so far. */
  readonly received: number;
  /** Total number of bytes, if the server reports it. */
  readonly total: number | undefined;
}

/** Options of {@link downloadFile}. */
export interface DownloadOptions {
  /** File name at every mirror and in the folder, such as `train-images-idx3-ubyte.gz`. */
  readonly file: string;
  /** URL prefixes ending in `/`, tried in order. */
  readonly mirrors: readonly string[];
  /** SHA-256 of the decompressed bytes, in hex. */
  readonly sum: string;
  /** Destination folder, created if missing. */
  readonly folder: string;
  /** Called at the start and after every chunk of every attempt. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Timeout in ms without a received byte, after which the next mirror is tried; 20,000 by default. */
  readonly silenceMs?: number | undefined;
}

const DEFAULT_SILENCE_MS = 20_000;
/** Limit on a response in bytes, above any file in the catalogue (26 MB). */
const MAX_DOWNLOAD_BYTES = 2 ** 27;

/** Formats an error and its cause, which contains the reason of a failed fetch(), on one line. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `: ${reasonOf(error.cause)}`;
  return (error.message + cause).replace(/\s+/g, " ");
}

/** Downloads one URL completely, or throws an Error with the reason. */
async function receive(url: string, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { file, onProgress, silenceMs = DEFAULT_SILENCE_MS } = options;
  const controller = new AbortController();
  const giveUp = () => controller.abort(new Error(`no data for ${silenceMs / 1000} s`));
  let timer = setTimeout(giveUp, silenceMs);
  try {
    const response = await fetch(url, {
      signal: controller.signal,
      headers: { "accept-encoding": "identity" },
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new Error(`HTTP ${response.status} ${response.statusText}`.trimEnd());
    }
    // With a content-encoding, the length is that of the encoded bytes.
    const length = response.headers.has("content-encoding") ? null : response.headers.get("content-length");
    const total = length === null ? undefined : Number(length);
    const pieces: Uint8Array[] = [];
    let received = 0;
    onProgress?.({ file, received, total });
    try {
      for await (const piece of response.body) {
        clearTimeout(timer);
        timer = setTimeout(giveUp, silenceMs);
        pieces.push(piece);
        received += piece.length;
        if (received > MAX_DOWNLOAD_BYTES) throw new Error(`sent more than ${MAX_DOWNLOAD_BYTES} bytes`);
        onProgress?.({ file, received, total });
      }
    } catch (error) {
      const expected = total === undefined ? "" : ` of ${total}`;
      throw new Error(`stopped at byte ${received}${expected} (${reasonOf(error)})`);
    }
    if (total !== undefined && received !== total) throw new Error(`stopped at byte ${received} of ${total}`);
    const bytes = new Uint8Array(received);
    let offset = 0;
    for (const piece of pieces) {
      bytes.set(piece, offset);
      offset += piece.length;
    }
    return bytes;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw new Error(`no permission; run with --allow-net=${new URL(url).host}`);
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Saves a downloaded file, creating the folder if missing. */
function place(bytes: Uint8Array, folder: string, file: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
    writeFileAtomic(join(folder, file), bytes);
  } catch (error) {
    throw ioError(`Cannot save "${file}" in "${folder}"`, error);
  }
}

/**
 * Downloads a gzipped (or plain) IDX file from the first mirror whose bytes have the expected checksum.
 *
 * @returns the decompressed bytes; the file is saved in `options.folder` unchanged
 * @throws {InputError} if every mirror fails, with the reason of each, or the folder cannot be written
 */
export async function downloadFile(options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { file, mirrors, sum, folder } = options;
  const failures: string[] = [];
  for (const mirror of mirrors) {
    const url = mirror + file;
    let bytes: Uint8Array<ArrayBuffer>, expanded: Uint8Array<ArrayBuffer>;
    try {
      bytes = await receive(url, options);
      expanded = expandIdx(bytes, file);
      const found = sha256(expanded);
      if (found !== sum) {
        throw new Error(`wrong SHA-256 of the decompressed bytes: expected ${sum} but found ${found}`);
      }
    } catch (error) {
      const reason = reasonOf(error);
      failures.push(reason.includes(url) ? reason : `${url}: ${reason}`);
      continue;
    }
    place(bytes, folder, file);
    return expanded;
  }
  throw new InputError(
    `Cannot download "${file}": expected it from one of ${mirrors.length} mirror(s) but none has it: ` +
      `${failures.join(" | ")}; check the network, or put the file into "${folder}" by hand`,
  );
}

/**
 * Formats a download's progress as one line, without a line end:
 * `train-images-idx3-ubyte.gz [=====>    ] 52 % 4.9/9.5 MB`. Without a known total: `… 4.9 MB`.
 *
 * @param progress the argument of the download's `onProgress`
 * @param width characters between the brackets
 */
export function progressBar(progress: DownloadProgress, width: number = 20): string {
  const { file, received, total } = progress;
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  if (total === undefined || total <= 0) return `${file} ${megabytes(received)} MB`;
  const share = Math.min(received / total, 1);
  const filled = Math.floor(share * width);
  const bar = filled === width ? "=".repeat(width) : `${"=".repeat(filled)}>`.padEnd(width);
  return `${file} [${bar}] ${Math.floor(share * 100)} % ${megabytes(received)}/${megabytes(total)} MB`;
}

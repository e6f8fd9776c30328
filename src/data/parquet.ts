/**
 * Parquet tables, decoded by hyparquet in a worker that is started only when such a file is given.
 * @module
 */
import { InputError } from "../errors.ts";
import type { FromParquetWorker } from "./parquet_worker.ts";

/** Time that the decoder may take for a page, far above what a sound one needs. */
const MAX_SILENCE_MS = 30_000;

/**
 * Reads a Parquet file as the parts of a CSV file with a header, so that all rules for columns hold for both.
 *
 * @param bytes the file
 * @param maxSilence milliseconds after which a decoder without progress is stopped
 * @throws {InputError} if the file is damaged, or has columns of lists
 */
export async function parquetAsCsv(
  bytes: Uint8Array<ArrayBuffer>,
  path: string,
  maxSilence: number = MAX_SILENCE_MS,
): Promise<Iterable<Uint8Array>> {
  const worker = new Worker(new URL("./parquet_worker.ts", import.meta.url), {
    type: "module",
    name: "parquet",
    deno: { permissions: "none" },
  });
  const parts: Uint8Array[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const fail = (found: string) =>
        reject(
          new InputError(
            `Cannot read "${path}": expected a Parquet table of numbers and words but ${found}; write it again, or ` +
              "save pandas.read_parquet(name).to_csv(other, index=False)",
          ),
        );
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => fail(`decoding it stands still for ${maxSilence / 1000} s`), maxSilence);
      };
      worker.onmessage = ({ data }: MessageEvent<FromParquetWorker>) => {
        wait();
        if (data.kind === "part") parts.push(data.bytes);
        else if (data.kind === "done") resolve();
        else if (data.kind === "failed") fail(`found damage: ${data.message}`);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        fail(`the decoder failed: ${event.message.slice(0, 200)}`);
      };
      wait();
      worker.postMessage(bytes.slice().buffer);
    });
  } finally {
    clearTimeout(timer);
    worker.terminate();
  }
  return parts;
}

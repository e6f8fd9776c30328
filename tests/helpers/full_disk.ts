/** A disk that is full: of each file that is opened meanwhile, only the first two bytes can be written. */

/** Runs `body` as if the disk were full. */
export function withFullDisk(body: () => void): void {
  const open = Deno.openSync;
  Deno.openSync = (...args) => {
    const file = open(...args);
    const write = file.writeSync.bind(file);
    let calls = 0;
    file.writeSync = (bytes) => {
      if (calls++ === 0) return write(bytes.subarray(0, 2));
      throw Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
    };
    return file;
  };
  try {
    body();
  } finally {
    Deno.openSync = open;
  }
}

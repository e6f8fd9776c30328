// Loads files as data sets and prints a line of JSON for each: what became of it, how much was read, and the most memory
// that the process took so far.
import { loadOwnData } from "../../src/data/own_data.ts";
import { InputError } from "../../src/errors.ts";

/** Bytes that this process has read so far. */
const bytesRead = () => Number(/rchar: (\d+)/.exec(Deno.readTextFileSync("/proc/self/io"))![1]);

for (const path of Deno.args) {
  const before = bytesRead();
  let message = "";
  try {
    message = (await loadOwnData(path, { testFraction: 0.2, seed: 0 })).source;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    message = error.message;
  }
  const mebibytesRead = (bytesRead() - before) / 2 ** 20;
  const [, kibibytes] = /VmHWM:\s*(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))!;
  console.log(JSON.stringify({ message, mebibytesRead, mebibytes: Number(kibibytes) / 1024 }));
}

// Loads a file as a data set and prints as JSON what became of it, how much was read, and the most memory it took.
import { loadOwnData } from "../../src/data/own_data.ts";
import { InputError } from "../../src/errors.ts";

/** Bytes that this process has read so far. */
const bytesRead = () => Number(/rchar: (\d+)/.exec(Deno.readTextFileSync("/proc/self/io"))![1]);

const before = bytesRead();
let message = "";
try {
  message = (await loadOwnData(Deno.args[0], { testFraction: 0.2, seed: 0 })).source;
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  message = error.message;
}
const mebibytesRead = (bytesRead() - before) / 2 ** 20;
const [, kibibytes] = /VmHWM:\s*(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))!;
console.log(JSON.stringify({ message, mebibytesRead, mebibytes: Number(kibibytes) / 1024 }));

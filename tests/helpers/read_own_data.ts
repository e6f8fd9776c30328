// Loads a file as a data set and prints as JSON what became of it, in what time, and the most memory it took.
import { loadOwnData } from "../../src/data/own_data.ts";
import { InputError } from "../../src/errors.ts";

const began = performance.now();
let message = "";
try {
  message = (await loadOwnData(Deno.args[0], { testFraction: 0.2, seed: 0 })).source;
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  message = error.message;
}
const milliseconds = performance.now() - began;
const [, kibibytes] = /VmHWM:\s*(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))!;
console.log(JSON.stringify({ message, milliseconds, mebibytes: Number(kibibytes) / 1024 }));

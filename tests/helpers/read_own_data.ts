// Loads a file as a data set and prints as JSON what became of it, in what time of computing, and the most memory it took.
import process from "node:process";
import { loadOwnData } from "../../src/data/own_data.ts";
import { InputError } from "../../src/errors.ts";

const before = process.cpuUsage();
let message = "";
try {
  message = (await loadOwnData(Deno.args[0], { testFraction: 0.2, seed: 0 })).source;
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  message = error.message;
}
const { user, system } = process.cpuUsage(before);
const milliseconds = (user + system) / 1000;
const [, kibibytes] = /VmHWM:\s*(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))!;
console.log(JSON.stringify({ message, milliseconds, mebibytes: Number(kibibytes) / 1024 }));

// Loads a file as a data set and prints as JSON what became of it, in what time, and the most memory it took.
import process from "node:process";
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
const kibibytes = process.resourceUsage().maxRSS;
console.log(JSON.stringify({ message, milliseconds, mebibytes: kibibytes / 1024 }));

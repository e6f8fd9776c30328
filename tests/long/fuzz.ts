// Fuzzes every reader for as long as one likes, and prints the seed and the counts; exit code 1 if any fails,
// or if one input costs more memory than it may.
// Run: deno run --allow-read --allow-write tests/long/fuzz.ts --count 20000 --seed 7 --keep FOLDER
import { join } from "node:path";
import { inspect } from "node:util";
import { runCommand } from "../../src/cli/command.ts";
import { integer, optionalText, parseFlags } from "../../src/recipe/flags.ts";
import { fuzz, READERS, removeFolders } from "../helpers/fuzz.ts";

/** What one input may cost: with Deno's own bytes, less than 500 MB; and two seconds of computing. */
const MAX_BYTES = 350e6, MAX_MILLISECONDS = 2000;

const flags = {
  count: integer(20_000, "inputs for each reader", { min: 1 }),
  seed: integer(1, "seed of the damage", { min: 0, max: 4294967295 }),
  keep: optionalText("folder for inputs that a reader fails on", "they are not kept"),
  only: optionalText("the one reader to fuzz", "all"),
};

async function main(): Promise<number> {
  const { count, seed, keep, only } = parseFlags(
    { name: "fuzz", description: "Gives damaged inputs to every reader." },
    flags,
    Deno.args,
  );
  const readers = READERS.filter(({ name }) => only === undefined || name === only);
  let failures = 0, total = 0;
  try {
    for (const reader of readers) {
      const began = performance.now();
      const { accepted, faults, maxBytes, mostMilliseconds } = await fuzz(reader, seed, count);
      total += count;
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(
        `${reader.name}: seed ${seed}, ${count} inputs, ${accepted} accepted, ${faults.length} faults, ${seconds} s, ` +
          `${(maxBytes / 1e6).toFixed(0)} MB and ${mostMilliseconds.toFixed(0)} ms for one at most`,
      );
      if (maxBytes > MAX_BYTES || mostMilliseconds > MAX_MILLISECONDS) failures++;
      failures += faults.length;
      const kinds = new Set<string>();
      for (const { number, input, error } of faults) {
        const { message, cause } = error as Error;
        const text = inspect(cause ?? message).slice(0, 600);
        const kind = text.replace(/\d+/g, "#").slice(0, 160);
        if (kinds.has(kind) || kinds.size >= 8) continue;
        kinds.add(kind);
        console.log(`  case ${number}, ${input.length} bytes: ${text}`);
        if (keep === undefined) continue;
        Deno.mkdirSync(join(keep, reader.name), { recursive: true });
        Deno.writeFileSync(join(keep, reader.name, `seed-${seed}-case-${number}`), input);
      }
    }
  } finally {
    removeFolders();
  }
  console.log(`${total} inputs, ${failures} faults`);
  return failures > 0 ? 1 : 0;
}

if (import.meta.main) await runCommand(main);

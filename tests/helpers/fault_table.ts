// Plants every fault of a shader and writes the table of docs/proofs.md: which check notices which. Minutes.
// Run: deno run --allow-read --allow-write=docs tests/helpers/fault_table.ts && deno fmt docs/proofs.md
import { nameOf, SHADER_FAULTS } from "../gradients/faults.ts";
import { type Noticed, plantAll } from "../gradients/planting.ts";

/** A line of the table. */
export function lineOf({ fault, check }: Noticed): string {
  return `| \`${nameOf(fault)}\` | \`${fault.place}\` | ${fault.fault} | ${check} |`;
}

/** Whether a line of docs/proofs.md is one of the table's. */
export const isLine = (line: string) => /^\| `\w+\/\w+\.wgsl[`,]/.test(line);

if (import.meta.main) {
  const path = new URL("../../docs/proofs.md", import.meta.url);
  const { noticed, survivors } = await plantAll(SHADER_FAULTS);
  if (survivors.length > 0) throw new Error(`nothing notices\n${survivors.join("\n")}`);
  const text = await Deno.readTextFile(path), lines = text.split("\n"), first = lines.findIndex(isLine);
  const others = lines.filter((line) => !isLine(line));
  await Deno.writeTextFile(path, others.toSpliced(first, 0, ...noticed.map(lineOf)).join("\n"));
}

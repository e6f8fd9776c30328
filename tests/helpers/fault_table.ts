// Plants every fault of a shader, writes which check notices it into docs/faults.md, and the summary into docs/proofs.md.
// Takes minutes.
// Run: deno run --allow-read --allow-write=docs tests/helpers/fault_table.ts && deno fmt docs/faults.md docs/proofs.md
import { nameOf, SHADER_FAULTS, type ShaderFault } from "../gradients/faults.ts";
import { plantAll } from "../gradients/planting.ts";

const FAULTS = new URL("../../docs/faults.md", import.meta.url);
const PROOFS = new URL("../../docs/proofs.md", import.meta.url);

/** Row of a shader's fault. */
export function lineOf({ fault, check }: { readonly fault: ShaderFault; readonly check: string }): string {
  return `| \`${nameOf(fault)}\` | \`${fault.place}\` | ${fault.fault} | ${check} |`;
}

/** The last cell of a row: the check that notices the fault. */
export const checkIn = (line = "") => line.split("|").at(-2)?.trim() ?? "";

const isShaderLine = (line: string) => /^\| `\w+\/\w+\.wgsl[`,]/.test(line);
const isLoopLine = (line: string) => /^\| `(src|scripts)\/[\w/]+\.ts` +\|/.test(line);
const isSummaryLine = (line: string) => /^\| `[\w/]+\/` +\|/.test(line);

/** Rows of a page without the padding of their cells. */
function rows(page: string, isRow: (line: string) => boolean): string[] {
  return page.split("\n").filter(isRow).map((line) => line.replace(/ +/g, " "));
}

/** Rows of docs/faults.md: faults of shaders and of training loops. */
export async function listedFaults() {
  const page = await Deno.readTextFile(FAULTS);
  return { shaders: rows(page, isShaderLine), loops: rows(page, isLoopLine) };
}

/** Rows of the summary in docs/proofs.md. */
export const listedSummary = async () => rows(await Deno.readTextFile(PROOFS), isSummaryLine);

/** Summary of rows of docs/faults.md: each folder, its number of faults, and how many each check is the first to notice. */
export function summarize(lines: readonly string[]): string[] {
  const folderOf = (line: string) =>
    `${isShaderLine(line) ? "shaders/" : ""}${line.slice(3, line.indexOf("/"))}/`;
  return [...Map.groupBy(lines, folderOf)].map(([folder, ofFolder]) => {
    const counts = [...Map.groupBy(ofFolder, (line) => checkIn(line))].map(([check, { length }]) => ({
      check,
      length,
    }));
    counts.sort((a, b) => b.length - a.length || (a.check < b.check ? -1 : 1));
    const checks = counts.map(({ check, length }) => `${check} ${length}`).join(", ");
    return `| \`${folder}\` | ${ofFolder.length} | ${checks} |`;
  });
}

/** A page with other rows in the place of those that it has. */
function withRows(page: string, isRow: (line: string) => boolean, rows: readonly string[]): string {
  const lines = page.split("\n"), first = lines.findIndex(isRow);
  if (first < 0) throw new Error("the page has no row to replace");
  return lines.filter((line) => !isRow(line)).toSpliced(first, 0, ...rows).join("\n");
}

if (import.meta.main) {
  const { noticed, survivors } = await plantAll(SHADER_FAULTS);
  if (survivors.length > 0) throw new Error(`nothing notices\n${survivors.join("\n")}`);
  const today = new Date().toISOString().slice(0, 10);
  const page = withRows(await Deno.readTextFile(FAULTS), isShaderLine, noticed.map(lineOf))
    .replace(/(fault_table\.ts`\s+on\s+)[\w-]+/, `$1${today}`);
  await Deno.writeTextFile(FAULTS, page);
  const { shaders, loops } = await listedFaults();
  const summary = summarize([...shaders, ...loops]);
  await Deno.writeTextFile(PROOFS, withRows(await Deno.readTextFile(PROOFS), isSummaryLine, summary));
}

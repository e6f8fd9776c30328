/**
 * Formats the report of a gradient check as a text table.
 * @module
 */
import { ADVICE, type Evidence, figure } from "./evidence.ts";
import { EVIDENCE, type GradcheckReport, type GradcheckRow } from "./gradcheck.ts";
import { TOLERANCES } from "./tolerances.ts";

const HEADER = [
  "state",
  "parameter",
  "shape",
  "GPU to f64",
  "worst at",
  "f64 to differences",
  "GPU along gradient",
  "along random",
  "verdict",
];
const BOUNDS = [
  "bound",
  "",
  "",
  figure(TOLERANCES.gpuAgainstReference),
  "",
  ...[
    TOLERANCES.referenceDifference,
    TOLERANCES.gpuDifference,
    TOLERANCES.gpuDifference,
  ].map(figure),
  "",
];

const CONCLUSIONS = {
  ok: "passed",
  FAILED: "FAILED",
  "cannot tell": "not proven: none failed, but some are undecided",
};

/** Formats a report as a table, followed by reasons, and by advice for undecided gradients. */
export function formatGradcheck(report: GradcheckReport): string {
  const { rows, loss, padding, repeats, untold, functions, remarks, verdict } = report;
  const lines = table([HEADER, ...rows.map(cellsOf), BOUNDS]);
  const shown = rows.flatMap((row) => EVIDENCE.flatMap((kind) => row[kind] ?? []));
  const all: readonly Evidence[] = [...shown, loss];
  if (shown.some(({ verdict }) => verdict === "cannot tell")) {
    lines.push("?: undecided in this state, for the reason below; another state must decide");
  }
  if (rows.some(({ reference }) => isWidened(reference))) {
    lines.push(
      `(of …): a wider bound; rounding each value once changes the gradient by 1/${TOLERANCES.roundings} of it`,
    );
  }
  lines.push(...reasonsOf(rows));
  lines.push(
    `loss: GPU to f64 ${figureOf(loss)}, bound ${figure(loss.bound)}` +
      (loss.verdict === "ok" ? "" : `: ${loss.verdict}, ${loss.reason} (with ${loss.rows} rows)`),
    `a second run was ${repeats ? "bit-exact" : "NOT BIT-EXACT"}`,
  );
  if (padding.length > 0) {
    lines.push(`padding FAILED: columns past the width of ${listed(padding)} are not zero`);
  }
  for (const { of, failures, remarks } of functions) {
    lines.push(
      ...failures.map((failure) => `FAILED ${of}: ${failure}`),
      ...remarks.map((remark) => `${of}: ${remark}`),
    );
  }
  lines.push(...remarks);
  if (untold.length > 0) lines.push(`undecided in every state: ${listed(untold)}`);
  const causes = new Set(all.flatMap(({ cause }) => cause ?? []));
  if (untold.length > 0 || loss.verdict === "cannot tell") {
    lines.push(...[...causes].map((cause) => `what to try (${cause}): ${ADVICE[cause]}`));
  }
  lines.push(`gradients ${CONCLUSIONS[verdict]}`);
  return lines.join("\n");
}

function cellsOf(row: GradcheckRow): string[] {
  const { state, parameter, shape, reference, verdict } = row;
  const [, ...differences] = EVIDENCE;
  return [
    state,
    parameter,
    `[${shape.join(", ")}]`,
    figureOf(reference) + (isWidened(reference) ? ` (of ${figure(reference.bound)})` : ""),
    reference.worstIndex,
    ...differences.map((kind) => figureOf(row[kind])),
    verdict,
  ];
}

/** True if the bound of a row was widened for rounding. */
function isWidened({ bound, verdict }: GradcheckRow["reference"]): boolean {
  return verdict === "ok" && bound > TOLERANCES.gpuAgainstReference;
}

function figureOf(evidence: Evidence | undefined): string {
  if (!evidence) return "";
  const { error, verdict } = evidence;
  const number = Number.isNaN(error) ? (verdict === "FAILED" ? "not finite" : "") : figure(error);
  return verdict === "cannot tell" ? `${number} ?`.trim() : number;
}

/** Returns a line for each row that is not `ok`; rows whose reasons differ only in numbers share one. */
function reasonsOf(rows: readonly GradcheckRow[]): string[] {
  const groups = Map.groupBy(
    rows.filter(({ verdict }) => verdict !== "ok"),
    ({ state, verdict, reason }) => `${verdict} ${state}: ${reason.replace(/\d\S*/g, "")}`,
  );
  return [...groups.values()].map(([{ verdict, state, parameter, reason }, ...others]) =>
    `${verdict} ${state}: ${parameter}: ${reason}` +
    (others.length > 0 ? `; likewise ${listed(others.map(({ parameter }) => parameter))}` : "")
  );
}

function listed(names: readonly string[]): string {
  return names.join(", ");
}

function table(cells: readonly (readonly string[])[]): string[] {
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  return cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd());
}

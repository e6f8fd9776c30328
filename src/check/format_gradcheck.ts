/**
 * A gradient check's report as a table, for people.
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
  "cannot tell": "not proven: none failed, but not all could be told",
};

/** The report as a table, with the reasons below it and what to try where something could not be told. */
export function formatGradcheck(report: GradcheckReport): string {
  const { rows, loss, padding, repeats, untold, functions, remarks, verdict } = report;
  const lines = table([HEADER, ...rows.map(cellsOf), BOUNDS]);
  const shown = rows.flatMap((row) => EVIDENCE.flatMap((kind) => row[kind] ?? []));
  const all: readonly Evidence[] = [...shown, loss];
  if (shown.some(({ verdict }) => verdict === "cannot tell")) {
    lines.push("?: cannot tell here, for the reason below; another state must tell");
  }
  if (rows.some(({ reference }) => isWidened(reference))) {
    lines.push(
      `(of …): a wider bound, as rounding every value once moves the gradient by 1/${TOLERANCES.roundings} of that`,
    );
  }
  lines.push(...reasonsOf(rows));
  lines.push(
    `loss: GPU to f64 ${figureOf(loss)}, bound ${figure(loss.bound)}` +
      (loss.verdict === "ok" ? "" : `: ${loss.verdict}, ${loss.reason} (with ${loss.rows} rows)`),
    `a second run gave ${repeats ? "the same bits" : "OTHER BITS"}`,
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
  if (untold.length > 0) lines.push(`no state tells of ${listed(untold)}`);
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

/** Whether a row was judged by a wider bound than usual, for rounding. */
function isWidened({ bound, verdict }: GradcheckRow["reference"]): boolean {
  return verdict === "ok" && bound > TOLERANCES.gpuAgainstReference;
}

function figureOf(evidence: Evidence | undefined): string {
  if (!evidence) return "";
  const { error, verdict } = evidence;
  const number = Number.isNaN(error) ? (verdict === "FAILED" ? "not finite" : "") : figure(error);
  return verdict === "cannot tell" ? `${number} ?`.trim() : number;
}

/** A line for each row that is not `ok`; those of the same reason but for figures share one. */
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

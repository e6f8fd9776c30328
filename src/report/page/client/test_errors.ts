/**
 * Errors of test rows: their histograms, and the rows with the highest errors.
 * @module
 */
import type { PageData, PageWorstRow } from "../page_types.ts";
import type { BarSpec } from "./bar_figure.ts";
import { make, table } from "./dom.ts";
import { readable, tick } from "./format.ts";

/** Histograms of the errors, with the threshold. */
export function errorSpecs({ errors }: PageData): BarSpec[] {
  if (!errors) return [];
  const { isLog, range, sets, threshold } = errors, bins = sets[0].shares.length;
  const [low, high] = isLog ? range.map(Math.log10) : range;
  const edge = (bin: number) => {
    const at = low + bin / bins * (high - low);
    return tick(Number((isLog ? 10 ** at : at).toPrecision(3)));
  };
  return [{
    title: "Squared error of each test row",
    x: `squared error, mean over columns${isLog ? " (log scale)" : ""}`,
    y: "% of the rows",
    labels: Array.from({ length: bins }, (_, bin) => `${edge(bin)} to ${edge(bin + 1)}`),
    range: [low, high],
    isLog,
    marks: threshold
      ? [{ label: threshold.label, value: isLog ? Math.log10(threshold.value) : threshold.value }]
      : [],
    sets: sets.map(({ label, shares }, k) => ({
      label,
      color: k === 0 ? "first" : "second",
      values: shares,
    })),
  }];
}

/** Rows with the highest errors: images above their reconstructions, or a table of their columns. */
export function worstRows({ worst = [], classNames }: PageData): HTMLElement {
  const element = make("div", {});
  if (worst.length === 0) return element;
  const classOf = ({ label }: PageWorstRow) =>
    label === undefined ? undefined : classNames?.[label] || `class ${label}`;
  const [key, content] = worst.every(({ images }) => images)
    ? [
      "Top: test image. Bottom: reconstruction. Below: its row in codes.csv, its class and its squared error.",
      make("div", { class: "tiles large" }, ...worst.map((row) => worstTile(row, classOf(row)))),
    ]
    : [
      "Each with the columns that are furthest off: value → reconstruction (share of the row's error). " +
      "Rows are numbered as in codes.csv.",
      table(
        ["row", "class", "squared error", "columns"],
        worst.map((row) => [row.row, classOf(row) ?? "–", readable(row.error), columnsOf(row)]),
        "Test rows with the highest errors",
      ),
    ];
  element.append(
    make("h3", {}, "Worst-reconstructed test rows"),
    make("p", { class: "muted" }, key),
    content,
  );
  return element;
}

function columnsOf({ columns = [] }: PageWorstRow) {
  return columns.map(({ name, value, reconstruction, share }) => {
    const percent = share === null ? "–" : Math.round(100 * share);
    return `${name}: ${readable(value)} → ${readable(reconstruction)} (${percent} %)`;
  }).join("; ");
}

/** An image above its reconstruction, with its number, class and error. */
function worstTile({ row, error, images = ["", ""] }: PageWorstRow, className: string | undefined) {
  const of = `test row ${row}${className ? `, ${className}` : ""}`;
  return make(
    "figure",
    {},
    make("img", { src: images[0], alt: `${of}, original` }),
    make("img", { src: images[1], alt: `${of}, reconstruction, error ${readable(error, 3)}` }),
    make(
      "figcaption",
      {},
      make("div", {}, `row ${row}`),
      className && make("div", {}, className),
      make("div", {}, readable(error, 3)),
    ),
  );
}

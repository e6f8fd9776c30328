/**
 * Comparison of several runs: curves of a quantity in one chart, settings with their differences marked, pictures and
 * codes side by side.
 * @module
 */
import type { PageCodes, PageData } from "../page_types.ts";
import { ChartBoard, type Mark } from "./charts.ts";
import { classColor } from "./colors.ts";
import { groupCurves } from "./curves.ts";
import { make, table } from "./dom.ts";
import { readable } from "./format.ts";
import { flatPoints } from "./flat_points.ts";
import type { Libraries } from "./libraries.ts";
import { type Line, lineFigure, type LineSpec } from "./line_figure.ts";
import { reconstructions, samples, weights } from "./pictures.ts";
import { curveControls, flagOf, unitOf } from "./sections.ts";
import { Theme } from "./theme.ts";

/**
 * Builds the comparison.
 *
 * @param root element whose content is replaced
 * @param pages at least two runs
 */
export function mountComparison(root: HTMLElement, pages: readonly PageData[], libraries: Libraries) {
  const theme = new Theme();
  const board = new ChartBoard(libraries.Chart, theme);
  const main = make("main");
  root.replaceChildren(make(
    "div",
    { class: "page" },
    make(
      "header",
      {},
      make("div", { class: "title" }, make("h1", {}, `${pages.length} runs compared`), theme.button),
      make(
        "ul",
        { class: "runs" },
        ...pages.map((page, run) => make("li", {}, runName(page, run), ` ${page.recipe}, ${page.status}`)),
      ),
    ),
    main,
  ));
  /** Adds a section to the page. Charts are created after it, as they measure their frame. */
  const section = (id: string, title: string, ...children: HTMLElement[]) =>
    main.append(make("section", { id }, make("h2", {}, title), ...children));

  if (pages.some(({ rows }) => rows.length > 0)) section("results", "Results", resultsTable(pages));
  const panels = make("div", { class: "panels" });
  section("curves", "Curves", curveControls(board), panels);
  for (const spec of comparedLines(pages)) panels.append(lineFigure(board, spec).element);
  section("settings", "Settings", settingsTable(pages));
  beside(
    "reconstructions",
    "Reconstructions",
    ({ snapshot }) => snapshot && reconstructions(snapshot).element,
  );
  beside("samples", "Samples", ({ snapshot }) => snapshot?.samples && samples(snapshot).element);
  beside("weights", "Weights", (page) => page.weights.length > 0 ? weights(page).element : undefined);
  beside("codes", "Codes", (page) => page.snapshot?.codes && flatCodes(board, page.snapshot.codes, page));

  function beside(id: string, title: string, build: (page: PageData) => HTMLElement | undefined) {
    const columns = pages.flatMap((page, run) => {
      const made = build(page);
      return made ? [make("div", { class: "panel" }, runName(page, run), made)] : [];
    });
    if (columns.length > 0) section(id, title, make("div", { class: "panels beside" }, ...columns));
  }
}

/** Name of a run with its color. */
function runName({ name }: PageData, run: number) {
  return make("b", {}, dot(run), name);
}

/** A dot in the color of a class or a run. */
function dot(label: number) {
  const made = make("span", { class: "dot" });
  made.style.background = classColor(label);
  return made;
}

function comparedLines(pages: readonly PageData[]): LineSpec[] {
  const specs = new Map<string, LineSpec & { readonly lines: Line[]; readonly baselines: Mark[] }>();
  for (const [run, page] of pages.entries()) {
    for (const { name, title, curves, baselines } of groupCurves(page)) {
      const unit = unitOf(name, page), key = `${name}, ${unit}`; // runs may use different units for one name
      let spec = specs.get(key);
      if (!spec) specs.set(key, spec = { title, unit, lines: [], baselines: [] });
      const known = spec.baselines;
      known.push(
        ...baselines.filter(({ label, value }) =>
          !known.some((one) => one.label === label && one.value === value)
        ),
      );
      spec.lines.push(...curves.map(({ side, points }) => ({
        label: curves.length > 1 || side === "test" ? `${page.name}, ${side}` : page.name,
        color: run,
        points,
        isNoisy: side === "train",
        isDashed: side === "test" && curves.length > 1,
      })));
    }
  }
  return [...specs.values()];
}

function resultsTable(pages: readonly PageData[]) {
  const results = pages.map(ownResults);
  const labels = [...new Set(results.flatMap((rows) => [...rows.keys()]))];
  return table(
    ["metric", ...pages.map(({ name }) => name), "unit"],
    labels.map((label) => {
      const found = results.map((rows) => rows.get(label));
      return [label, ...found.map((row) => row?.value ?? "–"), found.find((row) => row)?.unit ?? ""];
    }),
    "Results of the runs",
  );
}

/**
 * Results table of a run by label. Units are spelled out instead of "the same", as rows of other runs come between, and
 * without PyTorch's figures, which follow a semicolon.
 */
function ownResults({ rows }: PageData) {
  let before = "";
  return new Map(rows.map(({ label, value, unit }) => {
    before = unit.replace(/;.*/, "").replace(/^the same/, before);
    return [label, { value, unit: before }];
  }));
}

function settingsTable(pages: readonly PageData[]) {
  const all = pages.map(({ config, facts, recipe, stepMilliseconds }) =>
    new Map([
      ["recipe", recipe],
      ...Object.entries(config).map(([key, value]) => [flagOf(key), value] as const),
      ["adapter", facts.adapter ?? "–"],
      ["milliseconds per step", readable(stepMilliseconds, 3)],
    ])
  );
  const keys = [...new Set(all.flatMap((settings) => [...settings.keys()]))];
  const differs = (key: string) => new Set(all.map((settings) => settings.get(key))).size > 1;
  const ordered = [...keys.filter(differs), ...keys.filter((key) => !differs(key))];
  const made = table(
    ["setting", ...pages.map(({ name }) => name)],
    ordered.map((
      key,
    ) => [
      differs(key) ? `≠ ${key}` : key,
      ...all.map((settings) => make("code", {}, settings.get(key) ?? "–")),
    ]),
    "Settings of the runs; those marked ≠ differ",
  );
  ordered.forEach((key, row) =>
    made.querySelectorAll("tbody tr")[row].classList.toggle("differs", differs(key))
  );
  return make(
    "div",
    {},
    make("p", { class: "muted" }, "Settings that differ are listed first and marked ≠."),
    made,
  );
}

/** 2-D scatter plot of the first two axes, with a legend. */
function flatCodes(board: ChartBoard, codes: PageCodes, { classNames }: PageData) {
  const frame = make("div", { class: "cloud flat" });
  const points = flatPoints(board, frame, () => {});
  queueMicrotask(() => points.update(codes, () => true)); // after the frame has been added to the page
  const classes = [...new Set(codes.labels ?? [])].sort((a, b) => a - b).map((label) =>
    make("span", {}, dot(label), classNames?.[label] ?? `class ${label}`)
  );
  return make("div", {}, frame, make("div", { class: "key" }, ...classes));
}

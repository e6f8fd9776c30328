/**
 * The sections of a report, in order.
 * @module
 */
import type { PageData, PageSnapshot } from "../page_types.ts";
import { barFigure, type BarSpec } from "./bar_figure.ts";
import type { ChartBoard, Figure, Tools } from "./charts.ts";
import { cloud, type CloudData } from "./cloud.ts";
import { groupCurves, stageBounds, tensorCurves } from "./curves.ts";
import { make, table } from "./dom.ts";
import { tick } from "./format.ts";
import { errorSpecs, worstRows } from "./test_errors.ts";
import { lineFigure, type LineSpec } from "./line_figure.ts";
import { history, reconstructions, samples, weights } from "./pictures.ts";

/** Content of a section. */
export interface Part<Data = PageData> {
  readonly element: HTMLElement;
  readonly update: (data: Data) => void;
}

/** A section of a report. */
export interface Section {
  readonly id: string;
  readonly title: string;
  /** Part of the data that changes during training; a dashboard fetches it while the section is visible. */
  readonly shows?: "codes" | "snapshot" | "pictures";
  /** Returns true if the page has data for it. */
  readonly applies: (page: PageData) => boolean;
  readonly build: (page: PageData, tools: Tools) => Part;
}

export const SECTIONS: readonly Section[] = [
  {
    id: "results",
    title: "Results",
    applies: ({ rows }) => rows.length > 0,
    build: (page) =>
      replaced(
        page,
        ({ rows }) =>
          table(
            ["metric", "value", "unit"],
            rows.map(({ label, value, unit }) => [label, value, unit]),
            "Results",
          ),
      ),
  },
  {
    id: "curves",
    title: "Curves",
    applies: (page) => groupCurves(page).length > 0,
    build: (page, { board }) => {
      const panels = keyed(lineSpecs, (spec) => lineFigure(board, spec), page);
      return { element: make("div", {}, curveControls(board), panels.element), update: panels.update };
    },
  },
  {
    id: "tensors",
    title: "Gradients and updates",
    applies: ({ metrics }) => metrics.some(({ tensors }) => tensors),
    build: (page, { board }) => keyed(tensorSpecs, (spec) => lineFigure(board, spec), page),
  },
  {
    id: "reconstructions",
    title: "Reconstructions",
    shows: "snapshot",
    applies: ({ snapshot }) => (snapshot?.tiles.length ?? 0) > 0,
    build: (page) => ofSnapshot(page, reconstructions),
  },
  {
    id: "errors",
    title: "Errors",
    applies: ({ errors, worst }) => errors !== undefined || (worst?.length ?? 0) > 0,
    build: (page, { board }) => {
      const histogram = keyed(errorSpecs, (spec) => barFigure(board, spec), page);
      const worst = replaced(page, worstRows);
      return {
        element: make("div", {}, histogram.element, worst.element),
        update: (next) => {
          histogram.update(next);
          worst.update(next);
        },
      };
    },
  },
  {
    id: "samples",
    title: "Samples",
    shows: "snapshot",
    applies: ({ snapshot }) => (snapshot?.samples?.length ?? 0) > 0,
    build: (page) => ofSnapshot(page, samples),
  },
  {
    id: "history-samples",
    title: "Samples over time",
    shows: "pictures",
    applies: ({ pictures }) => pictures.some(({ kind }) => kind === "samples"),
    build: (page) => history(page, "samples"),
  },
  {
    id: "history-reconstructions",
    title: "Reconstructions over time",
    shows: "pictures",
    applies: ({ pictures }) => pictures.some(({ kind }) => kind === "reconstructions"),
    build: (page) => history(page, "reconstructions"),
  },
  {
    id: "codes",
    title: "Codes",
    shows: "codes",
    applies: ({ snapshot }) => snapshot?.codes !== undefined && snapshot.codes.points.length > 0,
    build: (page, tools) => {
      const { element, update } = cloud(tools, cloudData(page));
      return { element, update: (next) => update(cloudData(next)) };
    },
  },
  {
    id: "levels",
    title: "Levels",
    shows: "snapshot",
    applies: ({ snapshot }) => (snapshot?.levels?.length ?? 0) > 0,
    build: (page, { board }) => keyed(levelSpecs, (spec) => barFigure(board, spec), page),
  },
  {
    id: "sparsity",
    title: "Sparsity",
    shows: "snapshot",
    applies: ({ snapshot }) => snapshot?.sparsity !== undefined,
    build: (page, { board }) => keyed(sparsitySpecs, (spec) => barFigure(board, spec), page),
  },
  {
    id: "weights",
    title: "Weights",
    applies: (page) => page.weights.length > 0,
    build: (page) => weights(page),
  },
  {
    id: "activations",
    title: "Activations",
    shows: "snapshot",
    applies: ({ snapshot }) => (snapshot?.activations.length ?? 0) > 0,
    build: (page, { board }) => keyed(activationSpecs, (spec) => barFigure(board, spec), page),
  },
  {
    id: "settings",
    title: "Settings",
    applies: () => true,
    build: (page) =>
      replaced(page, ({ config, facts }) =>
        make(
          "div",
          { class: "panels" },
          table(
            ["setting", "value"],
            Object.entries(config).map(([key, value]) => [flagOf(key), code(value)]),
            "Settings",
          ),
          table(
            ["environment", "value"],
            Object.entries(facts).filter(([key]) => key !== "command") // shown in the header
              .map(([key, value]) => [wordsOf(key), code(value)]),
            "Environment",
          ),
        )),
  },
];

/** Flag of a setting: `batchSize` becomes `batch-size`. */
export function flagOf(key: string) {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Words of a facts key: `datasetSource` becomes `dataset source`. */
function wordsOf(key: string) {
  return key.replaceAll(".", " ").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function code(text: string) {
  return make("code", {}, text);
}

/** Content that is rebuilt when the data change. */
function replaced(page: PageData, build: (page: PageData) => HTMLElement): Part {
  const element = make("div", {}, build(page));
  let before = "";
  return {
    element,
    update: (next) => {
      const made = build(next);
      if (made.outerHTML !== before) element.replaceChildren(made);
      before = made.outerHTML;
    },
  };
}

/** Content that shows the snapshot. */
function ofSnapshot(page: PageData, build: (snapshot: PageSnapshot) => Part<PageSnapshot>): Part {
  let snapshot = page.snapshot!;
  const { element, update } = build(snapshot);
  return {
    element,
    update: (next) => {
      if (!next.snapshot || next.snapshot === snapshot) return;
      snapshot = next.snapshot;
      update(snapshot);
    },
  };
}

/** Content with one figure per specification, matched by title. */
export function keyed<S extends { title: string }>(
  specify: (page: PageData) => readonly S[],
  build: (spec: S) => Figure<S>,
  page: PageData,
): Part {
  const element = make("div", { class: "panels" });
  const figures = new Map<string, Figure<S>>();
  const update = (next: PageData) => {
    for (const [k, spec] of specify(next).entries()) {
      const figure = figures.get(spec.title);
      if (figure) figure.update(spec);
      else {
        const made = build(spec);
        figures.set(spec.title, made);
        element.insertBefore(made.element, element.children[k] ?? null);
      }
    }
  };
  update(page);
  return { element, update };
}

/** Controls for log scale, smoothing and zoom. */
export function curveControls(board: ChartBoard) {
  const log = make("input", { type: "checkbox" });
  log.addEventListener("change", () => {
    board.isLogarithmic = log.checked;
    board.redraw();
  });
  const value = make("output", { class: "value" }, "0");
  const slider = make("input", { type: "range", min: 0, max: 0.98, step: 0.02, value: 0 });
  slider.addEventListener("input", () => {
    board.smoothing = Number(slider.value);
    value.textContent = slider.value;
    board.redraw();
  });
  const reset = make("button", { type: "button" }, "Reset zoom");
  reset.addEventListener("click", () => board.resetZoom());
  return make(
    "div",
    { class: "controls", title: "Drag across a chart or scroll with Ctrl to zoom" },
    make("label", {}, log, "Log scale"),
    make("label", { class: "slider" }, "Smoothing", slider, value),
    reset,
  );
}

/** Unit of a quantity; `docs/reductions.md` defines the reductions. */
export function unitOf(name: string, { facts, config }: PageData) {
  if (name === "testError") {
    return config.noise === undefined ? "mean over test images" : "mean over test images without noise";
  }
  if (name === "gradientNorm") return "L2 norm";
  if (name === "sparsity") return "nats";
  return facts.lossUnit ?? "squared error, mean";
}

function lineSpecs(page: PageData): LineSpec[] {
  const bounds = stageBounds(page);
  return groupCurves(page).map(({ name, title, curves, baselines }) => ({
    title,
    unit: unitOf(name, page),
    lines: curves.map(({ side, points }) => ({
      label: side === "test" ? "test images" : "training",
      color: side === "test" ? "second" : "first",
      points,
      isNoisy: side === "train",
    })),
    baselines,
    bounds,
  }));
}

function tensorSpecs(page: PageData): LineSpec[] {
  const bounds = stageBounds(page), tensors = tensorCurves(page);
  // a layer's weight and bias share a color
  const layers = [...new Set(tensors.map(({ name }) => layerOf(name)))];
  return [
    { title: "Gradient norm of each tensor (biases dashed)", unit: "L2 norm", part: 0, baselines: [] },
    { title: "Norm of each tensor (biases dashed)", unit: "L2 norm", part: 1, baselines: [] },
    {
      title: "Update-to-weight ratio of each tensor (biases dashed)",
      unit: "update norm / weight norm",
      part: 2,
      baselines: [{ label: "1e-3 (rule of thumb)", value: 1e-3 }],
    },
  ].map(({ title, unit, part, baselines }) => ({
    title,
    unit,
    isLogarithmic: true,
    lines: tensors.map(({ name, points }) => ({
      label: name,
      color: layers.indexOf(layerOf(name)),
      points: points.map(({ x, figures }) => ({ x, y: figures[part] })),
      isDashed: name.endsWith(".bias"),
      isUnlisted: name.endsWith(".bias"),
    })),
    baselines,
    bounds,
  }));
}

/** Layer of a parameter. */
function layerOf(name: string) {
  return name.replace(/\.(weight|bias)$/, "");
}

function levelSpecs({ snapshot }: PageData): BarSpec[] {
  const levels = snapshot?.levels ?? [];
  const labels = levels.map(({ label }) => label);
  return [
    {
      title: "Error of each level",
      x: "level",
      y: "squared error, mean",
      labels,
      sets: [{
        label: "between encoder and decoder",
        color: "first",
        values: levels.map(({ error }) => error),
      }],
    },
    {
      title: "Standard deviation of each level",
      x: "level",
      y: "standard deviation",
      labels,
      sets: [
        { label: "encoder", color: "first", values: levels.map(({ encoderSpread }) => encoderSpread) },
        { label: "decoder", color: "second", values: levels.map(({ decoderSpread }) => decoderSpread) },
      ],
    },
  ];
}

function sparsitySpecs({ snapshot }: PageData): BarSpec[] {
  const { target, means } = snapshot!.sparsity!;
  const order = [...means.keys()].sort((a, b) => means[b] - means[a]);
  return [{
    title: "Mean activation of each code unit, most active first",
    x: "code unit",
    y: "mean activation",
    labels: order.map((unit) => `${unit + 1}`),
    sets: [{ label: "mean activation", color: "first", values: order.map((unit) => means[unit]) }],
    baselines: [{ label: `ρ = ${tick(target)}`, value: target }],
  }];
}

function activationSpecs({ snapshot }: PageData): BarSpec[] {
  return (snapshot?.activations ?? []).map(({ label, range: [low, high], counts }) => {
    const total = counts.reduce((sum, count) => sum + count, 0) || 1;
    return {
      title: label,
      x: "activation",
      y: "% of activations",
      labels: counts.map((_, k) => {
        const edge = (bin: number) => tick(Number((low + bin / counts.length * (high - low)).toPrecision(3)));
        return `${edge(k)} to ${edge(k + 1)}`;
      }),
      range: [low, high] as const,
      sets: [{
        label: "% of activations",
        color: "first",
        values: counts.map((count) => 100 * count / total),
      }],
    };
  });
}

function cloudData({ snapshot, classNames }: PageData): CloudData {
  const { codes, imageShape } = snapshot!;
  return { codes: codes!, imageShape, classNames };
}

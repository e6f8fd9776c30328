/**
 * Groups metrics records into curves: one group per quantity, with training curve, test curve and baselines.
 * @module
 */
import type { PageData, PageTensors } from "../page_types.ts";

/** Value `y` at step `x`; NaN if the metric is not a number. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A metric by training step. */
export interface Curve {
  /** Key in the metrics. */
  readonly key: string;
  readonly side: "train" | "test";
  readonly points: Point[];
}

/** Curves of one quantity, in one unit. */
export interface Group {
  readonly name: string;
  readonly title: string;
  /** Training first. */
  readonly curves: Curve[];
  readonly baselines: { readonly label: string; readonly value: number }[];
}

/** Statistics of a trained tensor by training step. */
export interface TensorCurve {
  readonly name: string;
  readonly points: { readonly x: number; readonly figures: PageTensors[string] }[];
}

/** Keys without a curve. */
const PLACES = new Set([
  "epoch",
  "step",
  "stage",
  "seconds",
  "meanImageError",
  "pcaError",
  "accuracy",
  "tensors",
]);

const TITLES: Readonly<Record<string, string>> = {
  testError: "Squared error per pixel",
  loss: "Loss",
  reconstruction: "Reconstruction loss",
  kl: "KL divergence",
  sparsity: "Sparsity penalty",
  total: "Total loss",
  gradientNorm: "Gradient norm",
};

/** Display name of a quantity. */
export function titleOf(name: string) {
  const level = /^level\.(\d+)$/.exec(name);
  return Object.hasOwn(TITLES, name) ? TITLES[name] : level ? `Level ${level[1]} loss` : name;
}

/**
 * Groups the metrics of a run.
 *
 * @returns groups in order of first appearance, then the test error, then the gradient norm
 */
export function groupCurves(page: PageData): Group[] {
  const groups = new Map<string, Group>();
  const group = (name: string) => {
    let found = groups.get(name);
    if (!found) groups.set(name, found = { name, title: titleOf(name), curves: [], baselines: [] });
    return found;
  };
  for (const record of page.metrics) {
    const x = record.step;
    if (typeof x !== "number") continue;
    for (const [key, value] of Object.entries(record)) {
      if (PLACES.has(key) || typeof value === "boolean") continue;
      const side = key.startsWith("test") ? "test" : "train";
      const { curves } = group(nameOf(key));
      let curve = curves.find((curve) => curve.key === key);
      if (!curve) curves.push(curve = { key, side, points: [] });
      curve.points.push({ x, y: Number(value) });
    }
  }
  for (const { label, value, metric } of page.baselines) {
    if (groups.has(nameOf(metric))) group(nameOf(metric)).baselines.push({ label, value });
  }
  for (const { curves } of groups.values()) {
    curves.sort((a, b) => Number(a.side === "test") - Number(b.side === "test"));
  }
  const rank = ({ name }: Group) => name === "gradientNorm" ? 2 : name === "testError" ? 1 : 0;
  return [...groups.values()].sort((a, b) => rank(a) - rank(b));
}

/** Quantity of a metrics key. */
function nameOf(key: string) {
  return key.startsWith("test.") ? key.slice("test.".length) : key;
}

/** Extracts `[gradientNorm, weightNorm, updateRatio]` of each trained tensor by training step. */
export function tensorCurves(page: PageData): TensorCurve[] {
  const curves = new Map<string, TensorCurve["points"]>();
  for (const { step, tensors = {} } of page.metrics) {
    if (typeof step !== "number") continue;
    for (const [name, figures] of Object.entries(tensors)) {
      const points = curves.get(name) ?? [];
      curves.set(name, points);
      points.push({ x: step, figures });
    }
  }
  return [...curves].map(([name, points]) => ({ name, points }));
}

/** First steps of the stages of layer-wise training; empty for a single stage. */
export function stageBounds(page: PageData): Group["baselines"] {
  const bounds = [];
  let before, last = 0;
  for (const { stage, step } of page.metrics) {
    if (typeof step !== "number" || typeof stage !== "number") continue;
    if (stage !== before) bounds.push({ label: `stage ${stage}`, value: last });
    [before, last] = [stage, step];
  }
  return bounds.length > 1 ? bounds : [];
}

/**
 * Exponential moving average with bias correction (Kingma and Ba 2015, section 3). Non-finite values are skipped and
 * kept.
 *
 * @param weight weight of the previous mean, in [0, 1)
 */
export function smooth(points: readonly Point[], weight: number): Point[] {
  let mean = 0, correction = 0;
  return points.map(({ x, y }) => {
    if (!Number.isFinite(y)) return { x, y };
    mean = weight * mean + (1 - weight) * y;
    correction = weight * correction + (1 - weight);
    return { x, y: mean / correction };
  });
}

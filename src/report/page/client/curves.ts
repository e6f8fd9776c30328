/**
 * From the lines of metrics.jsonl to curves: a group for each quantity, with its training and its test curve and the
 * baselines that belong to it.
 * @module
 */

/**
 * @typedef {import("../page_types.ts").PageData} PageData
 * @typedef {{ x: number, y: number }} Point `y` is NaN where the metric was no number
 * @typedef {object} Curve
 * @property {string} key of the metrics
 * @property {"train" | "test"} side
 * @property {Point[]} points against the step
 * @typedef {object} Group curves of one quantity, in one unit
 * @property {string} name
 * @property {string} title
 * @property {Curve[]} curves training's first
 * @property {{ label: string, value: number }[]} baselines
 */

/** Keys that say where in the training a line belongs, or are no quantities of it. */
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

/** @type {Readonly<Record<string, string>>} */
const TITLES = {
  testError: "Squared error per pixel",
  loss: "Loss",
  reconstruction: "Reconstruction loss",
  kl: "KL divergence",
  sparsity: "Sparsity penalty",
  total: "Total loss",
  gradientNorm: "Gradient norm",
};

/** A quantity's name for people. @param {string} name */
export function titleOf(name) {
  const level = /^level\.(\d+)$/.exec(name);
  return Object.hasOwn(TITLES, name) ? TITLES[name] : level ? `Level ${level[1]} loss` : name;
}

/**
 * Groups the metrics of a run.
 *
 * @param {PageData} page
 * @returns {Group[]} in the order in which the metrics first name them; the test images' squared error is last
 */
export function groupCurves(page) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  const group = (/** @type {string} */ name) => {
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
  const rank = (/** @type {Group} */ { name }) => name === "gradientNorm" ? 2 : name === "testError" ? 1 : 0;
  return [...groups.values()].sort((a, b) => rank(a) - rank(b));
}

/** The quantity that a key measures. @param {string} key */
function nameOf(key) {
  return key.startsWith("test.") ? key.slice("test.".length) : key;
}

/**
 * What is known of the trained tensors: `[gradientNorm, weightNorm, updateRatio]` at some of the reports.
 *
 * @param {PageData} page
 * @returns {{ name: string, points: { x: number, figures: readonly [number, number, number] }[] }[]}
 */
export function tensorCurves(page) {
  /** @type {Map<string, { x: number, figures: readonly [number, number, number] }[]>} */
  const curves = new Map();
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

/**
 * Steps at which a training of several stages goes on to the next.
 *
 * @param {PageData} page
 * @returns {{ label: string, value: number }[]}
 */
export function stageBounds(page) {
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
 * An exponential moving average that starts without bias (Kingma and Ba 2015, section 3). NaN is passed over, and stays.
 *
 * @param {readonly Point[]} points
 * @param {number} weight of what came before, in [0, 1)
 * @returns {Point[]}
 */
export function smooth(points, weight) {
  let mean = 0, correction = 0;
  return points.map(({ x, y }) => {
    if (!Number.isFinite(y)) return { x, y };
    mean = weight * mean + (1 - weight) * y;
    correction = weight * correction + (1 - weight);
    return { x, y: mean / correction };
  });
}

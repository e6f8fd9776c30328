/**
 * Pictures: reconstructions, samples, pictures over time with a slider, weights.
 * @module
 */
import type { PageData, PagePicture, PageSnapshot } from "../page_types.ts";
import { folded, make, table } from "./dom.ts";
import { counted, readable } from "./format.ts";

/** Sets the source of an image only if it has changed, to avoid flicker. */
function show(image: HTMLImageElement, source: string) {
  if (image.src !== source) image.src = source;
}

/** Adds or removes children of a list until there are `count`. */
function resize(list: HTMLElement, count: number, create: () => HTMLElement) {
  while (list.children.length > count) list.lastElementChild?.remove();
  while (list.children.length < count) list.append(create());
}

/** Test images, noisy inputs if any, and reconstructions with their errors. */
export function reconstructions(first: PageSnapshot) {
  let snapshot = first;
  const list = make("div", { class: "tiles" });
  const key = make("p", { class: "muted" });
  const behind = folded("Table", () =>
    table(
      ["image", "squared error per pixel"],
      snapshot.tiles.map(({ error }, n) => [n + 1, readable(error)]),
      "Error per image",
    ));
  const update = (next: PageSnapshot) => {
    snapshot = next;
    const hasInputs = snapshot.tiles.some(({ input }) => input !== undefined);
    key.textContent = hasInputs
      ? "Top: test image. Middle: noisy input. Bottom: reconstruction. The number is the squared error per pixel."
      : "Top: test image. Bottom: reconstruction. The number is the squared error per pixel.";
    resize(list, snapshot.tiles.length, () => make("figure", {}));
    snapshot.tiles.forEach(({ original, input, result, error }, n) => {
      const tile = list.children[n] as HTMLElement;
      const sources = input === undefined ? [original, result] : [original, input, result];
      const names = input === undefined
        ? ["original", "reconstruction"]
        : ["original", "noisy input", "reconstruction"];
      if (tile.children.length !== sources.length + 1) {
        tile.replaceChildren(...sources.map(() => make("img", {})), make("figcaption", {}));
      }
      sources.forEach((source, k) => {
        const image = tile.children[k] as HTMLImageElement;
        image.alt = `test image ${n + 1}, ${names[k]}${
          k === sources.length - 1 ? `, error ${readable(error, 3)}` : ""
        }`;
        show(image, source);
      });
      const caption = tile.lastElementChild as HTMLElement;
      caption.textContent = readable(error, 2);
    });
    behind.update();
  };
  update(first);
  return { element: make("div", {}, key, list, behind.element), update };
}

/** Samples from the prior. */
export function samples(first: PageSnapshot) {
  let drawn = first.samples ?? [];
  const list = make("div", { class: "tiles plain" });
  const behind = folded("Table", () =>
    table(
      ["sample", "mean pixel", "share of pixels above 0.5"],
      drawn.map(({ mean, ink }, n) => [n + 1, readable(mean, 3), readable(ink, 3)]),
      "Brightness per sample",
    ));
  const update = (next: PageSnapshot) => {
    drawn = next.samples ?? [];
    resize(list, drawn.length, () => make("img", {}));
    drawn.forEach(({ image, mean }, n) => {
      const element = list.children[n] as HTMLImageElement;
      element.alt = `sample ${n + 1}, mean pixel ${readable(mean, 3)}`;
      show(element, image);
    });
    behind.update();
  };
  update(first);
  return { element: make("div", {}, list, behind.element), update };
}

/**
 * Pictures of one kind over the epochs, with a slider. While the slider is at its end, it follows the latest picture.
 */
export function history(first: PageData, kind: PagePicture["kind"]) {
  let page = first;
  const ours = () => page.pictures.filter((picture) => picture.kind === kind);
  const image = make("img", { class: "history" });
  const slider = make("input", { type: "range", min: 0, step: 1 });
  const moment = make("output", { class: "value" });
  const isStep = first.metrics.every(({ epoch, step }) => epoch === step); // with one batch, each step is an epoch
  const unit = isStep && first.metrics.length > 0 ? "step" : "epoch";
  const isTest = kind === "reconstructions";
  const behind = folded("Table", () => {
    const errors = new Map(
      page.metrics.flatMap(({ epoch, testError }) =>
        typeof epoch === "number" && typeof testError === "number" ? [[epoch, testError]] : []
      ),
    );
    return table(
      [unit, "squared error per pixel, test images"],
      ours().map(({ epoch }) => [epoch, readable(errors.get(epoch))]),
      `Test error at each ${unit} with a picture`,
    );
  });
  const draw = () => {
    const picture = ours()[Number(slider.value)];
    if (!picture) return;
    const when = `${unit} ${readable(picture.epoch)}`;
    moment.textContent = when;
    slider.setAttribute("aria-valuetext", when);
    image.alt = isTest
      ? `test images above their reconstructions after ${when}`
      : `samples from the prior after ${when}`;
    show(image, picture.image);
  };
  slider.addEventListener("input", draw);
  image.addEventListener("load", () => { // scaled by an integer factor, up to a useful size
    const times = Math.max(1, Math.floor((isTest ? 900 : 560) / image.naturalWidth));
    image.style.maxWidth = `${times * image.naturalWidth}px`;
  });
  const update = (next: PageData) => {
    const wasLast = slider.value === slider.max;
    page = next;
    slider.max = `${ours().length - 1}`;
    if (wasLast) slider.value = slider.max;
    draw();
    behind.update();
  };
  slider.max = `${ours().length - 1}`;
  slider.value = slider.max;
  update(first);
  const label = make("label", { class: "slider" }, "After", slider, moment);
  return { element: make("div", {}, label, image, behind.element), update };
}

/** Weights as pictures. */
export function weights(first: PageData) {
  let page = first;
  const list = make("div", { class: "panels" });
  const update = (next: PageData) => {
    page = next;
    list.replaceChildren(
      ...page.weights.map(({ label, image, size: [width, height], scale, isColor, units, figures }) => {
        const shown = (figures.length === units
          ? counted(units, "unit")
          : `the first ${figures.length} of ${counted(units, "unit")}`) +
          (isColor ? "; red, green, blue from top to bottom" : "");
        const room = page.weights.length > 1 ? 463 : 960;
        const times = Math.min(4, Math.max(1, Math.floor(room / width))); // an integer factor
        const behind = folded("Table", () =>
          table(
            ["unit", "min", "max", "L2 norm"],
            figures.map((row, unit) => [
              unit + 1,
              ...row.map((value) =>
                readable(value, 3)
              ),
            ]),
            `Weights of ${label}`,
          ));
        return make(
          "figure",
          { class: "panel" },
          make("figcaption", {}, make("b", {}, label), " ", make("span", { class: "muted" }, shown)),
          make("img", {
            class: "weights",
            src: image,
            width: times * width,
            height: times * height,
            alt: `Weights of ${label}, one image per unit`,
          }),
          scaleBar(scale),
          behind.element,
        );
      }),
    );
  };
  update(first);
  return { element: list, update };
}

/** Color scale of the weights. */
function scaleBar(scale: number) {
  return make(
    "div",
    { class: "scale muted" },
    `≤ ${readable(-scale, 3)}`,
    make("span", { class: "ramp", role: "img", "aria-label": "blue is negative, white zero, red positive" }),
    `≥ ${readable(scale, 3)}`,
  );
}

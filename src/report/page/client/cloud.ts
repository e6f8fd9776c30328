/**
 * Scatter plot of the codes, colored by class: 2-D, or 3-D and rotatable by mouse, touch and arrow keys. Hovering over a
 * point shows its image; classes can be hidden.
 * @module
 */
import type { PageCodes, PageData, PageSnapshot } from "../page_types.ts";
import { classColor } from "./colors.ts";
import { folded, make, table } from "./dom.ts";
import { counted, readable } from "./format.ts";
import { unpack } from "./libraries.ts";
import { flatPoints, type Points } from "./flat_points.ts";
import type { Tools } from "./charts.ts";
import { turningPoints } from "./turning_points.ts";

/** Content of the scatter plot. */
export interface CloudData {
  readonly codes: PageCodes;
  readonly imageShape: PageSnapshot["imageShape"];
  readonly classNames: PageData["classNames"];
}

/** Maximum distance of the pointer from a point, in CSS pixels. */
const REACH = 14, TOUCH_REACH = 26;

/** Creates the scatter plot, with legend, hover card and table. */
export function cloud({ board, libraries, whenSeen }: Tools, first: CloudData) {
  let data = first;
  const hidden = new Set<number>();
  let points: Points | undefined;
  let pixels: Uint8Array | undefined;
  let shown = -1;

  const ring = make("div", { class: "ring", hidden: true });
  const picture = make("canvas", {});
  const text = make("div", {});
  const card = make("div", { class: "card", role: "status", hidden: true }, picture, text);
  const frame = make("div", { class: "cloud", tabindex: 0, role: "group" }, ring, card);
  const legend = make("div", { class: "legend", role: "group", "aria-label": "classes" });
  const note = make("p", { class: "muted" });
  const behind = folded("Table", () => codesTable(data));

  const labelOf = (point: number) => data.codes.labels?.[point];
  const nameOf = (label: number) => data.classNames?.[label] ?? `class ${label}`;
  const isShown = (point: number) => {
    const label = labelOf(point);
    const dimensions = data.codes.axes.length;
    return (label === undefined || !hidden.has(label)) &&
      data.codes.points.slice(dimensions * point, dimensions * (point + 1)).every((value) => value !== null);
  };
  const count = () => data.codes.points.length / data.codes.axes.length;

  const hide = () => {
    shown = -1;
    card.hidden = ring.hidden = true;
  };

  /** Shows the image and the code of a point. */
  const reveal = (point: number) => {
    if (!points || point < 0) return hide();
    shown = point;
    const [x, y] = points.project(point);
    const label = labelOf(point), dimensions = data.codes.axes.length;
    const values = data.codes.points.slice(dimensions * point, dimensions * (point + 1));
    draw(picture, pixels, point, data.imageShape);
    const name = label === undefined ? `image ${point + 1}` : nameOf(label);
    picture.setAttribute("aria-label", name);
    text.replaceChildren(
      make("b", {}, name),
      ...values.map((value, k) =>
        make("div", {}, `${data.codes.axes[k].replace(/ \(.*/, "")} ${readable(value, 3)}`)
      ),
    );
    card.hidden = ring.hidden = false;
    ring.style.transform = `translate(${x}px, ${y}px)`;
    const left = x + 16 + card.offsetWidth > frame.clientWidth ? x - 16 - card.offsetWidth : x + 16;
    const top = Math.min(Math.max(4, y - card.offsetHeight / 2), frame.clientHeight - card.offsetHeight - 4);
    card.style.transform = `translate(${Math.max(4, left)}px, ${top}px)`;
  };

  /** The point under the pointer, or -1. */
  const pick = (event: PointerEvent, reach: number) => {
    const corner = frame.getBoundingClientRect();
    const [px, py] = [event.clientX - corner.left, event.clientY - corner.top];
    let best = -1, nearest = Infinity;
    for (let point = 0; points && point < count(); point++) {
      if (!isShown(point)) continue;
      const [x, y, depth] = points.project(point);
      const distance = Math.hypot(x - px, y - py) + depth * 4; // prefers the point in front
      if (Math.hypot(x - px, y - py) <= reach && distance < nearest) [best, nearest] = [point, distance];
    }
    return best;
  };

  let pressedAt = [0, 0];
  frame.addEventListener("pointermove", (event) => {
    if (event.buttons === 0 && event.pointerType !== "touch") reveal(pick(event, REACH));
    else if (shown >= 0 && event.buttons !== 0) hide();
  });
  frame.addEventListener("pointerdown", (event) => pressedAt = [event.clientX, event.clientY]);
  frame.addEventListener("pointerup", (event) => {
    const moved = Math.hypot(event.clientX - pressedAt[0], event.clientY - pressedAt[1]);
    if (moved < 6) reveal(pick(event, event.pointerType === "touch" ? TOUCH_REACH : REACH));
  });
  frame.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") hide();
  });
  frame.addEventListener("keydown", (event) => {
    if (event.target !== frame || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") hide();
    else if (event.key === "Enter" || event.key === " ") reveal(neighbor(event.shiftKey ? -1 : 1));
    else if (points?.press(event.key)) reveal(shown);
    else return;
    event.preventDefault();
  });
  /** The next visible point in the order of the images. */
  const neighbor = (step: 1 | -1) => {
    const total = count();
    for (let k = 1; k <= total; k++) {
      const point = ((shown < 0 && step < 0 ? 0 : shown) + step * k + total * 2) % total;
      if (isShown(point)) return point;
    }
    return -1;
  };

  const redraw = () => {
    points?.update(data.codes, isShown);
    if (shown >= 0) reveal(isShown(shown) ? shown : -1);
  };

  const drawLegend = () => {
    const labels = [...new Set(data.codes.labels ?? [])].sort((a, b) => a - b);
    const counts = new Map(
      labels.map((label) => [label, data.codes.labels?.filter((other) => other === label).length]),
    );
    const entry = (label: number) => {
      const dot = make("span", { class: "dot" });
      dot.style.background = classColor(label);
      const button = make(
        "button",
        {
          type: "button",
          "aria-pressed": `${!hidden.has(label)}`,
          title: counted(counts.get(label) ?? 0, "image"),
        },
        dot,
        nameOf(label),
      );
      button.addEventListener("click", () => {
        if (!hidden.delete(label)) hidden.add(label);
        button.setAttribute("aria-pressed", `${!hidden.has(label)}`);
        all.hidden = hidden.size === 0;
        redraw();
      });
      return button;
    };
    const all = make("button", { type: "button", class: "quiet", hidden: hidden.size === 0 }, "Show all");
    all.addEventListener("click", () => {
      hidden.clear();
      drawLegend();
      redraw();
    });
    legend.replaceChildren(...labels.map(entry), all);
  };

  const describe = () => {
    const { size, axes } = data.codes;
    const how = size > 3
      ? `First ${axes.length} principal components of ${size}-dimensional codes.`
      : size === 1
      ? "One-dimensional codes, each class in its own row."
      : `${size}-dimensional codes.`;
    const turn = axes.length === 3
      ? "Drag or use the arrow keys to rotate, + and − to zoom. "
      : "Drag to zoom. ";
    note.textContent =
      `${how} ${counted(count(), "test image")}. ${turn}Hover over a dot, tap it, or press Enter to see ` +
      "its image.";
    frame.setAttribute(
      "aria-label",
      `Scatter plot of ${counted(count(), "code")}, axes ${axes.join(", ")}. Enter shows the next image.`,
    );
  };

  const unpackImages = async () => {
    const { images } = data.codes;
    const bytes = images === "" ? undefined : await unpack(images); // a dashboard may receive them later
    if (images === data.codes.images) pixels = bytes;
    if (shown >= 0) reveal(shown);
  };

  const start = async () => {
    unpackImages();
    const space = data.codes.axes.length === 3;
    try {
      points = space ? turningPoints(await libraries.three(), board, frame, () => reveal(shown)) : undefined;
    } catch (error) {
      frame.after(make("p", { class: "muted" }, `Drawn in 2-D, as 3-D is not available here (${error}).`));
    }
    points ??= flatPoints(board, frame, () => reveal(shown));
    redraw();
    frame.dataset.drawn = "true";
  };

  drawLegend();
  describe();
  board.onRedraw(redraw);
  whenSeen(start);
  return {
    element: make("div", {}, note, make("figure", { class: "panel" }, frame, legend, behind.element)),
    update: (next: CloudData) => {
      if (next.codes === data.codes) return;
      const isOther = next.codes.images !== data.codes.images;
      data = next;
      if (isOther) unpackImages();
      drawLegend();
      describe();
      redraw();
      behind.update();
    },
  };
}

/**
 * Draws the image of a point.
 *
 * @param pixels all images; undefined until they are decompressed
 */
function draw(
  canvas: HTMLCanvasElement,
  pixels: Uint8Array | undefined,
  point: number,
  [height, width, colors = 1]: PageSnapshot["imageShape"],
) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  if (!pixels || !context) return;
  const image = context.createImageData(width, height), size = width * height;
  for (let k = 0; k < size; k++) {
    const at = point * colors * size + k % width * height + Math.floor(k / width); // column-major
    const [green, blue] = colors === 3 ? [at + size, at + 2 * size] : [at, at];
    image.data.set([pixels[at], pixels[green], pixels[blue], 255], 4 * k);
  }
  context.putImageData(image, 0, 0);
  canvas.dataset.point = `${point}`;
}

/** Table of the mean and standard deviation of each class along each axis. */
function codesTable({ codes: { axes, points, labels }, classNames }: CloudData) {
  const classes = new Map<number | undefined, number[][]>();
  for (let point = 0; point < points.length / axes.length; point++) {
    const code = points.slice(axes.length * point, axes.length * (point + 1));
    if (code.some((value) => value === null)) continue;
    const label = labels?.[point];
    classes.set(label, [...classes.get(label) ?? [], code as number[]]);
  }
  const rows = [...classes].sort(([a], [b]) => (a ?? 0) - (b ?? 0)).map(([label, codes]) => [
    label === undefined ? "all" : classNames?.[label] ?? `class ${label}`,
    readable(codes.length),
    ...axes.map((_, k) => {
      const mean = codes.reduce((sum, code) => sum + code[k], 0) / codes.length;
      const deviation = Math.sqrt(codes.reduce((sum, code) => sum + (code[k] - mean) ** 2, 0) / codes.length);
      return `${readable(mean, 3)} ± ${readable(deviation, 2)}`;
    }),
  ]);
  return table(
    ["class", "images", ...axes.map((axis) => `${axis}, mean ± standard deviation`)],
    rows,
    "Codes by class",
  );
}

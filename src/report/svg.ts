/**
 * SVG as text, escaped and with coordinates rounded to two decimals, so that output is deterministic.
 * @module
 */

/** Attributes by name; undefined ones are omitted. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Colors of text, frames and grid lines. */
export const INK = "#222222", FRAME = "#6e6e6e", GRID = "#e4e4e4";

const FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif";
/** Font size in drawing units. */
export const FONT_SIZE = 13;

/**
 * Formats a number with at most two decimals.
 *
 * @throws RangeError if it is not finite
 */
export function coordinate(value: number): string {
  if (!Number.isFinite(value)) {
    throw new RangeError(`Cannot draw a chart: expected a finite coordinate but received ${value}`);
  }
  return String(Math.round(100 * value) / 100 + 0); // no -0
}

/** Escapes text for XML, and replaces characters that XML does not allow. */
export function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text.toWellFormed()
    // deno-lint-ignore no-control-regex
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"]/g, (letter) => entities[letter]);
}

/** Returns an element; `children` must be XML. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) =>
    value === undefined ? "" : ` ${key}="${typeof value === "number" ? coordinate(value) : escapeXml(value)}"`
  ).join("");
  return children.length > 0 ? `<${name}${written}>${children.join("")}</${name}>` : `<${name}${written}/>`;
}

/** Returns a text element anchored at a point; `text-anchor` selects its start, middle or end. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escapeXml(text));
}

export function line(from: Point, to: Point, attributes: Attributes): string {
  return element("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], ...attributes });
}

/** A point of the drawing; y points down. */
export type Point = readonly [x: number, y: number];

/** Path data of straight lines through points. */
export function pathThrough(points: readonly Point[]): string {
  return points.map(([x, y], k) => `${k > 0 ? "L" : "M"}${coordinate(x)},${coordinate(y)}`).join("");
}

/** Estimated width of a text, as no font metrics are available. */
export function widthOf(text: string): number {
  return 0.59 * FONT_SIZE * [...text].length;
}

/** Truncates a text to `letters` characters, with an ellipsis. */
export function shortened(text: string, letters: number): string {
  const all = [...text];
  return all.length > letters ? `${all.slice(0, letters - 1).join("")}…` : text;
}

/** Size and texts of a drawing. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** Title for screen readers and tooltips. */
  readonly title: string;
  /** Description for screen readers. */
  readonly description: string;
}

/** Returns an SVG file with a white background. */
export function svgFile(
  { width, height, title, description }: Drawing,
  elements: readonly string[],
): Uint8Array {
  const root = {
    xmlns: "http://www.w3.org/2000/svg",
    width,
    height,
    viewBox: `0 0 ${coordinate(width)} ${coordinate(height)}`,
    role: "img",
    "aria-labelledby": "title description",
    "font-family": FONT,
    "font-size": FONT_SIZE,
    fill: INK,
  };
  const lines = [
    element("title", { id: "title" }, escapeXml(title)),
    element("desc", { id: "description" }, escapeXml(description)),
    element("rect", { width, height, fill: "#ffffff" }),
    ...elements,
  ];
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n${
    element("svg", root, "\n", lines.join("\n"), "\n")
  }\n`;
  return new TextEncoder().encode(text);
}

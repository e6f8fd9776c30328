/**
 * SVG as text: elements, escaped and with coordinates of two decimals, so that the same drawing gives the same bytes.
 * @module
 */

/** Attributes by name; those that are undefined are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** The colors of text, of frames, and of the lines behind curves. */
export const INK = "#222222", FRAME = "#6e6e6e", GRID = "#e4e4e4";

const FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif";
/** The font's size, in units of the drawing. */
export const FONT_SIZE = 13;

/**
 * A number with two decimals at most.
 *
 * @throws RangeError if it is not finite
 */
export function coordinate(value: number): string {
  if (!Number.isFinite(value)) {
    throw new RangeError(`Cannot draw a chart: expected a finite coordinate but received ${value}`);
  }
  return String(Math.round(100 * value) / 100 + 0); // no -0
}

/** Text as XML has it; characters that XML does not allow are replaced. */
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

/** An element around others; `children` are XML already. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) =>
    value === undefined ? "" : ` ${key}="${typeof value === "number" ? coordinate(value) : escapeXml(value)}"`
  ).join("");
  return children.length > 0 ? `<${name}${written}>${children.join("")}</${name}>` : `<${name}${written}/>`;
}

/** A line of text whose baseline begins, or as `text-anchor` says ends or has its middle, at a point. */
export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escapeXml(text));
}

/** A straight line. */
export function line(from: Point, to: Point, attributes: Attributes): string {
  return element("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], ...attributes });
}

/** A point of the drawing: from the left, from the top. */
export type Point = readonly [x: number, y: number];

/** The path from point to point. */
export function pathThrough(points: readonly Point[]): string {
  return points.map(([x, y], k) => `${k > 0 ? "L" : "M"}${coordinate(x)},${coordinate(y)}`).join("");
}

/** About how wide a text is: there is no font to ask before the chart is seen. */
export function widthOf(text: string): number {
  return 0.59 * FONT_SIZE * [...text].length;
}

/** A text of so many letters at most. */
export function shortened(text: string, letters: number): string {
  const all = [...text];
  return all.length > letters ? `${all.slice(0, letters - 1).join("")}…` : text;
}

/** A drawing, on white. */
export interface Drawing {
  /** Its width. */
  readonly width: number;
  /** Its height. */
  readonly height: number;
  /** What it is, for whoever cannot see it, and for tooltips. */
  readonly title: string;
  /** What it shows, for whoever cannot see it. */
  readonly description: string;
}

/** An SVG file. */
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

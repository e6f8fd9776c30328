/**
 * A colour picture to draw on: rectangles, lines, discs and text, saved as PNG.
 * @module
 */
import { encode } from "../dependencies/fast_png.ts";
import type { Colour } from "./colors.ts";
import { LETTER, textStrokes, textWidth } from "./font.ts";

/** How a line is drawn. */
export interface LineStyle {
  /** Its colour. */
  readonly colour: Colour;
  /** Its width in pixels; 1 if absent. */
  readonly thickness?: number;
  /** Lengths of dashes and of the gaps between them, in pixels; without gaps if absent. */
  readonly dash?: readonly [dash: number, gap: number];
}

/** How a text is drawn. */
export interface TextStyle {
  /** Its colour. */
  readonly colour: Colour;
  /** Pixels from one dot of the font to the next; 2 if absent. */
  readonly scale?: number;
  /** Which part of the text is at x: its begin (0, if absent), its middle (0.5) or its end (1). */
  readonly anchor?: number;
}

/** The height of a line of text in pixels, at a scale. */
export function textHeight(scale: number = 2): number {
  return LETTER.height * scale;
}

/** The width of a text in pixels, at a scale. */
export function measureText(text: string, scale: number = 2): number {
  return textWidth(text) * scale;
}

/**
 * A white picture. Coordinates are pixels from its upper left corner; whole numbers are pixels' edges, so that the
 * first pixel's centre is at (0.5, 0.5). What lies outside is not drawn.
 */
export class Canvas {
  /** Pixels from left to right. */
  readonly width: number;
  /** Pixels from top to bottom. */
  readonly height: number;
  readonly #data: Uint8ClampedArray;

  /** All white. */
  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#data = new Uint8ClampedArray(3 * width * height).fill(255);
  }

  /** Mixes a colour into one pixel; `share` in [0, 1] of it. */
  #blend(x: number, y: number, colour: Colour, share: number): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const at = 3 * (y * this.width + x);
    for (let c = 0; c < 3; c++) this.#data[at + c] += share * (colour[c] - this.#data[at + c]);
  }

  /** Fills a rectangle with edges at whole pixels. */
  fillRect(left: number, top: number, width: number, height: number, colour: Colour): void {
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) this.#blend(x, y, colour, 1);
    }
  }

  /**
   * Fills a disc with a smooth edge.
   *
   * @param share how much of the colour covers what is below, in [0, 1]
   */
  disc(x: number, y: number, radius: number, colour: Colour, share: number = 1): void {
    this.#stroke([x, y], [x, y], radius, colour, share);
  }

  /** Draws a line through points, with smooth edges and round ends. A single point is a dot. */
  line(points: readonly (readonly [number, number])[], { colour, thickness = 1, dash }: LineStyle): void {
    if (points.length === 1) this.disc(...points[0], thickness / 2, colour);
    let done = 0; // length so far
    for (let k = 1; k < points.length; k++) {
      const [from, to] = [points[k - 1], points[k]];
      const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
      const along = (at: number): [number, number] => [
        from[0] + (to[0] - from[0]) * at / length,
        from[1] + (to[1] - from[1]) * at / length,
      ];
      if (!dash) this.#stroke(from, to, thickness / 2, colour, 1);
      else if (length > 0) {
        const period = dash[0] + dash[1];
        for (let begin = -(done % period); begin < length; begin += period) {
          const end = Math.min(length, begin + dash[0]);
          if (end > 0) this.#stroke(along(Math.max(0, begin)), along(end), thickness / 2, colour, 1);
        }
      }
      done += length;
    }
  }

  /** Covers what is within `radius` of the stretch between two points; a pixel at its edge in part. */
  #stroke(
    [x0, y0]: readonly [number, number],
    [x1, y1]: readonly [number, number],
    radius: number,
    colour: Colour,
    share: number,
  ): void {
    const [dx, dy] = [x1 - x0, y1 - y0];
    const reach = radius + 0.5, squared = dx * dx + dy * dy;
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
    const right = Math.min(this.width - 1, Math.ceil(Math.max(x0, x1) + reach));
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
    const bottom = Math.min(this.height - 1, Math.ceil(Math.max(y0, y1) + reach));
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
        const along = squared > 0 ? Math.max(0, Math.min(1, (px * dx + py * dy) / squared)) : 0;
        const cover = Math.min(1, reach - Math.hypot(px - along * dx, py - along * dy));
        if (cover > 0) this.#blend(x, y, colour, cover * share);
      }
    }
  }

  /** Writes a line of text whose upper edge is at y. */
  text(x: number, y: number, text: string, { colour, scale = 2, anchor = 0 }: TextStyle): void {
    const left = Math.round(x - anchor * measureText(text, scale)), top = Math.round(y);
    const place = ([px, py]: readonly [number, number]): [number, number] => [
      left + scale * (px + 0.5),
      top + scale * (py + 0.5),
    ];
    for (const [from, to] of textStrokes(text)) this.#stroke(place(from), place(to), 0.4 * scale, colour, 1);
  }

  /** The PNG file. The same drawing gives the same bytes. */
  encode(): Uint8Array {
    const { width, height } = this;
    return encode({ width, height, channels: 3, depth: 8, data: new Uint8Array(this.#data.buffer) });
  }
}

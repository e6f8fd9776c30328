/**
 * `weights.png`: what each unit of the first and of the last layer looks for or paints.
 * @module
 */
import { FRAME, INK } from "./axes.ts";
import { Canvas, measureText, textHeight } from "./canvas.ts";
import type { Colour } from "./colors.ts";
import type { WeightImages } from "./run_data.ts";

const WIDTH = 1200, MARGIN = 30, GAP = 4, HEADING = 44, BETWEEN = 26;
/** About how wide a unit's image is, in pixels of the picture. */
const EDGE = 56;
/** Rows of images of a layer. */
const ROWS = 4;
/** The share of weights that colours are for. */
const USUAL = 0.99;
const NEGATIVE: Colour = [33, 82, 172], POSITIVE: Colour = [178, 24, 43], ZERO: Colour = [247, 247, 247];
const NOT_FINITE: Colour = [150, 150, 150];

/** Parameters as a model file holds them: matrices are [outputs, inputs]. */
export interface ParameterTensor {
  /** Its name, such as `encoder.0.weight`. */
  readonly name: string;
  /** Its sizes. */
  readonly shape: readonly number[];
  /** Its values, row-major. */
  readonly data: Float32Array;
}

/**
 * The weights of a network that can be seen as images: those of the first matrix that reads pixels, and of the last
 * one that makes them.
 *
 * @param parameters in the order of the network
 * @param pixels pixels of an image
 * @returns the encoder's and the decoder's, or what there is of these: tied weights are there once
 */
export function weightImages(parameters: readonly ParameterTensor[], pixels: number): WeightImages[] {
  const matrices = parameters.filter(({ shape }) => shape.length === 2);
  const first = matrices.find(({ shape }) => shape[1] === pixels);
  const last = matrices.findLast((matrix) => matrix.shape[0] === pixels && matrix !== first);
  return [
    ...(first ? [{ label: first.name, values: first.data }] : []),
    ...(last ? [{ label: last.name, values: transposed(last.data, last.shape[1]) }] : []),
  ];
}

function transposed(values: Float32Array, columns: number): Float32Array {
  const rows = values.length / columns;
  return Float32Array.from(values, (_, k) => values[k % rows * columns + Math.floor(k / rows)]);
}

/**
 * Draws weights as images, the first units of each layer: blue below 0, white at 0, red above. A layer's strongest
 * colours are for what 99 of 100 weights do not exceed, so that a few large ones do not pale the others; the picture
 * says where that is. Weights that are not finite are gray. The same
 * input gives the same bytes.
 *
 * @param layers the weights, an image a unit
 * @param imageShape height and width of an image
 * @returns a PNG file, 1,200 pixels wide unless a single image is wider
 */
export function weightsPicture(
  layers: readonly WeightImages[],
  [height, width]: readonly [number, number],
): Uint8Array {
  const scale = Math.max(1, Math.floor(EDGE / width));
  const columns = Math.max(1, Math.floor((WIDTH - 2 * MARGIN + GAP) / (scale * width + GAP)));
  const plans = layers.map(({ label, values }) => {
    const units = values.length / (height * width), shown = Math.min(units, ROWS * columns);
    return { label, values, units, shown, rows: Math.ceil(shown / columns) };
  });
  const heights = plans.map(({ rows }) => HEADING + rows * (scale * height + GAP));
  const canvas = new Canvas(
    Math.max(WIDTH, scale * width + 2 * MARGIN),
    heights.reduce((sum, height) => sum + height + BETWEEN, MARGIN),
  );
  let top = MARGIN;
  plans.forEach(({ label, values, units, shown }, at) => {
    const end = usualMagnitude(values);
    const what = shown < units
      ? `the first ${shown} of ${units} units`
      : `${units} unit${units === 1 ? "" : "s"}`;
    canvas.text(MARGIN, top, `${label}: ${what}`, { colour: INK });
    drawKey(canvas, canvas.width - MARGIN, top, end);
    for (let n = 0; n < shown; n++) {
      const left = MARGIN + n % columns * (scale * width + GAP);
      const upper = top + HEADING + Math.floor(n / columns) * (scale * height + GAP);
      for (let k = 0; k < height * width; k++) {
        const colour = colourOfWeight(values[n * height * width + k] / (end || 1));
        canvas.fillRect(
          left + k % width * scale,
          upper + Math.floor(k / width) * scale,
          scale,
          scale,
          colour,
        );
      }
    }
    top += heights[at] + BETWEEN;
  });
  if (layers.length === 0) canvas.text(MARGIN, 8, "no layer's weights are images", { colour: FRAME });
  return canvas.encode();
}

/** The magnitude that 99 of 100 finite values do not exceed; 0 if there is none. */
function usualMagnitude(values: Float32Array): number {
  const magnitudes = values.map(Math.abs).filter(Number.isFinite).sort();
  return magnitudes.length > 0 ? magnitudes[Math.ceil(USUAL * magnitudes.length) - 1] : 0;
}

/** Blue to white to red for -1 to 0 to 1, and no further. */
function colourOfWeight(share: number): Colour {
  if (!Number.isFinite(share)) return NOT_FINITE;
  const full = share < 0 ? NEGATIVE : POSITIVE, amount = Math.min(1, Math.abs(share));
  return [0, 1, 2].map((c) => ZERO[c] + amount * (full[c] - ZERO[c])) as [number, number, number];
}

/** The scale of colours with its ends, which ends at x = right. */
function drawKey(canvas: Canvas, right: number, top: number, end: number): void {
  const [low, high] = [`-${end.toPrecision(2)} or less`, `${end.toPrecision(2)} or more`];
  const width = 120, left = right - measureText(high) - 10 - width;
  for (let x = 0; x < width; x++) {
    canvas.fillRect(left + x, top, 1, textHeight(), colourOfWeight(2 * (x + 0.5) / width - 1));
  }
  canvas.text(left - 10, top, low, { colour: INK, anchor: 1 });
  canvas.text(right, top, high, { colour: INK, anchor: 1 });
}

/**
 * Colours of classes and curves.
 * @module
 */

/**
 * Ten colours for classes and curves, as `#rrggbb`, the most different ones first. They were searched for, so that any
 * two are at least 22 apart in CIE Lab, also as people without red, green or blue cones see them (Machado, Oliveira
 * and Fernandes 2009), and so that all can be seen on white and on black. What has more classes begins again.
 */
export const CLASS_COLOURS: readonly string[] = [
  "#184fce",
  "#ed8b0b",
  "#056c2d",
  "#f04c68",
  "#4dc9e7",
  "#8e3397",
  "#c7c368",
  "#b682ff",
  "#8cbaa3",
  "#a83366",
];

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number];

/**
 * The colour that a text like `#184fce` stands for.
 *
 * @param hex six hexadecimal digits after a `#`
 */
export function colourOf(hex: string): Colour {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, value >> 8 & 255, value & 255];
}

/**
 * The colour of a class: see {@link CLASS_COLOURS}.
 *
 * @param index the class, from 0
 */
export function classColour(index: number): Colour {
  return colourOf(CLASS_COLOURS[index % CLASS_COLOURS.length]);
}

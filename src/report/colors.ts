/**
 * Colors of classes and curves.
 * @module
 */

/**
 * Ten colors for classes and curves, as `#rrggbb`, the most different ones first. They were searched for, so that any
 * two are at least 22 apart in CIE Lab, also as people without red, green or blue cones see them (Machado, Oliveira
 * and Fernandes 2009), and so that all can be seen on white and on black. Of the ten-color schemes of
 * d3-scale-chromatic none keeps its colors 10 apart for all of them. What has more classes begins again.
 */
export const CLASS_COLORS: readonly string[] = [
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

/**
 * The color of a class: see {@link CLASS_COLORS}.
 *
 * @param index the class, from 0
 */
export function classColor(index: number): string {
  return CLASS_COLORS[index % CLASS_COLORS.length];
}

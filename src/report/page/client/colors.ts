/**
 * Colors of classes, curves and runs, of pages and charts alike.
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

/** The same for dark pages: as far from each other for all eyes, and each at 3.1 to 1 or more against the page. */
export const DARK_CLASS_COLORS = [
  "#3a5de7",
  "#ec9807",
  "#187a3c",
  "#fa6471",
  "#56cfe6",
  "#9949aa",
  "#dad075",
  "#bb87f8",
  "#a4c8af",
  "#b24979",
];

/**
 * The color of a class, or of a run among several, as a CSS text that follows the theme.
 *
 * @param label from 0
 */
export function classColor(label: number) {
  return `var(--class-${label % CLASS_COLORS.length})`;
}

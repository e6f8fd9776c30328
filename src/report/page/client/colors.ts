/**
 * Colors of classes, curves and runs, in pages and in charts.
 * @module
 */

/**
 * Ten colors for classes and curves, as `#rrggbb`, the most distinct first; more classes repeat them. They were found
 * by a search: any two are at least 22 apart in CIE Lab, also under protanopia, deuteranopia and tritanopia (Machado,
 * Oliveira and Fernandes 2009), and all are visible on white and on black. No ten-color scheme of d3-scale-chromatic
 * keeps its colors even 10 apart.
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

/** The same for the dark theme: equally distinct, with a contrast of at least 3.1 to 1 against the page. */
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
 * CSS color of a class, or of a run in a comparison; it follows the theme.
 *
 * @param label from 0
 */
export function classColor(label: number) {
  return `var(--class-${label % CLASS_COLORS.length})`;
}

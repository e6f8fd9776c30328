/**
 * Colors of classes and of runs.
 * @module
 */

/** The same as in ../../colors.ts, which says how they were found. */
export const CLASS_COLORS = [
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

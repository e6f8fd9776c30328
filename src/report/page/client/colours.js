/**
 * Colours of classes and of runs.
 * @module
 */

/** The same as in ../../colours.ts, which says how they were found. */
export const CLASS_COLOURS = [
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

/** The colour of a class, or of a run among several. @param {number} label from 0 */
export function classColour(label) {
  return CLASS_COLOURS[label % CLASS_COLOURS.length];
}

/**
 * Colors of classes and curves in charts: those of the page.
 * @module
 */
import { CLASS_COLORS } from "./page/client/colors.ts";

/** Color of class `index`, counted from 0, in `CLASS_COLORS`. */
export function classColor(index: number): string {
  return CLASS_COLORS[index % CLASS_COLORS.length];
}

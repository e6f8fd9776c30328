/**
 * Colors of classes and curves in charts: those of the page.
 * @module
 */
import { CLASS_COLORS } from "./page/client/colors.ts";

/**
 * The color of a class: see `CLASS_COLORS` of the page.
 *
 * @param index the class, from 0
 */
export function classColor(index: number): string {
  return CLASS_COLORS[index % CLASS_COLORS.length];
}

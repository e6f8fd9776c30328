/**
 * How pages receive three.js, a module loaded on first use: a module script imports it and sends it in an event. A
 * dynamic import of a URL known only in the browser could not be analyzed by package registries.
 * @module
 */

/** Type of the event whose `detail` is three.js. */
export const THREE_LOADED = "bottleneck-three";

/** Code of a module script that imports three.js from a URL and sends it to the page. */
export function threeModule(url: string): string {
  return `import * as three from ${JSON.stringify(url)};\n` +
    `dispatchEvent(new CustomEvent("${THREE_LOADED}", { detail: three }));\n`;
}

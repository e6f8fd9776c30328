/**
 * The npm packages that pages use in browsers: chart.js, its zoom plugin, and three.js. Deno reads their
 * files, without running them.
 * @module
 */
import { createRequire } from "node:module";
// These imports download the packages into Deno's cache.
import "npm:chart.js@4.6.1" with { type: "text" };
import "npm:chartjs-plugin-zoom@2.2.0" with { type: "text" };
import "npm:three@0.185.1" with { type: "text" };

/** Versions of the packages, as imported above. */
const VERSIONS = { "chart.js": "4.6.1", "chartjs-plugin-zoom": "2.2.0", "three": "0.185.1" } as const;

/** A package in Deno's cache. */
export interface PackageFolder {
  readonly version: string;
  /** URL of the package's folder. */
  readonly folder: URL;
}

/**
 * Finds a package in Deno's cache. An import map has no effect if the project is imported from a URL.
 *
 * @throws Error if another version is found, as in a `node_modules` folder at the root of the disk
 */
export function packageFolder(name: keyof typeof VERSIONS): PackageFolder {
  const entry = createRequire("file:///").resolve(name).replaceAll("\\", "/");
  const [top] = new RegExp(`^.*/${name}/(?:[^/]+/)?(?=(?:dist|build)/)`).exec(entry) ?? [];
  const version = VERSIONS[name];
  if (top === undefined || !top.endsWith(`/${version}/`)) {
    throw new Error(`Cannot find ${name} ${version}: expected it in Deno's cache but found ${entry}`);
  }
  return { version, folder: new URL(`file://${top.startsWith("/") ? "" : "/"}${top}`) };
}

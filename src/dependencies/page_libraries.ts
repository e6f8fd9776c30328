/**
 * The npm packages that pages use in browsers: chart.js, its zoom plugin, and three.js. They are read, not run.
 * @module
 */
import { createRequire } from "node:module";
// So that Deno has the packages.
import "npm:chart.js@4.6.1" with { type: "text" };
import "npm:chartjs-plugin-zoom@2.2.0" with { type: "text" };
import "npm:three@0.185.1" with { type: "text" };

/** The packages and their versions, as they are imported here. */
const VERSIONS = { "chart.js": "4.6.1", "chartjs-plugin-zoom": "2.2.0", "three": "0.185.1" } as const;

/** A package, as Deno's cache has it. */
export interface PackageFolder {
  /** Its version. */
  readonly version: string;
  /** Its top folder. */
  readonly folder: URL;
}

/**
 * Where Deno's cache has a package. An import map would say so too, but does not reach whoever imports this project from
 * a URL.
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

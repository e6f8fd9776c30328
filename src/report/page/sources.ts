/**
 * What the page is made of in a browser: its modules, its style, and the libraries that it needs.
 * @module
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { packageFolder } from "../../dependencies/page_libraries.ts";
import barFigure from "./client/bar_figure.js" with { type: "text" };
import charts from "./client/charts.js" with { type: "text" };
import cloud from "./client/cloud.js" with { type: "text" };
import colours from "./client/colours.js" with { type: "text" };
import compare from "./client/compare.js" with { type: "text" };
import curves from "./client/curves.js" with { type: "text" };
import dom from "./client/dom.js" with { type: "text" };
import format from "./client/format.js" with { type: "text" };
import flatPoints from "./client/flat_points.js" with { type: "text" };
import libraries from "./client/libraries.js" with { type: "text" };
import lineFigure from "./client/line_figure.js" with { type: "text" };
import mount from "./client/mount.js" with { type: "text" };
import css from "./client/page.css" with { type: "text" };
import pictures from "./client/pictures.js" with { type: "text" };
import report from "./client/report.js" with { type: "text" };
import sections from "./client/sections.js" with { type: "text" };
import theme from "./client/theme.js" with { type: "text" };
import turningPoints from "./client/turning_points.js" with { type: "text" };

/**
 * The page's modules by file name, each after those that it imports; they import each other by `./name.js`. The last
 * one is the report's beginning: a dashboard leaves it out and calls `mount` of `mount.js` itself.
 */
export const PAGE_MODULES: Readonly<Record<string, string>> = {
  "colours.js": colours,
  "curves.js": curves,
  "dom.js": dom,
  "format.js": format,
  "theme.js": theme,
  "libraries.js": libraries,
  "charts.js": charts,
  "bar_figure.js": barFigure,
  "line_figure.js": lineFigure,
  "flat_points.js": flatPoints,
  "turning_points.js": turningPoints,
  "cloud.js": cloud,
  "pictures.js": pictures,
  "sections.js": sections,
  "mount.js": mount,
  "compare.js": compare,
  "report.js": report,
};

/** The page's style. */
export const PAGE_CSS: string = css;

/** A file of a library, as npm has it. */
export interface LibraryFile {
  /** What it is called here: `chart.js`, `chartjs-plugin-zoom`, `three`, `three.core`. */
  readonly name: string;
  /** Its code: a classic script for the first two, modules for three.js, of which `three` imports
   * `./three.core.min.js`. */
  readonly code: string;
  /** Where the same bytes of the same version are on the network. */
  readonly url: string;
  /** Their checksum, as the `integrity` attribute wants it. */
  readonly integrity: string;
}

/** The files of the libraries: name, package, and the file's place beside the package's entry. */
const FILES = [
  ["chart.js", "chart.js", "dist/chart.umd.min.js"],
  ["chartjs-plugin-zoom", "chartjs-plugin-zoom", "dist/chartjs-plugin-zoom.min.js"],
  ["three.core", "three", "build/three.core.min.js"],
  ["three", "three", "build/three.module.min.js"],
] as const;

let found: readonly LibraryFile[] | undefined;

/**
 * Reads the libraries out of the npm packages. Needs `--allow-read` for Deno's cache.
 *
 * @returns chart.js, its zoom plugin, and the two files of three.js
 */
export function libraryFiles(): readonly LibraryFile[] {
  return found ??= FILES.map(([name, packageName, path]) => {
    const { folder, version } = packageFolder(packageName);
    const bytes = readFileSync(new URL(path, folder));
    const url = `https://raw.esm.sh/${packageName}@${version}/${path}`;
    const integrity = `sha384-${createHash("sha384").update(bytes).digest("base64")}`;
    return { name, code: bytes.toString("utf8"), url, integrity };
  });
}

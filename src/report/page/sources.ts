/**
 * Browser sources of the page: modules, style and libraries.
 * @module
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { packageFolder } from "../../dependencies/page_libraries.ts";
import barFigure from "./client/bar_figure.ts" with { type: "text" };
import charts from "./client/charts.ts" with { type: "text" };
import cloud from "./client/cloud.ts" with { type: "text" };
import colors from "./client/colors.ts" with { type: "text" };
import compare from "./client/compare.ts" with { type: "text" };
import curves from "./client/curves.ts" with { type: "text" };
import dom from "./client/dom.ts" with { type: "text" };
import format from "./client/format.ts" with { type: "text" };
import flatPoints from "./client/flat_points.ts" with { type: "text" };
import libraries from "./client/libraries.ts" with { type: "text" };
import lineFigure from "./client/line_figure.ts" with { type: "text" };
import mount from "./client/mount.ts" with { type: "text" };
import css from "./client/page.css" with { type: "text" };
import pictures from "./client/pictures.ts" with { type: "text" };
import report from "./client/report.ts" with { type: "text" };
import sections from "./client/sections.ts" with { type: "text" };
import testErrors from "./client/test_errors.ts" with { type: "text" };
import theme from "./client/theme.ts" with { type: "text" };
import threeModule from "./client/three_module.ts" with { type: "text" };
import turningPoints from "./client/turning_points.ts" with { type: "text" };

/** The page's modules by file name, each after those that it imports. */
const TYPESCRIPT: Readonly<Record<string, string>> = {
  "colors.ts": colors,
  "curves.ts": curves,
  "dom.ts": dom,
  "format.ts": format,
  "theme.ts": theme,
  "three_module.ts": threeModule,
  "libraries.ts": libraries,
  "charts.ts": charts,
  "bar_figure.ts": barFigure,
  "line_figure.ts": lineFigure,
  "flat_points.ts": flatPoints,
  "turning_points.ts": turningPoints,
  "cloud.ts": cloud,
  "pictures.ts": pictures,
  "test_errors.ts": testErrors,
  "sections.ts": sections,
  "mount.ts": mount,
  "compare.ts": compare,
  "report.ts": report,
};

let javascript: Readonly<Record<string, string>> | undefined;

/**
 * The page's modules as JavaScript. Types are stripped on first use, so that starting to train does not wait for it.
 *
 * @returns code by file name, each module after those that it imports as `./name.ts`. The last one is the report's
 *   entry point; a dashboard ignores it and calls `mount` of `mount.ts` itself
 */
export function pageModules(): Readonly<Record<string, string>> {
  return javascript ??= Object.fromEntries(
    Object.entries(TYPESCRIPT).map(([name, code]) => [name, stripTypeScriptTypes(code)]),
  );
}

/** Style sheet of the page. */
export const PAGE_CSS: string = css;

/** A library file from npm. */
export interface LibraryFile {
  /** `chart.js`, `chartjs-plugin-zoom`, `three` or `three.core`. */
  readonly name: string;
  /** Source text: classic scripts, except for the modules of three.js, where `three` imports `./three.core.min.js`. */
  readonly code: string;
  /** URL of the same file on esm.sh. */
  readonly url: string;
  /** Checksum for the `integrity` attribute. */
  readonly integrity: string;
}

/** Name, package, and path in the package of each library file. */
const FILES = [
  ["chart.js", "chart.js", "dist/chart.umd.min.js"],
  ["chartjs-plugin-zoom", "chartjs-plugin-zoom", "dist/chartjs-plugin-zoom.min.js"],
  ["three.core", "three", "build/three.core.min.js"],
  ["three", "three", "build/three.module.min.js"],
] as const;

let found: readonly LibraryFile[] | undefined;

/**
 * Reads the library files from their npm packages. Needs `--allow-read` for Deno's cache.
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

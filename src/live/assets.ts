/**
 * Static files of the dashboard's server. URL paths are the source paths, so that relative imports work; TypeScript is
 * served with its types stripped.
 * @module
 */
import { stripTypeScriptTypes } from "node:module";
import { threeModule } from "../report/page/client/three_module.ts";
import { libraryFiles, PAGE_CSS, pageModules } from "../report/page/sources.ts";
import connection from "./client/connection.ts" with { type: "text" };
import css from "./client/live.css" with { type: "text" };
import html from "./client/live.html" with { type: "text" };
import script from "./client/live.ts" with { type: "text" };
import type { Assets } from "./events.ts";

const HTML = "text/html; charset=utf-8", CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

/** Static files by URL path. Needs `--allow-read` for the libraries. */
export function liveAssets(): Assets {
  return new Map([
    ["/", { type: HTML, body: html }],
    ["/live/client/live.css", { type: CSS, body: css }],
    ["/live/client/live.ts", { type: SCRIPT, body: stripTypeScriptTypes(script) }],
    ["/live/client/connection.ts", { type: SCRIPT, body: stripTypeScriptTypes(connection) }],
    ["/report/page/client/page.css", { type: CSS, body: PAGE_CSS }],
    ...Object.entries(pageModules()).map(([name, body]): [string, { type: string; body: string }] => [
      `/report/page/client/${name}`,
      { type: SCRIPT, body },
    ]),
    ["/library/three.js", { type: SCRIPT, body: threeModule("./three.module.min.js") }],
    ...libraryFiles().map(({ url, code }): [string, { type: string; body: string }] => [
      `/library/${url.slice(url.lastIndexOf("/") + 1)}`,
      { type: SCRIPT, body: code },
    ]),
  ]);
}

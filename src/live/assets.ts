/**
 * The files that the dashboard's server has. Their places in URLs are those in the sources, so that modules find each
 * other; what is TypeScript there has lost its types.
 * @module
 */
import { stripTypeScriptTypes } from "node:module";
import { libraryFiles, PAGE_CSS, pageModules } from "../report/page/sources.ts";
import connection from "./client/connection.ts" with { type: "text" };
import css from "./client/live.css" with { type: "text" };
import html from "./client/live.html" with { type: "text" };
import script from "./client/live.ts" with { type: "text" };
import type { Assets } from "./events.ts";

const HTML = "text/html; charset=utf-8", CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

/** Everything that the dashboard's page asks for but its data. Needs `--allow-read` for the libraries. */
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
    ...libraryFiles().map(({ url, code }): [string, { type: string; body: string }] => [
      `/library/${url.slice(url.lastIndexOf("/") + 1)}`,
      { type: SCRIPT, body: code },
    ]),
  ]);
}

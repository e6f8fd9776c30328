/**
 * The report as one HTML file with style, code, libraries and data embedded, so that it opens offline.
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { resultsTable } from "../results_table.ts";
import type { RunData } from "../run_data.ts";
import { type PageData, pageData } from "./page_data.ts";
import { threeModule } from "./client/three_module.ts";
import { libraryFiles, PAGE_CSS, pageModules } from "./sources.ts";

/** Options of {@linkcode reportPage}. */
export interface ReportOptions {
  /** True to load the libraries from esm.sh, at pinned versions, instead of embedding them; false if absent. */
  readonly cdn?: boolean;
}

/**
 * Makes the report of a run, or a comparison of several runs.
 *
 * @param runs one or more runs
 * @param options source of the libraries
 * @returns the text of an HTML file
 * @throws RangeError if `runs` is empty
 */
export function reportPage(runs: readonly RunData[], { cdn = false }: ReportOptions = {}): string {
  if (runs.length === 0) {
    throw new RangeError("Cannot make a report: expected at least one run but received none");
  }
  const title = runs.length === 1 ? `${runs[0].recipe}: ${runs[0].name}` : `${runs.length} runs compared`;
  const code = bundle(pageModules());
  const [charts, plugin, core, three] = libraryFiles();
  const held = runs.length === 1 ? [charts, plugin, core, three] : [charts, plugin]; // a comparison has no 3-D plots
  const link = ({ url, integrity }: typeof three) => ({ url, integrity });
  const linkedThree = threeModule(three.url);
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(code)} ${cdn ? `${hashOf(linkedThree)} https://raw.esm.sh` : "blob:"}`,
    `style-src ${hashOf(PAGE_CSS)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const parts = [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${PAGE_CSS}</style>`,
    `<div id="root"></div>`,
    `<noscript><pre>${escapeHtml(plainText(runs))}</pre></noscript>`,
    jsonScript("pages", runs.length === 1 ? [pageData(runs[0])] : runs.map(comparedData)),
    ...(cdn
      ? [jsonScript("linked", { charts: [link(charts), link(plugin)], three: linkedThree })]
      : held.map((file) =>
        `<script type="text/plain" id="library-${file.name}">${packed(file.code)}</script>`
      )),
    `<script type="module">${code}</script>`,
    "</html>",
  ];
  return parts.join("\n") + "\n";
}

/** Data of a run for a comparison, without pictures after epochs, errors of rows and images of codes. */
function comparedData(run: RunData): PageData {
  const { snapshot, ...page } = pageData({ ...run, pictures: [], errors: undefined, worst: undefined });
  const codes = snapshot?.codes && { ...snapshot.codes, images: "" };
  return { ...page, snapshot: snapshot && { ...snapshot, codes } };
}

/**
 * Joins modules in their order into one scope, by removing their relative imports and their `export` keywords.
 */
function bundle(modules: Readonly<Record<string, string>>): string {
  return Object.values(modules).map((code) =>
    code.replace(/^import [^;]* from "\.\/[\w.]+";\n/gm, "").replace(/^export (?=[a-z])/gm, "")
  ).join("\n");
}

/** Compresses a library, without the link to its source map. */
function packed(code: string): string {
  return gzipSync(code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"), { level: 9 }).toString("base64");
}

/** Hash of an inline script or style for a Content Security Policy. */
function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(Buffer.from(text)).digest("base64")}'`;
}

/** Embeds data as JSON. Escaping `<` prevents texts from closing the element or opening another. */
function jsonScript(id: string, data: unknown): string {
  return `<script type="application/json" id="${id}">${
    JSON.stringify(data).replaceAll("<", "\\u003c")
  }</script>`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text.replace(/[&<>"]/g, (character) => entities[character]);
}

/** Text for browsers without scripts. */
function plainText(runs: readonly RunData[]): string {
  return runs.map(({ name, recipe, status, command, rows }) =>
    [`${recipe}, ${name}: ${status}`, command, ...(rows.length > 0 ? [resultsTable(rows)] : [])].join("\n")
  ).join("\n\n");
}

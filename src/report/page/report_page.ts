/**
 * The report as one HTML file: style, code, libraries and data in it, so that it opens from a disk without a network.
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { resultsTable } from "../results_table.ts";
import type { RunData } from "../run_data.ts";
import { type PageData, pageData } from "./page_data.ts";
import { libraryFiles, PAGE_CSS, pageModules } from "./sources.ts";

/** How the page gets its libraries. */
export interface ReportOptions {
  /** Whether it links them from esm.sh, at the pinned versions, instead of holding them. */
  readonly cdn?: boolean;
}

/**
 * Makes the report of a run, or the comparison of several.
 *
 * @param runs one or more
 * @param options how the page gets its libraries; it holds them if not given
 * @returns the HTML file's text
 * @throws RangeError without a run
 */
export function reportPage(runs: readonly RunData[], { cdn = false }: ReportOptions = {}): string {
  if (runs.length === 0) {
    throw new RangeError("Cannot make a report: expected at least one run, received none");
  }
  const title = runs.length === 1 ? `${runs[0].recipe}: ${runs[0].name}` : `${runs.length} runs compared`;
  const code = bundle(pageModules());
  const [charts, plugin, core, three] = libraryFiles();
  const held = runs.length === 1 ? [charts, plugin, core, three] : [charts, plugin]; // a comparison draws nothing in space
  const link = ({ url, integrity }: typeof three) => ({ url, integrity });
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(code)} ${cdn ? "https://raw.esm.sh" : "blob:"}`,
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
      ? [jsonScript("linked", { charts: [link(charts), link(plugin)], three: three.url })]
      : held.map((file) =>
        `<script type="text/plain" id="library-${file.name}">${packed(file.code)}</script>`
      )),
    `<script type="module">${code}</script>`,
    "</html>",
  ];
  return parts.join("\n") + "\n";
}

/** What a comparison shows of a run: no history, and no images behind the codes. */
function comparedData(run: RunData): PageData {
  const { snapshot, ...page } = pageData({ ...run, pictures: [] });
  const codes = snapshot?.codes && { ...snapshot.codes, images: "" };
  return { ...page, snapshot: snapshot && { ...snapshot, codes } };
}

/**
 * Joins modules to one, in their order: their imports of each other are left out, as are their exports, so that all
 * share one scope.
 */
function bundle(modules: Readonly<Record<string, string>>): string {
  return Object.values(modules).map((code) =>
    code.replace(/^import [^;]* from "\.\/[\w.]+";\n/gm, "").replace(/^export (?=[a-z])/gm, "")
  ).join("\n");
}

/** A library for the page; the map of its sources is not there. */
function packed(code: string): string {
  return gzipSync(code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"), { level: 9 }).toString("base64");
}

/** What a Content Security Policy knows an inline script or style by. */
function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(Buffer.from(text)).digest("base64")}'`;
}

/** Data that code in the page reads. No text in them can end the element, or begin another. */
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

/** What a browser without scripts shows. */
function plainText(runs: readonly RunData[]): string {
  return runs.map(({ name, recipe, status, command, rows }) =>
    [`${recipe}, ${name}: ${status}`, command, ...(rows.length > 0 ? [resultsTable(rows)] : [])].join("\n")
  ).join("\n\n");
}

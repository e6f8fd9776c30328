/**
 * Entry point of a report: reads the embedded data and draws it.
 * @module
 */
import type { PageData } from "../page_types.ts";
import { mountComparison } from "./compare.ts";
import { make } from "./dom.ts";
import { inlinedLibraries, loadLibraries } from "./libraries.ts";
import { mount } from "./mount.ts";

/** Reads embedded JSON by element id. */
function embedded(id: string) {
  return JSON.parse(document.getElementById(id)?.textContent ?? "null");
}

const root = document.getElementById("root") as HTMLElement;
try {
  const pages: readonly PageData[] = embedded("pages");
  const linked: { charts: { url: string; integrity: string }[]; three: string } | null = embedded("linked");
  const libraries = await loadLibraries(
    linked
      ? { charts: linked.charts, three: () => Promise.resolve({ code: linked.three }) }
      : await inlinedLibraries(),
  );
  // for the browser's console, and for scripts that update the data
  if (pages.length === 1) Object.assign(globalThis, { report: mount(root, pages[0], libraries) });
  else mountComparison(root, pages, libraries);
  document.documentElement.dataset.drawn = "true";
} catch (error) {
  root.replaceChildren(make("p", { class: "notice" }, `Cannot draw this report: ${error}`));
  throw error;
}

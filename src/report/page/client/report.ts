/**
 * Where a report begins: reads the data that lie in the page, and draws them.
 * @module
 */
import type { PageData } from "../page_types.ts";
import { mountComparison } from "./compare.ts";
import { make } from "./dom.ts";
import { inlinedLibraries, loadLibraries } from "./libraries.ts";
import { mount } from "./mount.ts";

/** What lies in the page under an id. */
function embedded(id: string) {
  return JSON.parse(document.getElementById(id)?.textContent ?? "null");
}

const root = document.getElementById("root") as HTMLElement;
try {
  const pages: readonly PageData[] = embedded("pages");
  const linked: { charts: { url: string; integrity: string }[]; three: string } | null = embedded("linked");
  const libraries = await loadLibraries(
    linked ? { charts: linked.charts, three: () => Promise.resolve(linked.three) } : await inlinedLibraries(),
  );
  // for the console, and for whoever wants to show newer data in it
  if (pages.length === 1) Object.assign(globalThis, { report: mount(root, pages[0], libraries) });
  else mountComparison(root, pages, libraries);
  document.documentElement.dataset.drawn = "true";
} catch (error) {
  root.replaceChildren(make("p", { class: "notice" }, `Cannot draw this report: ${error}`));
  throw error;
}

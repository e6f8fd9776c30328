/**
 * Where a report begins: reads the data that lie in the page, and draws them.
 * @module
 */
import { mountComparison } from "./compare.ts";
import { make } from "./dom.ts";
import { inlinedLibraries, loadLibraries } from "./libraries.ts";
import { mount } from "./mount.ts";

/** What lies in the page under an id. @param {string} id */
function embedded(id) {
  return JSON.parse(document.getElementById(id)?.textContent ?? "null");
}

const root = /** @type {HTMLElement} */ (document.getElementById("root"));
try {
  /** @type {readonly import("../page_types.ts").PageData[]} */
  const pages = embedded("pages");
  /** @type {{ charts: { url: string, integrity: string }[], three: string } | null} */
  const linked = embedded("linked");
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

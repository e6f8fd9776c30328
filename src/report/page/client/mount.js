/**
 * The report of a run: built once, and brought up to date in place. A live dashboard uses the same.
 * @module
 */
import { ChartBoard } from "./charts.js";
import { make } from "./dom.js";
import { readable } from "./format.js";
import { SECTIONS } from "./sections.js";
import { Theme } from "./theme.js";

/**
 * @typedef {import("../page_types.ts").PageData} PageData
 * @typedef {import("./libraries.js").Libraries} Libraries
 */

/** @type {Readonly<Record<PageData["status"], string>>} */
const STATUS = {
  running: "running",
  finished: "finished",
  interrupted: "stopped early",
  crashed: "did not finish",
};

/**
 * Builds the report of a run.
 *
 * @param {HTMLElement} root takes the page; what is in it is replaced
 * @param {PageData} first
 * @param {Libraries} libraries
 * @returns {{ update: (page: PageData) => void, board: ChartBoard }} `update` shows newer data of the same run: charts
 *   and pictures change in place, and zoom, rotation, hidden classes and open tables stay as the reader left them.
 *   Sections appear when there is something to show
 */
export function mount(root, first, libraries) {
  const theme = new Theme();
  const board = new ChartBoard(libraries.Chart, theme);
  const head = header(theme);
  const contents = make("nav", { "aria-label": "contents" });
  const main = make("main");
  root.replaceChildren(make("div", { class: "page" }, head.element, contents, main));

  /** @type {Map<string, import("./sections.js").Part>} */
  const parts = new Map();
  const update = (/** @type {PageData} */ page) => {
    head.update(page);
    let at = main.firstElementChild;
    for (const { id, title, applies, build } of SECTIONS) {
      const part = parts.get(id);
      if (part) {
        if (applies(page)) part.update(page);
        at = document.getElementById(id)?.nextElementSibling ?? null;
      } else if (applies(page)) {
        const section = make("section", { id, "aria-label": title }, make("h2", {}, title));
        main.insertBefore(section, at); // charts measure the frame that they are made in
        const made = build(page, { board, libraries });
        section.append(made.element);
        parts.set(id, made);
      }
    }
    const links = SECTIONS.filter(({ id }) => parts.has(id)).map(({ id, title }) =>
      make("a", { href: `#${id}` }, title)
    );
    if (links.length !== contents.children.length) contents.replaceChildren(...links);
  };
  update(first);
  return { update, board };
}

/** The head of the page. @param {Theme} theme */
function header(theme) {
  const title = make("h1");
  const status = make("span", { class: "status" });
  const facts = make("dl", { class: "facts" });
  const command = make("code");
  const copy = make("button", { type: "button" }, "Copy");
  copy.addEventListener("click", () => copyText(command, copy));
  const notice = make("p", { class: "notice" });
  const element = make(
    "header",
    {},
    make("div", { class: "title" }, title, status, theme.button),
    notice,
    facts,
    make("div", { class: "command" }, make("span", { class: "muted" }, "Repeat it: "), command, copy),
  );
  const update = (/** @type {PageData} */ page) => {
    title.textContent = page.recipe;
    status.textContent = STATUS[page.status];
    status.dataset.status = page.status;
    notice.hidden = page.status !== "crashed";
    notice.textContent = "This run ended before its last step. Below is all that it wrote.";
    const words = page.command.split(" ").map((word) => make("span", { class: "word" }, word));
    command.replaceChildren(...words.flatMap((word, k) => k > 0 ? [" ", word] : [word]));
    facts.replaceChildren(
      ...keyFacts(page).flatMap(([name, value]) =>
        value ? [make("div", {}, make("dt", {}, name), make("dd", {}, value))] : []
      ),
    );
  };
  return { element, update };
}

/** What a reader asks first. @param {PageData} page @returns {[string, string | undefined][]} */
function keyFacts({ name, startedAt, facts, stepMilliseconds, metrics, snapshot }) {
  const date = new Date(startedAt);
  const when = Number.isNaN(date.getTime())
    ? startedAt
    : `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const steps = metrics.reduce(
    (most, { step }) => typeof step === "number" ? Math.max(most, step) : most,
    snapshot?.step ?? 0,
  );
  return [
    ["run", name],
    ["started", when],
    ["data", facts.dataset],
    ["adapter", facts.adapter],
    ["steps", readable(steps)],
    ["time per step", stepMilliseconds === undefined ? undefined : `${readable(stepMilliseconds, 3)} ms`],
  ];
}

/** Copies an element's text, or selects it where the browser does not let a page copy.
 * @param {HTMLElement} element @param {HTMLButtonElement} button */
async function copyText(element, button) {
  try {
    await navigator.clipboard.writeText(element.textContent ?? "");
    button.textContent = "Copied";
  } catch {
    getSelection()?.selectAllChildren(element);
    button.textContent = "Selected";
  }
  setTimeout(() => button.textContent = "Copy", 1500);
}

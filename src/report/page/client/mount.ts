/**
 * The report of a run, built once and updated in place. Live dashboards use it too.
 * @module
 */
import type { PageData } from "../page_types.ts";
import { ChartBoard } from "./charts.ts";
import { make } from "./dom.ts";
import { readable } from "./format.ts";
import type { Libraries } from "./libraries.ts";
import { type Part, SECTIONS } from "./sections.ts";
import { Theme } from "./theme.ts";

/** A mounted report. */
export interface Mounted {
  /**
   * Shows newer data of the same run in place; keeps zoom, rotation, hidden classes and open tables. Sections appear
   * once they have data.
   */
  readonly update: (page: PageData) => void;
  /** Returns true if a section is visible; for dashboards only. */
  readonly isInSight: (id: string) => boolean;
  readonly board: ChartBoard;
}

/** Distance from the window within which a section counts as visible, so that scrolling finds it drawn. */
const AHEAD = "200px 0px";

const STATUS: Readonly<Record<PageData["status"], string>> = {
  running: "running",
  finished: "finished",
  interrupted: "stopped early",
  crashed: "did not finish",
};

/**
 * Builds the report of a run.
 *
 * @param root element whose content is replaced
 * @param onSight for dashboards: called when a section becomes visible. If given, sections are redrawn only while they
 *   are visible
 */
export function mount(
  root: HTMLElement,
  first: PageData,
  libraries: Libraries,
  onSight?: (id: string) => void,
): Mounted {
  const theme = new Theme();
  const board = new ChartBoard(libraries.Chart, theme);
  const head = header(theme);
  const contents = make("nav", { "aria-label": "contents" });
  const main = make("main");
  root.replaceChildren(make("div", { class: "page" }, head.element, contents, main));

  const parts = new Map<string, { part: Part; section: HTMLElement; shown: PageData }>();
  /** Visible sections. */
  const inSight = new Set<string>();
  let latest = first;
  const sight = onSight && new IntersectionObserver((entries) => {
    for (const { target: { id }, isIntersecting } of entries) {
      if (!isIntersecting) inSight.delete(id);
      else if (!inSight.has(id)) {
        inSight.add(id);
        show(id);
        onSight(id);
      }
    }
  }, { rootMargin: AHEAD });
  const show = (id: string) => {
    const made = parts.get(id);
    if (!made || made.shown === latest || !SECTIONS.find((section) => section.id === id)?.applies(latest)) {
      return;
    }
    made.shown = latest;
    made.part.update(latest);
  };
  const update = (page: PageData) => {
    latest = page;
    head.update(page);
    let at = main.firstElementChild;
    for (const { id, title, applies, build } of SECTIONS) {
      const made = parts.get(id);
      if (made) {
        if (!sight || inSight.has(id)) show(id);
        at = made.section.nextElementSibling;
      } else if (applies(page)) {
        const section = make("section", { id, "aria-label": title }, make("h2", {}, title));
        main.insertBefore(section, at); // before the charts are created, as they measure their frame
        const part = build(page, { board, libraries, whenSeen: (start) => whenSeen(section, start) });
        section.append(part.element);
        parts.set(id, { part, section, shown: page });
        sight?.observe(section);
      }
    }
    const links = SECTIONS.filter(({ id }) => parts.has(id)).map(({ id, title }) =>
      make("a", { href: `#${id}` }, title)
    );
    if (links.length !== contents.children.length) contents.replaceChildren(...links);
  };
  /** Calls `start` once the section is visible; in a static report, once the rest of the page is built. */
  const whenSeen = (section: HTMLElement, start: () => void) => {
    if (!sight) return void requestAnimationFrame(() => setTimeout(start));
    const first = new IntersectionObserver((entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      first.disconnect();
      start();
    }, { rootMargin: AHEAD });
    first.observe(section);
  };
  if (sight) {
    addEventListener("beforeprint", () => { // runs before charts are replaced by images
      for (const id of parts.keys()) show(id);
    });
  }
  update(first);
  return { update, isInSight: (id) => inSight.has(id), board };
}

/** Header of the page. */
function header(theme: Theme) {
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
    make("div", { class: "command" }, make("span", { class: "muted" }, "Reproduce with: "), command, copy),
  );
  const update = (page: PageData) => {
    title.textContent = page.recipe;
    status.textContent = STATUS[page.status];
    status.dataset.status = page.status;
    const notices = [
      page.status === "crashed"
        ? "This run ended before its last step. The report shows all the data that it saved."
        : "",
      rollbackNotice(page),
    ].filter(Boolean);
    notice.hidden = notices.length === 0;
    notice.textContent = notices.join(" ");
    const words = page.command.split(" ").map((word) => make("span", { class: "word" }, word));
    if (command.textContent !== page.command) {
      command.replaceChildren(...words.flatMap((word, k) => k > 0 ? [" ", word] : [word]));
    }
    const entries = keyFacts(page).flatMap(([name, value]) =>
      value ? [make("div", {}, make("dt", {}, name), make("dd", {}, value))] : []
    );
    replaceOthers(facts, entries);
  };
  return { element, update };
}

/** Replaces only the children that have changed, to avoid repainting the others. */
function replaceOthers(parent: HTMLElement, children: readonly HTMLElement[]) {
  if (parent.children.length !== children.length) return parent.replaceChildren(...children);
  for (const [k, child] of children.entries()) {
    if (!parent.children[k].isEqualNode(child)) parent.children[k].replaceWith(child);
  }
}

/** Notice about rollbacks; empty if there were none. */
function rollbackNotice({ metrics }: PageData) {
  const times = metrics.filter(({ divergedAtStep }) => divergedAtStep !== undefined);
  const last = times[times.length - 1];
  if (!last) return "";
  const where = times.map(({ divergedAtStep, wentBackToStep }) =>
    `from step ${divergedAtStep} to ${wentBackToStep}`
  ).join(", ");
  return `Training reached NaN or infinity and rolled back ${where}; since then the learning rate is ` +
    `${last.learningRateShare} times the original.`;
}

/** Key facts of the run, for the header. */
function keyFacts(
  { name, startedAt, facts, stepMilliseconds, metrics, snapshot }: PageData,
): [string, string | undefined][] {
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

/** Copies the text of an element to the clipboard, or selects it if the browser denies access. */
async function copyText(element: HTMLElement, button: HTMLButtonElement) {
  try {
    await navigator.clipboard.writeText(element.textContent ?? "");
    button.textContent = "Copied";
  } catch {
    getSelection()?.selectAllChildren(element);
    button.textContent = "Selected";
  }
  setTimeout(() => button.textContent = "Copy", 1500);
}

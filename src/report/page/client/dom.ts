/**
 * Helpers that create DOM elements. Texts are always text nodes, never HTML.
 * @module
 */

/** A child of an element; null, undefined and false are skipped. */
export type Child = Node | string | number | null | undefined | false;

/**
 * Creates an element.
 *
 * @param attributes `true` sets an empty attribute; `false` and undefined set none
 */
export function make<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  attributes: Readonly<Record<string, string | number | boolean | undefined>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[T] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : `${value}`);
  }
  made.append(...present(children));
  return made;
}

function present(children: readonly Child[]): (Node | string)[] {
  return children.filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => child instanceof Node ? child : `${child}`);
}

/**
 * Creates a table with a header row.
 *
 * @param head column names
 * @param caption description for screen readers
 * @returns the table in a frame that scrolls horizontally
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly Child[])[],
  caption?: string,
): HTMLElement {
  const isNumber = (cell: Child) =>
    typeof cell === "number" || /^([−-]?[\d.,\s]+(e[+−-]?\d+)?|–)$/.test(`${cell}`);
  const numeric = head.map((_, column) =>
    rows.length > 0 && rows.every((row) => isNumber(row[column] ?? "0"))
  );
  const cells = (tag: "th" | "td", row: readonly Child[]) =>
    row.map((cell, column) =>
      make(
        tag,
        { class: numeric[column] && "number", scope: tag === "th" && "col" },
        cell === undefined ? "" : cell,
      )
    );
  const made = make(
    "table",
    {},
    caption !== undefined && make("caption", { class: "unseen" }, caption),
    make("thead", {}, make("tr", {}, ...cells("th", head))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells("td", row)))),
  );
  return make("div", { class: "table", tabindex: 0, role: "region", "aria-label": caption ?? "table" }, made);
}

/**
 * Creates a collapsed section, such as the table of a chart. Its content is built when it is opened, and rebuilt by
 * `update` while it is open.
 *
 * @param title title of the section
 * @param build creates the content
 */
export function folded(
  title: string,
  build: () => HTMLElement,
): { element: HTMLElement; update: () => void } {
  const body = make("div");
  const element = make("details", { class: "folded" }, make("summary", {}, title), body);
  const update = () => {
    if (element.open) body.replaceChildren(build());
  };
  element.addEventListener("toggle", update);
  return { element, update };
}

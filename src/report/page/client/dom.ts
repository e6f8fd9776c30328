/**
 * Elements, made in one line each. Texts are always set as text, never as HTML.
 * @module
 */

/** What an element may hold. */
export type Child = Node | string | number | null | undefined | false;

/**
 * Makes an element.
 *
 * @param attributes `true` sets an empty attribute; `false` and undefined set none
 * @param children texts become text nodes; null, undefined and false are left out
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
 * A table with one head row.
 *
 * @param head columns' names
 * @param caption what it holds, for those who do not see what it belongs to
 * @returns the table in a frame that scrolls sideways where it must
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
 * The table behind a picture, folded away; it is made when it is first opened, and again when the data change.
 *
 * @param title what the table holds
 * @param build makes it
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

/**
 * Elements, made in one line each. Texts are always set as text, never as HTML.
 * @module
 */

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 */

/**
 * Makes an element.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Readonly<Record<string, string | number | boolean | undefined>>} [attributes] `true` sets an empty attribute;
 *   `false` and undefined set none
 * @param {...Child} children texts become text nodes; null, undefined and false are left out
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : `${value}`);
  }
  made.append(...present(children));
  return made;
}

/** @param {readonly Child[]} children @returns {(Node | string)[]} */
function present(children) {
  return children.filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => child instanceof Node ? child : `${child}`);
}

/**
 * A table with one head row.
 *
 * @param {readonly string[]} head columns' names
 * @param {readonly (readonly Child[])[]} rows
 * @param {string} [caption] what it holds, for those who do not see what it belongs to
 * @returns {HTMLElement} the table in a frame that scrolls sideways where it must
 */
export function table(head, rows, caption) {
  const isNumber = (/** @type {Child} */ cell) =>
    typeof cell === "number" || /^([−-]?[\d.,\s]+(e[+−-]?\d+)?|–)$/.test(`${cell}`);
  const numeric = head.map((_, column) =>
    rows.length > 0 && rows.every((row) => isNumber(row[column] ?? "0"))
  );
  const cells = (/** @type {"th" | "td"} */ tag, /** @type {readonly Child[]} */ row) =>
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
 * @param {string} title what the table holds
 * @param {() => HTMLElement} build makes it
 * @returns {{ element: HTMLElement, update: () => void }}
 */
export function folded(title, build) {
  const body = make("div");
  const element = make("details", { class: "folded" }, make("summary", {}, title), body);
  const update = () => {
    if (element.open) body.replaceChildren(build());
  };
  element.addEventListener("toggle", update);
  return { element, update };
}

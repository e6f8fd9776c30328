/**
 * Light and dark: the system's choice until the reader makes one. Charts ask here for their colours.
 * @module
 */
import { CLASS_COLOURS, DARK_CLASS_COLOURS } from "./colors.ts";
import { make } from "./dom.ts";

/**
 * @typedef {object} Colours as CSS texts
 * @property {string} text
 * @property {string} muted
 * @property {string} line
 * @property {string} surface
 * @property {string} first of a chart's lines
 * @property {string} second
 * @property {string} third
 */

/** What charts ask for their colours, and what tells them when these change. */
export class Theme {
  /** The button that changes it. */
  button = make("button", { type: "button", class: "quiet" });
  #system = matchMedia("(prefers-color-scheme: dark)");
  /** @type {Set<() => void>} */
  #listeners = new Set();

  constructor() {
    this.#system.addEventListener("change", () => this.#apply());
    this.button.addEventListener("click", () => this.set(this.isDark ? "light" : "dark"));
    this.#apply();
  }

  /** Whether it is dark now. */
  get isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen === undefined ? this.#system.matches : chosen === "dark";
  }

  /** Chooses; undefined leaves it to the system again. @param {"light" | "dark" | undefined} theme */
  set(theme) {
    if (theme === undefined) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    this.#apply();
  }

  /** What the reader chose, undefined if nothing. @returns {"light" | "dark" | undefined} */
  get chosen() {
    return /** @type {"light" | "dark" | undefined} */ (document.documentElement.dataset.theme);
  }

  /** Calls back after every change. @param {() => void} listener */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  /** The present colours. @returns {Colours} */
  get colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
    return {
      text: of("text"),
      muted: of("muted"),
      line: of("line"),
      surface: of("surface"),
      first: of("first"),
      second: of("second"),
      third: of("third"),
    };
  }

  /** The present colour of a class, or of a run among several: `#rrggbb`. @param {number} label from 0 */
  classColour(label) {
    const colours = this.isDark ? DARK_CLASS_COLOURS : CLASS_COLOURS;
    return colours[label % colours.length];
  }

  #apply() {
    for (const label of CLASS_COLOURS.keys()) {
      document.documentElement.style.setProperty(`--class-${label}`, this.classColour(label));
    }
    this.button.textContent = this.isDark ? "Light theme" : "Dark theme";
    for (const listener of this.#listeners) listener();
  }
}

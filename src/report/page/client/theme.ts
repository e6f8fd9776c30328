/**
 * Light and dark: the system's choice until the reader makes one. Charts ask here for their colors.
 * @module
 */
import { CLASS_COLORS, DARK_CLASS_COLORS } from "./colors.ts";
import { make } from "./dom.ts";

/** CSS colors by role; the first three are those of a chart's lines. */
export type Colors = Readonly<
  Record<"text" | "muted" | "line" | "surface" | "first" | "second" | "third", string>
>;

/** What charts ask for their colors, and what tells them when these change. */
export class Theme {
  /** The button that changes it. */
  readonly button = make("button", { type: "button", class: "quiet" });
  readonly #system = matchMedia("(prefers-color-scheme: dark)");
  readonly #listeners = new Set<() => void>();

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

  /** Chooses; undefined leaves it to the system again. */
  set(theme: "light" | "dark" | undefined) {
    if (theme === undefined) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    this.#apply();
  }

  /** What the reader chose, undefined if nothing. */
  get chosen(): "light" | "dark" | undefined {
    return document.documentElement.dataset.theme as "light" | "dark" | undefined;
  }

  /** Calls back after every change. */
  onChange(listener: () => void) {
    this.#listeners.add(listener);
  }

  /** The present colors. */
  get colors(): Colors {
    const style = getComputedStyle(document.documentElement);
    const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
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

  /**
   * The present color of a class, or of a run among several: `#rrggbb`.
   *
   * @param label from 0
   */
  classColor(label: number) {
    const colors = this.isDark ? DARK_CLASS_COLORS : CLASS_COLORS;
    return colors[label % colors.length];
  }

  #apply() {
    for (const label of CLASS_COLORS.keys()) {
      document.documentElement.style.setProperty(`--class-${label}`, this.classColor(label));
    }
    this.button.textContent = this.isDark ? "Light theme" : "Dark theme";
    for (const listener of this.#listeners) listener();
  }
}

/**
 * Light and dark theme: the system's setting, unless the reader chooses one. Charts take their colors from here.
 * @module
 */
import { CLASS_COLORS, DARK_CLASS_COLORS } from "./colors.ts";
import { make } from "./dom.ts";

/** CSS colors by role; `first`, `second` and `third` are for lines. */
export type Colors = Readonly<
  Record<"text" | "muted" | "line" | "surface" | "first" | "second" | "third", string>
>;

/** The current theme, with its colors and change events. */
export class Theme {
  /** Button that toggles the theme. */
  readonly button = make("button", { type: "button", class: "quiet" });
  readonly #system = matchMedia("(prefers-color-scheme: dark)");
  readonly #listeners = new Set<() => void>();

  constructor() {
    this.#system.addEventListener("change", () => this.#apply());
    this.button.addEventListener("click", () => this.set(this.isDark ? "light" : "dark"));
    this.#apply();
  }

  /** True if the dark theme is active. */
  get isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen === undefined ? this.#system.matches : chosen === "dark";
  }

  /** Sets the theme; undefined follows the system. */
  set(theme: "light" | "dark" | undefined) {
    if (theme === undefined) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    this.#apply();
  }

  /** The reader's choice; undefined if none. */
  get chosen(): "light" | "dark" | undefined {
    return document.documentElement.dataset.theme as "light" | "dark" | undefined;
  }

  /** Adds a listener for changes. */
  onChange(listener: () => void) {
    this.#listeners.add(listener);
  }

  /** Current colors by role. */
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
   * Current color of a class, or of a run in a comparison, as `#rrggbb`.
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

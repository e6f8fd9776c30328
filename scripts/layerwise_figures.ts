// What PyTorch reaches on MNIST with the recipes that train layer by layer: where each stage ends, and what is left.
import type { LayerwiseFigures } from "../src/run/layerwise.ts";

/** The figures by recipe and by way of training; absent where nobody measured them. */
const FIGURES: Readonly<Record<string, Readonly<Record<string, LayerwiseFigures>>>> = {
  stacked: {
    greedy: { stages: ["0.0025", "0.0040", "0.0056", "0.0292"], error: "0.0299", accuracy: "0.877" },
    frozen: {
      stages: ["0.0025", "0.0040", "0.0055", "0.0527 to 0.0530"],
      error: "0.0523 to 0.0529",
      accuracy: "0.49 to 0.50",
    },
    endToEnd: { stages: [], error: "0.048 to 0.068" },
  },
  denoising: {
    frozen: {
      stages: ["0.0088", "0.0093", "0.0104", "0.0528"],
      error: "0.0580",
      noisy: "0.0527",
      accuracy: "0.52",
    },
  },
  sparse: {
    greedy: {
      stages: ["0.0136", "0.0137", "0.0136", "0.0379 to 0.0383"],
      error: "0.0436 to 0.0479",
      noisy: "0.0372 to 0.0376",
      accuracy: "0.71 to 0.76",
    },
    frozen: {
      stages: ["0.0136", "0.0149", "0.0160", "0.0519 to 0.0527"],
      error: "0.0607 to 0.0673",
      noisy: "0.0515 to 0.0523",
    },
  },
};

/** The flags that decide which figures count. */
export const WAYS = ["freeze", "endToEnd"];

/** The figures for a recipe with these flags. */
export function layerwiseFigures(
  recipe: string,
  { freeze, endToEnd }: { readonly freeze: boolean; readonly endToEnd: boolean },
): LayerwiseFigures | undefined {
  return FIGURES[recipe][endToEnd ? "endToEnd" : freeze ? "frozen" : "greedy"];
}

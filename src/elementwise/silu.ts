/**
 * Sigmoid linear unit, also called swish.
 * @module
 */
import { builtInActivation, type ElementwiseActivation } from "./activation.ts";
import { SPECIAL_FUNCTIONS } from "./special_functions.ts";

/** σ(x). */
const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/**
 * f(x) = x·σ(x), with values in [−0.2785, ∞), smooth; its minimum is at x = −1.2785. PyTorch: `nn.SiLU()`.
 *
 * Source: Elfwing, Uchibe and Doya, Sigmoid-Weighted Linear Units for Neural Network Function Approximation in
 * Reinforcement Learning (2018), section 2.
 */
export const silu: ElementwiseActivation = builtInActivation("silu", {
  name: "SiLU",
  forward: "x * logistic(x)",
  derivative: "logistic(x) * (1.0 + x * logistic(-x))",
  functions: SPECIAL_FUNCTIONS,
  reference: {
    forward: (x) => x * logistic(x),
    derivative: (x) => logistic(x) * (1 + x * logistic(-x)),
  },
});

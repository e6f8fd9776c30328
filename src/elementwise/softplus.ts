/**
 * Softplus.
 * @module
 */
import { builtInActivation, type ElementwiseActivation } from "./activation.ts";
import { checkPositive } from "./expressions.ts";
import { SPECIAL_FUNCTIONS } from "./special_functions.ts";

/**
 * f(x) = log(1 + e^(beta·x)) / beta, with values in (0, ∞), smooth; computed without overflow as max(x, 0) +
 * log(1 + e^−|beta·x|) / beta. PyTorch: `nn.Softplus(beta=1.0, threshold=20.0)`, whose threshold has no
 * effect in float32.
 *
 * Source: Dugas et al., Incorporating Second-Order Functional Knowledge for Better Option Pricing (2001); Goodfellow,
 * Bengio and Courville, Deep Learning (2016), eq. 3.31.
 *
 * ```ts
 * import { softplus } from "@bottleneck/bottleneck";
 *
 * const activation = softplus({ beta: 2 }); // for `activation` of dense()
 * ```
 *
 * @param options `beta`: sharpness of the bend, above 0; 1 if absent
 * @throws InputError if beta is not above 0, or out of float32's range
 */
export function softplus({ beta = 1 }: { readonly beta?: number } = {}): ElementwiseActivation {
  checkPositive("softplus", "beta", beta);
  return builtInActivation("softplus", {
    name: "softplus",
    forward: "select(x, 0.0, x <= 0.0) + log1p(exp(-abs(beta * x))) / beta", // not max(), which may drop NaN
    derivative: "logistic(beta * x)",
    constants: { beta },
    functions: SPECIAL_FUNCTIONS,
    reference: {
      forward: (x, { beta }) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(beta * x))) / beta,
      derivative: (x, { beta }) => 1 / (1 + Math.exp(-beta * x)),
    },
  });
}

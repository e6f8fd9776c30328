/**
 * Exponential linear unit.
 * @module
 */
import { builtInActivation, type ElementwiseActivation } from "./activation.ts";
import { SPECIAL_FUNCTIONS } from "./special_functions.ts";

/**
 * f(x) = x for x > 0, else alpha·(e^x − 1), with values in (−alpha, ∞). At 0, f' jumps from alpha, its value
 * there, to 1; it is continuous if alpha is 1. PyTorch: `nn.ELU(alpha=1.0)`.
 *
 * Source: Clevert, Unterthiner and Hochreiter, Fast and Accurate Deep Network Learning by Exponential Linear Units
 * (2016), section 3.
 *
 * ```ts
 * import { elu } from "@bottleneck/bottleneck";
 *
 * const activation = elu({ alpha: 0.5 }); // for `activation` of dense()
 * ```
 *
 * @param options `alpha`: minus the limit at −∞; 1 if absent
 * @throws InputError if alpha is out of float32's range
 */
export function elu({ alpha = 1 }: { readonly alpha?: number } = {}): ElementwiseActivation {
  return builtInActivation("elu", {
    name: "ELU",
    forward: "select(x, alpha * expm1(x), x <= 0.0)",
    derivative: "select(1.0, alpha * exp(x), x <= 0.0)",
    constants: { alpha },
    functions: SPECIAL_FUNCTIONS,
    reference: {
      forward: (x, { alpha }) => x <= 0 ? alpha * Math.expm1(x) : x,
      derivative: (x, { alpha }) => x <= 0 ? alpha * Math.exp(x) : 1,
    },
    kinks: alpha === 1 ? [] : [0],
  });
}

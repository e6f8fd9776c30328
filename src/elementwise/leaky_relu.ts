/**
 * Leaky ReLU.
 * @module
 */
import { builtInActivation, type ElementwiseActivation } from "./activation.ts";

/**
 * f(x) = x for x > 0, else slope·x, with values in (−∞, ∞). At the kink x = 0, f' is the slope. PyTorch:
 * `nn.LeakyReLU(negative_slope=0.01)`.
 *
 * Source: Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models (2013), eq. 3.
 *
 * ```ts
 * import { leakyRelu } from "@bottleneck/bottleneck";
 *
 * const activation = leakyRelu({ slope: 0.2 }); // for `activation` of dense()
 * ```
 *
 * @param options `slope`: f' below 0; 0.01 if absent
 * @throws InputError if the slope is out of float32's range
 */
export function leakyRelu({ slope = 0.01 }: { readonly slope?: number } = {}): ElementwiseActivation {
  return builtInActivation("leaky-relu", {
    name: "leaky ReLU",
    forward: "select(slope * x, x, x > 0.0)",
    derivative: "select(slope, 1.0, x > 0.0)",
    constants: { slope },
    reference: {
      forward: (x, { slope }) => x > 0 ? x : slope * x,
      derivative: (x, { slope }) => x > 0 ? 1 : slope,
    },
    kinks: [0],
  });
}

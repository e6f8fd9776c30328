/**
 * Adam.
 * @module
 */
import code from "../../shaders/optim/adam.wgsl" with { type: "text" };
import { inShares } from "../graph/shares.ts";
import type { Optimizer } from "../step/update.ts";

const SHADER = { path: "shaders/optim/adam.wgsl", code };

/** Hyperparameters of Adam; the defaults are PyTorch's. */
export interface AdamOptions {
  /** Step size η, above 0. */
  readonly learningRate: number;
  /** Decay rates β1 and β2 of the moments, each in [0, 1); 0.9 and 0.999 if absent. */
  readonly betas?: readonly [number, number];
  /** ε, above 0; 1e-8 if absent. */
  readonly epsilon?: number;
  /** Weight decay λ, at least 0; 0 if absent. */
  readonly weightDecay?: number;
  /** `l2` adds λ·p to the gradient (torch.optim.Adam), `decoupled` shrinks p by η·λ·p (torch.optim.AdamW). */
  readonly decay?: "l2" | "decoupled";
}

/**
 * Adam (Kingma and Ba 2015, algorithm 1) with L2 or decoupled weight decay. See the shader for the formulas.
 *
 * ```ts
 * import { adam } from "@bottleneck/bottleneck";
 *
 * const optimizer = adam({ learningRate: 1e-3, weightDecay: 0.01, decay: "decoupled" }); // AdamW
 * ```
 *
 * @throws RangeError if a hyperparameter is out of range
 */
export function adam(options: AdamOptions): Optimizer {
  const { learningRate, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0, decay = "l2" } = options;
  const [beta1, beta2] = betas;
  const ranges: [string, number, boolean, string][] = [
    ["learning rate", learningRate, learningRate > 0 && Number.isFinite(learningRate), "above 0"],
    ["beta1", beta1, beta1 >= 0 && beta1 < 1, "in [0, 1)"],
    ["beta2", beta2, beta2 >= 0 && beta2 < 1, "in [0, 1)"],
    ["epsilon", epsilon, Math.fround(epsilon) > 0 && Number.isFinite(epsilon), "above 0"],
    ["weight decay", weightDecay, weightDecay >= 0 && Number.isFinite(weightDecay), "at least 0"],
  ];
  for (const [name, value, holds, range] of ranges) {
    if (!holds) throw new RangeError(`Cannot make Adam: expected ${name} ${range} but received ${value}`);
  }
  return {
    name: `Adam (learning rate ${learningRate}, betas ${beta1} and ${beta2}, epsilon ${epsilon}` +
      (weightDecay > 0 ? `, ${decay} weight decay ${weightDecay})` : ")"),
    learningRate,
    moments: 2,
    update: (label, gradients, parameters, moments, clip, traits) => {
      const count = gradients.bytes / 16;
      return {
        label,
        shader: SHADER,
        entryPoint: "adam_update",
        constants: { DECOUPLED: decay === "decoupled" ? 1 : 0 },
        reads: [gradients, clip],
        writes: [parameters, ...moments],
        settings: {
          u32: { count },
          f32: { beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, epsilon, decay: weightDecay },
        },
        ...inShares(traits, count),
      };
    },
    corrections: (t) => [1 / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t)],
  };
}

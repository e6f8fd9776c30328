/**
 * Stochastic gradient descent with momentum.
 * @module
 */
import code from "../../shaders/optim/sgd.wgsl" with { type: "text" };
import { inShares } from "../graph/shares.ts";
import type { Optimizer } from "../step/update.ts";

const SHADER = { path: "shaders/optim/sgd.wgsl", code };

/** Hyperparameters of SGD; the defaults are PyTorch's. */
export interface SgdOptions {
  /** Step size η, above 0. */
  readonly learningRate: number;
  /** Momentum μ in [0, 1); 0 if absent. */
  readonly momentum?: number;
  /** True for Nesterov momentum, which needs a momentum above 0; false if absent. */
  readonly nesterov?: boolean;
  /** Weight decay λ, at least 0: λ·p is added to the gradient; 0 if absent. */
  readonly weightDecay?: number;
}

/**
 * Stochastic gradient descent with momentum, as torch.optim.SGD with dampening 0: b ← μ·b + g + λ·p, p ← p -
 * η·b. The velocity b is 0 at first; without momentum none is stored. See the shader for the formulas.
 *
 * ```ts
 * import { sgd } from "@bottleneck/bottleneck";
 *
 * const optimizer = sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true });
 * ```
 *
 * @throws RangeError if a hyperparameter is out of range
 */
export function sgd(options: SgdOptions): Optimizer {
  const { learningRate, momentum = 0, nesterov = false, weightDecay = 0 } = options;
  const ranges: [string, number, boolean, string][] = [
    ["learning rate", learningRate, learningRate > 0 && Number.isFinite(learningRate), "above 0"],
    ["momentum", momentum, momentum >= 0 && momentum < 1, "in [0, 1)"],
    ["weight decay", weightDecay, weightDecay >= 0 && Number.isFinite(weightDecay), "at least 0"],
    ["momentum with Nesterov", momentum, !nesterov || momentum > 0, "above 0"],
  ];
  for (const [name, value, holds, range] of ranges) {
    if (!holds) throw new RangeError(`Cannot make SGD: expected ${name} ${range} but received ${value}`);
  }
  const moves = momentum > 0;
  return {
    name: `SGD (learning rate ${learningRate}` +
      (moves ? `, ${nesterov ? "Nesterov " : ""}momentum ${momentum}` : "") +
      (weightDecay > 0 ? `, weight decay ${weightDecay})` : ")"),
    learningRate,
    moments: moves ? 1 : 0,
    update: (label, gradients, parameters, moments, clip, traits) => {
      const count = gradients.bytes / 16;
      return {
        label,
        shader: SHADER,
        entryPoint: "sgd_update",
        constants: { MOVES: moves ? 1 : 0, NESTEROV: nesterov ? 1 : 0 },
        reads: [gradients, clip],
        writes: [parameters, moments[0]],
        settings: { u32: { count }, f32: { momentum, decay: weightDecay } },
        ...inShares(traits, count),
      };
    },
    corrections: () => [1, 1],
  };
}

/**
 * Gradient clipping by the global norm.
 * @module
 */
import code from "../../shaders/optim/clip.wgsl" with { type: "text" };
import type { Dispatch, Tensor } from "../graph/tensor.ts";
import type { GradientClip } from "../step/update.ts";
import { LOSS_RING } from "../step/loss_ring.ts";

const SHADER = { path: "shaders/optim/clip.wgsl", code };

/** Maximum number of invocations per range; each writes one partial sum. */
const PARTIAL_LANES = 4096;

/**
 * Scales all gradients by one factor, so that their global norm over all trainable parameters is at most
 * `maxNorm`: min(1, maxNorm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_ (Pascanu, Mikolov and Bengio
 * 2013, algorithm 1). Weight decay is applied after clipping. `readGradients()` returns the gradients before
 * clipping, and `readLosses()` the norms before clipping as `gradientNorms`.
 *
 * ```ts
 * import { clipByGlobalNorm } from "@bottleneck/bottleneck";
 *
 * const clip = clipByGlobalNorm(1); // for `clip` of compile()
 * ```
 *
 * @param maxNorm maximum global norm, above 0
 * @throws RangeError if it is not above 0 or not finite
 */
export function clipByGlobalNorm(maxNorm: number): GradientClip {
  if (!(Math.fround(maxNorm) > 0) || !Number.isFinite(Math.fround(maxNorm))) {
    throw new RangeError(
      `Cannot clip gradients: expected a maximum norm above 0 and finite but received ${maxNorm}`,
    );
  }
  return {
    name: `gradients clipped to a norm of ${maxNorm}`,
    dispatches: (gradients, clip, norms) => {
      const invocations = gradients.map(({ bytes }) => Math.min(Math.ceil(bytes / 64) * 4, PARTIAL_LANES));
      const sums = invocations.reduce((sum, n) => sum + n, 0);
      const partial: Tensor = { name: "partial norms", bytes: 4 * sums };
      let first = 0;
      const partials = gradients.map((stretch, k): Dispatch => ({
        label: `squares of ${stretch.name}`,
        shader: SHADER,
        entryPoint: "clip_partial",
        reads: [stretch],
        writes: [partial],
        settings: {
          u32: {
            count: stretch.bytes / 16,
            invocations: invocations[k],
            first: (first += invocations[k]) - invocations[k],
          },
        },
        invocations: invocations[k],
        workgroupSize: 64,
      }));
      return [...partials, {
        label: "norm of the gradients",
        shader: SHADER,
        entryPoint: "clip_total",
        reads: [partial],
        writes: [clip, norms],
        settings: { u32: { count: sums / 4, ring: LOSS_RING }, f32: { most: maxNorm } },
        invocations: 1,
        workgroupSize: 64,
      }];
    },
  };
}

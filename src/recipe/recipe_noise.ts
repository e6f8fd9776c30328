/**
 * The noise of a network, by its purpose: a random stream for training, another for testing, none for encoding, or an
 * input filled from a trace.
 * @module
 */
import type { Value } from "../graph/tensor.ts";
import { add } from "../layers/add.ts";
import { addNoise, parseNoise, standardNormal } from "../layers/noise.ts";
import { type Flag, text } from "./flag_kinds.ts";
import type { NetworkContext } from "./recipe.ts";

/**
 * Adds noise to the pixels if the network's purpose calls for it; else returns the pixels.
 *
 * ```ts
 * import { corruptPixels, type NetworkContext } from "@bottleneck/bottleneck";
 *
 * const noisy = (context: NetworkContext) => corruptPixels(context, "mask:0.25"); // in network() of recipe()
 * ```
 *
 * @param noise `uniform:AMPLITUDE`, `gaussian:DEVIATION`, `mask:SHARE` or `none`
 * @returns [B, width]
 * @throws InputError for another text
 */
export function corruptPixels(context: NetworkContext, noise: string): Value {
  const { graph, pixels, seed, stage, purpose, inputs } = context, label = "noisy pixels";
  if (purpose === "replay") {
    return inputs.has("noise") ? add(graph, pixels, graph.input("noise", pixels.width), { label }) : pixels;
  }
  const spec = parseNoiseFlag(noise);
  if (purpose === "encode" || !spec) return pixels;
  const stream = purpose === "test" ? "noise of the test" : `noise of stage ${stage}`; // each stage starts at step 1
  return addNoise(graph, pixels, { label, noise: spec, seed, stream });
}

/**
 * Standard normal noise for a code; undefined if the network's purpose is to encode.
 *
 * ```ts
 * import { codeNoise, type NetworkContext } from "@bottleneck/bottleneck";
 *
 * const epsilon = (context: NetworkContext) => codeNoise(context, 20); // in network() of recipe()
 * ```
 *
 * @param width code size
 * @returns [B, width]
 */
export function codeNoise({ graph, seed, purpose }: NetworkContext, width: number): Value | undefined {
  if (purpose === "encode") return undefined;
  return purpose === "replay"
    ? graph.input("eps", width)
    : standardNormal(graph, width, { label: "noise", seed });
}

/** Parses the value of `--noise`; undefined for `none`. */
export function parseNoiseFlag(text: string): ReturnType<typeof parseNoise> | undefined {
  return text === "none" ? undefined : parseNoise(text);
}

/**
 * Declares `--noise`: `uniform:AMPLITUDE`, `gaussian:DEVIATION`, `mask:SHARE` or `none`.
 *
 * ```ts
 * import { noiseFlag } from "@bottleneck/bottleneck";
 *
 * const flags = { noise: noiseFlag("uniform:1") }; // --noise gaussian:0.3, mask:0.25 or none
 * ```
 */
export function noiseFlag(defaultValue: string): Flag<string> {
  const accepts = (value: unknown): value is string => {
    try {
      return typeof value === "string" && (parseNoiseFlag(value), true);
    } catch {
      return false;
    }
  };
  return {
    ...text(defaultValue, "input noise: uniform:AMPLITUDE, gaussian:DEVIATION, mask:SHARE or none"),
    expected: "uniform:AMPLITUDE or gaussian:DEVIATION (0 or more), mask:SHARE (0 to 1), or none",
    parse: (given) => accepts(given) ? given : undefined,
    accepts,
  };
}

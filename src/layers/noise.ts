/**
 * Additive noise, masking noise and standard normal samples, drawn on the GPU as in `src/random.ts`.
 * @module
 */
import code from "../../shaders/layers/noise.wgsl" with { type: "text" };
import { InputError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import { passGradient } from "../graph/pass_gradient.ts";
import { ACTIVATIONS, padded, type Settings, type Value } from "../graph/tensor.ts";
import { RandomStream, streamKey } from "../random.ts";

const SHADER = { path: "shaders/layers/noise.wgsl", code };
const KINDS: Readonly<Record<NoiseKind, number>> = { uniform: 1, gaussian: 2, mask: 3 };

/** `uniform` adds noise from [0, amount), `gaussian` normal noise of mean 0, `mask` sets elements to 0. */
export type NoiseKind = "uniform" | "gaussian" | "mask";

/** Kind and strength of noise. */
export interface NoiseSpec {
  /** Distribution of the noise. */
  readonly kind: NoiseKind;
  /** Amplitude (at least 0), standard deviation (at least 0), or fraction of elements (0 to 1). */
  readonly amount: number;
}

/** Source of the random numbers, a pure function of seed, stream, the step's draw and the element. */
export interface NoiseSource {
  /** Seed, an integer in [0, 2³²). */
  readonly seed: number;
  /** Name of the stream; the op's label if absent. Equal streams with equal seeds give equal noise. */
  readonly stream?: string;
}

/** Options of {@link addNoise}. */
export interface NoiseOptions extends NoiseSource {
  /** Name in the graph. */
  readonly label: string;
  /** Kind and strength of the noise. */
  readonly noise: NoiseSpec;
}

/** Options of {@link standardNormal}. */
export interface StandardNormalOptions extends NoiseSource {
  /** Name in the graph. */
  readonly label: string;
}

/**
 * Parses the value of a noise flag: `uniform:1`, `gaussian:0.3`, `mask:0.25`.
 *
 * ```ts
 * import { parseNoise } from "@bottleneck/bottleneck/core";
 *
 * const { kind, amount } = parseNoise("gaussian:0.3");
 * if (kind !== "gaussian" || amount !== 0.3) throw new Error("not what was written");
 * ```
 *
 * @throws InputError if the text has another form or the amount is out of range
 */
export function parseNoise(text: string): NoiseSpec {
  const form = /^(uniform|gaussian|mask):(\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)$/i.exec(
    text.trim(),
  );
  if (!form) {
    throw new InputError(
      `Cannot read noise "${text}": expected uniform:AMPLITUDE, gaussian:DEVIATION or mask:SHARE, ` +
        "such as uniform:1, gaussian:0.3 or mask:0.25",
    );
  }
  const spec: NoiseSpec = { kind: form[1].toLowerCase() as NoiseKind, amount: Number(form[2]) };
  const wrong = outOfRange(spec);
  if (wrong) throw new InputError(`Cannot read noise "${text}": ${wrong} but received ${spec.amount}`);
  return spec;
}

/** Describes the expected amount if it is out of range. */
function outOfRange({ kind, amount }: NoiseSpec): string | undefined {
  if (kind === "mask") return amount >= 0 && amount <= 1 ? undefined : "expected a share in [0, 1]";
  if (amount >= 0 && Number.isFinite(Math.fround(amount))) return undefined;
  return `expected ${
    kind === "uniform" ? "an amplitude" : "a standard deviation"
  } of at least 0 within float32's range`;
}

/**
 * Computes the GPU's noise on the CPU: `uniform` and `mask` are bit-exact, `gaussian` agrees to about 1e-6 of
 * the standard deviation. A mask is 0 where an element is set to 0, and 1 elsewhere.
 *
 * @param draw the `draw` of the batch, by default the step's number
 * @returns [rows, width]
 */
export function noiseFor(
  { kind, amount }: NoiseSpec,
  { seed, stream }: Required<NoiseSource>,
  draw: number,
  rows: number,
  width: number,
): Float64Array {
  const random = new RandomStream(seed, stream, draw);
  const bits24 = () => random.nextUint32() >>> 8;
  const a = Math.fround(amount);
  const noise = new Float64Array(rows * width);
  for (let b = 0; b < rows; b++) {
    for (let d = 0; d < padded(width); d += 2) {
      const pair = [bits24(), bits24()];
      let numbers = pair.map((bits) => bits / 2 ** 24);
      if (kind === "uniform") numbers = numbers.map((u) => Math.fround(a * u));
      else if (kind === "mask") numbers = numbers.map((u) => u < a ? 0 : 1);
      else {
        const radius = Math.sqrt(-2 * Math.log((pair[0] + 1) / 2 ** 24));
        const angle = 2 * Math.PI * numbers[1];
        numbers = [a * radius * Math.cos(angle), a * radius * Math.sin(angle)];
      }
      // skips padding, as the GPU does
      for (let k = 0; k < 2 && d + k < width; k++) noise[b * width + d + k] = numbers[k];
    }
  }
  return noise;
}

/**
 * Y = X with new noise at every step. Uniform noise is not centered: its range is [0, amount). See the shader
 * for forward and backward formulas.
 *
 * ```ts
 * import { addNoise, Graph } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4), x = graph.input("x", 3);
 * const noisy = addNoise(graph, x, { label: "noisy", noise: { kind: "gaussian", amount: 0.3 }, seed: 0 });
 * ```
 *
 * @param x [B, width]
 * @returns [B, width]
 * @throws RangeError if the amount is out of range
 */
export function addNoise(
  graph: Graph,
  x: Value,
  { label, noise, seed, stream = label }: NoiseOptions,
): Value {
  const { width } = x;
  const wrong = outOfRange(noise);
  if (wrong) throw new RangeError(`Cannot add noise "${label}": ${wrong} but received ${noise.amount}`);
  const output = graph.value(label, width);
  graph.add({
    op: "noise",
    label,
    inputs: [x],
    parameters: [],
    output,
    attributes: { kind: noise.kind, amount: noise.amount },
    constants: (draw, rows) => noiseFor(noise, { seed, stream }, draw, rows, width),
    forward: () => [{
      label: `${label} forward`,
      shader: SHADER,
      entryPoint: "add_noise",
      constants: { KIND: KINDS[noise.kind] },
      reads: [x.tensor, undefined],
      writes: [output.tensor],
      settings: settingsOf(width, noise, seed, stream),
      invocations: output.tensor.bytes / 16,
      workgroupSize: 64,
    }],
    backward(_target, { inputs: [intoX] }) {
      if (!intoX) return [];
      if (noise.kind !== "mask") return [passGradient(label, output, x, intoX)];
      const { u32, f32 } = settingsOf(width, noise, seed, stream);
      return [{
        label: `${label} backward to ${x.label}`,
        shader: SHADER,
        entryPoint: "mask_backward",
        constants: { KIND: KINDS[noise.kind] },
        reads: [x.tensor, output.gradient],
        writes: [x.gradient],
        settings: {
          u32: { ...u32, activation: ACTIVATIONS[intoX.activation], accumulate: intoX.accumulate },
          f32,
        },
        invocations: x.tensor.bytes / 16,
        workgroupSize: 64,
      }];
    },
  });
  return output;
}

/**
 * Standard normal samples, new at every step, as noise for `reparameterize`. They have no gradient.
 *
 * ```ts
 * import { Graph, standardNormal } from "@bottleneck/bottleneck";
 *
 * const graph = new Graph(4);
 * const epsilon = standardNormal(graph, 20, { label: "epsilon", seed: 0 }); // [4, 20], new at every step
 * ```
 *
 * @param width number of columns
 * @returns [B, width]
 * @throws RangeError if `width` is not a positive integer
 */
export function standardNormal(
  graph: Graph,
  width: number,
  { label, seed, stream = label }: StandardNormalOptions,
): Value {
  const noise: NoiseSpec = { kind: "gaussian", amount: 1 };
  const output = graph.value(label, width);
  graph.add({
    op: "standard normal",
    label,
    inputs: [],
    parameters: [],
    output,
    attributes: {},
    constants: (draw, rows) => noiseFor(noise, { seed, stream }, draw, rows, width),
    forward: () => [{
      label: `${label} forward`,
      shader: SHADER,
      entryPoint: "standard_normal",
      constants: { KIND: KINDS[noise.kind] },
      reads: [undefined, undefined],
      writes: [output.tensor],
      settings: settingsOf(width, noise, seed, stream),
      invocations: output.tensor.bytes / 16,
      workgroupSize: 64,
    }],
    backward: () => [],
  });
  return output;
}

function settingsOf(
  width: number,
  { amount }: NoiseSpec,
  seed: number,
  stream: string,
): Required<Settings> {
  const [word0, word1] = streamKey(seed, stream);
  return {
    u32: { width, seed: word0, stream: word1, activation: 0, accumulate: 0 },
    f32: { amount },
  };
}

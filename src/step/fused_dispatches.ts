/**
 * Dispatches that compute several small layers: a chain of forward passes or of backward passes to inputs, and
 * backward passes to weights.
 * @module
 */
import forwardCode from "../../shaders/layers/dense_chain_forward.wgsl" with { type: "text" };
import backwardCode from "../../shaders/layers/dense_chain_backward.wgsl" with { type: "text" };
import weightCode from "../../shaders/layers/dense_chain_weight.wgsl" with { type: "text" };
import type { Shader } from "../gpu/shader.ts";
import type { DeviceTraits } from "../graph/graph.ts";
import type { Parameter } from "../graph/parameters.ts";
import { chainTile, weightsTile } from "../graph/products.ts";
import { type Dispatch, padded, type Tensor } from "../graph/tensor.ts";

const CHAIN_FORWARD: Shader = { path: "shaders/layers/dense_chain_forward.wgsl", code: forwardCode };
const CHAIN_BACKWARD: Shader = { path: "shaders/layers/dense_chain_backward.wgsl", code: backwardCode };
const CHAIN_WEIGHT: Shader = { path: "shaders/layers/dense_chain_weight.wgsl", code: weightCode };

/** Places of tensors in the arenas of fused dispatches, in bytes. */
export type Places = ReadonlyMap<Tensor, { readonly of: Tensor; readonly offset: number }>;

/** Where the tensors of fused dispatches are. */
export interface Placed {
  readonly gpu: DeviceTraits;
  readonly batchSize: number;
  /** Parameters of the step. */
  readonly parameters: readonly Parameter[];
  readonly places: Places;
  /** Returns the tensor whose memory a tensor shares. */
  memory(tensor: Tensor): Tensor;
}

/** Index of a tensor's first vec4 in its arena; 0 if there is none. */
function placeOf({ parameters, places, memory }: Placed, tensor: Tensor | undefined): number {
  if (!tensor) return 0;
  const parameter = parameters.find((one) => one.tensor === tensor || one.gradient === tensor);
  return (parameter ?? places.get(memory(tensor)) ?? { offset: 0 }).offset / 16;
}

/** A tensor of structs of u32 fields. */
function tableOf(name: string, rows: readonly (readonly number[])[]): Tensor {
  const numbers = Uint32Array.from(rows.flat());
  return { name, bytes: numbers.byteLength, contents: new Float32Array(numbers.buffer) };
}

/**
 * Creates the dispatch of a chain.
 *
 * @param passes forward passes, or backward passes to inputs, in order
 * @param main memory of what they write, and of the inputs or gradients that they read
 * @param values backward: memory of the layers' inputs; absent if no activation needs them
 */
export function chainOf(
  placed: Placed,
  passes: readonly Dispatch[],
  isForward: boolean,
  main: Tensor,
  values: Tensor | undefined,
): Dispatch {
  const { gpu, batchSize, parameters } = placed;
  const tile = chainTile(gpu);
  const links = passes.map((
    { pass, reads: [source, weight, third], writes: [destination], settings: { u32 } },
  ) => [
    ...[u32.inputs, u32.outputs, u32.activation, u32.has_bias, u32.accumulate],
    placeOf(placed, weight) + u32.weight_at, // in the arena of all parameters
    pass === "dense_forward" || pass === "tied_backward_input" ? 0 : 1,
    placeOf(placed, source),
    isForward ? placeOf(placed, third) : 0,
    placeOf(placed, destination),
    isForward || u32.activation === 0 ? 0 : placeOf(placed, third),
  ]);
  const label = rangeOf(passes);
  const { values: weights } = parameters[0].arenas;
  return {
    label,
    shader: isForward ? CHAIN_FORWARD : CHAIN_BACKWARD,
    entryPoint: isForward ? "dense_chain_forward" : "dense_chain_backward",
    constants: { TILE_ROWS: tile.rows, TILE_COLUMNS: tile.columns / 4, ACROSS: tile.across },
    reads: [weights, tableOf(`links of ${label}`, links), ...isForward ? [] : [values]],
    writes: [main],
    settings: { u32: { links: links.length } },
    invocations: tile.across * Math.ceil(batchSize / tile.rows),
    workgroupSize: tile.workgroupSize,
    flop: passes.reduce((sum, { flop = 0 }) => sum + flop, 0),
    fused: passes,
  };
}

/**
 * Creates the dispatch of backward passes to weights.
 *
 * @param passes the passes; of two to one weight, the first is that of a tied layer
 * @param values memory of the layers' inputs
 * @param gradients memory of the gradients of their outputs
 */
export function jobsOf(
  placed: Placed,
  passes: readonly Dispatch[],
  values: Tensor,
  gradients: Tensor,
): Dispatch {
  const { gpu, parameters, places, memory } = placed;
  const { rows, columns } = weightsTile(gpu);
  const isGradient = (tensor: Tensor | undefined) => tensor && places.get(memory(tensor))?.of === gradients;
  const weights = Map.groupBy(
    passes.filter(({ pass }) => pass === "dense_backward_weight"),
    ({ writes: [weight] }) => weight,
  );
  let first = 0;
  const jobs: number[][] = [];
  for (const uses of weights.values()) {
    const tied = uses.find(({ reads }) => isGradient(reads[0]));
    const own = uses.find((use) => use !== tied);
    const { inputs, outputs } = uses[0].settings.u32,
      { has_bias = 0 } = own?.settings.u32 ?? {};
    jobs.push([
      ...[inputs, outputs, has_bias, 0, 0],
      ...[first, 0],
      ...[own ? 1 : 0, placeOf(placed, own?.reads[0]), placeOf(placed, own?.reads[1])],
      ...[tied ? 1 : 0, placeOf(placed, tied?.reads[1]), placeOf(placed, tied?.reads[0])],
      ...[placeOf(placed, uses[0].writes[0]), placeOf(placed, own?.writes[1])],
    ]);
    first += Math.ceil(padded(inputs) / rows) * Math.ceil(padded(outputs) / columns);
  }
  for (const { pass, reads: [, dZ], writes: [, bias], settings: { u32 } } of passes) {
    if (pass !== "dense_backward_bias") continue;
    const { inputs, outputs } = u32;
    jobs.push([
      ...[inputs, outputs, 1, 0, 0],
      ...[first, 1],
      ...[0, 0, placeOf(placed, dZ)],
      ...[0, 0, 0],
      ...[0, placeOf(placed, bias)],
    ]);
    first += padded(outputs) / 4;
  }
  const label = rangeOf(passes);
  return {
    label,
    shader: CHAIN_WEIGHT,
    entryPoint: "dense_chain_weight",
    constants: { TILE_ROWS: rows / 4, TILE_COLUMNS: columns / 4 },
    reads: [values, gradients, tableOf(`jobs of ${label}`, jobs)],
    writes: [parameters[0].arenas.gradients],
    settings: { u32: { jobs: jobs.length } },
    invocations: first,
    flop: passes.reduce((sum, { flop = 0 }) => sum + flop, 0),
    fused: passes,
  };
}

/** Label of a fused dispatch: `encoder.2 … decoder.4 forward`. */
function rangeOf(passes: readonly Dispatch[]): string {
  const [first, last] = [passes[0].label, passes.at(-1)!.label];
  return passes.length === 1 ? first : `${first.split(" ")[0]} … ${last}`;
}

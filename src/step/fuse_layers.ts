/**
 * Fuses small layers: finds dispatches of dense and tied layers that one dispatch can replace.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { productName } from "../gpu/product_kernel.ts";
import type { Graph, Node } from "../graph/graph.ts";
import type { Dispatch, LayerPass, Tensor, Value } from "../graph/tensor.ts";
import { Arenas, type Chain } from "./chain_arenas.ts";
import { chainOf, jobsOf, type Places } from "./fused_dispatches.ts";

/** Dispatches of which some are fused. */
export interface FusedDispatches {
  readonly dispatches: Dispatch[];
  readonly places: Places;
}

/** Number of weights up to which a layer is small: a dispatch of its own costs more than a faster kernel saves. */
const SMALL = 2 ** 13;

const FORWARD: readonly (LayerPass | undefined)[] = ["dense_forward", "tied_forward"];
const TO_INPUT: readonly (LayerPass | undefined)[] = ["dense_backward_input", "tied_backward_input"];
const TO_WEIGHT: readonly (LayerPass | undefined)[] = ["dense_backward_weight", "dense_backward_bias"];

/** A dispatch that stays, or a chain that one dispatch replaces. */
type Item = Dispatch | Chain;

const isChain = (item: Item): item is Chain => "passes" in item;

/**
 * Replaces small dispatches of dense and tied layers by fused ones: forward passes in a row by one dispatch, backward
 * passes to inputs by one, backward passes to weights by one. What is between two layers, such as an op of the
 * user's, ends a chain if it reads what the chain writes. Results are those of the register kernels to the bit.
 *
 * With `auto` kernels, layers of at most {@link SMALL} weights are fused if there are two or more; with
 * `fused`, all that can be; with other kinds, none.
 *
 * @param gpu the device that the step is compiled for
 * @param used the step's nodes
 * @param frozenValues values that are uploaded instead of computed
 * @param dispatches the forward and the backward pass, in order
 */
export function fuseLayers(
  gpu: Gpu,
  graph: Graph,
  used: readonly Node[],
  frozenValues: readonly Value[],
  dispatches: readonly Dispatch[],
): FusedDispatches {
  const { kernels } = gpu;
  if (kernels.kind !== "auto" && kernels.kind !== "fused") {
    return { dispatches: [...dispatches], places: new Map() };
  }
  const isForced = kernels.kind === "fused", least = isForced ? 1 : 2;
  const isSmall = ({ pass, product, kernel, settings: { u32: { inputs, outputs } } }: Dispatch) =>
    pass !== undefined && (isForced ||
      inputs * outputs <= SMALL && kernel?.kind !== "texture" &&
        !(product && kernels.tuned?.get(productName(product))));
  const frozen = new Set(frozenValues.map(({ tensor }) => tensor));
  const memory = (tensor: Tensor): Tensor =>
    tensor.sameAs && !frozen.has(tensor) ? memory(tensor.sameAs) : tensor;

  const single = new Set<Dispatch>(); // small passes that cannot be in a chain
  for (;;) {
    const items = findChains(dispatches, (dispatch) => isSmall(dispatch) && !single.has(dispatch), memory);
    const chains = items.filter(isChain).filter(({ passes }) => passes.length >= least);
    const arenas = new Arenas(chains, memory);
    const weights = groupWeights(dispatches, used, isSmall, arenas, memory)
      .filter(({ passes }) => passes.length >= least);
    const fused = new Set([...arenas.chains, ...weights].flatMap(({ passes }) => passes));
    const others = dispatches.filter((dispatch) => !fused.has(dispatch));
    const refused = arenas.refused(chains, others, gpu.bufferBytes);
    if (refused.length > 0) {
      for (const { passes } of refused) for (const pass of passes) single.add(pass);
      continue;
    }
    const { places } = arenas, parameters = used.flatMap(({ parameters }) => parameters);
    const placed = { gpu, batchSize: graph.batchSize, parameters, places, memory };
    return {
      dispatches: [
        ...items.flatMap((item) => {
          if (!isChain(item)) return fused.has(item) ? [] : [item];
          const { main, values } = arenas.of(item) ?? {};
          return main ? [chainOf(placed, item.passes, item.isForward, main, values)] : item.passes;
        }),
        ...weights.map(({ passes, values, gradients }) => jobsOf(placed, passes, values, gradients)),
      ],
      places,
    };
  }
}

/**
 * Collects chains: each small pass joins the last chain of its direction if nothing behind that chain has to come before
 * it.
 */
function findChains(
  dispatches: readonly Dispatch[],
  canJoin: (dispatch: Dispatch) => boolean,
  memory: (tensor: Tensor) => Tensor,
): Item[] {
  const items: Item[] = [];
  const touched = (item: Item, by: "reads" | "writes") =>
    (isChain(item) ? item.passes : [item]).flatMap((dispatch) => present(dispatch[by], memory));
  for (const dispatch of dispatches) {
    const isForward = FORWARD.includes(dispatch.pass);
    if (!isForward && !TO_INPUT.includes(dispatch.pass) || !canJoin(dispatch)) {
      items.push(dispatch);
      continue;
    }
    const at = items.findLastIndex((item) => isChain(item) && item.isForward === isForward);
    const chain = items[at];
    const own = touched(dispatch, "writes"), needed = [...touched(dispatch, "reads"), ...own];
    const isFree = items.slice(at + 1).every((item) =>
      !touched(item, "writes").some((tensor) => needed.includes(tensor)) &&
      !touched(item, "reads").some((tensor) => own.includes(tensor))
    );
    if (chain && isChain(chain) && isFree) chain.passes.push(dispatch);
    else items.push({ isForward, passes: [dispatch] });
  }
  return items;
}

/** Small passes to weights whose operands are in the same two buffers. */
interface WeightGroup {
  passes: Dispatch[];
  readonly values: Tensor;
  readonly gradients: Tensor;
}

/**
 * Groups the small passes to weights. All writers of a gradient must be in one group: one layer, or a tied layer and then
 * the layer that owns the weight.
 */
function groupWeights(
  dispatches: readonly Dispatch[],
  used: readonly Node[],
  isSmall: (dispatch: Dispatch) => boolean,
  arenas: Arenas,
  memory: (tensor: Tensor) => Tensor,
): WeightGroup[] {
  const gradientsOf = new Set(used.flatMap(({ output }) => output ? [memory(output.gradient)] : []));
  const isTied = ({ reads }: Dispatch) => gradientsOf.has(present(reads, memory)[0]);
  const groups: WeightGroup[] = [];
  for (const dispatch of dispatches) {
    if (!TO_WEIGHT.includes(dispatch.pass) || !isSmall(dispatch)) continue;
    const [left, right] = present(dispatch.reads, memory);
    const [x, dZ] = isTied(dispatch) ? [right, left] : [left, right];
    const values = arenas.places.get(x)?.of, gradients = arenas.places.get(dZ)?.of;
    if (!values || !gradients || values === gradients || !gradientsOf.has(dZ)) continue;
    const known = groups.find((group) => group.values === values && group.gradients === gradients);
    if (known) known.passes.push(dispatch);
    else groups.push({ passes: [dispatch], values, gradients });
  }
  const isWhole = (group: WeightGroup) => (pass: Dispatch) =>
    present(pass.writes, memory).every((gradient) => {
      const writers = dispatches.filter(({ writes }) => present(writes, memory).includes(gradient));
      return writers.every((writer) => group.passes.includes(writer)) &&
        (writers.length === 1 || writers.length === 2 && isTied(writers[0]) && !isTied(writers[1]));
    });
  for (const group of groups) { // a pass that leaves may take others with it
    while (!group.passes.every(isWhole(group))) group.passes = group.passes.filter(isWhole(group));
  }
  return groups;
}

/** The memory of tensors, without absent ones. */
function present(
  tensors: readonly (Tensor | undefined)[],
  memory: (tensor: Tensor) => Tensor,
): Tensor[] {
  return tensors.flatMap((tensor) => tensor ? [memory(tensor)] : []);
}

/**
 * Fuses small layers: finds dispatches of dense and tied layers that one dispatch can replace, and the tensors that
 * it must have in one buffer.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import { productName } from "../gpu/product_kernel.ts";
import type { Graph, Node } from "../graph/graph.ts";
import type { Dispatch, LayerPass, Tensor, Value } from "../graph/tensor.ts";
import { SLOT_ALIGNMENT } from "../graph/parameters.ts";
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

/** Tensors of the values, or of the gradients, of a chain: one buffer, as a layer reads what another one wrote. */
class Arena {
  readonly offsets: Map<Tensor, number> = new Map();
  bytes = 0;

  add(tensor: Tensor): void {
    if (this.offsets.has(tensor)) return;
    this.offsets.set(tensor, this.bytes);
    this.bytes += Math.ceil(tensor.bytes / SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
  }
}

/** Dispatches that one dispatch replaces. */
interface Group {
  readonly passes: readonly (LayerPass | undefined)[];
  members: Dispatch[];
}

const isGroup = (item: Dispatch | Group): item is Group => "members" in item;

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
  const frozen = new Set(frozenValues.map(({ tensor }) => tensor));
  /** The tensor whose memory a tensor shares. */
  const memory = (tensor: Tensor): Tensor =>
    tensor.sameAs && !frozen.has(tensor) ? memory(tensor.sameAs) : tensor;
  const present = (tensors: readonly (Tensor | undefined)[]) =>
    tensors.flatMap((tensor) => tensor ? [memory(tensor)] : []);
  const reads = (item: Dispatch | Group) =>
    isGroup(item) ? item.members.flatMap(({ reads }) => present(reads)) : present(item.reads);
  const writes = (item: Dispatch | Group) =>
    isGroup(item) ? item.members.flatMap(({ writes }) => present(writes)) : present(item.writes);
  const isSmall = ({ pass, product, kernel, settings: { u32: { inputs, outputs } } }: Dispatch) =>
    pass !== undefined && (isForced ||
      inputs * outputs <= SMALL && kernel?.kind !== "texture" &&
        !(product && kernels.tuned?.get(productName(product))));

  /** Plans without the passes in `single`; tries again with more of them if an arena would be bound twice. */
  function plan(single: ReadonlySet<Dispatch>): FusedDispatches {
    const items: (Dispatch | Group)[] = [];
    for (const dispatch of dispatches) {
      const passes = [FORWARD, TO_INPUT].find((passes) => passes.includes(dispatch.pass));
      if (!passes || single.has(dispatch) || !isSmall(dispatch)) {
        items.push(dispatch);
        continue;
      }
      const at = items.findLastIndex((item) => isGroup(item) && item.passes === passes);
      const [own, needed] = [writes(dispatch), [...reads(dispatch), ...writes(dispatch)]];
      const isFree = items.slice(at + 1).every((item) =>
        !writes(item).some((tensor) => needed.includes(tensor)) &&
        !reads(item).some((tensor) => own.includes(tensor))
      );
      if (at >= 0 && isFree) (items[at] as Group).members.push(dispatch);
      else items.push({ passes, members: [dispatch] });
    }
    const chains = items.filter(isGroup).filter(({ members }) => members.length >= least);

    // arenas: what a layer reads of another one and what it writes
    const arenas: Arena[] = [], without = new Set(single);
    const arenaWith = (tensor: Tensor) => arenas.find(({ offsets }) => offsets.has(tensor));
    const chainArenas = new Map<Group, { readonly main: Arena; readonly values: Arena | undefined }>();
    for (const chain of chains) {
      const main = new Arena(), isForward = chain.passes === FORWARD;
      const inside = chain.members.flatMap((member) => present([member.reads[0], member.writes[0]]));
      const xs = isForward
        ? []
        : chain.members.flatMap((member) =>
          member.settings.u32.activation === 0 ? [] : present([member.reads[2]])
        );
      const values = xs.map(arenaWith).find((arena) => arena !== undefined) ??
        (xs.length > 0 ? new Arena() : undefined);
      const canPlace = inside.every((tensor) => !tensor.location && !tensor.contents && !arenaWith(tensor)) &&
        xs.every((x) =>
          !x.location && !x.contents && !inside.includes(x) && (arenaWith(x) ?? values) === values
        );
      if (!canPlace) {
        for (const member of chain.members) without.add(member);
        continue;
      }
      for (const tensor of inside) main.add(tensor);
      for (const x of xs) values?.add(x);
      arenas.push(main);
      if (values && !arenas.includes(values)) arenas.push(values);
      chainArenas.set(chain, { main, values });
    }
    if (without.size > single.size) return plan(without);

    const jobs = weightGroups(items, arenaWith);
    const fusedJobs = new Set(jobs.flatMap(({ members }) => members));
    const arenaTensors = new Map(arenas.map((arena): [Arena, Tensor] => [
      arena,
      { name: nameOf(arena), bytes: arena.bytes },
    ]));
    const places: Places = new Map(
      arenas.flatMap((arena) =>
        [...arena.offsets].map(([tensor, offset]) =>
          [tensor, { of: arenaTensors.get(arena)!, offset }] as const
        )
      ),
    );

    // no other dispatch may read and write one buffer
    for (
      const item of items.flatMap((item) => isGroup(item) && !chainArenas.has(item) ? item.members : [item])
    ) {
      if (isGroup(item) || fusedJobs.has(item)) continue;
      const [read, written] = [reads(item), writes(item)].map((tensors) =>
        new Set(tensors.flatMap((tensor) => arenaWith(tensor) ?? []))
      );
      for (const arena of written) {
        if (!read.has(arena)) continue;
        const owner = chains.find((chain) => chainArenas.get(chain)?.main === arena) ??
          chains.find((chain) => chainArenas.get(chain)?.values === arena)!;
        return plan(new Set([...single, ...owner.members]));
      }
    }
    const tooLarge = arenas.find(({ bytes }) => bytes > gpu.bufferBytes);
    if (tooLarge) {
      const owners = chains.filter((chain) => Object.values(chainArenas.get(chain)!).includes(tooLarge));
      return plan(new Set([...single, ...owners.flatMap(({ members }) => members)]));
    }

    const parameters = used.flatMap(({ parameters }) => parameters);
    const placed = { gpu, batchSize: graph.batchSize, parameters, places, memory };
    return {
      dispatches: [
        ...items.flatMap((item) => {
          if (!isGroup(item)) return fusedJobs.has(item) ? [] : [item];
          const own = chainArenas.get(item);
          if (!own) return item.members;
          const values = own.values && arenaTensors.get(own.values);
          return [
            chainOf(placed, item.members, item.passes === FORWARD, arenaTensors.get(own.main)!, values),
          ];
        }),
        ...jobs.map(({ members, values, gradients }) =>
          jobsOf(placed, members, arenaTensors.get(values)!, arenaTensors.get(gradients)!)
        ),
      ],
      places,
    };
  }

  /** Groups the small passes to weights whose operands are in the same two arenas. */
  function weightGroups(
    items: readonly (Dispatch | Group)[],
    arenaWith: (tensor: Tensor) => Arena | undefined,
  ): { members: Dispatch[]; values: Arena; gradients: Arena }[] {
    const gradientsOf = new Set(used.flatMap(({ output }) => output ? [memory(output.gradient)] : []));
    const candidates = items.flatMap((item) => isGroup(item) || !TO_WEIGHT.includes(item.pass) ? [] : [item]);
    const groups: { members: Dispatch[]; values: Arena; gradients: Arena }[] = [];
    for (const item of candidates.filter(isSmall)) {
      const [left, right] = present(item.reads);
      const [x, dZ] = gradientsOf.has(left) ? [right, left] : [left, right];
      const [values, gradients] = [arenaWith(x), arenaWith(dZ)];
      if (!values || !gradients || values === gradients || !gradientsOf.has(dZ)) continue;
      const known = groups.find((group) => group.values === values && group.gradients === gradients);
      if (known) known.members.push(item);
      else groups.push({ members: [item], values, gradients });
    }
    // All writers of a gradient must be in one group: at most a tied layer, and then the layer that owns the weight.
    for (let changed = true; changed;) {
      changed = false;
      for (const group of groups) {
        const stays = group.members.filter((member) =>
          present(member.writes).every((gradient) => {
            const writers = candidates.filter(({ writes }) => present(writes).includes(gradient));
            const isTied = writers.map(({ reads }) => gradientsOf.has(present(reads)[0]));
            return writers.every((writer) => group.members.includes(writer)) &&
              (writers.length === 1 || writers.length === 2 && isTied[0] && !isTied[1]);
          })
        );
        changed ||= stays.length < group.members.length;
        group.members = stays;
      }
    }
    return groups.filter(({ members }) => members.length >= least);
  }

  return plan(new Set());
}

/** Name of an arena in plans: of its first and last tensor. */
function nameOf({ offsets }: Arena): string {
  const names = [...offsets.keys()].map(({ name }) => name);
  return names.length === 1 ? `memory of ${names[0]}` : `${names[0]} … ${names.at(-1)}`;
}

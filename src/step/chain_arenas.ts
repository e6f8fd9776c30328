/**
 * Memory of chains: the values of a forward chain, and the gradients of a backward chain, lie in one buffer each, as a
 * layer reads there what another one wrote.
 * @module
 */
import { SLOT_ALIGNMENT } from "../graph/parameters.ts";
import type { Dispatch, Tensor } from "../graph/tensor.ts";
import type { Places } from "./fused_dispatches.ts";

/** Passes that one dispatch replaces: forward passes, or backward passes to inputs. */
export interface Chain {
  readonly isForward: boolean;
  readonly passes: Dispatch[];
}

/** Buffers of a chain. */
interface ChainArenas {
  /** What it writes, and the inputs or gradients that it reads. */
  readonly main: Tensor;
  /** Backward: the layers' inputs, for f'; absent if no activation needs them. */
  readonly values: Tensor | undefined;
}

/** A buffer that grows with the tensors in it, and is named after the first and the last. */
interface Arena extends Tensor {
  name: string;
  bytes: number;
}

/** Buffers of the chains of a step, and the tensors in them. */
export class Arenas {
  readonly #places: Map<Tensor, { readonly of: Arena; readonly offset: number }> = new Map();
  readonly #of: Map<Chain, ChainArenas> = new Map();
  readonly #memory: (tensor: Tensor) => Tensor;

  /**
   * Places the tensors of chains. A chain whose tensors cannot be in one buffer has none.
   *
   * @param memory returns the tensor whose memory a tensor shares
   */
  constructor(chains: readonly Chain[], memory: (tensor: Tensor) => Tensor) {
    this.#memory = memory;
    for (const chain of chains) this.#place(chain);
  }

  /** Tensors in the buffers, and where. */
  get places(): Places {
    return this.#places;
  }

  /** The chains that have buffers. */
  get chains(): Chain[] {
    return [...this.#of.keys()];
  }

  /** The buffers of a chain, if it has any. */
  of(chain: Chain): ChainArenas | undefined {
    return this.#of.get(chain);
  }

  /**
   * Chains that must not be fused: those without buffers, those whose buffers are too large, and those with a buffer that
   * another dispatch would both read and write, which WebGPU does not allow.
   *
   * @param chains all chains
   * @param others the dispatches that are not fused
   * @param most size of the largest buffer in bytes
   */
  refused(chains: readonly Chain[], others: readonly Dispatch[], most: number): Chain[] {
    const without = chains.filter((chain) => !this.#of.has(chain));
    if (without.length > 0) return without;
    const arenasOf = (tensors: Dispatch["reads"]) =>
      tensors.flatMap((tensor) => (tensor && this.#places.get(this.#memory(tensor))?.of) ?? []);
    const bad = new Set(others.flatMap(({ reads, writes }) => {
      const read = arenasOf(reads);
      return arenasOf(writes).filter((arena) => read.includes(arena));
    }));
    return chains.filter((chain) => {
      const { main, values } = this.#of.get(chain)!;
      return [main, values].some((arena) => arena && (bad.has(arena) || arena.bytes > most));
    });
  }

  #place(chain: Chain): void {
    const memory = this.#memory, { isForward, passes } = chain;
    const inside = passes.flatMap(({ reads: [source], writes: [destination] }) =>
      [source, destination].flatMap((tensor) => tensor ? [memory(tensor)] : [])
    );
    const xs = isForward
      ? []
      : passes.flatMap(({ reads: [, , x], settings }) =>
        x && settings.u32.activation !== 0 ? [memory(x)] : []
      );
    const placedXs = new Set(xs.flatMap((x) => this.#places.get(x)?.of ?? []));
    const canPlace = (tensor: Tensor) => !tensor.location && !tensor.contents;
    if (
      !inside.every((tensor) => canPlace(tensor) && !this.#places.has(tensor)) || placedXs.size > 1 ||
      !xs.every((x) => canPlace(x) && !inside.includes(x))
    ) return;
    const main = this.#add({ name: "", bytes: 0 }, inside);
    const [known] = placedXs;
    const values = xs.length > 0 ? this.#add(known ?? { name: "", bytes: 0 }, xs) : undefined;
    this.#of.set(chain, { main, values });
  }

  /** Adds tensors to a buffer. */
  #add(arena: Arena, tensors: readonly Tensor[]): Tensor {
    for (const tensor of tensors) {
      if (this.#places.has(tensor)) continue;
      this.#places.set(tensor, { of: arena, offset: arena.bytes });
      arena.bytes += Math.ceil(tensor.bytes / SLOT_ALIGNMENT) * SLOT_ALIGNMENT;
      arena.name = arena.name === "" ? tensor.name : `${arena.name.split(" … ")[0]} … ${tensor.name}`;
    }
    return arena;
  }
}

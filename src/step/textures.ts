/**
 * Plans the copies of a step's tensors into textures.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { Stretch } from "../gpu/texture.ts";
import type { Dispatch, Tensor } from "../graph/tensor.ts";

/** A copy of a range of a buffer into a texture. */
export interface TextureCopy {
  /** Tensor to copy. */
  readonly tensor: Tensor;
  /** The tensor's range of its buffer. */
  readonly from: Stretch;
  /** Destination, freed with the step. */
  readonly texture: GPUTexture;
}

/** The textures of a step. */
export interface StepTextures {
  readonly all: readonly GPUTexture[];
  /** Copies to make before each dispatch. */
  readonly copies: readonly (readonly TextureCopy[])[];
  /** Returns the texture of a tensor that has one. */
  of(tensor: Tensor | undefined): GPUTexture;
}

/**
 * Creates a texture for each tensor that a dispatch reads as one, and plans its copy directly after the last
 * write. A tensor that the step has not written before, such as a weight, is copied first.
 *
 * @param gpu the device that creates the textures
 * @param dispatches a step's dispatches, in order
 * @param place returns the memory of a tensor
 */
export function planTextures(
  gpu: Gpu,
  dispatches: readonly Dispatch[],
  place: (tensor: Tensor | undefined) => Stretch,
): StepTextures {
  const textures: (TextureCopy & { before: number })[] = [];
  const copies: TextureCopy[][] = dispatches.map(() => []);
  const find = (tensor: Tensor | undefined) => {
    const { buffer, offset } = place(tensor);
    return textures.find(({ from }) => from.buffer === buffer && from.offset === offset);
  };
  for (const [at, { reads, textures: count = 0 }] of dispatches.entries()) {
    for (const tensor of reads.slice(0, count) as readonly Tensor[]) {
      const from = place(tensor);
      const before = 1 +
        dispatches.slice(0, at).findLastIndex(({ writes }) =>
          writes.some((written) => written && overlap(place(written), from))
        );
      let texture = find(tensor);
      if (texture && texture.before >= before) continue;
      if (!texture) {
        texture = {
          from,
          tensor,
          texture: gpu.createTexture(`texture of ${tensor.name}`, from.size),
          before,
        };
        textures.push(texture);
      }
      texture.before = before;
      copies[before].push(texture);
    }
  }
  return { all: textures.map(({ texture }) => texture), copies, of: (tensor) => find(tensor)!.texture };
}

function overlap(a: Stretch, b: Stretch): boolean {
  return a.buffer === b.buffer && a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

/**
 * Which tensors of a step are copied into textures, and when.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { Stretch } from "../gpu/texture.ts";
import type { Dispatch, Tensor } from "./tensor.ts";

/** A copy of a stretch of a buffer into the texture that shaders read it from. */
export interface TextureCopy {
  /** What lies there. */
  readonly tensor: Tensor;
  /** What is copied. */
  readonly from: Stretch;
  /** Where to. */
  readonly texture: GPUTexture;
}

/** The textures of a step. */
export interface StepTextures {
  /** All of them. */
  readonly all: readonly GPUTexture[];
  /** What is copied before each dispatch. */
  readonly copies: readonly (readonly TextureCopy[])[];
  /** The texture of a tensor that a dispatch reads as one. */
  of(tensor: Tensor | undefined): GPUTexture;
}

/**
 * Makes a texture of each tensor that a dispatch reads as one, and copies it there right behind its last writer: what no
 * dispatch writes earlier in the step, such as a weight, before the first dispatch.
 *
 * @param gpu where textures are made
 * @param dispatches a step's dispatches, in order
 * @param place where a tensor lies
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

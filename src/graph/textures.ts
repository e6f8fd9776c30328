/**
 * Which tensors of a step are copied into images, and when.
 * @module
 */
import type { Gpu } from "../gpu/device.ts";
import type { Stretch } from "../gpu/texture.ts";
import type { Dispatch, Tensor } from "./tensor.ts";

/** A copy of a stretch of a buffer into the image that shaders read it from. */
export interface ImageCopy {
  /** What lies there. */
  readonly tensor: Tensor;
  /** What is copied. */
  readonly from: Stretch;
  /** Where to. */
  readonly image: GPUTexture;
}

/** The images of a step. */
export interface StepImages {
  /** All of them. */
  readonly all: readonly GPUTexture[];
  /** What is copied before each dispatch. */
  readonly copies: readonly (readonly ImageCopy[])[];
  /** The image of a tensor that a dispatch reads as one. */
  of(tensor: Tensor | undefined): GPUTexture;
}

/**
 * Makes an image of each tensor that a dispatch reads as one, and copies it there right behind its last writer: what no
 * dispatch writes earlier in the step, such as a weight, before the first dispatch.
 *
 * @param gpu where images are made
 * @param dispatches a step's dispatches, in order
 * @param place where a tensor lies
 */
export function planImages(
  gpu: Gpu,
  dispatches: readonly Dispatch[],
  place: (tensor: Tensor | undefined) => Stretch,
): StepImages {
  const images: (ImageCopy & { before: number })[] = [];
  const copies: ImageCopy[][] = dispatches.map(() => []);
  const find = (tensor: Tensor | undefined) => {
    const { buffer, offset } = place(tensor);
    return images.find(({ from }) => from.buffer === buffer && from.offset === offset);
  };
  for (const [at, { reads, images: count = 0 }] of dispatches.entries()) {
    for (const tensor of reads.slice(0, count) as readonly Tensor[]) {
      const from = place(tensor);
      const before = 1 +
        dispatches.slice(0, at).findLastIndex(({ writes }) =>
          writes.some((written) => written && overlap(place(written), from))
        );
      let image = find(tensor);
      if (image && image.before >= before) continue;
      if (!image) {
        image = { from, tensor, image: gpu.createImage(`image of ${tensor.name}`, from.size), before };
        images.push(image);
      }
      image.before = before;
      copies[before].push(image);
    }
  }
  return { all: images.map(({ image }) => image), copies, of: (tensor) => find(tensor)!.image };
}

function overlap(a: Stretch, b: Stretch): boolean {
  return a.buffer === b.buffer && a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

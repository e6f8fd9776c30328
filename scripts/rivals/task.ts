// What every entrant of the comparison is given: a network, its first parameters, batches, and noise. It is plain JSON,
// as PyTorch's process gets it too.

/** Pixels of an image. */
export const WIDTH = 784;

/** One dense layer: f(X·Wᵀ + bias), or f(X·W + bias) if it is tied to a weight of the encoder. */
export interface TaskLayer {
  /** The parameter W, [outputs, inputs] as in PyTorch. */
  readonly weight: string;
  /** The parameter that is added, if there is one. */
  readonly bias: string | null;
  /** Whether W is read the other way round. */
  readonly tied: boolean;
  /** f. */
  readonly activation: "identity" | "sigmoid" | "tanh" | "relu";
}

/** A training step, complete. */
export interface Task {
  /** Which one. */
  readonly model: string;
  /** Its layers in order; of a variational network the second and third both read the first. */
  readonly layers: readonly TaskLayer[];
  /** Whether it samples its code, and has cross-entropy and KL for a loss, both summed; else squared errors. */
  readonly isVariational: boolean;
  /** Whether squared errors are summed over the batch, instead of averaged over its elements. */
  readonly isSum: boolean;
  /** What is subtracted from every pixel before all else; the difference is the target. */
  readonly shift: number;
  /** B. */
  readonly batchSize: number;
  /** Adam's step size; the rest of Adam is PyTorch's default. */
  readonly learningRate: number;
  /** First values by name: the shape, and float32 in base64. */
  readonly parameters: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: string }>>;
  /** Batches [B, 784] that are taken in turn: bytes in base64. A pixel is its byte / 255. */
  readonly batches: readonly string[];
  /** The code's noise [B, code] in the compared steps, float32 in base64; empty for a network without. */
  readonly noise: readonly string[];
}

/** Batch `k` as floats [B, 784] in [0, 1]. */
export function pixelsOf(task: Task, k: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(Uint8Array.fromBase64(task.batches[k]), (byte) => byte / 255);
}

/** The floats of a base64 text. */
export function floatsOf(base64: string): Float32Array<ArrayBuffer> {
  return new Float32Array(Uint8Array.fromBase64(base64).buffer);
}

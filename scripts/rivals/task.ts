// Task of the comparison, the same for every entrant: network, initial parameters, batches and noise. Plain JSON, as
// PyTorch's process reads it too.

/** Pixels of an image. */
export const WIDTH = 784;

/** One dense layer: f(X·Wᵀ + bias), or f(X·W + bias) if it is tied to a weight of the encoder. */
export interface TaskLayer {
  /** Name of the parameter W, [outputs, inputs] as in PyTorch. */
  readonly weight: string;
  /** Name of the bias; null if there is none. */
  readonly bias: string | null;
  /** True if W is used transposed. */
  readonly tied: boolean;
  /** Activation function f. */
  readonly activation: "identity" | "sigmoid" | "tanh" | "relu";
}

/** A complete training step. */
export interface Task {
  /** Name of the model. */
  readonly model: string;
  /** Layers in order; in a variational network the second and third both read the first. */
  readonly layers: readonly TaskLayer[];
  /** True for a sampled code with summed cross-entropy and KL as the loss; false for squared errors. */
  readonly isVariational: boolean;
  /** True if squared errors are summed over the batch; false if averaged over its elements. */
  readonly isSum: boolean;
  /** Constant subtracted from every pixel, in the input and in the target. */
  readonly shift: number;
  /** Images per batch, B. */
  readonly batchSize: number;
  /** Learning rate of Adam; its other options are PyTorch's defaults. */
  readonly learningRate: number;
  /** Initial values by name: shape, and float32 data in base64. */
  readonly parameters: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: string }>>;
  /** Batches [B, 784], used in turn: bytes in base64, pixel = byte / 255. */
  readonly batches: readonly string[];
  /** Noise of the code [B, code] in the compared steps, float32 in base64; empty without a sampled code. */
  readonly noise: readonly string[];
}

/** Decodes batch `k` to floats [B, 784] in [0, 1]. */
export function pixelsOf(task: Task, k: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(Uint8Array.fromBase64(task.batches[k]), (byte) => byte / 255);
}

/** Decodes base64 to floats. */
export function floatsOf(base64: string): Float32Array<ArrayBuffer> {
  return new Float32Array(Uint8Array.fromBase64(base64).buffer);
}

/**
 * Specification of the dense layer, in float64 and plain loops.
 * @module
 */

/** Activation f of a dense layer. */
export type Activation = "identity" | "sigmoid" | "tanh" | "relu";

/** f(z). */
export function activate(activation: Activation, z: number): number {
  switch (activation) {
    case "identity":
      return z;
    case "sigmoid":
      return 1 / (1 + Math.exp(-z));
    case "tanh":
      return Math.tanh(z);
    case "relu":
      return z <= 0 ? 0 : z;
  }
}

/** f'(z) as a function of y = f(z); 0 at ReLU's kink. */
export function activationDerivative(activation: Activation, y: number): number {
  switch (activation) {
    case "identity":
      return 1;
    case "sigmoid":
      return y * (1 - y);
    case "tanh":
      return 1 - y * y;
    case "relu":
      return y > 0 ? 1 : 0;
  }
}

/**
 * Y[b,o] = f( Σ_i X[b,i]·W[o,i] + bias[o] ).
 *
 * @param x [rows, inputs]
 * @param weight [outputs, inputs], as in PyTorch
 * @param bias [outputs], or undefined for none
 * @param activation f
 * @param rows B
 * @param inputs I
 * @param outputs O
 * @returns Y [rows, outputs]
 */
export function denseForward(
  x: Float64Array,
  weight: Float64Array,
  bias: Float64Array | undefined,
  activation: Activation,
  rows: number,
  inputs: number,
  outputs: number,
): Float64Array {
  const y = new Float64Array(rows * outputs);
  for (let b = 0; b < rows; b++) {
    for (let o = 0; o < outputs; o++) {
      let z = bias ? bias[o] : 0;
      for (let i = 0; i < inputs; i++) z += x[b * inputs + i] * weight[o * inputs + i];
      y[b * outputs + o] = activate(activation, z);
    }
  }
  return y;
}

/** Gradients of a dense layer. */
export interface DenseGradients {
  /** [rows, inputs] */
  readonly dX: Float64Array;
  /** [outputs, inputs] */
  readonly dWeight: Float64Array;
  /** [outputs] */
  readonly dBias: Float64Array;
}

/**
 * dZ = dY · f'(z); dX[b,i] = Σ_o dZ[b,o]·W[o,i]; dW[o,i] = Σ_b dZ[b,o]·X[b,i]; dbias[o] = Σ_b dZ[b,o].
 *
 * @param x [rows, inputs]
 * @param weight [outputs, inputs]
 * @param y [rows, outputs], the result of {@link denseForward}
 * @param dY [rows, outputs], the gradient of Y
 * @param activation f
 * @param rows B
 * @param inputs I
 * @param outputs O
 */
export function denseBackward(
  x: Float64Array,
  weight: Float64Array,
  y: Float64Array,
  dY: Float64Array,
  activation: Activation,
  rows: number,
  inputs: number,
  outputs: number,
): DenseGradients {
  const dX = new Float64Array(rows * inputs);
  const dWeight = new Float64Array(outputs * inputs);
  const dBias = new Float64Array(outputs);
  for (let b = 0; b < rows; b++) {
    for (let o = 0; o < outputs; o++) {
      const dZ = dY[b * outputs + o] * activationDerivative(activation, y[b * outputs + o]);
      dBias[o] += dZ;
      for (let i = 0; i < inputs; i++) {
        dX[b * inputs + i] += dZ * weight[o * inputs + i];
        dWeight[o * inputs + i] += dZ * x[b * inputs + i];
      }
    }
  }
  return { dX, dWeight, dBias };
}
